// The system calls of every event and every message, past the C library's functions of the same names: those are points
// at which a thread may be canceled, for which they take two atomic steps each, 3 % of a short request. No thread of a
// node is ever canceled. Results and `errno` are the same.
#pragma once

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>

namespace troupe::actors {

inline ssize_t direct_recv(int descriptor, void* bytes, std::size_t count) noexcept {
  return ::syscall(SYS_recvfrom, descriptor, bytes, count, 0, nullptr, nullptr);
}

inline ssize_t direct_send(int descriptor, const void* bytes, std::size_t count, int flags) noexcept {
  return ::syscall(SYS_sendto, descriptor, bytes, count, flags, nullptr, 0);
}

inline int direct_epoll_wait(int epoll, epoll_event* events, int max_events, int timeout_ms) noexcept {
  return static_cast<int>(::syscall(SYS_epoll_pwait, epoll, events, max_events, timeout_ms, nullptr, std::size_t{8}));
}

}  // namespace troupe::actors
