#include "functions/spawner.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "functions/spawner_process.hpp"
#include "functions/spawner_socket.hpp"
#include "functions/spawner_wire.hpp"

namespace troupe::functions {

namespace {

auto system_failure(std::string_view what) {
  return fail(errc::io, std::string{what} + ": " + std::strerror(errno));
}

bool holds_nul(const std::string& text) {
  return text.find('\0') != text.npos;
}

expected<void> check(const spawn_request& request) {
  if (request.arguments.empty() || request.arguments.front().find('/') == std::string::npos)
    return fail(errc::bad_usage, "the program of a worker must be given as a path");
  bool nul = holds_nul(request.directory);
  for (const auto& argument : request.arguments)
    nul = nul || holds_nul(argument);
  for (const auto& entry : request.environment)
    nul = nul || holds_nul(entry);
  if (nul)
    return fail(errc::bad_usage, "an argument or variable of a worker holds a NUL byte");
  return {};
}

}  // namespace

expected<spawner_handle> start_spawner() {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()) != 0)
    return system_failure("socketpair for the spawner");
  // Blocked already when the process begins: there is no moment in which SIGTERM for the group would end it.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0)
    run_spawner(pair[1]);
  const int fork_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) {
    errno = fork_error;
    const auto problem = system_failure("fork of the spawner");
    ::close(pair[0]);
    ::close(pair[1]);
    return problem;
  }
  ::close(pair[1]);
  return spawner_handle{pair[0], pid};
}

void stop_spawner(spawner_handle& spawner) {
  if (spawner.control >= 0)
    ::close(spawner.control);
  if (spawner.pid > 0)
    while (::waitpid(spawner.pid, nullptr, 0) < 0 && errno == EINTR)
      continue;
  spawner = {};
}

expected<void> send_spawn(int control, const spawn_request& request, int channel_fd, int output_fd) {
  if (auto good = check(request); !good)
    return good;
  const auto bytes = encode(request);
  if (bytes.size() > max_spawn_request_bytes)
    return fail(errc::too_big, "arguments and environment of a worker: " + std::to_string(bytes.size()) +
                                   " bytes, at most " + std::to_string(max_spawn_request_bytes) + " are allowed");
  const std::array<int, 2> descriptors{channel_fd, output_fd};
  return send_packet(control, bytes, descriptors);
}

expected<void> send_kill(int control, pid_t pid, int signal, kill_scope scope) {
  return send_packet(control, encode(kill_request{pid, signal, scope}));
}

expected<std::optional<spawner_event>> read_event(int control) {
  std::array<char, 8192> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init): recv fills it
  std::size_t size = 0;
  switch (receive_packet(control, bytes, size, nullptr)) {
    case receive_result::nothing_now: return std::nullopt;
    case receive_result::closed: return fail(errc::unavailable, "the spawner is gone");
    case receive_result::packet: break;
  }
  auto event = decode_event({bytes.data(), size});
  if (!event)
    return tl::unexpected{event.error()};
  return expected<std::optional<spawner_event>>{tl::in_place, std::move(*event)};
}

std::optional<std::string> find_program(std::string_view name, std::string_view path) {
  const auto runnable = [](const std::string& file) {
    struct stat status {};
    return ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(file.c_str(), X_OK) == 0;
  };
  if (name.find('/') != name.npos)
    return runnable(std::string{name}) ? std::optional{std::string{name}} : std::nullopt;
  while (!path.empty()) {
    const auto folder = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(path.size(), folder.size() + 1));
    // A relative folder would depend on the working directory of whoever starts the program later.
    if (folder.starts_with('/'))
      if (auto file = std::string{folder} + "/" + std::string{name}; runnable(file))
        return file;
  }
  return std::nullopt;
}

}  // namespace troupe::functions
