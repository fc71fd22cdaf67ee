// The node's side of the spawner: a single-threaded process of its own that forks, kills and reaps all workers, and
// that leaves none behind when the node's end of the control socket closes. What a worker says is not its business.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/errc.hpp"

namespace troupe::functions {

/// The largest spawn request on the wire: arguments, environment and directory together.
constexpr std::size_t max_spawn_request_bytes = 128 * 1024;

/// One worker to start. It gets exactly these arguments and this environment, /dev/null as standard input, the output
/// descriptor as standard output and error, the channel as descriptor 3, and no other descriptor.
struct spawn_request {
  std::uint64_t token = 0;               ///< chosen by the caller; comes back in every event of this worker
  std::vector<std::string> arguments;    ///< the first is the path of the program and holds a `/`
  std::vector<std::string> environment;  ///< `NAME=value`
  /// An entry of `environment` that no other worker has. By it a process that left the worker's session is still known
  /// as the worker's; without it such a process is killed as soon as it is orphaned and any child of the spawner ends.
  std::string family_mark;
  std::string directory;       ///< working directory, absolute
  int nice = 0;                ///< added to the node's own, 0 to 19
  int oom_score_adjust = 500;  ///< 0 to 1000: how much rather than the node the kernel kills it, short of memory
  std::uint64_t max_open_files = 1024;  ///< lowered to the node's hard limit when above it
  std::uint64_t max_core_bytes = 0;
};

/// The program runs: its exec succeeded.
struct worker_spawned {
  std::uint64_t token = 0;
  pid_t pid = 0;  ///< also its process group and session
};

/// There is no process, and no further event for this token.
struct spawn_failed {
  std::uint64_t token = 0;
  int error_number = 0;  ///< of errno
  std::string text;      ///< what failed and why, for example `exec /usr/bin/node: No such file or directory`
};

/// The worker has ended and was reaped; what it left behind in its process group and session has been killed.
struct worker_exited {
  std::uint64_t token = 0;
  pid_t pid = 0;
  int wait_status = 0;           ///< as `waitpid` gives it
  std::uint64_t max_rss_kb = 0;  ///< largest resident set
  std::uint64_t cpu_us = 0;      ///< user and system time, with the children that it waited for
};

using spawner_event = std::variant<worker_spawned, spawn_failed, worker_exited>;

enum class kill_scope : std::uint8_t { process = 1, process_group };

struct spawner_handle {
  int control = -1;  ///< SOCK_SEQPACKET, non-blocking, close-on-exec; owned by the holder of the handle
  pid_t pid = -1;
};

/// Forks the spawner. Call it once, before the process has threads or much memory: fork copies both costs.
/// @returns `errc::io` when the kernel refuses.
expected<spawner_handle> start_spawner();

/// Closes the control socket and waits until the spawner has killed all workers with their descendants. Blocks for
/// milliseconds; for the end of the program, after the loops.
void stop_spawner(spawner_handle& spawner);

/// Never blocks. The descriptors stay the caller's, who may close them at once afterwards.
/// @returns `errc::overloaded` when the spawner is behind (try again when `control` is writable), `errc::too_big`,
///          `errc::bad_usage` for a program without `/` or a NUL byte in a string, `errc::unavailable` when the spawner
///          is gone.
expected<void> send_spawn(int control, const spawn_request& request, int channel_fd, int output_fd);

/// Sends a signal to a worker. Ignored when the worker has been reaped meanwhile: the pid then names somebody else.
/// Never blocks; errors as `send_spawn`.
expected<void> send_kill(int control, pid_t pid, int signal, kill_scope scope);

/// Never blocks.
/// @returns nothing when no event waits; `errc::unavailable` when the spawner is gone (its workers are dead then);
///          `errc::corrupt` for a message that is none.
expected<std::optional<spawner_event>> read_event(int control);

/// The first executable file of that name in the folders of `path` (as in $PATH); a name with `/` is only checked.
std::optional<std::string> find_program(std::string_view name, std::string_view path);

}  // namespace troupe::functions
