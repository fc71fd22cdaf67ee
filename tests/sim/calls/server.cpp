#include "server.hpp"

#include <algorithm>
#include <utility>

#include "machine.hpp"
#include "world.hpp"

namespace troupe::sim::calls {

using cluster::link_break;

namespace {

constexpr milliseconds silence_timeout{15'000};
constexpr milliseconds hello_timeout{5'000};

}  // namespace

void server::adopt(wire_ptr accepted, cluster::link_hello peer, std::string received) {
  // Whoever starts anew has forgotten the calls of its life before.
  for (const auto& link : std::vector{links_})
    if (cluster::is_other_life(link->carried->state().peer(), peer))
      link->carried->close({link_break::closed, "the node is served no longer"});
  auto limits = of_.all.how.limits;
  if (of_.all.defect == mutation::keep_credit)
    limits.link_credit *= 1'000;
  const auto link = std::make_shared<served>(*this);
  links_.push_back(link);
  link->carried = std::make_shared<session>(
      of_, loop_, *link, cluster::link_state{of_.hello(loop_.index()), std::move(peer), limits, loop_.now()});
  if (drains_)
    link->carried->drain();
  link->carried->adopt(std::move(accepted), received);
}

void server::served::on_session_end(session&, const session_end&) {
  auto& links = at.links_;
  const auto found = std::find_if(links.begin(), links.end(), [this](const auto& each) { return each.get() == this; });
  if (found == links.end())
    return;
  at.loop_.at_batch_end([kept = *found] {});
  links.erase(found);
}

void server::served::serve(incoming_call_ptr call) {
  at.of_.serve(at.loop_, std::move(call));
}

void server::drain() {
  drains_ = true;
  for (const auto& link : std::vector{links_})
    link->carried->drain();
}

void server::on_tick(time_point now) {
  for (const auto& link : std::vector{links_}) {
    link->carried->on_tick(now);
    if (link->carried->state().silence(now) > silence_timeout)
      link->carried->close({link_break::silent, "nothing heard for too long"});
  }
}

bool server::is_empty() const {
  return std::all_of(links_.begin(), links_.end(), [](const auto& link) { return link->carried->is_empty(); });
}

std::size_t server::calls() const {
  std::size_t sum = 0;
  for (const auto& link : links_)
    sum += link->carried->state().peer_calls();
  return sum;
}

doorman::~doorman() {
  for (const auto& each : strangers_)
    of_.all.net.close(each->on, 1);
}

void doorman::welcome(const wire_ptr& arrived) {
  const auto who = std::make_shared<stranger>(*this, arrived, of_.control.now());
  strangers_.push_back(who);
  arrived->user[1] = who.get();
  who->on_wire();
}

void doorman::stranger::on_wire() {
  at.of_.control.on_socket([alive = weak_from_this()] {
    if (const auto kept = alive.lock())
      kept->look();
  });
}

void doorman::stranger::look() {
  if (on->user[1] != this)
    return;
  const auto bytes = at.of_.all.net.read(on, 1, 64 * 1024);
  if (bytes.empty() && on->over[1]) {
    at.of_.all.net.close(on, 1);
    return at.forget(*this);
  }
  reader.feed(bytes);
  const auto first = reader.next();
  if (!first || !*first)
    return;
  auto hello = cluster::read_hello(**first);
  auto& to = *at.of_.servers[hello->loop % at.of_.servers.size()];
  auto& loop = *at.of_.loops[hello->loop % at.of_.servers.size()];
  on->user[1] = nullptr;
  loop.post(
      [&to, which = on, peer = std::move(*hello), rest = std::string{reader.rest()}] { to.adopt(which, peer, rest); });
  at.forget(*this);
}

void doorman::forget(stranger& who) {
  std::erase_if(strangers_, [&](const auto& each) { return each.get() == &who; });
}

void doorman::on_tick(time_point now) {
  for (const auto& each : std::list{strangers_})
    if (now - each->since >= hello_timeout) {
      of_.all.net.close(each->on, 1);
      forget(*each);
    }
}

}  // namespace troupe::sim::calls
