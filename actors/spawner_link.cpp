#include "actors/spawner_link.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include "config/log.hpp"

namespace troupe::actors {

using functions::spawner_event;

spawner_link::spawner_link(event_loop& control_loop, functions::spawner_handle& spawner, std::function<void()> on_lost)
    : loop_{control_loop}, spawner_{spawner}, on_lost_{std::move(on_lost)} {}

spawner_link::~spawner_link() {
  for (auto& entry : waiting_) {
    if (entry.channel >= 0)
      ::close(entry.channel);
    if (entry.output >= 0)
      ::close(entry.output);
  }
}

void spawner_link::start() {
  loop_.post([this] {
    if (auto watched = loop_.watch(spawner_.control, EPOLLIN | EPOLLOUT, *this); !watched)
      lose(watched.error().what);
    else
      watching_ = true;
  });
}

void spawner_link::stop() {
  if (watching_)
    loop_.unwatch(spawner_.control, *this);
  watching_ = false;
}

void spawner_link::spawn(functions::spawn_request request, int channel, int output, event_callback callback) {
  loop_.post([this, request = std::move(request), channel, output, callback = std::move(callback)]() mutable {
    request.token = next_token_++;
    callbacks_.emplace(request.token, std::move(callback));
    submit({std::move(request), channel, output});
  });
}

void spawner_link::kill(pid_t pid, int signal) {
  loop_.post([this, pid, signal] { submit({{}, -1, -1, pid, signal}); });
}

void spawner_link::submit(waiting&& entry) {
  if (waiting_.size() >= max_waiting_requests) {
    // Only a spawner that hangs gets here. A kill request is not lost silently: the spawner's end kills all.
    log_event(log_level::error, "spawner_behind", {{"waiting", std::to_string(waiting_.size())}});
    if (entry.channel >= 0) {
      ::close(entry.channel);
      ::close(entry.output);
      deliver(functions::spawn_failed{entry.request.token, 0, "the spawner does not keep up"});
    }
    return;
  }
  waiting_.push_back(std::move(entry));
  flush();
}

bool spawner_link::send(waiting& entry) {
  const bool starts = entry.channel >= 0;
  const auto sent = lost_    ? expected<void>{fail(errc::unavailable, "the spawner is gone")}
                    : starts ? functions::send_spawn(spawner_.control, entry.request, entry.channel, entry.output)
                             : functions::send_kill(spawner_.control, entry.kill_pid, entry.kill_signal,
                                                    functions::kill_scope::process_group);
  if (!sent && sent.error().code == errc::overloaded)
    return false;
  if (starts) {
    ::close(entry.channel);
    ::close(entry.output);
    if (!sent)
      deliver(functions::spawn_failed{entry.request.token, 0, sent.error().what});
  }
  return true;
}

void spawner_link::flush() {
  while (!waiting_.empty() && send(waiting_.front()))
    waiting_.pop_front();
}

void spawner_link::deliver(const spawner_event& event) {
  const auto token = std::visit([](const auto& e) { return e.token; }, event);
  const auto found = callbacks_.find(token);
  if (found == callbacks_.end())
    return;
  auto callback = found->second;
  if (!std::holds_alternative<functions::worker_spawned>(event))
    callbacks_.erase(found);
  callback(event);
}

void spawner_link::on_ready(std::uint32_t) {
  while (!lost_) {
    auto event = functions::read_event(spawner_.control);
    if (!event) {
      lose(event.error().what);
      return;
    }
    if (!*event)
      break;
    deliver(**event);
  }
  flush();
}

void spawner_link::lose(const std::string& why) {
  if (lost_)
    return;
  lost_ = true;
  log_event(log_level::error, "spawner_lost", {{"reason", why}});
  stop();
  flush();
  auto callbacks = std::move(callbacks_);
  callbacks_.clear();
  for (auto& [token, callback] : callbacks)
    callback(functions::spawn_failed{token, 0, "the spawner is gone"});
  on_lost_();
}

}  // namespace troupe::actors
