#include "functions/native_library.hpp"

#include <dlfcn.h>

#include <array>
#include <utility>
#include <vector>

#include "config/text.hpp"

namespace troupe::functions {

namespace {

troupe_bytes bytes(std::string_view text) noexcept {
  return {text.data(), text.size()};
}
std::string_view view(troupe_bytes text) noexcept {
  return text.data == nullptr ? std::string_view{} : std::string_view{text.data, text.size};
}

struct log_target {
  const invocation* call;
  function_log* log;
};

/// The fields of a request as the table wants them; small requests need no allocation.
class field_list {
public:
  void add(std::string_view name, std::string_view value) {
    if (count_ < few_.size() && many_.empty()) {
      few_[count_++] = {bytes(name), bytes(value)};
      return;
    }
    if (many_.empty())
      many_.assign(few_.begin(), few_.end());
    many_.push_back({bytes(name), bytes(value)});
    ++count_;
  }
  const troupe_field* data() const noexcept { return many_.empty() ? few_.data() : many_.data(); }
  std::size_t size() const noexcept { return count_; }

private:
  std::array<troupe_field, 24> few_;
  std::vector<troupe_field> many_;
  std::size_t count_ = 0;
};

}  // namespace

std::string handler_error_payload(std::string_view message) {
  std::string json = R"({"errorType":"Error","errorMessage":")";
  json_escape_append(json, is_utf8(message) ? std::string{message} : latin1_to_utf8(message));
  return json + "\",\"trace\":[]}";
}

expected<std::shared_ptr<const native_library>> native_library::open(const std::string& path) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    return fail(errc::init_failed, std::string{"cannot load the shared object: "} + ::dlerror());
  auto* entry = reinterpret_cast<const troupe_function_table* (*)()>(::dlsym(handle, "troupe_function_entry"));
  if (entry == nullptr)
    return fail(errc::init_failed, "the shared object exports no troupe_function_entry: use TROUPE_FUNCTION(handler)");
  const auto* table = entry();
  if (table == nullptr || table->abi_version != TROUPE_ABI_VERSION || table->size < sizeof(troupe_function_table) ||
      table->call == nullptr)
    return fail(errc::init_failed, "the shared object was built for ABI " +
                                       std::to_string(table == nullptr ? 0 : table->abi_version) +
                                       ", this node has ABI " + std::to_string(TROUPE_ABI_VERSION));
  return std::shared_ptr<const native_library>{new native_library{table->call}};
}

std::shared_ptr<const native_library> native_library::of(call_function handler) {
  return std::shared_ptr<const native_library>{new native_library{std::move(handler)}};
}

outcome_ptr native_library::call(const invocation& call, function_log& log) const {
  try {
    return run(call, log);
  } catch (const std::exception& problem) {  // out of memory: the SDK lets nothing else through
    return make_failure(errc::function_crashed, problem.what());
  }
}

outcome_ptr native_library::run(const invocation& call, function_log& log) const {
  field_list headers;
  field_list parameters;
  troupe_request request{};
  request.size = sizeof request;
  if (const auto* http = call.request.get()) {
    request.is_http = 1;
    request.method = bytes(http->method);
    request.raw_path = bytes(http->path);
    request.raw_query = bytes(http->query);
    request.body = bytes(http->body.view());
    request.source_ip = bytes(http->peer_address);
    for (const auto& field : http->fields)
      headers.add(field.name, field.value);
  } else {
    request.body = bytes(call.json);
  }
  if (call.route_key)
    request.route_key = bytes(*call.route_key);
  for (const auto& [name, value] : call.parameters)
    parameters.add(name, value);
  request.headers = headers.data();
  request.header_count = headers.size();
  request.parameters = parameters.data();
  request.parameter_count = parameters.size();

  log_target target{&call, &log};
  troupe_context context{};
  context.size = sizeof context;
  context.memory_mb = call.function->memory_mb;
  context.function_name = bytes(call.function->name);
  const auto version = std::to_string(call.function->version);
  context.function_version = bytes(version);
  context.request_id = bytes(call.request_id.view());
  char invocation_text[36];
  format(call.invocation_id, invocation_text);
  context.invocation_id = {invocation_text, sizeof invocation_text};
  context.deadline_unix_ms = (wall_now() + call.function->timeout).count();
  context.node = &target;
  context.log = [](void* node, troupe_bytes line) {
    auto& to = *static_cast<log_target*>(node);
    to.log->write(*to.call, view(line));
  };

  return this->call(request, context);
}

outcome_ptr native_library::call(const troupe_request& request, const troupe_context& context) const {
  troupe_response response{};
  response.size = sizeof response;
  const int status = handler_(&request, &context, &response);
  foreign_bytes body{view(response.body), response.owner, response.release};
  auto result = std::make_shared<outcome>();
  if (status != 0) {
    const std::string message{body.view().empty() ? "the handler failed without a message" : body.view()};
    result->value = failure{errc::function_error, handler_error_payload(message), message};
    return result;
  }
  auto& answer = result->value.emplace<native_response>();
  answer.status = response.status;
  answer.headers.reserve(response.header_count);
  for (std::size_t i = 0; i < response.header_count; ++i)
    answer.headers.emplace_back(view(response.headers[i].name), view(response.headers[i].value));
  answer.body = std::move(body);
  return result;
}

}  // namespace troupe::functions
