#include "http/chunk_decoder.hpp"

#include <algorithm>

#include "http/byte_class.hpp"

namespace troupe::http {

namespace {

constexpr std::uint64_t raw_allowance = 64 * 1024;
constexpr std::uint64_t raw_per_decoded = 8;
constexpr unsigned max_size_digits = 16;  // of a 64-bit number

}  // namespace

void chunk_decoder::reset(const chunk_limits& limits) noexcept {
  limits_ = limits;
  raw_ = decoded_ = left_ = 0;
  extension_bytes_ = trailer_bytes_ = 0;
  digits_ = 0;
  step_ = step::size;
}

chunk_decoder::progress chunk_decoder::feed(std::string_view bytes, buffer& body) {
  std::size_t i = 0;
  while (i < bytes.size() && step_ != step::done && step_ != step::refused) {
    if (step_ == step::bytes) {
      // Data cannot break the ratio of raw to decoded bytes: it only brings them closer.
      const auto run = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - i));
      body.append(bytes.substr(i, run));
      i += run;
      raw_ += run;
      decoded_ += run;
      left_ -= run;
      if (left_ == 0)
        step_ = step::bytes_cr;
      continue;
    }
    if (++raw_ > raw_per_decoded * decoded_ + raw_allowance)
      refuse(413, "a chunked body with too little data for its size");
    else
      take(bytes[i]);
    ++i;
  }
  if (step_ == step::refused)
    return {i, verdict::refused, why_};
  return {i, step_ == step::done ? verdict::done : verdict::more, {}};
}

void chunk_decoder::take(char c) {
  switch (step_) {
    case step::size: return take_size(c);
    case step::extension:
      if (c == '\r')
        step_ = step::size_lf;
      else if (!is(c, value_byte))
        refuse(400, "a control character in a chunk extension");
      else if (++extension_bytes_ > limits_.max_extension_bytes)
        refuse(400, "a chunk extension that is too long");
      return;
    case step::size_lf: return expect(c, '\n', left_ == 0 ? step::trailer_start : step::bytes);
    case step::bytes_cr: return expect(c, '\r', step::bytes_lf);
    case step::bytes_lf: digits_ = 0; return expect(c, '\n', step::size);
    case step::end_lf: return expect(c, '\n', step::done);
    case step::trailer_start:
    case step::trailer_name:
    case step::trailer_value:
    case step::trailer_lf: return take_trailer(c);
    case step::bytes:
    case step::done:
    case step::refused: return;
  }
}

void chunk_decoder::take_size(char c) {
  if (const int digit = hex_digit(c); digit >= 0) {
    if (digits_ == 0)
      left_ = 0;
    if (++digits_ > max_size_digits)
      return refuse(400, "a chunk size of too many digits");
    left_ = left_ << 4 | static_cast<unsigned>(digit);
    return;
  }
  if (digits_ == 0 || (c != ';' && c != '\r'))
    return refuse(400, "a malformed chunk size");
  if (left_ > limits_.max_body_bytes - decoded_)
    return refuse(413, "the body is too long");
  extension_bytes_ = 0;
  step_ = c == ';' ? step::extension : step::size_lf;
}

void chunk_decoder::take_trailer(char c) {
  if (step_ == step::trailer_start && c == '\r') {
    step_ = step::end_lf;
    return;
  }
  if (++trailer_bytes_ > limits_.max_trailer_bytes)
    return refuse(431, "trailers that are too long");
  if (step_ == step::trailer_lf)
    return expect(c, '\n', step::trailer_start);
  if (step_ == step::trailer_value) {
    if (c == '\r')
      step_ = step::trailer_lf;
    else if (!is(c, value_byte))
      refuse(400, "a control character in a trailer");
    return;
  }
  if (is(c, token_byte))
    step_ = step::trailer_name;
  else if (step_ == step::trailer_name && c == ':')
    step_ = step::trailer_value;
  else
    refuse(400, "a malformed trailer");
}

void chunk_decoder::expect(char c, char wanted, step next) {
  if (c == wanted)
    step_ = next;
  else
    refuse(400, "a malformed line end in a chunked body");
}

void chunk_decoder::refuse(unsigned status, const char* why) {
  why_ = {status, why};
  step_ = step::refused;
}

}  // namespace troupe::http
