#include "functions/worker_payload.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <map>
#include <utility>

#include "config/text.hpp"

namespace troupe::functions {

namespace {

/// In the order of Linux's signal numbers from 1, in Go's words.
constexpr std::array<std::string_view, 31> signal_names = {"hangup",
                                                           "interrupt",
                                                           "quit",
                                                           "illegal instruction",
                                                           "trace/breakpoint trap",
                                                           "aborted",
                                                           "bus error",
                                                           "floating point exception",
                                                           "killed",
                                                           "user defined signal 1",
                                                           "segmentation fault",
                                                           "user defined signal 2",
                                                           "broken pipe",
                                                           "alarm clock",
                                                           "terminated",
                                                           "stack fault",
                                                           "child exited",
                                                           "continued",
                                                           "stopped (signal)",
                                                           "stopped",
                                                           "stopped (tty input)",
                                                           "stopped (tty output)",
                                                           "urgent I/O condition",
                                                           "CPU time limit exceeded",
                                                           "file size limit exceeded",
                                                           "virtual timer expired",
                                                           "profiling timer expired",
                                                           "window changed",
                                                           "I/O possible",
                                                           "power failure",
                                                           "bad system call"};

constexpr std::string_view default_path = "/usr/local/bin:/usr/bin:/bin";

void append_text(std::string& out, std::string_view text) {
  out.push_back('"');
  if (is_utf8(text))
    json_escape_append(out, text);
  else
    json_escape_append(out, latin1_to_utf8(text));
  out.push_back('"');
}

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out.push_back(out.empty() ? '{' : ',');
  append_text(out, name);
  out.push_back(':');
  append_text(out, text);
}

void append_member(std::string& out, std::string_view name, std::uint64_t number) {
  out.push_back(out.empty() ? '{' : ',');
  append_text(out, name);
  out.push_back(':');
  out.append(std::to_string(number));
}

std::string error_object(std::string_view type, std::string_view message) {
  std::string out;
  append_member(out, "errorType", type);
  append_member(out, "errorMessage", message);
  out.push_back('}');
  return out;
}

std::string of_request(const uuid& invocation_id, std::string_view problem) {
  // While the code loads for a deployment there is no request yet.
  std::string text = invocation_id == uuid{} ? "Error: " : "RequestId: " + to_string(invocation_id) + " Error: ";
  return text.append(problem);
}

std::string in_seconds(milliseconds time) {
  std::array<char, 32> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.2f seconds", static_cast<double>(time.count()) / 1000);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string log_group(const function_spec& spec) {
  return "/aws/lambda/" + spec.name;
}

}  // namespace

std::string timeout_payload(const uuid& invocation_id, milliseconds timeout) {
  return error_object("Sandbox.Timedout", of_request(invocation_id, "Task timed out after " + in_seconds(timeout)));
}

std::string init_timeout_payload(const uuid& invocation_id, milliseconds limit) {
  return error_object("Sandbox.Timedout",
                      of_request(invocation_id, "Initialization timed out after " + in_seconds(limit)));
}

std::string exit_payload(const uuid& invocation_id, int wait_status) {
  std::string problem = "Runtime exited without providing a reason";
  if (WIFSIGNALED(wait_status))
    problem = "Runtime exited with error: signal: " + signal_name(WTERMSIG(wait_status));
  else if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0)
    problem = "Runtime exited with error: exit status " + std::to_string(WEXITSTATUS(wait_status));
  return error_object("Runtime.ExitError", of_request(invocation_id, problem));
}

std::string spawn_failure_payload(const uuid& invocation_id, std::string_view reason) {
  return error_object("Runtime.InvalidEntrypoint", of_request(invocation_id, reason));
}

std::string response_too_big_payload(std::size_t limit) {
  std::string out;
  append_member(out, "errorMessage",
                "Response payload size exceeded maximum allowed payload size (" + std::to_string(limit) + " bytes).");
  append_member(out, "errorType", "Function.ResponseSizeTooLarge");
  return out + '}';
}

