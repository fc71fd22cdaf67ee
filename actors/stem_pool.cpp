#include "actors/stem_pool.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <caf/send.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "actors/stem_process.hpp"
#include "config/log.hpp"

namespace troupe::actors {

namespace {

/// How long a starting process keeps its place among those that may start at a time.
constexpr seconds longest_boot{1};

/// Both ends of what a worker talks over: the node's are non-blocking, all close on exec.
struct worker_descriptors {
  int channel = -1, worker_channel = -1, output = -1, worker_output = -1;
};

expected<worker_descriptors> open_descriptors() {
  std::array<int, 2> channel{};
  std::array<int, 2> output{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel.data()) != 0)
    return fail(errc::io, std::string{"cannot open a channel: "} + std::strerror(errno));
  if (::pipe2(output.data(), O_CLOEXEC) != 0) {
    const int problem = errno;
    ::close(channel[0]);
    ::close(channel[1]);
    return fail(errc::io, std::string{"cannot open a pipe: "} + std::strerror(problem));
  }
  ::fcntl(channel[0], F_SETFL, O_NONBLOCK);
  ::fcntl(output[0], F_SETFL, O_NONBLOCK);
  return worker_descriptors{channel[0], channel[1], output[0], output[1]};
}

}  // namespace

stem_pool::stem_pool(event_loop& control_loop, spawner_link& spawner, std::shared_ptr<instance_budget> budget,
                     stem_pool_options options)
    : loop_{control_loop}, spawner_{spawner}, budget_{std::move(budget)}, options_{std::move(options)} {}

stem_pool::~stem_pool() = default;

void stem_pool::start(worker_order order) {
  loop_.post([this, order = std::move(order)]() mutable { take(std::move(order)); });
}

void stem_pool::take(worker_order&& order) {
  if (stopped_)
    return fail(order.worker, "the node goes down");
  auto launch = functions::launch_of(*order.spec, options_.programs, options_.surroundings);
  if (!launch)
    return fail(order.worker, launch.error().what);
  if (const auto known = classes_.find(launch->stem_class); known != classes_.end())
    known->second.policy.started(loop_.now());
  const auto ready = std::find_if(processes_.begin(), processes_.end(), [&](const auto& each) {
    return each->booted && !each->doomed && !launch->stem_class.empty() && each->stem_class == launch->stem_class;
  });
  if (ready != processes_.end())
    return adopt(**ready, order.worker);
  orders_.push_back({std::move(order), std::move(*launch)});
  boot_what_is_wanted();
}

void stem_pool::cancel(const worker_actor& worker) {
  loop_.post([this, worker] {
    std::erase_if(orders_, [&](const auto& waiting) { return waiting.order.worker == worker; });
    for (const auto& each : processes_)
      if (each->owner == worker)
        doom(*each);
  });
}

void stem_pool::fail(const worker_actor& worker, const std::string& why) {
  caf::anon_send(worker, worker_process{functions::spawn_failed{0, 0, why}});
}

std::size_t stem_pool::booting() const {
  // A start that takes longer does not compute: it must not keep others from theirs.
  const auto recent = loop_.now() - longest_boot;
  return static_cast<std::size_t>(std::count_if(processes_.begin(), processes_.end(), [recent](const auto& each) {
    return !each->booted && each->begun_at > recent;
  }));
}

/// Processes for the orders that wait, oldest first.
void stem_pool::boot_what_is_wanted() {
  std::map<std::string, std::size_t> covered;
  for (auto waiting = orders_.begin(); waiting != orders_.end() && booting() < options_.max_booting;) {
    const auto& name = waiting->launch.stem_class;
    if (!name.empty() && covered[name]++ < count(name, false)) {
      ++waiting;  // one that boots already will do
      continue;
    }
    auto order = std::move(*waiting);
    const bool own = name.empty();
    const bool begun =
        boot(order.launch, *order.order.spec, order.order.task_root, own ? order.order.worker : worker_actor{});
    if (begun && !own)
      *waiting++ = std::move(order);  // goes to the first of its class that is ready
    else
      waiting = orders_.erase(waiting);
    if (!begun)
      fail(order.order.worker, "no descriptors are left for another worker");
  }
}

