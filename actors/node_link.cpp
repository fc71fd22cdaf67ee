#include "actors/node_link.hpp"

#include <utility>

#include "actors/link_session.hpp"
#include "config/ids.hpp"

namespace troupe::actors {

namespace {

std::int64_t to_ns(time_point when) noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch()).count();
}

link_break break_of(const session_end& why) noexcept {
  if (why.rejected)
    return link_break::rejected;
  switch (why.end) {
    case stream_end::refused: return link_break::refused;
    case stream_end::silent: return link_break::silent;
    case stream_end::closed: return link_break::closed;
    case stream_end::broken: return link_break::rejected;
  }
  return link_break::closed;
}

}  // namespace

class node_link::dialer final : public session_owner, private tick_listener, private timer_listener {
public:
  dialer(event_loop& loop, node_link_config config, const link_services* services)
      : loop_{loop}, config_{std::move(config)}, services_{services}, dialing_{config_.dialing} {}
  ~dialer() { stop(); }

  void start();
  void stop();
  void poke();
  void set_peer(endpoint peer) { config_.peer = std::move(peer); }
  expected<std::uint64_t> call(cluster::link_topic topic, buffer head, buffer body, time_point deadline,
                               call_callback done);
  void cancel(std::uint64_t call);

  link_phase phase() const noexcept { return dialing_.phase(); }
  bool up() const noexcept { return dialing_.up(); }
  bool takes_calls() const noexcept { return up() && session_->state().takes_calls(loop_.now()); }
  const link_session* session() const noexcept { return session_.get(); }
  time_point last_heard() const noexcept;
  const std::shared_ptr<link_pulse>& pulse() const noexcept { return pulse_; }

private:
  void on_session_open(link_session& session) override;
  void on_session_end(link_session& session, const session_end& why) override;
  void on_tick(time_point now) override;
  void on_timer(time_point now) override;

  void dial();
  expected<void> judge(const link_session& session) const;
  void tell(link_break why, std::string detail);
  void wait();
  void update_pulse(time_point now) noexcept;

  event_loop& loop_;
  node_link_config config_;
  const link_services* services_;
  cluster::link_dialing dialing_;
  std::shared_ptr<link_session> session_;  ///< null while broken or stopped
  time_point last_heard_{};                ///< on earlier sessions
  std::shared_ptr<link_pulse> pulse_ = std::make_shared<link_pulse>();
};

void node_link::dialer::start() {
  if (!dialing_.start(loop_.now()))
    return;
  loop_.add_tick(*this);
  dial();
}

void node_link::dialer::stop() {
  if (phase() == link_phase::stopped)
    return;
  loop_.remove_tick(*this);
  dialing_.stop();
  wait();
  tell(link_break::none, {});
  if (session_ != nullptr)
    session_->close({stream_end::closed, false, "this node closed the link"});
}

void node_link::dialer::poke() {
  if (dialing_.poke(loop_.now()))
    dial();
}

/// Has the loop call again when it is time.
void node_link::dialer::wait() {
  if (const auto at = dialing_.wakes_at())
    loop_.arm(*this, *at);
  else
    loop_.disarm(*this);
}

void node_link::dialer::dial() {
  tell(link_break::none, {});
  if (phase() != link_phase::connecting)
    return;  // whoever was told stopped it
  wait();
  session_ = std::make_shared<link_session>(
      loop_, *this, services_, cluster::link_state{config_.hello(), config_.limits, loop_.now()},
      config_.make_cipher ? config_.make_cipher() : nullptr, std::shared_ptr<link_counts>{pulse_, &pulse_->counts});
  const auto alive = session_;
  alive->dial(config_.peer, config_.from_host, config_.user_timeout);
}

expected<void> node_link::dialer::judge(const link_session& session) const {
  if (const auto* cipher = session.cipher())
    if (auto named = cipher->check_peer(session.peer_hello()->node_name); !named)
      return named;
  return config_.accept ? config_.accept(*session.peer_hello()) : expected<void>{};
}

void node_link::dialer::on_session_open(link_session& session) {
  if (const auto judged = judge(session); !judged)
    return session.close({stream_end::closed, true, judged.error().what});
  dialing_.opened();
  wait();
  tell(link_break::none, {});
}

