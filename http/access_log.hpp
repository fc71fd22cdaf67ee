// A line per request that the gateway answered. Lines are collected per loop and handed to the log many at a time, so
// that one costs its text only. Belongs to one loop.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/clock.hpp"
#include "config/ids.hpp"
#include "config/log.hpp"
#include "config/settings.hpp"

namespace troupe::http {

struct access_entry {
  std::string_view method;
  std::string_view path;      ///< as the client sent it
  std::string_view route;     ///< key; empty when none took the request
  std::string_view function;  ///< name
  std::string_view peer;      ///< address of the client
  unsigned status = 0;        ///< 0: the client left before there was an answer
  std::string_view cause;     ///< empty: no error of troupe's own
  std::string_view detail;    ///< what went wrong; its beginning is written
  std::size_t bytes = 0;      ///< of the answer's body
  duration total{};           ///< from the whole request to its answer
  duration queued{};
  duration started{};
  duration ran{};
  troupe::request_id request_id;
  const uuid* invocation_id = nullptr;
};

class access_log {
public:
  /// `one_in`: of the requests that went well so many; those that failed always have a line.
  access_log(access_log_mode mode, std::uint64_t one_in) : mode_{mode}, one_in_{one_in} {}

  /// Other rules from now on.
  void adjust(access_log_mode mode, std::uint64_t one_in) noexcept {
    mode_ = mode;
    one_in_ = one_in;
  }

  /// Whether a request that ended so gets a line. Asked once per request.
  bool wants(unsigned status) noexcept {
    if (mode_ == access_log_mode::off || !log_enabled(level_of(status)))
      return false;
    return status == 0 || status >= 500 || (mode_ == access_log_mode::all && (one_in_ == 1 || seen_++ % one_in_ == 0));
  }
  void write(const access_entry& entry);
  /// Hands over what was collected: each tick, and at the end.
  void flush();

private:
  static constexpr std::size_t max_collected_bytes = 32 * 1024;
  static log_level level_of(unsigned status) noexcept { return status >= 500 ? log_level::warning : log_level::info; }

  access_log_mode mode_;
  std::uint64_t one_in_;
  std::uint64_t seen_ = 0;
  std::string lines_;
  std::size_t count_ = 0;
};

}  // namespace troupe::http
