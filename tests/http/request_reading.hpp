// Reads requests the way a connection does (find the head, scan it, decode the body), from segments of any size.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/chunk_decoder.hpp"
#include "http/request_head.hpp"

namespace troupe::http {

/// One request as the function would see it.
struct seen_request {
  std::string method;
  std::string path;
  std::string query;
  std::string host;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  bool keep_alive = true;
  bool expects_continue = false;
  bool operator==(const seen_request&) const = default;
};

/// Everything that became of a stream of bytes: requests, then at most one refusal, after which nothing is read.
struct reading {
  std::vector<seen_request> requests;
  unsigned refused = 0;  ///< status, or 0
  std::string why;
  bool unfinished = false;  ///< the last request is incomplete
  bool operator==(const reading&) const = default;
};

class request_reader {
public:
  explicit request_reader(head_limits head = {}, chunk_limits chunks = {})
      : head_limits_{head}, chunk_limits_{chunks} {}

  void feed(std::string_view segment) {
    pending_.append(segment);
    while (result_.refused == 0 && !closed_ && step()) {
    }
  }

  reading result() const {
    reading copy = result_;
    copy.unfinished = in_body_ || (!pending_.empty() && copy.refused == 0 && !closed_);
    return copy;
  }
  std::size_t pending_bytes() const { return pending_.size(); }

private:
  bool step() { return in_body_ ? read_body() : read_head(); }

  bool read_head() {
    const auto end = find_head_end(pending_, searched_);
    if (end == npos) {
      searched_ = pending_.size();
      if (pending_.size() >= head_limits_.max_bytes)
        refuse(refuse_long_head(pending_, head_limits_));
      return false;
    }
    request_head head;
    const std::string exact{pending_, 0, end};  // its own allocation, so that a sanitizer sees reads beyond it
    if (const auto fault = scan_head(exact, head_limits_, head)) {
      refuse(*fault);
      return false;
    }
    current_ = {
        std::string{head.method}, std::string{head.path}, std::string{head.query}, std::string{head.host}, {}, {},
        head.keep_alive,          head.expects_continue};
    for (const auto& field : head.fields)
      current_.fields.emplace_back(field.name, field.value);
    framing_ = head.body;
    left_ = head.content_length;
    decoder_.reset(chunk_limits_);
    decoded_.clear();
    pending_.erase(0, end);
    searched_ = 0;
    in_body_ = true;
    return true;
  }

  bool read_body() {
    if (framing_ == body_framing::chunked) {
      const auto progress = decoder_.feed(pending_, decoded_);
      pending_.erase(0, progress.consumed);
      if (progress.state == chunk_decoder::verdict::refused)
        refuse(progress.why);
      if (progress.state != chunk_decoder::verdict::done)
        return false;
    } else {
      const auto run = static_cast<std::size_t>(std::min<std::uint64_t>(left_, pending_.size()));
      decoded_.append(std::string_view{pending_}.substr(0, run));
      pending_.erase(0, run);
      left_ -= run;
      if (left_ != 0)
        return false;
    }
    current_.body = decoded_.view();
    closed_ = !current_.keep_alive;
    result_.requests.push_back(std::move(current_));
    in_body_ = false;
    return true;
  }

  void refuse(const refusal& fault) {
    result_.refused = fault.status;
    result_.why = fault.why;
    in_body_ = false;
  }

  head_limits head_limits_;
  chunk_limits chunk_limits_;
  std::string pending_;
  std::size_t searched_ = 0;
  bool in_body_ = false;
  bool closed_ = false;
  body_framing framing_ = body_framing::none;
  std::uint64_t left_ = 0;
  chunk_decoder decoder_;
  buffer decoded_;
  seen_request current_;
  reading result_;
};

inline reading read_whole(std::string_view bytes, head_limits head = {}, chunk_limits chunks = {}) {
  request_reader reader{head, chunks};
  reader.feed(bytes);
  return reader.result();
}

inline reading read_bytewise(std::string_view bytes, head_limits head = {}, chunk_limits chunks = {}) {
  request_reader reader{head, chunks};
  for (const char& c : bytes)
    reader.feed({&c, 1});
  return reader.result();
}

/// The first two-way split (or `npos` for byte by byte) whose outcome differs from that of the whole; nothing if none
/// does.
inline std::optional<std::size_t> find_split_that_matters(std::string_view bytes, head_limits head = {},
                                                          chunk_limits chunks = {}) {
  const auto whole = read_whole(bytes, head, chunks);
  if (read_bytewise(bytes, head, chunks) != whole)
    return npos;
  for (std::size_t i = 1; i < bytes.size(); ++i) {
    request_reader reader{head, chunks};
    reader.feed(bytes.substr(0, i));
    reader.feed(bytes.substr(i));
    if (reader.result() != whole)
      return i;
  }
  return std::nullopt;
}

}  // namespace troupe::http
