#include "actors/dialer.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "actors/socket_address.hpp"

namespace troupe::actors {

dialer::~dialer() {
  loop_.disarm(*this);
  close();
}

void dialer::start(const endpoint& to, const std::optional<endpoint>& from, time_point deadline) {
  target_ = to_string(to);
  if (auto begun = begin(to, from); !begun) {
    problem_ = begun.error();
    deadline = loop_.now();
  }
  loop_.arm(*this, deadline);
}

expected<void> dialer::begin(const endpoint& to, const std::optional<endpoint>& from) {
  const auto failed = [&] { return fail(errc::io, "cannot connect to " + target_ + ": " + std::strerror(errno)); };
  const auto address = resolve(to);
  if (!address)
    return tl::unexpected{address.error()};
  descriptor_ = ::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor_ < 0)
    return failed();
  if (from) {
    auto local = resolve(*from);
    if (!local)
      return tl::unexpected{local.error()};
    local->set_port(0);
    if (!local->is_wildcard() && local->family() == address->family() &&
        ::bind(descriptor_, local->get(), local->length) != 0)
      return failed();
  }
  if (::connect(descriptor_, address->get(), address->length) != 0 && errno != EINPROGRESS)
    return failed();
  watched_ = true;
  return loop_.watch(descriptor_, EPOLLOUT, *this);
}

void dialer::on_ready(std::uint32_t) {
  int problem = 0;
  socklen_t size = sizeof problem;
  ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &problem, &size);
  if (problem != 0)
    return finish(fail(errc::io, "cannot connect to " + target_ + ": " + std::strerror(problem)));
  loop_.unwatch(descriptor_, *this);
  watched_ = false;
  finish(std::exchange(descriptor_, -1));
}

void dialer::on_timer(time_point) {
  if (problem_)
    return finish(tl::unexpected{*problem_});
  finish(fail(errc::io, "cannot connect to " + target_ + ": no answer in time"));
}

void dialer::finish(expected<int> result) {
  loop_.disarm(*this);
  close();
  const auto done = std::move(done_);
  done(std::move(result));  // may end this object
}

void dialer::close() noexcept {
  if (descriptor_ < 0)
    return;
  if (watched_)
    loop_.unwatch(descriptor_, *this);
  ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace troupe::actors
