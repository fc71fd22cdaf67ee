#include "actors/call_frame.hpp"

#include <algorithm>

#include "actors/travel_time.hpp"
#include "config/frame_value_reader.hpp"
#include "config/frame_value_writer.hpp"

namespace troupe::actors {

namespace {

using functions::http_request;
using functions::invocation;

// Flags of a call.
constexpr std::uint64_t is_http = 1;
constexpr std::uint64_t is_secure = 2;
constexpr std::uint64_t wants_tail = 4;

constexpr std::size_t place_bytes = 4;

/// Where a view begins in the bytes that it is part of, and its length, two bytes each: a request's head has at most
/// 64 KiB.
void put_place(value_writer& out, std::string_view part, const char* from) {
  out.big_endian(part.empty() ? 0 : static_cast<std::uint64_t>(part.data() - from), 2);
  out.big_endian(part.size(), 2);
}

/// Reads what `put_place` wrote.
class place_reader {
public:
  place_reader(std::string_view places, std::string_view bytes) : places_{places}, bytes_{bytes} {}

  std::string_view next() noexcept {
    if (places_.size() < place_bytes) {
      good_ = false;
      return {};
    }
    const auto begin = two_bytes();
    const auto length = two_bytes();
    if (begin + length > bytes_.size())
      good_ = false;
    return good_ ? bytes_.substr(begin, length) : std::string_view{};
  }
  std::size_t left() const noexcept { return places_.size() / place_bytes; }
  bool at_end() const noexcept { return places_.empty(); }
  bool good() const noexcept { return good_; }

private:
  std::size_t two_bytes() noexcept {
    const auto value = std::size_t{static_cast<std::uint8_t>(places_[0])} << 8 | static_cast<std::uint8_t>(places_[1]);
    places_.remove_prefix(2);
    return value;
  }
  std::string_view places_;
  std::string_view bytes_;
  bool good_ = true;
};

std::string_view bytes_of(const uuid& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

/// As `request_id` says: it goes into events and logs as it is.
bool is_request_id(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return text.size() == request_id{}.chars.size() && std::all_of(text.begin(), text.end() - 1, allowed) &&
         text.back() == '=';
}

bool read_id(value_reader& in, uuid& out) {
  const auto bytes = in.bin();
  if (bytes.size() != out.bytes.size())
    return false;
  std::copy(bytes.begin(), bytes.end(), out.bytes.begin());
  return true;
}

void encode_request(const http_request& request, value_writer& out, buffer& body) {
  buffer places;
  places.reserve(place_bytes * (4 + 2 * request.fields.size()));
  value_writer put{places};
  const char* head = request.head.data();
  for (const auto part : {request.method, request.target, request.path, request.query})
    put_place(put, part, head);
  for (const auto& field : request.fields) {
    put_place(put, field.name, head);
    put_place(put, field.value, head);
  }
  out.bin(places.view());
  out.number(request.head.size());
  out.str(request.peer_address);
  out.number(request.local_port);
  // The head comes last: what receives it copies the head, which is small, and keeps the body where it is.
  body.reserve(request.body.size() + request.head.size());
  body.append(request.body.view());
  body.append(request.head.view());
}

std::shared_ptr<http_request> decode_request(value_reader& in, buffer body) {
  auto request = std::make_shared<http_request>();
  const auto places = in.bin();
  const auto head_bytes = in.number();
  request->peer_address = in.str();
  const auto port = in.number();
  if (!in.good() || head_bytes > body.size() || port > 0xffff)
    return nullptr;
  request->local_port = static_cast<std::uint16_t>(port);
  if (head_bytes == body.size()) {
    request->head = std::move(body);
  } else {
    request->head.append(body.view().substr(body.size() - static_cast<std::size_t>(head_bytes)));
    body.truncate(body.size() - static_cast<std::size_t>(head_bytes));
    request->body = std::move(body);
  }
  place_reader parts{places, request->head.view()};
  for (auto* part : {&request->method, &request->target, &request->path, &request->query})
    *part = parts.next();
  request->fields.reserve(parts.left() / 2);
  while (parts.good() && !parts.at_end()) {
    const auto name = parts.next();
    request->fields.push_back({name, parts.next()});
  }
  if (!parts.good() || request->method.empty() || request->path.empty())
    return nullptr;
  return request;
}

void encode_parameters(const invocation& call, value_writer& out) {
  out.str(call.route_key ? std::string_view{*call.route_key} : std::string_view{});
  out.number(call.parameters.size());
  for (const auto& [name, value] : call.parameters) {
    out.number(static_cast<std::uint64_t>(name.data() - call.route_key->data()));
    out.number(name.size());
    out.str(value);
  }
}

bool decode_parameters(value_reader& in, invocation& call) {
  call.route_key = std::make_shared<const std::string>(in.str());
  const auto count = in.number();
  const std::string_view key = *call.route_key;
  // Each takes three bytes at least.
  if (!in.good() || count > in.left() / 3)
    return false;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto begin = in.number();
    const auto length = in.number();
    const auto value = in.str();
    if (!in.good() || begin > key.size() || length > key.size() - begin)
      return false;
    call.parameters.emplace_back(key.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(length)), value);
  }
  return true;
}

tl::unexpected<error> no_call() {
  return fail(errc::corrupt, "the bytes of a call from another node are not what such a call looks like");
}

}  // namespace

call_parts encode_call(const invocation& call, time_point now) {
  call_parts parts;
  value_writer out{parts.head};
  parts.head.reserve(512);
  out.bin(bytes_of(call.function->id));
  out.number(call.function->version);
  out.str(call.request_id.view());
  out.bin(bytes_of(call.invocation_id));
  out.number(travel_micros(now - call.arrived_at));
  out.number((call.request ? is_http : 0) | (call.request && call.request->secure ? is_secure : 0) |
             (call.wants_log_tail ? wants_tail : 0));
  encode_parameters(call, out);
  out.str(call.client_context);
  out.str(call.trace);
  if (call.request)
    encode_request(*call.request, out, parts.body);
  else
    parts.body.append(call.json);
  return parts;
}

expected<received_call> decode_call(call_parts parts, time_point now, time_point deadline) {
  value_reader in{parts.head.view()};
  received_call received;
  received.call = std::make_shared<invocation>();
  auto& call = *received.call;
  const bool has_function = read_id(in, received.function);
  received.version = in.number();
  const auto sent_id = in.str();
  if (!has_function || !is_request_id(sent_id) || !read_id(in, call.invocation_id))
    return no_call();
  std::copy(sent_id.begin(), sent_id.end(), call.request_id.chars.begin());
  call.arrived_at = now - travelled(in.number());
  call.deadline = deadline;
  const auto flags = in.number();
  call.wants_log_tail = (flags & wants_tail) != 0;
  if (!decode_parameters(in, call))
    return no_call();
  call.client_context = in.str();
  call.trace = in.str();
  if ((flags & is_http) != 0) {
    auto request = decode_request(in, std::move(parts.body));
    if (!request)
      return no_call();
    request->secure = (flags & is_secure) != 0;
    call.request = std::move(request);
  } else {
    call.json = parts.body.view();
  }
  // What follows is of newer nodes.
  if (!in.good())
    return no_call();
  return received;
}

}  // namespace troupe::actors
