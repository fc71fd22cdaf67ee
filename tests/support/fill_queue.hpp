// Fills the queue of a listener that accepts nothing, until the kernel answers no further attempt.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "config/setting_values.hpp"

namespace troupe::tests {

class fill_queue {
public:
  /// @param where  an IPv4 listener whose queue is short.
  explicit fill_queue(const endpoint& where) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(where.port);
    ::inet_pton(AF_INET, where.host.c_str(), &address.sin_addr);
    bool answered = true;
    while (answered && descriptors_.size() < 64) {
      const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      descriptors_.push_back(descriptor);
      ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
      pollfd watched{descriptor, POLLOUT, 0};
      // On loopback the answer comes within the call that asks for it.
      answered = ::poll(&watched, 1, 50) == 1;
    }
  }
  ~fill_queue() {
    for (const int descriptor : descriptors_)
      ::close(descriptor);
  }
  fill_queue(const fill_queue&) = delete;
  fill_queue& operator=(const fill_queue&) = delete;

private:
  std::vector<int> descriptors_;
};

}  // namespace troupe::tests
