#include "actors/wake_gate.hpp"

#include <utility>

namespace troupe::actors {

wake_gate::wake_gate(event_loop& control, link_services& services, wake_gate_config config)
    : loop_{control}, services_{services}, config_{std::move(config)} {
  services_.offer(cluster::link_topic::control, *this);
}

wake_gate::~wake_gate() {
  services_.withdraw(cluster::link_topic::control);
}

void wake_gate::stop() {
  loop_.remove_tick(*this);
  alive_.reset();
  held_.clear();
}

void wake_gate::slept(std::function<void()> go_on) {
  if (alive_ == nullptr)
    return;  // the node goes down, and nobody is served any more
  held_.push_back(std::move(go_on));
  ++sleep_;
  check_.slept();
  review(loop_.now());
}

void wake_gate::serve(incoming_call_ptr call) {
  if (const auto good = cluster::check_level_question(call->head.view()); !good)
    return call->refuse(good.error().code, good.error().what);
  call->answer(cluster::encode(config_.own_level()), {});
}

void wake_gate::on_tick(time_point now) {
  if (!held_.empty())
    review(now);
}

void wake_gate::review(time_point now) {
  const auto peers = config_.in_reach();
  if (check_.may_serve(peers, config_.installed())) {
    for (const auto& go_on : std::exchange(held_, {}))
      go_on();
    return;
  }
  for (const auto& peer : check_.due(peers, now))
    ask(peer);
}

void wake_gate::ask(const uuid& peer) {
  const auto sent =
      config_.call(peer, cluster::encode_level_question(), clock::now() + config_.answer_timeout,
                   [this, peer, sleep = sleep_, alive = std::weak_ptr{alive_}](const call_result& result) {
                     if (!alive.expired() && sleep == sleep_ && !held_.empty())
                       on_answer(peer, result);
                   });
  if (!sent)
    check_.failed(peer, loop_.now());
}

void wake_gate::on_answer(const uuid& peer, const call_result& result) {
  const auto* answered = std::get_if<call_answered>(&result);
  const auto level = answered == nullptr ? fail(errc::link_lost, "the peer did not answer")
                                         : cluster::decode_level(answered->head.view());
  // Of another history the cursor says nothing.
  if (!level || level->generation != config_.own_level().generation)
    return check_.failed(peer, loop_.now());
  check_.answered(level->at);
  const auto deadline = loop_.now() + config_.answer_timeout;  // each tick looks again
  config_.when_installed(level->at, deadline, [this, alive = std::weak_ptr{alive_}](bool) {
    if (!alive.expired() && !held_.empty())
      review(loop_.now());
  });
}

}  // namespace troupe::actors
