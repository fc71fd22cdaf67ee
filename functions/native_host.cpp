#include "functions/native_host.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "functions/native_channel.hpp"
#include "functions/native_function.hpp"
#include "functions/worker_payload.hpp"

namespace troupe::functions {

namespace {

constexpr int channel_descriptor = 3;
/// The most that the setting worker.max_payload_bytes may be.
constexpr std::size_t max_request_bytes = 256 * 1024 * 1024;
constexpr int exit_usage = 2;
constexpr int exit_protocol = 70;
/// After so long without a look at the channel no call is started before one: what waits may be cancelled by then, and
/// what is ready should not wait for the rest.
constexpr duration long_turn = milliseconds{1};

[[noreturn]] void break_off(const std::string& what) {
  std::fprintf(stderr, "troupe: the node sent %s; this worker ends\n", what.c_str());
  ::_exit(exit_protocol);
}

class native_host {
public:
  [[noreturn]] void run();

private:
  void take(native_channel::patience how);
  void on_frame(const frame& frame);
  void load(const nlohmann::json& given);
  void cancel(std::uint64_t call_id);
  void stop();
  [[noreturn]] void leave(int status);

  void run_call(const native_call& call);
  [[noreturn]] void serve_alone();
  void employ();
  [[noreturn]] void work();

  native_channel channel_{channel_descriptor, max_request_bytes};
  std::optional<native_function> function_;

  std::mutex mutex_;  // of the rest
  std::condition_variable more_calls_;
  std::deque<native_call> waiting_;
  std::size_t threads_ = 0;
  std::size_t idle_threads_ = 0;
  std::size_t running_ = 0;
  bool stopping_ = false;
};

void native_host::run() {
  channel_.add([](buffer& out) { append_hello(out, frame_protocol_version, "native " TROUPE_VERSION); });
  while (!function_) {
    if (stopping_)
      leave(0);
    channel_.flush();
    take(native_channel::patience::wait);
  }
  channel_.flush();
  if (function_->concurrency() == 1)
    serve_alone();
  for (;;) {
    take(native_channel::patience::wait);
    channel_.flush();
  }
}

/// One call at a time on the main thread, whose stack is as large as the limits say.
void native_host::serve_alone() {
  auto looked_at = clock::now();
  for (;;) {
    if (waiting_.empty()) {
      if (stopping_)
        leave(0);
      channel_.flush();
      take(native_channel::patience::wait);
      looked_at = clock::now();
    } else if (clock::now() - looked_at >= long_turn) {
      channel_.flush();
      take(native_channel::patience::look_only);
      looked_at = clock::now();
    }
    if (waiting_.empty())
      continue;
    const auto call = std::move(waiting_.front());
    waiting_.pop_front();
    run_call(call);
  }
}

void native_host::take(native_channel::patience how) {
  for (;;) {
    const bool more = channel_.receive(how);
    for (;;) {
      const auto next = channel_.next();
      if (!next)
        break_off(next.error().what);
      if (!*next)
        break;
      on_frame(**next);
    }
    if (!more)
      return;
    how = native_channel::patience::look_only;
  }
}

void native_host::on_frame(const frame& frame) {
  switch (frame.kind) {
    case frame_kind::load: try { load(nlohmann::json::parse(frame.payload));
      } catch (const nlohmann::json::exception& problem) {
        break_off(std::string{"a load frame that says: "} + problem.what());
      }
      return;
    case frame_kind::call: {
      if (!function_)
        break_off("a call before the code");
      const std::scoped_lock lock{mutex_};
      waiting_.push_back({frame.call_id, frame.number, std::string{frame.text}, std::string{frame.payload}});
      return employ();
    }
    case frame_kind::cancel: return cancel(frame.call_id);
    case frame_kind::ping: return channel_.add([&](buffer& out) { append_pong(out, frame.call_id); });
    case frame_kind::stop: return stop();
    case frame_kind::chunk:
    case frame_kind::shape:
    case frame_kind::shaped_call:      // only for those who say that they take them
    case frame_kind::unknown: return;  // of a newer node
    case frame_kind::hello:
    case frame_kind::loaded:
    case frame_kind::answer:
    case frame_kind::error:
    case frame_kind::cancelled:
    case frame_kind::log:
    case frame_kind::pong: break_off("a frame that only a worker sends");
  }
}

void native_host::load(const nlohmann::json& given) {
  const auto begun = clock::now();
  auto loaded = native_function::load(given);
  if (!loaded) {
    const auto payload = spawn_failure_payload({}, loaded.error().what);
    channel_.add([&](buffer& out) { append_error(out, 0, payload, "Runtime.InvalidEntrypoint"); });
    leave(1);
  }
  function_ = std::move(*loaded);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - begun).count();
  channel_.add([&](buffer& out) { append_loaded(out, static_cast<std::uint64_t>(took) + 1); });
}

void native_host::run_call(const native_call& call) {
  if (const auto ran = function_->run(call, channel_); !ran)
    break_off(ran.error().what);
}

void native_host::cancel(std::uint64_t call_id) {
  const std::scoped_lock lock{mutex_};
  if (std::erase_if(waiting_, [&](const native_call& call) { return call.id == call_id; }) != 0)
    channel_.add([&](buffer& out) { append_cancelled(out, call_id); });
}

void native_host::stop() {
  const std::scoped_lock lock{mutex_};
  stopping_ = true;
  for (const auto& call : waiting_)
    channel_.add([&](buffer& out) { append_cancelled(out, call.id); });
  waiting_.clear();
  if (function_ && function_->concurrency() > 1 && running_ == 0)
    leave(0);
}

/// What the function printed goes out; its static destructors and those of this program are nobody's concern.
void native_host::leave(int status) {
  std::fflush(nullptr);
  channel_.flush();
  ::_exit(status);
}

/// A thread more, if all are busy and there may be one more. The caller holds the mutex.
void native_host::employ() {
  if (function_->concurrency() == 1)
    return;
  if (waiting_.size() > idle_threads_ && threads_ < function_->concurrency()) {
    try {
      std::thread{[this] { work(); }}.detach();
      ++threads_;
    } catch (const std::system_error& problem) {
      if (threads_ == 0) {
        std::fprintf(stderr, "troupe: cannot start a thread: %s\n", problem.what());
        ::_exit(EXIT_FAILURE);
      }
    }
  }
  more_calls_.notify_one();
}

void native_host::work() {
  std::unique_lock lock{mutex_};
  for (;;) {
    ++idle_threads_;
    more_calls_.wait(lock, [&] { return !waiting_.empty(); });
    --idle_threads_;
    const auto call = std::move(waiting_.front());
    waiting_.pop_front();
    ++running_;
    lock.unlock();
    run_call(call);
    channel_.flush();
    lock.lock();
    if (--running_ == 0 && stopping_)
      leave(0);
  }
}

}  // namespace

int run_native_host() {
  struct stat status {};
  if (::fstat(channel_descriptor, &status) != 0 || !S_ISSOCK(status.st_mode)) {
    std::fputs("troupe native-host: nodes start this; it wants their channel as descriptor 3\n", stderr);
    return exit_usage;
  }
  // What the function starts must not hold the channel open.
  ::fcntl(channel_descriptor, F_SETFD, FD_CLOEXEC);
  // A pipe: without this, lines that a handler prints would wait for a full buffer, and be lost with a crash.
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  native_host{}.run();
}

}  // namespace troupe::functions
