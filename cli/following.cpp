#include "cli/following.hpp"

#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "cli/console.hpp"
#include "config/clock.hpp"

namespace troupe::cli {

namespace {

constexpr milliseconds poll_interval{300};
/// A node that does not answer for so long counts as out of reach; it is asked again.
constexpr milliseconds answer_timeout{10'000};

/// The user's Ctrl-C is the normal end: everything that was read has been written.
extern "C" void end_following(int) {
  ::_exit(exit_done);
}

/// Waits for the next poll. @returns whether anybody still reads what is written.
bool pause_between_polls() {
  pollfd reader{STDOUT_FILENO, 0, 0};
  const int changed = ::poll(&reader, 1, static_cast<int>(poll_interval.count()));
  return changed <= 0 || (reader.revents & (POLLERR | POLLHUP)) == 0;
}

/// Whether the node may answer later what it does not answer now.
bool is_passing(const admin_failure& failure) {
  const auto is = [&](errc code) { return failure.code == to_string(code); };
  return is(errc::unavailable) || is(errc::io) || is(errc::budget_spent) || is(errc::draining) || is(errc::not_ready) ||
         is(errc::overloaded);
}

}  // namespace

http::blocking_client::limits follow_limits() {
  http::blocking_client::limits bounds;
  bounds.answer_timeout = bounds.progress_timeout = answer_timeout;
  return bounds;
}

int follow(const client_options& client, const std::function<admin_result<void>()>& step) {
  struct sigaction on_interrupt {};
  on_interrupt.sa_handler = end_following;
  ::sigaction(SIGINT, &on_interrupt, nullptr);
  if (const auto first = step(); !first)
    return report(client, first.error());
  bool reachable = true;
  while (pause_between_polls()) {
    const auto read = step();
    if (!read && !is_passing(read.error()))
      return report(client, read.error());
    if (!read && reachable)
      std::fprintf(stderr, "troupe: the node at %s is out of reach; waiting for it\n", client.admin.c_str());
    reachable = read.has_value();
  }
  return exit_done;
}

}  // namespace troupe::cli
