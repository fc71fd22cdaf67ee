// The node's ends of what a worker process talks over, on their way to the actor that will own them.
#pragma once

#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include <sys/types.h>

namespace troupe::actors {

/// Closed unless taken: the process at the other end sees that and exits.
struct worker_ends {
  int channel = -1;  ///< non-blocking
  int output = -1;   ///< non-blocking
  std::string log_stream;
  pid_t pid = 0;  ///< 0: the spawner has not said yet; `worker_process` will

  worker_ends(int channel_end, int output_end, std::string stream)
      : channel{channel_end}, output{output_end}, log_stream{std::move(stream)} {}
  worker_ends(const worker_ends&) = delete;
  worker_ends& operator=(const worker_ends&) = delete;
  ~worker_ends() {
    if (channel >= 0)
      ::close(channel);
    if (output >= 0)
      ::close(output);
  }
};
using worker_ends_ptr = std::shared_ptr<worker_ends>;

}  // namespace troupe::actors
