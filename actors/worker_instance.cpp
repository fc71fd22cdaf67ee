#include "actors/worker_instance.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <caf/send.hpp>
#include <cerrno>
#include <csignal>

#include "actors/stem_pool.hpp"
#include "config/log.hpp"
#include "functions/memory_use.hpp"

namespace troupe::actors {

namespace {

using functions::failure;
using functions::invocation_ptr;

std::size_t places_of(const functions::function_spec& spec) {
  return spec.concurrency == 1 ? 1 + functions::prefetch_depth::most : spec.concurrency;
}

}  // namespace

worker_instance::worker_instance(caf::actor_config& config, worker_config what)
    : loop_bound{config}, what_{std::move(what)}, slots_{std::make_shared<worker_slots>(what_.spec->concurrency,
                                                                                        what_.load, loop().index())},
      places_(places_of(*what_.spec)), reader_{what_.limits.max_payload_bytes}, output_watcher_{*this} {}

worker_instance::~worker_instance() {
  if (channel_ >= 0)
    ::close(channel_);
  if (output_ >= 0)
    ::close(output_);
}

worker_instance::behavior_type worker_instance::make_behavior() {
  return {
      [this](const invocation_ptr& call) { return run(call); },
      [this](const worker_ends_ptr& ends) { on_channel(ends); },
      [this](const worker_process& process) { on_process(process.event); },
      [this](stop_atom) { stop(); },
      [this](halt_atom) { halt(); },
  };
}

void worker_instance::on_exit() {
  loop().disarm(*this);
  loop().cancel_batch_end(*this);
  if (channel_ >= 0)
    loop().unwatch(channel_, *this);
  if (output_ >= 0)
    loop().unwatch(output_, output_watcher_);
  if (!ended_)
    leave_unplanned();
  places_.clear();
  while (slots_->in_flight() > 0)
    slots_->give_back(loop().now());
  what_.router = nullptr;
  what_.supervisor = nullptr;
}

/// Something that it had to do threw, most likely for want of memory: nobody may count on it any more. Each step by
/// itself, since memory may be short for any.
void worker_instance::leave_unplanned() noexcept {
  attempt([this] { leave_router(); });
  attempt([this] { kill(); });
  attempt([this] {
    send(what_.supervisor,
         worker_ended{what_.instance, loaded_at_ != time_point{}, stop_requested_, timed_out_, loaded_at_,
                      failure{errc::function_crashed, {}, "the node could not go on with the instance"}});
  });
  for (auto& place : places_)
    if (place.sequence != 0)
      attempt([&] {
        place.answer.deliver(
            functions::make_failure(errc::function_crashed, "the node could not go on with the instance"));
      });
}

void worker_instance::rearm(time_point now) {
  auto next = std::min(stop_deadline_, ping_deadline_);
  if (phase_ == phase::starting || phase_ == phase::loading)
    next = std::min(next, born_at_ + what_.limits.init_timeout);
  auto oldest = time_point::max();
  bool some_wait = false;
  for (const auto& place : places_) {
    if (place.sequence != 0 && place.started())
      oldest = std::min(oldest, place.started_at);
    some_wait = some_wait || (place.sequence != 0 && !place.started() && !place.taken_back);
  }
  if (oldest != time_point::max())
    next = std::min(next, oldest + what_.spec->timeout);
  if (oldest != time_point::max() && some_wait)
    next = std::min(next, std::max(now + milliseconds{1}, oldest + functions::prefetch_depth::longest_head));
  if (pid_ > 0 && (oldest != time_point::max() || phase_ == phase::starting || phase_ == phase::loading))
    next = std::min(next, now + what_.limits.memory_interval);
  if (oldest == time_point::max() && phase_ == phase::ready)
    next = std::min(next, std::max(now + milliseconds{1}, last_used_ + what_.limits.idle_timeout.get()));
  // A wanted kill waits for the process id; no deadline hurries that.
  if (next == time_point::max() || phase_ == phase::dying || kill_wanted_ || ended_)
    loop().disarm(*this);
  else
    loop().arm(*this, next);
}

void worker_instance::on_timer(time_point now) {
  enter();
  const auto alive = strong_self();
  told_router_ = false;
  if ((phase_ == phase::starting || phase_ == phase::loading) && now >= born_at_ + what_.limits.init_timeout) {
    load_failure_ =
        failure{errc::init_failed, functions::init_timeout_payload({}, what_.limits.init_timeout),
                "the code took longer than " + std::to_string(what_.limits.init_timeout.count()) + " ms to load"};
    kill();
  }
  if (now - memory_seen_at_ >= what_.limits.memory_interval)
    look_at_memory(now);
  take_back_waiting(now);
  expire_calls(now);
  if (now >= stop_deadline_ || now >= ping_deadline_)
    kill();
  if (phase_ == phase::ready && slots_->in_flight() == 0 && now >= last_used_ + what_.limits.idle_timeout.get()) {
    last_used_ = now;
    send(what_.supervisor, worker_idle{what_.instance});
  }
  rearm(now);
  loop().drain();
}

/// The kernel would share what one function takes from all others: a worker over its limit ends alone.
void worker_instance::look_at_memory(time_point now) {
  if (pid_ == 0 || phase_ == phase::dying)
    return;
  memory_seen_at_ = now;
  const auto use = functions::memory_of(pid_);
  max_memory_kb_ = std::max({max_memory_kb_, use.peak_kb, use.resident_kb});
  if (use.resident_kb / 1024 <= what_.spec->memory_mb)
    return look_at_work(now);
  over_memory_ = true;
  end_reason_ = "used " + std::to_string(use.resident_kb / 1024) + " MB, " + std::to_string(what_.spec->memory_mb) +
                " MB are allowed";
  leave_router();
  kill();
}

/// What it does with the time in which it has calls tells whether more instances would help.
void worker_instance::look_at_work(time_point now) {
  if (pid_ == 0 || phase_ != phase::ready)
    return;
  const auto used = functions::processor_use_of(pid_);
  if (!used)
    return;
  const auto busy = slots_->busy_time(now);
  functions::instance_work piece{busy - seen_busy_, used->ran - seen_use_.ran, std::nullopt};
  if (used->starved && seen_use_.starved)
    piece.starved = *used->starved - *seen_use_.starved;
  slots_->worked(piece);
  seen_busy_ = busy;
  seen_use_ = *used;
}

/// What it computed while it had no calls is no part of the one that comes: code may go on in the background. The call
/// has been sent: what the worker has done for it by now is less than it would have waited for this.
void worker_instance::look_at_idle_work(time_point now) {
  if (!std::exchange(rested_, false) || pid_ == 0)
    return;
  if (const auto used = functions::processor_use_of(pid_)) {
    seen_busy_ = slots_->busy_time(now);
    seen_use_ = *used;
  }
}

void worker_instance::retire(std::string why) {
  if (phase_ == phase::dying || phase_ == phase::retiring)
    return;
  phase_ = phase::retiring;
  end_reason_ = std::move(why);
  leave_router();
}

void worker_instance::on_leaving() {
  retire("the worker leaves");
  stop_deadline_ = std::min(stop_deadline_, loop().now() + what_.limits.stop_timeout);
  rearm(loop().now());
}

void worker_instance::stop() {
  stop_requested_ = true;
  if (phase_ == phase::waiting && !ended_)
    what_.stems->cancel(caf::actor_cast<worker_actor>(ctrl()));
  if (phase_ == phase::waiting)
    return end({errc::draining, {}, "stopped before there was a process"});
  if (phase_ == phase::starting || phase_ == phase::loading) {
    kill();
    return;
  }
  retire("told to stop");
  stop_if_done();
}

void worker_instance::halt() {
  if (ended_)
    return quit();
  stop();
  if (slots_->in_flight() > 0)
    kill();
}

void worker_instance::stop_if_done() {
  if (phase_ != phase::retiring || slots_->in_flight() != 0 || stop_deadline_ != time_point::max())
    return;
  if (!stop_requested_) {
    kill();  // it hung in a call; what waits for its end must not wait for its good will
    return;
  }
  functions::append_stop(out_.bytes());
  at_batch_end();
  stop_deadline_ = loop().now() + what_.limits.stop_timeout;
  rearm(loop().now());
}

void worker_instance::kill() {
  leave_router();
  if (phase_ == phase::dying)
    return;
  if (pid_ == 0) {
    kill_wanted_ = true;  // the spawner has not said yet who it is
    return;
  }
  phase_ = phase::dying;
  what_.spawner->kill(pid_, SIGKILL);
}

void worker_instance::leave_router() {
  slots_->retire();
  if (std::exchange(joined_router_, false))
    send(what_.router, instance_gone{what_.spec->id, slots_});
}

void worker_instance::on_process(const functions::spawner_event& event) {
  if (const auto* spawned = std::get_if<functions::worker_spawned>(&event)) {
    pid_ = spawned->pid;
    if (kill_wanted_)
      kill();
    return;
  }
  if (const auto* failed = std::get_if<functions::spawn_failed>(&event)) {
    const auto payload = failed->error_number == ETIMEDOUT
                             ? functions::init_timeout_payload({}, what_.limits.init_timeout)
                             : functions::spawn_failure_payload({}, failed->text);
    end({errc::init_failed, payload, failed->text});
    return;
  }
  on_exited(std::get<functions::worker_exited>(event));
}

void worker_instance::on_exited(const functions::worker_exited& exited) {
  const bool by_itself = phase_ != phase::dying || closed_by_worker_;
  killed_ = by_itself && !kill_wanted_ && WIFSIGNALED(exited.wait_status) && WTERMSIG(exited.wait_status) == SIGKILL;
  pid_ = 0;
  phase_ = phase::dying;
  max_memory_kb_ = std::max(max_memory_kb_, exited.max_rss_kb);
  // What it wrote before it ended; the kernel's buffers bound both.
  do
    read_channel();
  while (channel_waits_);
  do
    read_output();
  while (output_waits_);
  std::string how = WIFSIGNALED(exited.wait_status) ? "killed by signal " + std::to_string(WTERMSIG(exited.wait_status))
                                                    : "exit status " + std::to_string(WEXITSTATUS(exited.wait_status));
  if (!end_reason_.empty())
    how += " (" + end_reason_ + ")";
  fail_running(over_memory_ ? errc::memory_exceeded : errc::function_crashed,
               "the worker ended during the call: " + how, exited.wait_status, true);
  failure why{errc::init_failed, functions::exit_payload({}, exited.wait_status), "the worker ended: " + how};
  if (loaded_at_ == time_point{} && load_failure_)
    why = *load_failure_;
  end(std::move(why));
}

void worker_instance::end(failure why) {
  if (ended_)
    return;
  leave_router();
  fail_running(errc::function_crashed, why.detail, 0, false);
  send(what_.supervisor, worker_ended{what_.instance, loaded_at_ != time_point{}, stop_requested_, timed_out_,
                                      loaded_at_, std::move(why), killed_});
  // Calls that the router sent before it knew lie in the mailbox: they go back to it first.
  phase_ = phase::dying;
  ended_ = true;
  loop().disarm(*this);
  caf::anon_send(caf::actor_cast<worker_actor>(ctrl()), halt_atom::value);
}

}  // namespace troupe::actors
