#include "functions/native_frame.hpp"

#include <algorithm>
#include <memory>
#include <string>

#include "config/frame_value_reader.hpp"
#include "config/frame_value_writer.hpp"

namespace troupe::functions {

namespace {

/// Memory for more is made when they really come.
constexpr std::size_t reserved_fields = 128;

troupe_bytes bytes(std::string_view text) noexcept {
  return {text.data(), text.size()};
}

/// Reads how many pairs follow. @returns nothing but 0 when the payload cannot hold them.
std::size_t read_count(value_reader& in, bool& good) noexcept {
  const auto count = in.number();
  // A name and a value take a byte each at least.
  good = good && in.good() && count <= in.left() / 2;
  return good ? static_cast<std::size_t>(count) : 0;
}

std::size_t read_fields(value_reader& in, std::vector<troupe_field>& fields, bool& good) {
  const auto count = read_count(in, good);
  fields.reserve(fields.size() + std::min(count, reserved_fields));
  for (std::size_t i = 0; i < count && in.good(); ++i) {
    const auto name = in.bin();
    fields.push_back({bytes(name), bytes(in.bin())});
  }
  return count;
}

}  // namespace

void append_native_request(buffer& out, const invocation& call) {
  static const http_request direct;
  const auto& http = call.request ? *call.request : direct;
  value_writer write{out};
  write.number(call.function->version);
  write.bin(call.request_id.view());
  write.number(call.request ? 1 : 0);
  write.bin(http.method);
  write.bin(http.path);
  write.bin(http.query);
  write.bin(http.peer_address);
  write.bin(call.route_key ? std::string_view{*call.route_key} : std::string_view{});
  write.number(http.fields.size());
  for (const auto& field : http.fields) {
    write.bin(field.name);
    write.bin(field.value);
  }
  write.number(call.parameters.size());
  for (const auto& [name, value] : call.parameters) {
    write.bin(name);
    write.bin(value);
  }
  write.bin(call.request ? http.body.view() : std::string_view{call.json});
}

expected<native_request> read_native_request(std::string_view payload) {
  value_reader in{payload};
  bool good = true;
  native_request out;
  out.function_version = in.number();
  out.request_id = in.bin();
  out.raw.size = sizeof out.raw;
  const auto is_http = in.number();
  out.raw.is_http = is_http == 1 ? 1 : 0;
  out.raw.method = bytes(in.bin());
  out.raw.raw_path = bytes(in.bin());
  out.raw.raw_query = bytes(in.bin());
  out.raw.source_ip = bytes(in.bin());
  out.raw.route_key = bytes(in.bin());
  out.raw.header_count = read_fields(in, out.fields, good);
  out.raw.parameter_count = read_fields(in, out.fields, good);
  out.raw.body = bytes(in.bin());
  if (!good || !in.good() || !in.at_end() || is_http > 1)
    return fail(errc::corrupt, "the payload of a native call is no request");
  out.raw.headers = out.fields.data();
  out.raw.parameters = out.fields.data() + out.raw.header_count;
  return out;
}

void append_native_answer(buffer& out, const native_response& response) {
  value_writer write{out};
  write.number(response.status);
  write.number(response.headers.size());
  for (const auto& [name, value] : response.headers) {
    write.bin(name);
    write.bin(value);
  }
  write.bin(response.body.view());
}

expected<native_response> read_native_answer(std::string_view payload) {
  auto kept = std::make_unique<std::string>(payload);
  value_reader in{*kept};
  bool good = true;
  native_response out;
  const auto status = in.number();
  const auto count = read_count(in, good);
  out.headers.reserve(std::min(count, reserved_fields));
  for (std::size_t i = 0; i < count && in.good(); ++i) {
    const auto name = in.bin();
    out.headers.emplace_back(name, in.bin());
  }
  const auto body = in.bin();
  if (!good || !in.good() || !in.at_end() || status > 0xffff)
    return fail(errc::malformed_answer, "the worker's answer is no native response");
  out.status = static_cast<unsigned>(status);
  out.body = foreign_bytes{body, kept.release(), [](void* p) { delete static_cast<std::string*>(p); }};
  return out;
}

}  // namespace troupe::functions
