#include "functions/spawner_child.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace troupe::functions {

namespace {

enum class step : int { fork = 1, orphaned, session, limits, priority, descriptors, directory, privileges, exec };

/// Fits into a pipe at once: written whole or not at all.
struct exec_failure {
  step where = step::fork;
  int error_number = 0;
};

std::string describe(step where, const spawn_request& request) {
  switch (where) {
    case step::fork: return "fork";
    case step::orphaned: return "the spawner ended";
    case step::session: return "setsid";
    case step::limits: return "setrlimit";
    case step::priority: return "setpriority";
    case step::descriptors: return "dup2";
    case step::directory: return "chdir " + request.directory;
    case step::privileges: return "no_new_privs";
    case step::exec: return "exec " + request.arguments.front();
  }
  return "start";
}

spawn_failed failure(const spawn_request& request, exec_failure problem) {
  return {request.token, problem.error_number,
          describe(problem.where, request) + ": " + std::strerror(problem.error_number)};
}

/// What exec wants; the strings stay where they are.
std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const auto& text : strings)
    pointers.push_back(const_cast<char*>(text.c_str()));  // exec takes char* for C's sake and writes nothing
  pointers.push_back(nullptr);
  return pointers;
}

bool limit(__rlimit_resource resource, rlim_t wanted) {
  rlimit current{};
  if (::getrlimit(resource, &current) != 0)
    return false;
  // Both limits: Node raises the soft one to the hard one when it starts.
  const auto value = std::min(wanted, current.rlim_max);
  const rlimit lowered{value, value};
  return ::setrlimit(resource, &lowered) == 0;
}

/// Without /proc, or below the node's own score without privileges, it fails: then the kernel chooses as it always
/// does.
void offer_to_the_oom_killer(int score) {
  const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0)
    return;
  const auto text = std::to_string(score);
  [[maybe_unused]] const auto written = ::write(file, text.data(), text.size());
  ::close(file);
}

bool lower_priority(int by) {
  errno = 0;
  const int current = ::getpriority(PRIO_PROCESS, 0);
  if (current == -1 && errno != 0)
    return false;
  return by == 0 || ::setpriority(PRIO_PROCESS, 0, std::min(current + by, 19)) == 0;
}

bool place_descriptors(int channel, int output) {
  // Standard input is the spawner's own: /dev/null. Marking the rest for exec, instead of closing it, keeps the report.
  return ::dup2(output, STDOUT_FILENO) >= 0 && ::dup2(output, STDERR_FILENO) >= 0 && ::dup2(channel, 3) >= 0 &&
         ::close_range(4, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

/// Returns only when something failed.
exec_failure become_worker(const spawn_request& request, int channel, int output, pid_t spawner) {
  if (::setsid() < 0)
    return {step::session, errno};
  // The request is void if the spawner ended before it was made: hence the second look.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != spawner)
    return {step::orphaned, errno};
  offer_to_the_oom_killer(request.oom_score_adjust);
  if (!limit(RLIMIT_NOFILE, request.max_open_files) || !limit(RLIMIT_CORE, request.max_core_bytes))
    return {step::limits, errno};
  if (!lower_priority(request.nice))
    return {step::priority, errno};
  if (!place_descriptors(channel, output))
    return {step::descriptors, errno};
  if (::chdir(request.directory.c_str()) != 0)
    return {step::directory, errno};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return {step::privileges, errno};
  const auto arguments = pointers_to(request.arguments);
  const auto environment = pointers_to(request.environment);
  reset_signal_actions();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(arguments.front(), arguments.data(), environment.data());
  return {step::exec, errno};
}

}  // namespace

void reset_signal_actions() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal)
    ::sigaction(signal, &action,
                nullptr);  // refuses KILL, STOP and the C library's own two: they have no action to lose
}

tl::expected<forked_worker, spawn_failed> fork_worker(const spawn_request& request, int channel, int output) {
  std::array<int, 2> report{};
  if (::pipe2(report.data(), O_CLOEXEC) != 0)
    return tl::unexpected{failure(request, {step::fork, errno})};
  const pid_t spawner = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    const auto problem = become_worker(request, channel, output, spawner);
    [[maybe_unused]] const auto written = ::write(report[1], &problem, sizeof problem);  // no reader: nobody to tell
    ::_exit(127);
  }
  const int fork_error = errno;
  ::close(report[1]);
  if (pid < 0) {
    ::close(report[0]);
    return tl::unexpected{failure(request, {step::fork, fork_error})};
  }
  return forked_worker{pid, report[0]};
}

std::optional<spawn_failed> take_exec_failure(forked_worker& worker, const spawn_request& request) {
  exec_failure problem;
  ssize_t got = 0;
  do
    got = ::read(worker.exec_report, &problem, sizeof problem);
  while (got < 0 && errno == EINTR);
  ::close(worker.exec_report);
  worker.exec_report = -1;
  if (got != static_cast<ssize_t>(sizeof problem))
    return std::nullopt;
  return failure(request, problem);
}

}  // namespace troupe::functions