bool stem_pool::boot(const functions::launch& launch, const functions::function_spec& spec, std::string task_root,
                     worker_actor owner) {
  auto opened = open_descriptors();
  if (!opened) {
    log_event(log_level::error, "worker_not_started", {{"reason", opened.error().what}});
    return false;
  }
  auto around = options_.surroundings;
  around.log_stream = functions::make_log_stream(around.function_version, wall_now(), make_uuid());
  around.task_root = task_root;
  auto begun = std::make_shared<process>(*this);
  begun->stem_class = launch.stem_class;
  begun->ends = std::make_shared<worker_ends>(opened->channel, opened->output, around.log_stream);
  begun->owner = std::move(owner);
  processes_.push_back(begun);
  begun->begun_at = loop_.now();
  loop_.arm(*begun, loop_.now() + longest_boot);

  functions::spawn_request request;
  request.arguments = launch.arguments;
  request.environment =
      launch.stem_class.empty() ? functions::worker_environment(spec, around) : functions::stem_environment(around);
  request.nice = options_.nice;
  request.family_mark = functions::family_mark(around);
  request.directory = launch.stem_class.empty() ? around.task_root : around.runtime_dir;
  spawner_.spawn(std::move(request), opened->worker_channel, opened->worker_output,
                 [this, begun](const functions::spawner_event& event) { on_event(*begun, event); });
  if (auto watching = loop_.watch(begun->ends->channel, EPOLLIN | EPOLLRDHUP, *begun); watching)
    begun->watched = true;
  else
    log_event(log_level::error, "worker_not_watched", {{"reason", watching.error().what}});
  return true;
}

/// It has said hello, which is left for its instance to read.
void stem_pool::on_booted(process& which) {
  if (which.booted || !which.ends)
    return;
  which.booted = true;
  loop_.disarm(which);
  if (which.owner && !which.doomed) {
    adopt(which, which.owner);
  } else if (!which.doomed) {
    const auto first = std::find_if(orders_.begin(), orders_.end(),
                                    [&](const auto& waiting) { return waiting.launch.stem_class == which.stem_class; });
    if (first != orders_.end()) {
      const auto worker = first->order.worker;
      orders_.erase(first);
      adopt(which, worker);
    } else if (!options_.stem_cells || !classes_.contains(which.stem_class)) {
      doom(which);  // who wanted it has gone
    }
  }
  boot_what_is_wanted();
  refill();
}

void stem_pool::adopt(process& ready, const worker_actor& worker) {
  if (std::exchange(ready.watched, false))
    loop_.unwatch(ready.ends->channel, ready);
  loop_.disarm(ready);
  budget_->give_back(std::exchange(ready.promised_mb, 0));
  ready.owner = worker;
  ready.ends->pid = ready.pid;
  caf::anon_send(worker, std::exchange(ready.ends, nullptr));
  erase(ready);
  refill_soon();
}

/// Nobody gets it any more, and it ends.
void stem_pool::doom(process& which) {
  if (std::exchange(which.doomed, true))
    return;
  budget_->give_back(std::exchange(which.promised_mb, 0));
  if (which.pid > 0)
    spawner_.kill(which.pid, SIGKILL);  // else when the spawner has said who it is
}

void stem_pool::erase(process& which) {
  std::erase_if(processes_, [&](const auto& each) { return each.get() == &which; });
}

void stem_pool::on_event(process& which, const functions::spawner_event& event) {
  if (const auto* spawned = std::get_if<functions::worker_spawned>(&event))
    which.pid = spawned->pid;
  if (!which.ends) {
    caf::anon_send(which.owner, worker_process{event});
    if (!std::holds_alternative<functions::worker_spawned>(event))
      which.owner = nullptr;
    return;
  }
  if (std::holds_alternative<functions::worker_spawned>(event)) {
    if (which.doomed)
      spawner_.kill(which.pid, SIGKILL);
    return;
  }
  // It ended before anybody had it.
  if (std::exchange(which.watched, false))
    loop_.unwatch(which.ends->channel, which);
  loop_.disarm(which);
  budget_->give_back(std::exchange(which.promised_mb, 0));
  auto loser = which.owner;
  if (!loser && !which.booted) {
    const auto first = std::find_if(orders_.begin(), orders_.end(),
                                    [&](const auto& waiting) { return waiting.launch.stem_class == which.stem_class; });
    if (first != orders_.end()) {
      loser = first->order.worker;
      orders_.erase(first);
    }
  }
  if (!which.doomed)
    pause_refill(which.stem_class);
  erase(which);
  if (loser && which.late)
    caf::anon_send(loser, worker_process{functions::spawn_failed{0, ETIMEDOUT, "the runtime did not start"}});
  else if (loser)
    caf::anon_send(loser, worker_process{event});
  boot_what_is_wanted();
}

void stem_pool::stop() {
  stopped_ = true;
  loop_.disarm(*this);
  for (auto& waiting : std::exchange(orders_, {}))
    fail(waiting.order.worker, "the node goes down");
  for (auto& each : processes_) {
    if (std::exchange(each->watched, false))
      loop_.unwatch(each->ends->channel, *each);
    loop_.disarm(*each);
    if (each->owner)
      fail(each->owner, "the node goes down");
    each->owner = nullptr;
    each->ends.reset();  // what waits for code sees that and exits; the spawner ends what does not
  }
  processes_.clear();
}

}  // namespace troupe::actors
