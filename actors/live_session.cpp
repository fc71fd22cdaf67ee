#include "actors/live_session.hpp"

#include <utility>

#include "config/boot_clock.hpp"
#include "config/log.hpp"

namespace troupe::actors {

live_session::live_session(event_loop& control, built_in_store& store, cluster::session_options options,
                           end_callback on_end, granted_callback on_granted)
    : loop_{control}, store_{store}, address_{options.address}, session_{std::move(options)},
      on_end_{std::move(on_end)}, on_granted_{std::move(on_granted)} {}

live_session::~live_session() {
  *alive_ = false;
}

void live_session::start() {
  started_ = true;
  loop_.add_tick(*this);
  on_tick(loop_.now());
}

void live_session::stop() {
  *alive_ = false;
  if (std::exchange(started_, false))
    loop_.remove_tick(*this);
}

void live_session::history_replaced() {
  session_.history_replaced();
}

void live_session::on_tick(time_point) {
  auto call = session_.due(boot_now(), make_uuid());
  if (!call)
    return;
  const auto asked_at = clock::now();
  store_.call(std::move(*call), asked_at + session_.try_time(),
              [this, asked_at, &loop = loop_, alive = alive_](cluster::store_answer answer) {
                loop.post([this, asked_at, alive, answer = std::move(answer)] {
                  if (*alive)
                    answered(answer, asked_at);
                });
              });
}

void live_session::answered(const cluster::store_answer& answer, time_point asked_at) {
  const auto lost_before = session_.times_lost();
  const auto before = session_.now();
  session_.answered(answer, boot_now());
  if (const auto* granted = std::get_if<cluster::session_granted>(&answer))
    on_granted_(granted->at, asked_at);
  if (session_.times_lost() != lost_before)
    log_event(log_level::warning, "session_lost", {{"times", session_.times_lost()}});
  const auto now = session_.now();
  if (now == before)
    return;
  if (const auto* other = std::get_if<cluster::incarnation_alive>(&answer)) {
    on_end_(now, cluster::same_id_sentence(other->address, address_));
  } else if (now == cluster::session::state::superseded) {
    on_end_(now, "another process with the node id of this one, at " + address_ +
                     ", took its place while it did not answer");
  }
}

}  // namespace troupe::actors
