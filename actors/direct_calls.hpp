// The system calls of every event and every message, past the C library's functions of the same names: those are points
// at which a thread may be canceled, for which they take two atomic steps each, 3 % of a short request. No thread of a
// node is ever canceled. Results and `errno` are the same. Sanitizers learn of memory and order from the library's
// functions, so under them those are called.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>

namespace troupe::actors {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool direct = false;
#elif defined(__clang__)
inline constexpr bool direct = !(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer));
#else
inline constexpr bool direct = true;
#endif

inline ssize_t direct_recv(int descriptor, void* bytes, std::size_t count) noexcept {
  return direct ? ::syscall(SYS_recvfrom, descriptor, bytes, count, 0, nullptr, nullptr)
                : ::recv(descriptor, bytes, count, 0);
}

inline ssize_t direct_send(int descriptor, const void* bytes, std::size_t count, int flags) noexcept {
  return direct ? ::syscall(SYS_sendto, descriptor, bytes, count, flags, nullptr, 0)
                : ::send(descriptor, bytes, count, flags);
}

inline int direct_epoll_wait(int epoll, epoll_event* events, int max_events, int timeout_ms) noexcept {
  if (!direct)
    return ::epoll_wait(epoll, events, max_events, timeout_ms);
  return static_cast<int>(::syscall(SYS_epoll_pwait, epoll, events, max_events, timeout_ms, nullptr, std::size_t{8}));
}

}  // namespace troupe::actors
