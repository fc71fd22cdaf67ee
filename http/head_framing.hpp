// What the fields of a head say about the framing of the request and the fate of its connection: the guards that keep
// two readers of the same bytes from disagreeing where a request ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/request_head.hpp"

namespace troupe::http {

/// Notes the fields of one head as they come, then judges them together.
class head_framing {
public:
  /// `at` is the place of the field in the head's vector.
  /// @returns what is wrong with it (400), or null.
  const char* note(const functions::header_field& field, std::size_t at) noexcept {
    // Host, Expect, Connection, Content-Length, Transfer-Encoding: the length alone rules out most other fields.
    constexpr std::uint32_t lengths = 1U << 4 | 1U << 6 | 1U << 10 | 1U << 14 | 1U << 17;
    const auto length = field.name.size();
    return length < 32 && (lengths >> length & 1) != 0 ? note_framing_field(field, at) : nullptr;
  }

  /// Everything that is 400. Sets body, content_length, keep_alive, expects_continue and host of `out`, whose version
  /// and fields are known; Host's value becomes `target_authority` when there is one.
  std::optional<refusal> judge(std::string_view target_authority, request_head& out) const noexcept;

  /// What is well formed and still not served: 413, 417, 405, 501.
  std::optional<refusal> judge_service(std::uint64_t max_body_bytes, const request_head& head) const noexcept;

private:
  const char* note_framing_field(const functions::header_field& field, std::size_t at) noexcept;
  bool read_connection(std::string_view value) noexcept;

  std::string_view transfer_encoding_;
  std::string_view content_length_;
  std::size_t host_at_ = npos;
  unsigned transfer_encodings_ = 0;
  unsigned content_lengths_ = 0;
  unsigned hosts_ = 0;
  bool close_ = false;
  bool keep_alive_ = false;
  bool expects_ = false;
  bool expects_other_ = false;
};

}  // namespace troupe::http
