// Writes JSON text straight into a buffer, for what is built once per request. No tree, no state of nesting: the caller
// writes the punctuation.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "config/buffer.hpp"

namespace troupe::functions {

/// Where a JSON value stands, as offsets from the begin of the text.
struct json_span {
  std::size_t from = 0;
  std::size_t to = 0;
};

/// Appends to one buffer. What was written is part of the buffer from `finish` on; nobody else may touch it before.
class json_writer {
public:
  /// @param varying  gets the values that are written as varying; null: nobody asks.
  explicit json_writer(buffer& out, std::vector<json_span>* varying = nullptr)
      : out_{out}, start_{out.size()}, varying_{varying} {
    grow(1024);
  }
  json_writer(const json_writer&) = delete;
  json_writer& operator=(const json_writer&) = delete;

  void finish() noexcept {
    out_.commit(static_cast<std::size_t>(at_ - base_));
    base_ = at_;
  }

  /// A literal, as it is.
  template <std::size_t Size>
  void raw(const char (&text)[Size]) {
    need(Size - 1);
    std::memcpy(at_, text, Size - 1);
    at_ += Size - 1;
  }
  void raw(char c) {
    need(1);
    *at_++ = c;
  }
  void raw_view(std::string_view text) {
    need(text.size());
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  /// Puts a closing bracket where a member or element left its comma.
  void replace_last(char c) noexcept { at_[-1] = c; }
  void number(std::int64_t value) {
    need(20);
    at_ = std::to_chars(at_, at_ + 20, value).ptr;
  }
  /// `digits` decimal digits with leading zeros. @param value  not negative, fits.
  void padded(unsigned value, unsigned digits);

  /// The inside of a JSON string. Bytes that are not UTF-8 are read as Latin-1.
  void text(std::string_view bytes);
  /// The same with ASCII letters in lower case.
  void lower_text(std::string_view bytes);
  /// The same for bytes that are known to be UTF-8.
  void utf8_text(std::string_view bytes);
  /// Base64 with padding, quotes not included.
  void base64(std::string_view bytes);

  /// Offset of the next byte in the buffer: with `repeat`, text that was escaped once can be written again.
  std::size_t offset() const noexcept { return out_.size() + static_cast<std::size_t>(at_ - base_); }
  void repeat(std::size_t from, std::size_t to) {
    need(to - from);
    std::memcpy(at_, out_.data() + from, to - from);
    at_ += to - from;
  }

  /// Notes what `write` writes, the inside of a JSON string, as a value that differs from one text to the next.
  template <std::invocable Write>
  void varying_text(Write write) {
    const auto from = offset() - start_;
    write();
    if (varying_ != nullptr)
      varying_->push_back({from - 1, offset() - start_ + 1});
  }
  void varying_text(std::string_view bytes) {
    varying_text([&] { text(bytes); });
  }
  void varying_number(std::int64_t value) {
    const auto from = offset() - start_;
    number(value);
    if (varying_ != nullptr)
      varying_->push_back({from, offset() - start_});
  }

private:
  template <bool Lower>
  std::uint64_t escape(const char* from, std::size_t count);
  template <bool Lower>
  void checked_text(std::string_view bytes);
  void escape_byte(unsigned char c);
  void need(std::size_t count) {
    if (static_cast<std::size_t>(end_ - at_) < count) [[unlikely]]
      grow(count);
  }
  void grow(std::size_t count);

  buffer& out_;
  std::size_t start_;
  std::vector<json_span>* varying_;
  char* base_ = nullptr;  // of what `finish` has not yet told the buffer
  char* at_ = nullptr;
  char* end_ = nullptr;
};

/// Whether the bytes are well-formed UTF-8; fast for megabytes.
bool is_utf8_text(std::string_view bytes) noexcept;

}  // namespace troupe::functions
