#include "functions/runtime_trial.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "functions/unix_file.hpp"

namespace troupe::functions {

namespace {

std::string in_words(int wait_status) {
  return WIFSIGNALED(wait_status) ? "it ended with signal " + std::to_string(WTERMSIG(wait_status))
                                  : "it ended with status " + std::to_string(WEXITSTATUS(wait_status));
}

/// Silent, in a process group of its own, with the signals and the environment of a worker.
int start(const std::string& program, const std::string& path, pid_t& pid) {
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  for (const int descriptor : {0, 1, 2})
    ::posix_spawn_file_actions_addopen(&files, descriptor, "/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY, 0);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t signals;
  ::sigemptyset(&signals);
  ::posix_spawnattr_setsigmask(&attributes, &signals);
  ::sigaddset(&signals, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes, &signals);
  std::array<std::string, 2> words{program, "--version"};
  std::string variable = "PATH=" + path;
  const std::array<char*, 3> arguments{words[0].data(), words[1].data(), nullptr};
  const std::array<char*, 2> environment{variable.data(), nullptr};
  const int problem = ::posix_spawn(&pid, program.c_str(), &files, &attributes, arguments.data(), environment.data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  return problem;
}

/// @returns empty when the program ended with status 0 within the limit, else what happened.
std::string try_program(const std::string& program, const std::string& path, milliseconds limit) {
  pid_t pid = 0;
  if (const int problem = start(program, path, pid); problem != 0)
    return std::strerror(problem);
  const unix_file handle{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  pollfd watched{handle.get(), POLLIN, 0};
  const auto give_up = clock::now() + limit;
  bool ended = false;
  for (auto now = clock::now(); handle && !ended && now < give_up; now = clock::now()) {
    const auto left = std::chrono::ceil<milliseconds>(give_up - now);
    if (::poll(&watched, 1, static_cast<int>(left.count())) < 0 && errno != EINTR)
      break;
    ended = watched.revents != 0;
  }
  if (!ended)
    ::kill(-pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended)
    return "it says nothing within " + std::to_string(limit.count()) + " ms";
  return status == 0 ? std::string{} : in_words(status);
}

}  // namespace

expected<void> runtime_trial::check(std::string_view runtime) {
  function_spec spec;
  spec.runtime = runtime;
  const auto kind = parse_runtime(spec.runtime);
  if (!kind)
    return tl::unexpected{kind.error()};
  spec.kind = *kind;
  if (auto installed = check_installed(spec, programs_); !installed)
    return fail(errc::refused, installed.error().what);
  const auto program = program_of(spec, programs_);
  if (spec.kind == runtime_kind::native || started_.contains(program))
    return {};
  if (const auto problem = try_program(program, programs_.path, limit_); !problem.empty())
    return fail(errc::refused, "runtime " + spec.runtime + " is not installed on this node: " + program +
                                   " cannot be started: " + problem);
  started_.insert(program);
  return {};
}

}  // namespace troupe::functions
