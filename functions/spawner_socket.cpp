#include "functions/spawner_socket.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace troupe::functions {

namespace {

constexpr std::size_t most_descriptors = 2;

void take(msghdr& message, passed_descriptors& into) {
  for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header))
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
      std::memcpy(into.values.data(), CMSG_DATA(header),
                  std::min(sizeof into.values, header->cmsg_len - static_cast<std::size_t>(CMSG_LEN(0))));
}

}  // namespace

passed_descriptors::~passed_descriptors() {
  for (const int value : values)
    if (value >= 0)
      ::close(value);
}

expected<void> send_packet(int socket, std::string_view bytes, std::span<const int> descriptors) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg reads only
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> ancillary{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    message.msg_control = ancillary.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    auto* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  while (::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    switch (errno) {
      case EINTR: break;
      case EAGAIN:
      case ENOBUFS:
      case ETOOMANYREFS: return fail(errc::overloaded, "the control socket of the spawner is full");
      case EMSGSIZE: return fail(errc::too_big, "a packet exceeds the buffer of the spawner's control socket");
      case EPIPE:
      case ECONNRESET:
      case ENOTCONN: return fail(errc::unavailable, "the other end of the spawner's control socket is gone");
      default: return fail(errc::io, std::string{"sending on the spawner's control socket: "} + std::strerror(errno));
    }
  }
  return {};
}

receive_result receive_packet(int socket, std::span<char> room, std::size_t& size, passed_descriptors* descriptors) {
  iovec part{room.data(), room.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> ancillary{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (descriptors != nullptr) {
    message.msg_control = ancillary.data();
    message.msg_controllen = ancillary.size();
  }
  ssize_t got = 0;
  do
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  if (got <= 0)
    return got < 0 && errno == EAGAIN ? receive_result::nothing_now : receive_result::closed;
  size = static_cast<std::size_t>(got);
  if (descriptors != nullptr)
    take(message, *descriptors);
  return receive_result::packet;
}

}  // namespace troupe::functions
