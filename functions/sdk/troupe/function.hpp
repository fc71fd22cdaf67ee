// The SDK of native functions: one header, no library to link, no dependency but the C++17 standard library.
//
//   #include <troupe/function.hpp>
//
//   troupe::response handler(const troupe::request& request, troupe::context& context) {
//     return troupe::response::text("Hello, " + std::string{request.path_parameter("name")} + "!\n");
//   }
//   TROUPE_FUNCTION(handler)
//
// Build it with `c++ -std=c++17 -O2 -fPIC -shared hello.cpp -o hello.so`, deploy it with `troupe deploy hello.so`.
//
// What crosses between the node and the function is the C table at the end: no C++ type does, so the function may be
// built with another compiler or standard library than the node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

extern "C" {

/// Grows whenever one of the structures below changes in a way that older readers would misread.
#define TROUPE_ABI_VERSION 1u

struct troupe_bytes {
  const char* data;
  std::size_t size;
};

struct troupe_field {
  troupe_bytes name;
  troupe_bytes value;
};

/// Owned by the node, valid until `call` returns.
struct troupe_request {
  std::uint32_t size;     ///< sizeof(troupe_request) of the node, so that fields can be appended
  std::uint32_t is_http;  ///< 0 for a direct invoke: then only `body` is set, to the JSON event
  troupe_bytes method;
  troupe_bytes raw_path;   ///< percent-encoded, as sent
  troupe_bytes raw_query;  ///< percent-encoded, without `?`
  troupe_bytes body;
  troupe_bytes route_key;  ///< of the route that matched, for example `GET /pets/{id}`
  troupe_bytes source_ip;
  const troupe_field* headers;  ///< in order of arrival, names as sent
  std::size_t header_count;
  const troupe_field* parameters;  ///< of the route's path, values decoded
  std::size_t parameter_count;
};

struct troupe_context {
  std::uint32_t size;
  std::uint32_t memory_mb;
  troupe_bytes function_name;
  troupe_bytes function_version;
  troupe_bytes request_id;
  troupe_bytes invocation_id;
  std::int64_t deadline_unix_ms;
  void* node;
  /// Writes one line to the function's log. Never blocks; may be called from `call` only.
  void (*log)(void* node, troupe_bytes line);
};

/// Filled by the function; the node calls `release(owner)` once, when the bytes are no longer needed. From any thread.
struct troupe_response {
  std::uint32_t size;
  std::uint32_t status;  ///< 200 to 599
  const troupe_field* headers;
  std::size_t header_count;
  troupe_bytes body;
  void* owner;
  void (*release)(void* owner);
};

struct troupe_function_table {
  std::uint32_t abi_version;
  std::uint32_t size;
  /// @returns 0 when `response` is filled, anything else when the handler failed: then `response->body` is the message.
  int (*call)(const troupe_request* request, const troupe_context* context, troupe_response* response);
};

/// The one symbol that a shared object exports.
const troupe_function_table* troupe_function_entry(void);
}

namespace troupe {

namespace sdk {

inline std::string_view view(troupe_bytes bytes) noexcept {
  return {bytes.data, bytes.size};
}
inline troupe_bytes bytes(std::string_view text) noexcept {
  return {text.data(), text.size()};
}

inline bool same_name(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size())
    return false;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i]))
      return false;
  return true;
}

}  // namespace sdk

/// What the client sent. Views are valid until the handler returns.
class request {
public:
  explicit request(const troupe_request& raw) noexcept : raw_{raw} {}

  /// False for a direct invoke: then `body` is its JSON payload and all else is empty.
  bool is_http() const noexcept { return raw_.is_http != 0; }
  std::string_view method() const noexcept { return sdk::view(raw_.method); }
  std::string_view raw_path() const noexcept { return sdk::view(raw_.raw_path); }
  std::string_view raw_query() const noexcept { return sdk::view(raw_.raw_query); }
  std::string_view body() const noexcept { return sdk::view(raw_.body); }
  std::string_view route_key() const noexcept { return sdk::view(raw_.route_key); }
  std::string_view source_ip() const noexcept { return sdk::view(raw_.source_ip); }

