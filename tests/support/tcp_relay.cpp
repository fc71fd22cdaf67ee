#include "tests/support/tcp_relay.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <vector>

namespace troupe::tests {

namespace {

constexpr std::size_t max_waiting = 64 * 1024;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

}  // namespace

tcp_relay::tcp_relay(std::uint16_t target) : target_{target} {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  auto address = loopback(0);
  socklen_t length = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    std::abort();
  port_ = ntohs(address.sin_port);
  thread_ = std::thread{[this] { run(); }};
}

tcp_relay::~tcp_relay() {
  stopping_ = true;
  wake();
  thread_.join();
  for (auto& each : pairs_)
    for (const int end : each.ends)
      ::close(end);
  ::close(listener_);
  ::close(wake_);
}

void tcp_relay::freeze(bool frozen) {
  frozen_ = frozen;
  wake();
}

void tcp_relay::cut() {
  cut_ = true;
  wake();
}

void tcp_relay::wake() {
  const std::uint64_t one = 1;
  if (::write(wake_, &one, sizeof one) < 0)
    return;  // it is awake already
}

void tcp_relay::accept_one() {
  const int comer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  const int onward = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = loopback(target_);
  if (comer < 0 || onward < 0 || ::connect(onward, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(comer);
    ::close(onward);
    return;
  }
  for (const int end : {comer, onward})
    ::fcntl(end, F_SETFL, O_NONBLOCK);
  ++accepted_;
  pairs_.push_back({{comer, onward}, {}});
}

/// @returns false when the connection is over.
bool tcp_relay::move(pair& through, int from, bool readable) {
  std::array<char, 16 * 1024> bytes;
  auto& waiting = through.waiting[1 - from];
  if (readable) {
    const auto got = ::recv(through.ends[from], bytes.data(), bytes.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN))
      return false;
    if (got > 0)
      waiting.append(bytes.data(), static_cast<std::size_t>(got));
  }
  if (waiting.empty())
    return true;
  const auto sent = ::send(through.ends[1 - from], waiting.data(), waiting.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN)
    return false;
  waiting.erase(0, sent > 0 ? static_cast<std::size_t>(sent) : 0);
  return true;
}

void tcp_relay::run() {
  while (!stopping_) {
    std::vector<pollfd> watched{{wake_, POLLIN, 0}};
    if (!frozen_) {
      watched.push_back({listener_, POLLIN, 0});
      for (auto& each : pairs_)
        for (int i = 0; i < 2; ++i) {
          const bool takes = each.waiting[1 - i].size() < max_waiting;
          watched.push_back(
              {each.ends[i], static_cast<short>((takes ? POLLIN : 0) | (each.waiting[i].empty() ? 0 : POLLOUT)), 0});
        }
    }
    ::poll(watched.data(), watched.size(), -1);
    std::uint64_t ignored;
    while (::read(wake_, &ignored, sizeof ignored) > 0) {
    }
    if (cut_.exchange(false)) {
      for (auto& each : pairs_)
        for (const int end : each.ends) {
          const linger at_once{1, 0};
          ::setsockopt(end, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
          ::close(end);
        }
      pairs_.clear();
      continue;
    }
    if (watched.size() == 1)
      continue;
    std::size_t next = 2;
    for (auto each = pairs_.begin(); each != pairs_.end();) {
      bool goes_on = true;
      for (int i = 0; i < 2 && goes_on; ++i)
        goes_on =
            move(*each, i, (watched[next + static_cast<std::size_t>(i)].revents & (POLLIN | POLLHUP | POLLERR)) != 0);
      next += 2;
      if (goes_on) {
        ++each;
        continue;
      }
      for (const int end : each->ends)
        ::close(end);
      each = pairs_.erase(each);
    }
    if ((watched[1].revents & POLLIN) != 0)
      accept_one();
  }
}

}  // namespace troupe::tests
