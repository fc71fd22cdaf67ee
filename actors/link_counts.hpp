// What a link to another node has carried, for metrics. Written by the loop of the link, read by any thread.
#pragma once

#include "config/metrics.hpp"

namespace troupe::actors {

/// Over all connections that the link has had. Every call that was sent ends in one of the four ways.
struct link_counts {
  counter_cell calls_sent;      ///< taken by the link; what it turned away at once is not among them
  counter_cell calls_answered;  ///< by the peer, whatever it says
  counter_cell calls_refused;   ///< certainly did not run there
  counter_cell calls_lost;      ///< may have run, and no answer came
  counter_cell calls_canceled;  ///< by their callers, before an answer came
  counter_cell bytes_in;        ///< read from the socket, so encrypted where there is a cipher
  counter_cell bytes_out;
};

}  // namespace troupe::actors
