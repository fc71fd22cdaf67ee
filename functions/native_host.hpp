// The process that a shared object runs in: `troupe native-host`, started by a node with the channel as descriptor 3.
// A crash, an exit or an endless loop of the function ends or holds this process only. Neither CAF nor Asio here.
#pragma once

namespace troupe::functions {

/// Serves the node until it goes or says stop; ends the process itself then, without running static destructors.
/// @returns an exit status when descriptor 3 is no channel.
int run_native_host();

}  // namespace troupe::functions
