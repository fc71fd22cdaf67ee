#include "functions/native_channel.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace troupe::functions {

namespace {

constexpr std::size_t max_backlog_bytes = 1024 * 1024;
constexpr std::size_t max_line_bytes = 256 * 1024;

[[noreturn]] void node_has_gone() {
  ::_exit(0);
}

void wait_for(int descriptor, short events) {
  pollfd polled{descriptor, events, 0};
  while (::poll(&polled, 1, -1) < 0 && errno == EINTR) {
  }
}

}  // namespace

bool native_channel::receive(patience how) {
  const auto room = reader_.room();
  for (;;) {
    const auto got = ::recv(descriptor_, room.data(), room.size(), how == patience::wait ? 0 : MSG_DONTWAIT);
    if (got > 0) {
      reader_.commit(static_cast<std::size_t>(got));
      return static_cast<std::size_t>(got) == room.size();
    }
    if (got == 0)
      node_has_gone();
    if (errno == EAGAIN && how == patience::look_only)
      return false;
    if (errno == EAGAIN)
      wait_for(descriptor_, POLLIN);
    else if (errno != EINTR)
      node_has_gone();
  }
}

void native_channel::send(patience how) {
  for (;;) {
    if (sent_ == leaving_.size()) {
      leaving_.clear();
      sent_ = 0;
      const std::scoped_lock lock{mutex_};
      if (gathered_.empty())
        return;
      std::swap(gathered_, leaving_);
    }
    const auto count =
        ::send(descriptor_, leaving_.data() + sent_, leaving_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0)
      sent_ += static_cast<std::size_t>(count);
    else if (errno == EAGAIN && how == patience::look_only)
      return;
    else if (errno == EAGAIN)
      wait_for(descriptor_, POLLOUT);
    else if (errno != EINTR)
      node_has_gone();
  }
}

void native_channel::flush() {
  const std::scoped_lock lock{send_mutex_};
  send(patience::wait);
}

void native_channel::log(std::uint64_t call_id, std::string_view invocation_id, std::string_view line) {
  {
    const std::scoped_lock lock{mutex_};
    if (gathered_.size() > max_backlog_bytes) {
      ++dropped_;
      return;
    }
    if (const auto missing = std::exchange(dropped_, 0); missing != 0)
      append_log(gathered_, 0, {}, std::to_string(missing) + " lines dropped: more than the node could take");
    append_log(gathered_, call_id, invocation_id, line.substr(0, max_line_bytes));
  }
  // Somebody who sends already takes the line along, or whoever ends this call does.
  if (const std::unique_lock lock{send_mutex_, std::try_to_lock}; lock)
    send(patience::look_only);
}

}  // namespace troupe::functions
