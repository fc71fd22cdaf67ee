// How the values in messages about the store stand in msgpack, for store_codec only: a struct is a map whose fields are
// listed once, for both ways; a variant is [place, value]. Unknown keys are skipped, missing ones keep their default.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <msgpack.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "cluster/store_message.hpp"

namespace troupe::cluster::wire {

using packer = msgpack::packer<msgpack::sbuffer>;

/// Lists the fields of a struct: `fields(visit, value)` calls `visit(name, field)` for each.
#define TROUPE_FIELDS(Type, ...)                            \
  template <class Visit, class Value>                       \
  requires std::is_same_v<std::remove_const_t<Value>, Type> \
  void fields(Visit&& visit, Value& value) {                \
    __VA_ARGS__                                             \
  }
#define TROUPE_FIELD(name) visit(#name, value.name);

TROUPE_FIELDS(cursor, TROUPE_FIELD(value))
TROUPE_FIELDS(generation, TROUPE_FIELD(counter) TROUPE_FIELD(salt))
TROUPE_FIELDS(store_identity,
              TROUPE_FIELD(store_id) TROUPE_FIELD(generation) TROUPE_FIELD(parent_store) TROUPE_FIELD(parent_cursor))
TROUPE_FIELDS(record, TROUPE_FIELD(key) TROUPE_FIELD(value) TROUPE_FIELD(revision))
TROUPE_FIELDS(guard, TROUPE_FIELD(key) TROUPE_FIELD(revision) TROUPE_FIELD(epoch))
TROUPE_FIELDS(cluster::write, TROUPE_FIELD(key) TROUPE_FIELD(value) TROUPE_FIELD(erase) TROUPE_FIELD(bound))
TROUPE_FIELDS(error, TROUPE_FIELD(code) TROUPE_FIELD(what))
TROUPE_FIELDS(row_head, TROUPE_FIELD(at) TROUPE_FIELD(id) TROUPE_FIELD(kind) TROUPE_FIELD(time) TROUPE_FIELD(body)
                            TROUPE_FIELD(hash))
TROUPE_FIELDS(history_row, TROUPE_FIELD(head) TROUPE_FIELD(body))
TROUPE_FIELDS(node_record, TROUPE_FIELD(id) TROUPE_FIELD(name) TROUPE_FIELD(addresses) TROUPE_FIELD(protocol_min)
                               TROUPE_FIELD(protocol_max) TROUPE_FIELD(cores) TROUPE_FIELD(memory_mb))
// Calls
TROUPE_FIELDS(commit_request, TROUPE_FIELD(guards) TROUPE_FIELD(writes) TROUPE_FIELD(id))
TROUPE_FIELDS(commit_call, TROUPE_FIELD(request))
TROUPE_FIELDS(outcome_call, TROUPE_FIELD(id))
TROUPE_FIELDS(barrier_call, static_cast<void>(visit); static_cast<void>(value);)
TROUPE_FIELDS(open_session_call, TROUPE_FIELD(session) TROUPE_FIELD(node) TROUPE_FIELD(incarnation)
                                     TROUPE_FIELD(address) TROUPE_FIELD(ttl))
TROUPE_FIELDS(renew_call, TROUPE_FIELD(session) TROUPE_FIELD(node) TROUPE_FIELD(incarnation))
TROUPE_FIELDS(claim_call,
              TROUPE_FIELD(session) TROUPE_FIELD(resource) TROUPE_FIELD(guards) TROUPE_FIELD(writes) TROUPE_FIELD(id))
TROUPE_FIELDS(transfer_call, TROUPE_FIELD(resource) TROUPE_FIELD(epoch) TROUPE_FIELD(to) TROUPE_FIELD(guards)
                                 TROUPE_FIELD(writes) TROUPE_FIELD(id))
TROUPE_FIELDS(release_call, TROUPE_FIELD(resource) TROUPE_FIELD(epoch) TROUPE_FIELD(id))
TROUPE_FIELDS(register_call, TROUPE_FIELD(node) TROUPE_FIELD(id))
TROUPE_FIELDS(remove_node_call, TROUPE_FIELD(node) TROUPE_FIELD(id))
TROUPE_FIELDS(move_call, TROUPE_FIELD(to) TROUPE_FIELD(id))
TROUPE_FIELDS(spread_call, TROUPE_FIELD(at))
// Answers
TROUPE_FIELDS(committed, TROUPE_FIELD(cursor))
TROUPE_FIELDS(conflicted, TROUPE_FIELD(records))
TROUPE_FIELDS(voided, static_cast<void>(visit); static_cast<void>(value);)
TROUPE_FIELDS(refused, TROUPE_FIELD(why))
TROUPE_FIELDS(outcome_of_commit, TROUPE_FIELD(state) TROUPE_FIELD(cursor))
TROUPE_FIELDS(reached, TROUPE_FIELD(at))
TROUPE_FIELDS(session_granted, TROUPE_FIELD(ttl) TROUPE_FIELD(at))
TROUPE_FIELDS(incarnation_alive, TROUPE_FIELD(address))
TROUPE_FIELDS(no_session, TROUPE_FIELD(why))
TROUPE_FIELDS(owned, TROUPE_FIELD(epoch))
TROUPE_FIELDS(held, TROUPE_FIELD(owner) TROUPE_FIELD(epoch))
TROUPE_FIELDS(spread, TROUPE_FIELD(laggards))
// Messages
TROUPE_FIELDS(hello_message, TROUPE_FIELD(node) TROUPE_FIELD(incarnation) TROUPE_FIELD(role) TROUPE_FIELD(identity)
                                 TROUPE_FIELD(at) TROUPE_FIELD(hash) TROUPE_FIELD(primary) TROUPE_FIELD(primary_name)
                                     TROUPE_FIELD(primary_address) TROUPE_FIELD(halted))
TROUPE_FIELDS(subscribe_message, TROUPE_FIELD(identity) TROUPE_FIELD(from) TROUPE_FIELD(hash))
TROUPE_FIELDS(unsubscribe_message, static_cast<void>(visit); static_cast<void>(value);)
TROUPE_FIELDS(rows_message, TROUPE_FIELD(rows))
TROUPE_FIELDS(load_message, TROUPE_FIELD(number) TROUPE_FIELD(last) TROUPE_FIELD(identity) TROUPE_FIELD(at)
                                TROUPE_FIELD(records) TROUPE_FIELD(heads) TROUPE_FIELD(body))
TROUPE_FIELDS(load_next_message, TROUPE_FIELD(number))
TROUPE_FIELDS(level_message, TROUPE_FIELD(at) TROUPE_FIELD(hash))
TROUPE_FIELDS(call_message, TROUPE_FIELD(number) TROUPE_FIELD(remaining) TROUPE_FIELD(call))
TROUPE_FIELDS(answer_message, TROUPE_FIELD(number) TROUPE_FIELD(answer))
TROUPE_FIELDS(not_primary_message, TROUPE_FIELD(number))
TROUPE_FIELDS(not_fed_message, static_cast<void>(visit); static_cast<void>(value);)

#undef TROUPE_FIELD
#undef TROUPE_FIELDS

template <class T>
concept byte_id = std::is_same_v<T, uuid> || std::is_same_v<T, digest>;
template <class T>
concept plain = std::is_same_v<T, std::string> || std::is_same_v<T, bool> || std::is_same_v<T, std::uint64_t>;

/// One name for all, so that nested values find each other.
struct codec {
  template <class T>
  static void write(packer& out, const T& value) {
    if constexpr (plain<T>) {
      if constexpr (std::is_same_v<T, std::string>) {
        out.pack_bin(static_cast<std::uint32_t>(value.size()));
        out.pack_bin_body(value.data(), static_cast<std::uint32_t>(value.size()));
      } else {
        out.pack(value);
      }
    } else if constexpr (byte_id<T>) {
      out.pack_bin(static_cast<std::uint32_t>(value.bytes.size()));
      out.pack_bin_body(reinterpret_cast<const char*>(value.bytes.data()),
                        static_cast<std::uint32_t>(value.bytes.size()));
    } else if constexpr (std::is_same_v<T, milliseconds>) {
      out.pack(static_cast<std::int64_t>(value.count()));
    } else if constexpr (std::is_enum_v<T>) {
      out.pack(static_cast<std::uint64_t>(value));
    } else {
      write_compound(out, value);
    }
  }

