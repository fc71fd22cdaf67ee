#include "functions/native_function.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "functions/native_frame.hpp"
#include "functions/worker_payload.hpp"

namespace troupe::functions {

namespace {

/// What `troupe_context::node` points to.
struct log_target {
  native_channel& channel;
  const native_call& call;
};

troupe_bytes bytes(std::string_view text) noexcept {
  return {text.data(), text.size()};
}

void write_log(void* node, troupe_bytes line) {
  const auto& to = *static_cast<log_target*>(node);
  to.channel.log(to.call.id, to.call.invocation_id, {line.data, line.size});
}

expected<void> take_surroundings(const nlohmann::json& given) {
  ::clearenv();
  for (const auto& [name, value] : given.at("environment").items())
    ::setenv(name.c_str(), value.get_ref<const std::string&>().c_str(), 1);
  ::tzset();
  const auto folder = given.at("task_root").get<std::string>();
  if (!folder.empty() && ::chdir(folder.c_str()) != 0)
    return fail(errc::init_failed, "cannot change to the code folder: " + std::string{std::strerror(errno)});
  return {};
}

}  // namespace

expected<native_function> native_function::load(const nlohmann::json& given) {
  native_function out;
  out.name_ = given.at("function_name").get<std::string>();
  out.memory_mb_ = given.at("memory_mb").get<std::uint32_t>();
  out.concurrency_ = given.at("concurrency").get<std::size_t>();
  out.max_answer_bytes_ = given.at("max_answer_bytes").get<std::size_t>();
  if (auto taken = take_surroundings(given); !taken)
    return tl::unexpected{taken.error()};
  auto opened = native_library::open(given.at("object").get<std::string>());
  if (!opened)
    return tl::unexpected{opened.error()};
  out.library_ = std::move(*opened);
  return out;
}

expected<void> native_function::run(const native_call& call, native_channel& channel) const {
  const auto request = read_native_request(call.payload);
  if (!request)
    return tl::unexpected{request.error()};
  const auto version = std::to_string(request->function_version);
  log_target target{channel, call};
  troupe_context context{};
  context.size = sizeof context;
  context.memory_mb = memory_mb_;
  context.function_name = bytes(name_);
  context.function_version = bytes(version);
  context.request_id = bytes(request->request_id);
  context.invocation_id = bytes(call.invocation_id);
  context.deadline_unix_ms = static_cast<std::int64_t>(call.deadline_unix_ms);
  context.node = &target;
  context.log = write_log;

  const auto result = result_of(request->raw, context);
  if (const auto* failed = std::get_if<failure>(&result->value)) {
    channel.add([&](buffer& out) { append_error(out, call.id, failed->payload, "Error"); });
    return {};
  }
  buffer payload;
  append_native_answer(payload, std::get<native_response>(result->value));
  channel.add([&](buffer& out) {
    if (payload.size() <= max_answer_bytes_)
      append_answer(out, call.id, payload.view());
    else
      append_error(out, call.id, response_too_big_payload(max_answer_bytes_), "Function.ResponseSizeTooLarge");
  });
  return {};
}

outcome_ptr native_function::result_of(const troupe_request& request, const troupe_context& context) const {
  try {
    return library_->call(request, context);
  } catch (const std::exception& problem) {  // of an object that does not use the SDK's wrapper, or out of memory
    return make_failure(errc::function_error, problem.what(), handler_error_payload(problem.what()));
  } catch (...) {
    constexpr auto what = "an exception that is no std::exception";
    return make_failure(errc::function_error, what, handler_error_payload(what));
  }
}

}  // namespace troupe::functions
