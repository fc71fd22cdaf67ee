// A worker that runs the shared object of native_handler.cpp, or files that are none.
#pragma once

#include "functions/native_frame.hpp"
#include "worker_fixture.hpp"

namespace troupe::functions::testing {

/// A request that may be sent to a worker as well as to a library in this process.
struct native_case {
  std::shared_ptr<http_request> request = std::make_shared<http_request>();
  invocation call;
  std::shared_ptr<function_spec> function = std::make_shared<function_spec>();

  explicit native_case(std::string_view path, std::string_view body = {}) {
    function->name = "tested";
    function->version = 300;
    call.function = function;
    call.request_id = make_request_id();
    request->method = "POST";
    request->path = path;
    request->peer_address = "192.0.2.1";
    request->body.append(body);
    call.request = request;
  }
  std::string payload() const {
    buffer out;
    append_native_request(out, call);
    return std::string{out.view()};
  }
};

class NativeHostTest : public WorkerTest {
protected:
  void serve(const nlohmann::json& load = {}) { WorkerTest::serve(files{}, "", load); }
  std::uint64_t send_call(std::string_view path, std::string_view body = {}) {
    return call_raw(native_case{path, body}.payload());
  }
  /// One call; expects an answer and gives its body.
  std::string body_of(std::string_view path, std::string_view body = {}) {
    const auto frame = result(send_call(path, body));
    EXPECT_EQ(frame.kind, frame_kind::answer) << frame.payload;
    const auto answer = read_native_answer(frame.payload);
    return answer ? std::string{answer->body.view()} : answer.error().what;
  }

  program prepare(function_spec& function, worker_surroundings& surroundings) override {
    function.runtime = "native";
    function.kind = runtime_kind::native;
    surroundings.object = object;
    return {{TROUPE_NATIVE_HOST, "native-host"}, "native "};
  }

  std::string object = TROUPE_NATIVE_HANDLER;
};

}  // namespace troupe::functions::testing
