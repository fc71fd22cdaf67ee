#include "worker_fixture.hpp"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace troupe::functions::testing {

void WorkerTest::start(const files& code, const std::string& handler) {
  for (const auto& [name, contents] : code)
    folder.write(name, contents);
  spec.name = "tested";
  spec.handler = handler;
  around.task_root = folder.path();
  around.runtime_dir = shim_folder.path();
  around.log_stream = make_log_stream("$LATEST", milliseconds{0}, make_fast_uuid());
  const auto what = prepare(spec, around);
  ASSERT_FALSE(what.arguments.empty()) << "the runtime is not installed";

  spawn_request request;
  request.arguments = what.arguments;
  request.environment = starts_generic ? stem_environment(around) : worker_environment(spec, around);
  if (starts_generic)
    request.environment.emplace_back("OF_THE_STEM=1");
  request.family_mark = family_mark(around);
  request.directory = starts_generic ? "/" : around.task_root;
  worker = spawn(request);
  pid = next<worker_spawned>().pid;

  const auto hello = receive();
  ASSERT_EQ(hello.kind, frame_kind::hello) << read_to_end(worker.output.get());
  EXPECT_EQ(hello.number, what.version);
  EXPECT_EQ(hello.text.substr(0, what.hello.size()), what.hello);
}

void WorkerTest::begin(const files& code, const std::string& handler, const nlohmann::json& load) {
  start(code, handler);
  if (HasFatalFailure())
    return;
  auto json = nlohmann::json::parse(load_payload(spec, around));
  if (load.is_object())
    json.update(load);
  buffer out;
  append_load(out, json.dump());
  send(out);
}

void WorkerTest::serve(const files& code, const std::string& handler, const nlohmann::json& load) {
  begin(code, handler, load);
  if (HasFatalFailure())
    return;
  for (;;) {
    const auto frame = receive();
    if (frame.kind == frame_kind::log) {
      logs.push_back(frame);
      continue;
    }
    ASSERT_EQ(frame.kind, frame_kind::loaded) << frame.payload;
    EXPECT_GT(frame.number, 0U);
    return;
  }
}

std::uint64_t WorkerTest::append_call(buffer& out, const std::string& event, const std::string& client_context) {
  const auto id = ++last_call_;
  const auto mark = begin_call(out, id);
  out.append(event);
  const auto invocation = invocation_of(id);
  const auto trace = "Root=1-5e6722a7-" + std::to_string(id);
  call_fields fields;
  fields.invocation_id = invocation;
  fields.deadline_unix_ms = static_cast<std::uint64_t>(wall_now().count()) + 60'000;
  fields.trace_id = trace;
  fields.client_context = client_context;
  EXPECT_TRUE(end_call(out, mark, fields, 8U << 20));
  return id;
}

void WorkerTest::send(const buffer& bytes) {
  auto rest = bytes.view();
  while (!rest.empty()) {
    const auto sent = ::send(worker.channel.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    ASSERT_GT(sent, 0) << "the worker has gone";
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::uint64_t WorkerTest::call(const nlohmann::json& event) {
  return call_raw(event.dump());
}

std::uint64_t WorkerTest::call_raw(const std::string& payload) {
  buffer out;
  const auto id = append_call(out, payload);
  send(out);
  return id;
}

received_frame WorkerTest::receive() {
  for (;;) {
    const auto frame = reader_.next();
    if (!frame) {
      ADD_FAILURE() << frame.error().what;
      return {};
    }
    if (*frame) {
      const auto& f = **frame;
      return {f.kind, f.call_id, f.number, std::string{f.payload}, std::string{f.text}};
    }
    if (!readable(worker.channel.get())) {
      ADD_FAILURE() << "the worker is silent";
      return {};
    }
    const auto room = reader_.room();
    const auto got = ::recv(worker.channel.get(), room.data(), room.size(), 0);
    if (got <= 0)
      return {};
    reader_.commit(static_cast<std::size_t>(got));
  }
}

received_frame WorkerTest::result(std::uint64_t id) {
  const auto is_it = [&](const received_frame& frame) { return frame.call_id == id; };
  if (const auto found = std::find_if(kept_.begin(), kept_.end(), is_it); found != kept_.end()) {
    auto frame = std::move(*found);
    kept_.erase(found);
    return frame;
  }
  for (;;) {
    auto frame = receive();
    if (frame.kind == frame_kind::log)
      logs.push_back(std::move(frame));
    else if (frame.kind == frame_kind::unknown || is_it(frame))
      return frame;
    else
      kept_.push_back(std::move(frame));
  }
}

std::string WorkerTest::answer(const nlohmann::json& event) {
  const auto frame = result(call(event));
  EXPECT_EQ(frame.kind, frame_kind::answer) << frame.payload;
  return frame.payload;
}

nlohmann::json WorkerTest::failure(const nlohmann::json& event) {
  const auto frame = result(call(event));
  EXPECT_EQ(frame.kind, frame_kind::error) << frame.payload;
  EXPECT_EQ(frame.json().value("errorType", ""), frame.text);
  return frame.json();
}

nlohmann::json WorkerTest::load_failure(const files& code, const std::string& handler) {
  begin(code, handler);
  const auto frame = result(0);
  EXPECT_EQ(frame.kind, frame_kind::error);
  EXPECT_EQ(frame.json().value("errorType", ""), frame.text);
  EXPECT_EQ(exit_status(), 1);
  return frame.json();
}

int WorkerTest::exit_status() {
  const auto ended = next<worker_exited>();
  return WIFEXITED(ended.wait_status) ? WEXITSTATUS(ended.wait_status) : -1;
}

}  // namespace troupe::functions::testing