void node_link::dialer::on_session_end(link_session& session, const session_end& why) {
  if (session_.get() != &session)
    return;
  last_heard_ = last_heard();
  loop_.keep_until_batch_end(std::exchange(session_, nullptr));
  if (phase() == link_phase::stopped)
    return;
  const auto reason = break_of(why);
  dialing_.ended(reason, loop_.now(), fast_random());
  wait();
  tell(reason, why.detail);
}

void node_link::dialer::on_timer(time_point now) {
  switch (dialing_.timed(now)) {
    case cluster::link_dialing::step::none: return;
    case cluster::link_dialing::step::dial: return dial();
    case cluster::link_dialing::step::give_up:
      if (session_ != nullptr)
        session_->close({stream_end::silent, false, "no hello within the time for connecting"});
  }
}

void node_link::dialer::on_tick(time_point now) {
  if (const auto session = session_) {
    session->on_tick(now);
    if (session_ == session && dialing_.is_lost(session->state().silence(now)))
      session->close({stream_end::silent, false, "nothing heard for too long"});
  }
  update_pulse(now);
}

void node_link::dialer::update_pulse(time_point now) noexcept {
  pulse_->ticked_at_ns.store(to_ns(now), std::memory_order_relaxed);
  pulse_->heard_at_ns.store(to_ns(last_heard()), std::memory_order_relaxed);
  if (session_ == nullptr)
    return;
  const auto round_trip = std::chrono::duration_cast<std::chrono::microseconds>(session_->state().round_trip());
  pulse_->round_trip_us.store(static_cast<std::uint32_t>(round_trip.count()), std::memory_order_relaxed);
  pulse_->calls.store(static_cast<std::uint32_t>(session_->state().own_calls()), std::memory_order_relaxed);
}

time_point node_link::dialer::last_heard() const noexcept {
  // Before its hello a session has heard nothing.
  return up() && session_ != nullptr ? session_->state().last_heard() : last_heard_;
}

void node_link::dialer::tell(link_break why, std::string detail) {
  pulse_->phase.store(phase(), std::memory_order_relaxed);
  if (config_.on_change)
    config_.on_change({phase(), why, std::move(detail)});
}

expected<std::uint64_t> node_link::dialer::call(cluster::link_topic topic, buffer head, buffer body,
                                                time_point deadline, call_callback done) {
  if (!up())
    return fail(errc::link_down, "no link to the node at " + to_string(config_.peer));
  return session_->call(topic, std::move(head), std::move(body), deadline, std::move(done));
}

void node_link::dialer::cancel(std::uint64_t call) {
  if (session_ != nullptr)
    session_->cancel(call);
}

node_link::node_link(event_loop& loop, node_link_config config, const link_services* services)
    : dialer_{std::make_unique<dialer>(loop, std::move(config), services)} {}
node_link::~node_link() = default;

void node_link::start() {
  dialer_->start();
}
void node_link::stop() {
  dialer_->stop();
}
void node_link::poke() {
  dialer_->poke();
}
void node_link::set_peer(endpoint peer) {
  dialer_->set_peer(std::move(peer));
}

expected<std::uint64_t> node_link::call(cluster::link_topic topic, buffer head, buffer body, time_point deadline,
                                        call_callback done) {
  return dialer_->call(topic, std::move(head), std::move(body), deadline, std::move(done));
}
void node_link::cancel(std::uint64_t call) {
  dialer_->cancel(call);
}

link_phase node_link::phase() const noexcept {
  return dialer_->phase();
}
bool node_link::takes_calls() const noexcept {
  return dialer_->takes_calls();
}
std::shared_ptr<const cluster::link_hello> node_link::peer_hello() const {
  return dialer_->session() == nullptr ? nullptr : dialer_->session()->peer_hello();
}
duration node_link::round_trip() const noexcept {
  return dialer_->session() == nullptr ? duration{0} : dialer_->session()->state().round_trip();
}
std::size_t node_link::calls() const noexcept {
  return dialer_->session() == nullptr ? 0 : dialer_->session()->state().own_calls();
}
std::shared_ptr<const link_pulse> node_link::pulse() const noexcept {
  return dialer_->pulse();
}

}  // namespace troupe::actors
