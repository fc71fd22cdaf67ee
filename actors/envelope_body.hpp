// What envelopes say: a struct per kind and its msgpack map. All fields of version 1 are required; fields that later
// versions add are skipped here and must be optional there. Reading allocates no more than the body is long.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "actors/envelope.hpp"
#include "cluster/node_event.hpp"
#include "cluster/node_load.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::actors {

/// `hello` and `welcome`.
struct introduction {
  uuid node;
  std::string name;  ///< at most 255 bytes
  bool operator==(const introduction&) const = default;
};

/// `refused`.
struct refusal {
  errc code = errc::refused;
  std::string what;  ///< at most 1,024 bytes; cut when encoded
  bool operator==(const refusal&) const = default;
};

struct spawn_request {
  std::uint64_t request = 0;  ///< chosen by the sender, repeated in the answer
  uuid function;
  std::uint64_t version = 0;
  std::uint64_t number = 0;       ///< of the order of the function's home; 0: no order, but one instance is to start
  cluster::instance_band band{};  ///< of an order
  bool operator==(const spawn_request&) const = default;
};

struct reply_body {
  std::uint64_t request = 0;
  std::uint8_t code = 0;  ///< 0: done; else an errc
  std::string what;       ///< at most 1,024 bytes; cut when encoded
  bool operator==(const reply_body&) const = default;
};

/// `function_started` and `function_failed`.
struct function_report {
  uuid function;
  std::uint64_t version = 0;
  std::uint8_t code = 0;  ///< 0 when started
  std::string what;       ///< at most 1,024 bytes; cut when encoded
  bool operator==(const function_report&) const = default;
};

/// `drain_notice`.
struct drain_notice_body {
  cluster::serving_state state = cluster::serving_state::draining;
  bool operator==(const drain_notice_body&) const = default;
};

struct events_request_body {
  std::uint64_t request = 0;
  uuid function;            ///< whose log is read; nil: what happened to the node
  std::uint64_t after = 0;  ///< events with larger sequence numbers
  std::uint32_t limit = 0;  ///< at most so many
  bool operator==(const events_request_body&) const = default;
};

struct events_body {
  std::uint64_t request = 0;
  cluster::event_page page;
  bool operator==(const events_body&) const = default;
};

std::string encode(const introduction& body);
std::string encode(const refusal& body);
std::string encode(const cluster::load_report& body);
std::string encode(const spawn_request& body);
std::string encode(const reply_body& body);
std::string encode(const function_report& body);
std::string encode(const drain_notice_body& body);
std::string encode(const events_request_body& body);
/// Events that do not fit into an envelope are left out from the end, and `more` is set.
std::string encode(const events_body& body);
/// `status_request`: a map without fields.
std::string encode_nothing();

/// @returns the body, or `errc::corrupt` with what is wrong with it. `decode<cluster::load_report>(body)`.
template <class Body>
expected<Body> decode(std::string_view body);
template <>
expected<introduction> decode(std::string_view body);
template <>
expected<refusal> decode(std::string_view body);
template <>
expected<cluster::load_report> decode(std::string_view body);
template <>
expected<spawn_request> decode(std::string_view body);
template <>
expected<reply_body> decode(std::string_view body);
template <>
expected<function_report> decode(std::string_view body);
template <>
expected<drain_notice_body> decode(std::string_view body);
template <>
expected<events_request_body> decode(std::string_view body);
template <>
expected<events_body> decode(std::string_view body);

}  // namespace troupe::actors
