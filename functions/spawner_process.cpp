#include "functions/spawner_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <deque>
#include <map>
#include <unordered_set>
#include <utility>

#include "config/clock.hpp"
#include "functions/descendants.hpp"
#include "functions/spawner_child.hpp"
#include "functions/spawner_socket.hpp"
#include "functions/spawner_wire.hpp"

namespace troupe::functions {

namespace {

/// So many events may wait for the node before no further request is read. Each worker adds at most two more.
constexpr std::size_t max_waiting_events = 1024;
/// Requests read in one turn, so that ended workers are not kept waiting.
constexpr int requests_per_turn = 32;

/// A process in the middle of exec has no environment for a moment; one that still has none by then was given none.
constexpr milliseconds second_look_after{200};

constexpr int control = 3;

struct worker {
  forked_worker process;
  spawn_request request;
};

class spawner_loop {
public:
  explicit spawner_loop(int signals) : signals_{signals}, bytes_(max_spawn_request_bytes) {}

  /// Returns when the node has gone.
  void run() {
    while (node_is_there_) {
      wait();
      std::array<signalfd_siginfo, 8> told;  // NOLINT(cppcoreguidelines-pro-type-member-init): read fills it
      while (::read(signals_, told.data(), sizeof told) > 0)
        continue;
      report_started();
      reap();
      send_events();
      read_requests();
    }
  }

  /// Returns when no descendant is left. A process that forks while it is being killed leaves its child to us.
  void kill_all() {
    for (;;) {
      for (const pid_t child : children_of_this_process(pids()))
        kill_with_group(child);
      for (;;) {
        const pid_t pid = ::waitpid(-1, nullptr, WNOHANG);
        if (pid < 0 && errno == ECHILD)
          return;
        if (pid <= 0)
          break;
        workers_.erase(pid);
      }
      pollfd signalled{signals_, POLLIN, 0};
      ::poll(&signalled, 1, 10);
      signalfd_siginfo told;
      while (::read(signals_, &told, sizeof told) > 0)
        continue;
    }
  }

private:
  void wait() {
    polled_.clear();
    starting_.clear();
    polled_.push_back({signals_, POLLIN, 0});
    short interest = events_.empty() ? 0 : POLLOUT;
    if (events_.size() < max_waiting_events)
      interest |= POLLIN;
    polled_.push_back({control, interest, 0});
    for (const auto& [pid, one] : workers_)
      if (one.process.exec_report >= 0) {
        polled_.push_back({one.process.exec_report, POLLIN, 0});
        starting_.push_back(pid);
      }
    ::poll(polled_.data(), polled_.size(), doubtful_.empty() ? -1 : static_cast<int>(second_look_after.count()));
    if ((polled_[1].revents & (POLLHUP | POLLERR)) != 0)
      node_is_there_ = false;
  }

  void tell(const spawner_event& event) { events_.push_back(encode(event)); }

  void send_events() {
    while (!events_.empty()) {
      if (const auto sent = send_packet(control, events_.front()); !sent) {
        node_is_there_ = sent.error().code == errc::overloaded;
        return;
      }
      events_.pop_front();
    }
  }

  void read_requests() {
    for (int i = 0; i < requests_per_turn && events_.size() < max_waiting_events; ++i) {
      passed_descriptors descriptors;
      std::size_t size = 0;
      const auto result = receive_packet(control, bytes_, size, &descriptors);
      if (result == receive_result::nothing_now)
        return;
      auto request = decode_request({bytes_.data(), size});
      // Malformed: the other end is no node of this program, and nothing that it says can be relied on.
      if (result == receive_result::closed || !request) {
        node_is_there_ = false;
        return;
      }
      if (const auto* kill = std::get_if<kill_request>(&*request))
        send_signal(*kill);
      else
        spawn(std::get<spawn_request>(std::move(*request)), descriptors);
    }
  }

  void spawn(spawn_request request, const passed_descriptors& descriptors) {
    if (!descriptors.complete())
      return tell(spawn_failed{request.token, EMFILE, "the spawner has no descriptor left for another worker"});
    auto forked = fork_worker(request, descriptors.values[0], descriptors.values[1]);
    if (!forked)
      return tell(forked.error());
    workers_.emplace(forked->pid, worker{*forked, std::move(request)});
  }

  /// A pid that is in the table has not been reaped, so it names no other process.
  void send_signal(const kill_request& request) {
    if (workers_.contains(request.pid))
      ::kill(request.scope == kill_scope::process_group ? -request.pid : request.pid, request.signal);
  }

