// What a member owns, and what it does about that.
#include <utility>

#include "cluster/primary.hpp"
#include "config/boot_clock.hpp"
#include "tests/store/store_member.hpp"

namespace troupe::tests {

using namespace cluster;

namespace {

constexpr milliseconds act_interval{20};

}  // namespace

session_id store_member::session_now() const {
  return session_ ? session_->session().id() : session_id{};
}

bool store_member::session_valid(milliseconds boot) const {
  if (options_.defect == member_defect::acts_without_session)
    return true;
  return session_ && session_->session().valid(boot);
}

void store_member::on_tick(time_point now) {
  view_->tick(now);
  tell_of_session();
}

/// Until when it relies on which session: nobody may have freed it by then.
void store_member::tell_of_session() {
  if (!session_)
    return;
  const auto now = session_now();
  const auto until = session_->session().valid_until();
  if (now == told_session_ && until == told_until_)
    return;
  if (now != told_session_)
    owner_.lose_all();
  told_session_ = now;
  told_until_ = until;
  say({{"session", to_string(now)}, {"valid_until_ms", until.count()}});
  review();
}

void store_member::review() {
  owner_.copy_is_at(view_->at());
  owner_.review(view_->owners(), epoch_of(view_->generation(), view_->at().value), session_now());
}

void store_member::on_timer(time_point) {
  tell_of_session();
  act();
  host_.loop().arm(*this, clock::now() + act_interval);
}

/// The act of an owner is to say that it acts, with the time at which it looked at its session.
void store_member::act() {
  const auto boot = boot_now();
  const bool valid = session_valid(boot);
  for (const auto& [resource, epoch] : owner_.due(valid))
    say({{"act", resource}, {"epoch", epoch}, {"at_ms", boot.count()}});
  resume(valid);
}

void store_member::resume(bool valid) {
  if (!owner_.wants_barrier(valid))
    return;
  host_.store().barrier(clock::now() + seconds{1},
                        [this, &loop = host_.loop(), alive = alive_](const expected<cursor>& at) {
                          loop.post([this, alive, at] {
                            if (!*alive)
                              return;
                            owner_.barrier(at ? std::optional{*at} : std::nullopt);
                            owner_.copy_is_at(view_->at());
                          });
                        });
}

}  // namespace troupe::tests
