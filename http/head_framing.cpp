#include "http/head_framing.hpp"

#include <algorithm>

#include "config/text.hpp"
#include "http/byte_class.hpp"
#include "http/request_target.hpp"

namespace troupe::http {

namespace {

bool read_length(std::string_view text, std::uint64_t& out) noexcept {
  if (text.empty() || text.size() > 19)
    return false;
  out = 0;
  for (const char c : text) {
    if (c < '0' || c > '9')
      return false;
    out = out * 10 + static_cast<unsigned>(c - '0');
  }
  return true;
}

unsigned status_of_method(std::string_view method) noexcept {
  for (const std::string_view known : {"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"})
    if (method == known)
      return 0;
  return method == "CONNECT" || method == "TRACE" ? 405 : 501;
}

}  // namespace

/// A comma list of tokens, empty elements allowed.
bool head_framing::read_connection(std::string_view value) noexcept {
  while (!value.empty()) {
    const auto comma = std::min(value.find(','), value.size());
    const auto element = trimmed(value.data(), value.data() + comma);
    if (!std::all_of(element.begin(), element.end(), [](char c) { return is(c, token_byte); }))
      return false;
    close_ = close_ || iequals(element, "close");
    keep_alive_ = keep_alive_ || iequals(element, "keep-alive");
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  return true;
}

const char* head_framing::note_framing_field(const functions::header_field& field, std::size_t at) noexcept {
  const auto named = [&](std::string_view name) {
    return (field.name[0] | 0x20) == name[0] && iequals(field.name, name);
  };
  switch (field.name.size()) {
    case 4:
      if (named("host")) {
        ++hosts_;
        host_at_ = at;
      }
      break;
    case 6:
      if (named("expect")) {
        expects_ = true;
        expects_other_ = expects_other_ || !iequals(field.value, "100-continue");
      }
      break;
    case 10:
      if (named("connection") && !read_connection(field.value))
        return "a malformed Connection field";
      break;
    case 14:
      if (named("content-length")) {
        ++content_lengths_;
        content_length_ = field.value;
      }
      break;
    case 17:
      if (named("transfer-encoding")) {
        ++transfer_encodings_;
        transfer_encoding_ = field.value;
      }
      break;
    default: break;
  }
  return nullptr;
}

std::optional<refusal> head_framing::judge(std::string_view target_authority, request_head& out) const noexcept {
  out.content_length = 0;
  if (transfer_encodings_ > 1)
    return refusal{400, "more than one Transfer-Encoding"};
  if (content_lengths_ > 1)
    return refusal{400, "more than one Content-Length"};
  if (transfer_encodings_ != 0 && content_lengths_ != 0)
    return refusal{400, "Transfer-Encoding beside Content-Length"};
  if (transfer_encodings_ != 0 && !out.http_1_1)
    return refusal{400, "Transfer-Encoding on HTTP/1.0"};
  if (content_lengths_ != 0 && !read_length(content_length_, out.content_length))
    return refusal{400, "a malformed Content-Length"};
  if (hosts_ > 1 || (hosts_ == 0 && out.http_1_1))
    return refusal{400, "not exactly one Host"};
  if (hosts_ == 1) {
    auto& host = out.fields[host_at_].value;
    if (!is_authority(host))
      return refusal{400, "a malformed Host"};
    if (!target_authority.empty())
      host = target_authority;
    out.host = host;
  } else {
    out.host = target_authority;
  }

  out.keep_alive = !close_ && (out.http_1_1 || keep_alive_);
  out.body = transfer_encodings_ != 0  ? body_framing::chunked
             : out.content_length != 0 ? body_framing::length
                                       : body_framing::none;
  out.expects_continue = expects_ && out.http_1_1 && out.body != body_framing::none;
  return std::nullopt;
}

std::optional<refusal> head_framing::judge_service(std::uint64_t max_body_bytes,
                                                   const request_head& head) const noexcept {
  if (head.content_length > max_body_bytes)
    return refusal{413, "the body is too long"};
  if (expects_other_ && head.http_1_1)
    return refusal{417, "an unknown expectation"};
  if (const unsigned status = status_of_method(head.method); status != 0)
    return refusal{status, status == 405 ? "CONNECT and TRACE are not served" : "an unknown method"};
  if (transfer_encodings_ != 0 && !iequals(transfer_encoding_, "chunked"))
    return refusal{501, "a transfer coding other than chunked"};
  return std::nullopt;
}

}  // namespace troupe::http