  /// The first header of that name, compared without case; empty when there is none.
  std::string_view header(std::string_view name) const noexcept { return find(raw_.headers, raw_.header_count, name); }
  /// The decoded value of `{name}` in the route; empty when the route has none.
  std::string_view path_parameter(std::string_view name) const noexcept {
    return find(raw_.parameters, raw_.parameter_count, name);
  }
  const troupe_request& raw() const noexcept { return raw_; }

private:
  static std::string_view find(const troupe_field* fields, std::size_t count, std::string_view name) noexcept {
    for (std::size_t i = 0; i < count; ++i)
      if (sdk::same_name(sdk::view(fields[i].name), name))
        return sdk::view(fields[i].value);
    return {};
  }
  const troupe_request& raw_;
};

/// What the handler knows of the call.
class context {
public:
  explicit context(const troupe_context& raw) noexcept : raw_{raw} {}

  std::string_view function_name() const noexcept { return sdk::view(raw_.function_name); }
  std::string_view function_version() const noexcept { return sdk::view(raw_.function_version); }
  std::string_view request_id() const noexcept { return sdk::view(raw_.request_id); }
  std::string_view invocation_id() const noexcept { return sdk::view(raw_.invocation_id); }
  std::int64_t deadline_unix_ms() const noexcept { return raw_.deadline_unix_ms; }
  /// One line into the function's log (`troupe logs`).
  void log(std::string_view line) { raw_.log(raw_.node, sdk::bytes(line)); }

private:
  const troupe_context& raw_;
};

/// What the client gets. Headers whose name or value HTTP does not allow make the answer a 500.
struct response {
  unsigned status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  static response text(std::string body, unsigned status = 200) {
    return {status, {{"content-type", "text/plain; charset=utf-8"}}, std::move(body)};
  }
  static response json(std::string body, unsigned status = 200) {
    return {status, {{"content-type", "application/json"}}, std::move(body)};
  }
};

namespace sdk {

/// A response and the views that the node reads of it, in one allocation.
struct kept_response {
  response value;
  std::vector<troupe_field> fields;
};

inline void hand_over(response&& value, troupe_response& out) {
  auto* kept = new kept_response{std::move(value), {}};
  kept->fields.reserve(kept->value.headers.size());
  for (const auto& header : kept->value.headers)
    kept->fields.push_back({bytes(header.first), bytes(header.second)});
  out.status = kept->value.status;
  out.headers = kept->fields.data();
  out.header_count = kept->fields.size();
  out.body = bytes(kept->value.body);
  out.owner = kept;
  out.release = [](void* owner) { delete static_cast<kept_response*>(owner); };
}

template <class Handler>
int call(Handler& handler, const troupe_request* raw_request, const troupe_context* raw_context,
         troupe_response* out) noexcept {
  try {
    try {
      context call_context{*raw_context};
      hand_over(handler(request{*raw_request}, call_context), *out);
      return 0;
    } catch (const std::exception& problem) {
      hand_over(response{500, {}, problem.what()}, *out);
    } catch (...) {
      hand_over(response{500, {}, "an exception that is no std::exception"}, *out);
    }
  } catch (...) {
    // Out of memory while reporting: the node says that the handler failed without a message.
  }
  return 1;
}

}  // namespace sdk
}  // namespace troupe

#define TROUPE_FUNCTION(handler)                                                                               \
  extern "C" __attribute__((visibility("default"))) const troupe_function_table* troupe_function_entry(void) { \
    static const troupe_function_table table = {                                                               \
        TROUPE_ABI_VERSION, sizeof(troupe_function_table),                                                     \
        [](const troupe_request* request, const troupe_context* context, troupe_response* out) -> int {        \
          return troupe::sdk::call(handler, request, context, out);                                            \
        }};                                                                                                    \
    return &table;                                                                                             \
  }
