#include "dialer.hpp"

#include <utility>

#include "machine.hpp"
#include "world.hpp"

namespace troupe::sim::calls {

using cluster::link_break;
using cluster::link_phase;

dialer::dialer(process& of, loop& on, std::size_t peer) : of_{of}, loop_{on}, peer_{peer}, dialing_{{}} {}

dialer::~dialer() {
  *alive_ = false;
}

void dialer::start() {
  if (dialing_.start(loop_.now()))
    dial();
}

void dialer::stop() {
  if (dialing_.phase() == link_phase::stopped)
    return;
  dialing_.stop();
  if (session_ != nullptr)
    session_->close({link_break::closed, "this node closed the link"});
}

void dialer::poke() {
  if (dialing_.poke(loop_.now()))
    dial();
}

void dialer::wait() {
  if (const auto at = dialing_.wakes_at())
    loop_.at(*at, [this, alive = alive_] {
      if (!*alive)
        return;
      switch (dialing_.timed(loop_.now())) {
        case cluster::link_dialing::step::none: return;
        case cluster::link_dialing::step::dial: return dial();
        case cluster::link_dialing::step::give_up:
          if (session_ != nullptr)
            session_->close({link_break::silent, "no hello within the time for connecting"});
      }
    });
}

void dialer::dial() {
  wait();
  session_ = std::make_shared<session>(of_, loop_, *this,
                                       cluster::link_state{of_.hello(loop_.index()), of_.all.how.limits, loop_.now()});
  session_->dial(peer_);
}

void dialer::on_session_open(session& which) {
  if (which.state().peer().node != of_.all.machines[peer_]->id)
    return which.close({link_break::rejected, "another node answers there"});
  dialing_.opened();
  of_.all.heard.opened(of_, loop_.index(), peer_);
  of_.control.post([peer = peer_, incarnation = which.state().peer().incarnation, &of = of_] {
    of.members.answered(peer, incarnation);
  });
  tell(link_break::none);
}

void dialer::on_session_end(session& which, const session_end& why) {
  if (session_.get() != &which)
    return;
  last_heard_ = last_heard();
  loop_.at_batch_end([kept = std::exchange(session_, nullptr)] {});
  if (dialing_.phase() == link_phase::stopped)
    return;
  dialing_.ended(why.why, loop_.now(), of_.all.random.next());
  wait();
  tell(why.why);
}

void dialer::serve(incoming_call_ptr call) {
  call->refuse(errc::no_such_service, "nothing is served here");
}

void dialer::tell(link_break why) {
  of_.control.post([this, peer = peer_, link = loop_.index(), phase = dialing_.phase(), why, &of = of_] {
    of.members.link_changed(peer, link, phase, why);
  });
}

void dialer::on_tick(time_point now) {
  if (const auto kept = session_) {
    kept->on_tick(now);
    if (session_ == kept && dialing_.is_lost(kept->state().silence(now)))
      kept->close({link_break::silent, "nothing heard for too long"});
  }
  pulse_->ticked_at = now;
  pulse_->heard_at = last_heard();
}

time_point dialer::last_heard() const noexcept {
  return dialing_.up() && session_ != nullptr ? session_->state().last_heard() : last_heard_;
}

bool dialer::takes_calls() const {
  return dialing_.up() && session_->state().takes_calls(loop_.now());
}

expected<std::uint64_t> dialer::call(buffer head, buffer body, time_point deadline, call_callback done) {
  if (!dialing_.up())
    return fail(errc::link_down, "no link");
  return session_->call(std::move(head), std::move(body), deadline, std::move(done));
}

void dialer::cancel(std::uint64_t call) {
  if (session_ != nullptr)
    session_->cancel(call);
}

}  // namespace troupe::sim::calls
