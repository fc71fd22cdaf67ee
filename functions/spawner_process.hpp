// The spawner's own side: what the forked process does until its control socket closes. Only `start_spawner` calls it.
#pragma once

namespace troupe::functions {

/// Serves requests from `control` (SOCK_SEQPACKET, non-blocking). When the other end closes it kills every descendant,
/// waits until none is left, and ends the process. All other descriptors of the process are closed. All signals must be
/// blocked, and stay so: Ctrl-C and SIGTERM are the node's affair, which closes the socket.
[[noreturn]] void run_spawner(int control);

}  // namespace troupe::functions