  void report_started() {
    for (std::size_t i = 0; i < starting_.size(); ++i)
      if (polled_[i + 2].revents != 0)
        settle_start(workers_.at(starting_[i]));
  }

  void settle_start(worker& one) {
    if (one.process.exec_report < 0)
      return;
    if (auto failed = take_exec_failure(one.process, one.request)) {
      tell(std::move(*failed));
      failed_.insert(one.process.pid);
    } else {
      tell(worker_spawned{one.request.token, one.process.pid});
      one.request.arguments = {};  // not needed again, and kilobytes per worker
      one.request.environment = {};
    }
  }

  void reap() {
    bool any = false;
    for (;;) {
      siginfo_t ended{};
      if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0)
        break;
      any = true;
      const pid_t pid = ended.si_pid;
      const auto found = workers_.find(pid);
      // As long as it is not reaped, its number cannot be the group of somebody else.
      if (found != workers_.end())
        ::kill(-pid, SIGKILL);
      int status = 0;
      rusage usage{};
      ::wait4(pid, &status, 0, &usage);
      doubtful_.erase(pid);
      if (found != workers_.end())
        report_ended(found, status, usage);
    }
    if (any || !doubtful_.empty())
      kill_orphans();
  }

  void report_ended(std::map<pid_t, worker>::iterator which, int status, const rusage& usage) {
    settle_start(which->second);
    const auto pid = which->first;
    const auto microseconds = [](const timeval& time) {
      return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(time.tv_usec);
    };
    if (failed_.erase(pid) == 0)
      tell(worker_exited{which->second.request.token, pid, status, static_cast<std::uint64_t>(usage.ru_maxrss),
                         microseconds(usage.ru_utime) + microseconds(usage.ru_stime)});
    workers_.erase(which);
  }

  /// Processes whose parents have ended come to us. Those of a worker that still runs are its own affair.
  void kill_orphans() {
    std::unordered_set<std::string> marks;
    for (const auto& [pid, one] : workers_)
      if (!one.request.family_mark.empty())
        marks.insert(one.request.family_mark);
    std::map<pid_t, time_point> still_doubtful;
    for (const pid_t child : children_of_this_process({})) {
      if (workers_.contains(child) || workers_.contains(::getsid(child)))
        continue;
      const auto member = environment_entry(child, marks);
      const auto now = clock::now();
      const auto since = doubtful_.contains(child) ? doubtful_[child] : now;
      if (member == holds::unknown && now - since < second_look_after)
        still_doubtful.emplace(child, since);
      else if (member != holds::yes)
        kill_with_group(child);
    }
    doubtful_ = std::move(still_doubtful);
  }

  std::vector<pid_t> pids() const {
    std::vector<pid_t> all;
    for (const auto& [pid, one] : workers_)
      all.push_back(pid);
    return all;
  }

  int signals_;
  std::vector<char> bytes_;
  std::vector<pollfd> polled_;  ///< signals, control, then the reports of those in `starting_`
  std::vector<pid_t> starting_;
  std::map<pid_t, worker> workers_;       ///< forked and not yet reaped
  std::unordered_set<pid_t> failed_;      ///< of those: never reached their program, and the node knows
  std::map<pid_t, time_point> doubtful_;  ///< orphans that may be a running worker's, and since when
  std::deque<std::string> events_;
  bool node_is_there_ = true;
};

/// Standard descriptors on /dev/null, the control socket as 3, nothing else.
bool keep_only(int inherited_control) {
  const int kept = ::fcntl(inherited_control, F_DUPFD_CLOEXEC, 4);
  const int null = ::open("/dev/null", O_RDWR);
  if (kept < 0 || null < 0)
    return false;
  for (int standard = 0; standard < 3; ++standard)
    if (null != standard && ::dup2(null, standard) < 0)
      return false;
  return ::dup3(kept, control, O_CLOEXEC) >= 0 && ::close_range(control + 1, ~0U, 0) == 0;
}

int watch_children() {
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  return ::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace

void run_spawner(int inherited_control) {
  ::setsid();
  ::prctl(PR_SET_NAME, "troupe-spawner");
  if (!keep_only(inherited_control) || ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    ::_exit(1);
  reset_signal_actions();
  const int signals = watch_children();
  if (signals < 0)
    ::_exit(1);
  spawner_loop loop{signals};
  loop.run();
  loop.kill_all();
  ::_exit(0);
}

}  // namespace troupe::functions
