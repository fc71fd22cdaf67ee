// Asks the nodes at some addresses who they are and which code they lack: for commands that run while their own node
// does not. Blocking, with a loop of its own; nobody is a member of anything by it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/stream_cipher.hpp"
#include "cluster/link_frame.hpp"
#include "config/clock.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"
#include "config/setting_values.hpp"

namespace troupe::actors {

struct node_survey {
  std::vector<endpoint> places;
  std::vector<digest> blobs;  ///< asked for at every place
  cluster::link_hello hello;  ///< of who asks; `purpose` is set here
  /// Looks at the hello of whoever answered; an error leaves it out. Empty: anybody whose version fits.
  std::function<expected<void>(const cluster::link_hello& peer)> accept;
  std::function<std::unique_ptr<stream_cipher>()> make_cipher;  ///< for each place; empty: plain
  milliseconds timeout{3'000};                                  ///< for all of it
};

enum class survey_reach : std::uint8_t {
  no_answer = 1,   ///< nobody listens there, or not a word came in time
  not_understood,  ///< somebody is there, and one did not want, or did not understand, the other
  reached,
};

struct surveyed_node {
  endpoint where;
  survey_reach reached = survey_reach::no_answer;
  std::optional<cluster::link_hello> hello;  ///< of a node that was reached
  std::string why_not;                       ///< it was not reached
  std::optional<std::vector<digest>> lacks;  ///< of `blobs`; nothing: it did not say
};

/// @returns one entry for each place, in their order. Not from a loop.
std::vector<surveyed_node> survey(const node_survey& wanted);

}  // namespace troupe::actors