std::string signal_name(int signal) {
  if (signal >= 1 && static_cast<std::size_t>(signal) <= signal_names.size())
    return std::string{signal_names[static_cast<std::size_t>(signal) - 1]};
  return "signal " + std::to_string(signal);
}

std::string make_log_stream(std::string_view function_version, milliseconds wall, const uuid& worker) {
  const auto now = static_cast<std::time_t>(std::chrono::duration_cast<seconds>(wall).count());
  std::tm day{};
  ::gmtime_r(&now, &day);
  std::array<char, 32> date{};
  const auto length = std::strftime(date.data(), date.size(), "%Y/%m/%d/[", &day);
  std::string stream{date.data(), length};
  return stream.append(function_version).append("]").append(hex(worker.bytes));
}

std::string function_arn(const function_spec& spec, const worker_surroundings& around) {
  return "arn:aws:lambda:" + around.region + ":" + around.account_id + ":function:" + spec.name;
}

namespace {

std::map<std::string, std::string> variables_of(const function_spec& spec, const worker_surroundings& around) {
  std::map<std::string, std::string> all{
      {"LANG", "en_US.UTF-8"},
      {"NODE_PATH", around.runtime_dir + "/node_modules"},
      {"PATH", around.path.empty() ? std::string{default_path} : around.path},
      {"TZ", ":UTC"},
  };
  if (!around.temporary_dir.empty())
    all["TMPDIR"] = around.temporary_dir;
  for (const auto& [name, value] : spec.environment)
    all[name] = value;
  const std::map<std::string, std::string> own{
      {"AWS_DEFAULT_REGION", around.region},
      {"AWS_EXECUTION_ENV", "AWS_Lambda_" + spec.runtime},
      {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", std::to_string(spec.memory_mb)},
      {"AWS_LAMBDA_FUNCTION_NAME", spec.name},
      {"AWS_LAMBDA_FUNCTION_VERSION", around.function_version},
      {"AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"},
      {"AWS_LAMBDA_LOG_GROUP_NAME", log_group(spec)},
      {"AWS_LAMBDA_LOG_STREAM_NAME", around.log_stream},
      {"AWS_REGION", around.region},
      {"LAMBDA_RUNTIME_DIR", around.runtime_dir},
      {"LAMBDA_TASK_ROOT", around.task_root},
      {"PWD", around.task_root},
      {"_HANDLER", spec.handler},
  };
  for (const auto& [name, value] : own)
    all[name] = value;
  return all;
}

}  // namespace

std::vector<std::string> worker_environment(const function_spec& spec, const worker_surroundings& around) {
  std::vector<std::string> entries;
  for (const auto& [name, value] : variables_of(spec, around))
    entries.push_back(name + "=" + value);
  return entries;
}

std::vector<std::string> stem_environment(const worker_surroundings& around) {
  return {family_mark(around), "LANG=en_US.UTF-8", "NODE_PATH=" + around.runtime_dir + "/node_modules",
          "PATH=" + (around.path.empty() ? std::string{default_path} : around.path), "TZ=:UTC"};
}

std::string family_mark(const worker_surroundings& around) {
  return "AWS_LAMBDA_LOG_STREAM_NAME=" + around.log_stream;
}

std::string load_payload(const function_spec& spec, const worker_surroundings& around) {
  std::string out;
  append_member(out, "task_root", around.task_root);
  append_member(out, "handler", spec.handler);
  append_member(out, "function_name", spec.name);
  append_member(out, "function_version", around.function_version);
  append_member(out, "memory_mb", spec.memory_mb);
  append_member(out, "concurrency", spec.concurrency);
  append_member(out, "max_answer_bytes", around.max_answer_bytes);
  append_member(out, "account_id", around.account_id);
  append_member(out, "region", around.region);
  append_member(out, "log_group", log_group(spec));
  append_member(out, "log_stream", around.log_stream);
  append_member(out, "invoked_function_arn", function_arn(spec, around));
  append_member(out, "object", around.object);
  std::string environment;
  for (const auto& [name, value] : variables_of(spec, around))
    append_member(environment, name, value);
  out.append(",\"environment\":").append(environment).push_back('}');
  return out + '}';
}

}  // namespace troupe::functions
