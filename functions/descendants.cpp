#include "functions/descendants.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <optional>
#include <string_view>

namespace troupe::functions {

namespace {

std::optional<std::string> read_all(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return std::nullopt;
  std::string contents;
  std::array<char, 16384> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): read fills it
  ssize_t got = 0;
  while ((got = ::read(file, piece.data(), piece.size())) > 0 || (got < 0 && errno == EINTR))
    if (got > 0)
      contents.append(piece.data(), static_cast<std::size_t>(got));
  ::close(file);
  return got == 0 ? std::optional{std::move(contents)} : std::nullopt;
}

}  // namespace

std::vector<pid_t> children_of_this_process(std::vector<pid_t> otherwise) {
  const auto list = read_all("/proc/self/task/" + std::to_string(::gettid()) + "/children");
  if (!list)
    return otherwise;
  std::vector<pid_t> children;
  const char* at = list->data();
  const char* end = at + list->size();
  while (at < end) {
    pid_t pid = 0;
    const auto [next, problem] = std::from_chars(at, end, pid);
    if (problem == std::errc{})
      children.push_back(pid);
    at = next + 1;
  }
  return children;
}

holds environment_entry(pid_t pid, const std::unordered_set<std::string>& entries) {
  if (entries.empty())
    return holds::no;
  const auto environment = read_all("/proc/" + std::to_string(pid) + "/environ");
  if (!environment || environment->empty())
    return holds::unknown;
  std::string_view rest{*environment};
  while (!rest.empty()) {
    const auto entry = rest.substr(0, rest.find('\0'));
    if (entries.contains(std::string{entry}))
      return holds::yes;
    rest.remove_prefix(std::min(rest.size(), entry.size() + 1));
  }
  return holds::no;
}

void kill_with_group(pid_t child) {
  if (::getpgid(child) == child)
    ::kill(-child, SIGKILL);
  ::kill(child, SIGKILL);
}

}  // namespace troupe::functions