  template <class T>
  static void write_compound(packer& out, const std::vector<T>& list) {
    out.pack_array(static_cast<std::uint32_t>(list.size()));
    for (const auto& each : list)
      write(out, each);
  }
  template <class... Ts>
  static void write_compound(packer& out, const std::variant<Ts...>& choice) {
    out.pack_array(2);
    out.pack(static_cast<std::uint64_t>(choice.index()));
    std::visit([&](const auto& each) { write(out, each); }, choice);
  }
  template <class T>
  static void write_compound(packer& out, const T& value) {
    std::uint32_t count = 0;
    fields([&](const char*, const auto&) { ++count; }, value);
    out.pack_map(count);
    fields(
        [&](const char* name, const auto& field) {
          out.pack(name);
          write(out, field);
        },
        value);
  }

  template <class T>
  static void read(const msgpack::object& from, T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      const auto bytes = bytes_of(from);
      value.assign(bytes);
    } else if constexpr (plain<T>) {
      from.convert(value);
    } else if constexpr (byte_id<T>) {
      const auto bytes = bytes_of(from);
      if (bytes.size() != value.bytes.size())
        throw msgpack::type_error{};
      std::copy(bytes.begin(), bytes.end(), value.bytes.begin());
    } else if constexpr (std::is_same_v<T, milliseconds>) {
      value = milliseconds{from.as<std::int64_t>()};
    } else if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(from.as<std::underlying_type_t<T>>());
    } else {
      read_compound(from, value);
    }
  }

  template <class T>
  static void read_compound(const msgpack::object& from, std::vector<T>& list) {
    if (from.type != msgpack::type::ARRAY)
      throw msgpack::type_error{};
    for (const auto& each : std::span{from.via.array.ptr, from.via.array.size}) {
      T value;
      read(each, value);
      list.push_back(std::move(value));
    }
  }
  template <class... Ts>
  static void read_compound(const msgpack::object& from, std::variant<Ts...>& choice) {
    if (from.type != msgpack::type::ARRAY || from.via.array.size != 2)
      throw msgpack::type_error{};
    const auto place = from.via.array.ptr[0].template as<std::size_t>();
    const auto& body = from.via.array.ptr[1];
    std::size_t at = 0;
    const bool found = ((at++ == place ? (read(body, choice.template emplace<Ts>()), true) : false) || ...);
    if (!found)
      throw msgpack::type_error{};
  }
  template <class T>
  static void read_compound(const msgpack::object& from, T& value) {
    if (from.type != msgpack::type::MAP)
      throw msgpack::type_error{};
    const std::span entries{from.via.map.ptr, from.via.map.size};
    fields(
        [&](std::string_view name, auto& field) {
          for (const auto& [key, stored] : entries)
            if (key.type == msgpack::type::STR && std::string_view{key.via.str.ptr, key.via.str.size} == name)
              return read(stored, field);
        },
        value);
  }

private:
  static std::string_view bytes_of(const msgpack::object& from) {
    if (from.type != msgpack::type::BIN)
      throw msgpack::type_error{};
    return {from.via.bin.ptr, from.via.bin.size};
  }
};

template <class T>
void write(packer& out, const T& value) {
  codec::write(out, value);
}
/// @throws msgpack::type_error
template <class T>
void read(const msgpack::object& from, T& value) {
  codec::read(from, value);
}

}  // namespace troupe::cluster::wire
