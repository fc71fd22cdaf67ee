// One worker's way from fork to exec, in the spawner's process. Which workers there are is spawner_process.cpp's
// business.
#pragma once

#include <sys/types.h>

#include <optional>

#include "functions/spawner.hpp"

namespace troupe::functions {

/// A process that was forked and has perhaps not reached its program yet.
struct forked_worker {
  pid_t pid = -1;
  int exec_report = -1;  ///< readable when exec has succeeded (end of file) or failed; owned by the holder
};

/// Gives every signal its default action. What is blocked stays blocked.
void reset_signal_actions();

/// @param channel, output  descriptors above 3; they stay the caller's.
/// @returns the failure when there is no process.
tl::expected<forked_worker, spawn_failed> fork_worker(const spawn_request& request, int channel, int output);

/// Reads and closes `exec_report`. Blocks until the worker has reached its program or ended: call it when readable, or
/// when the worker is known to have ended.
/// @returns nothing when the program runs.
std::optional<spawn_failed> take_exec_failure(forked_worker& worker, const spawn_request& request);

}  // namespace troupe::functions
