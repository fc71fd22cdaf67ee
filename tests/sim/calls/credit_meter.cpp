#include "credit_meter.hpp"

#include <algorithm>
#include <string>

#include "tests/sim/violation.hpp"

namespace troupe::sim::calls {

using cluster::link_kind;

namespace {

/// Calls `look` with each frame.
template <class Look>
void read_along(cluster::link_frame_reader& reader, std::string_view bytes, Look look) {
  reader.feed(bytes);
  for (;;) {
    const auto next = reader.next();
    if (!next)
      broken("within_credit", "what a link sends is no frame: " + next.error().what);
    if (!*next)
      return;
    look(**next);
  }
}

}  // namespace

void credit_meter::sends(std::string_view bytes) {
  read_along(sent_, bytes, [this](const cluster::link_frame& frame) {
    if (frame.kind != link_kind::call && frame.kind != link_kind::answer && frame.kind != link_kind::data)
      return;
    of_link_ += frame.body.size();
    auto& of_call = of_call_[frame.call_id];
    of_call += frame.body.size();
    if (of_link_ > limits_.link_credit)
      broken("within_credit", std::to_string(of_link_) + " bytes are on their way on one link");
    if (of_call > limits_.call_credit)
      broken("within_credit", std::to_string(of_call) + " bytes of one body are on their way");
    if (frame.kind == link_kind::data ? frame.last : frame.body.size() == frame.total)
      of_call_.erase(frame.call_id);
  });
}

void credit_meter::hears(std::string_view bytes) {
  read_along(heard_, bytes, [this](const cluster::link_frame& frame) {
    if (frame.kind != link_kind::credit)
      return;
    if (frame.call_id == 0) {
      if (frame.number > of_link_)
        broken("within_credit", "a link gets credit back for more than it sent");
      of_link_ -= frame.number;
    } else if (const auto found = of_call_.find(frame.call_id); found != of_call_.end()) {
      found->second -= std::min(found->second, frame.number);
    }
  });
}

}  // namespace troupe::sim::calls
