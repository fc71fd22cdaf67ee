#include "owner.hpp"

#include <utility>

#include "cluster/primary.hpp"
#include "cluster/store_record_codec.hpp"
#include "process.hpp"
#include "trace.hpp"
#include "violation.hpp"
#include "world.hpp"

namespace troupe::sim {

using namespace cluster;

namespace {

constexpr std::uint64_t resources = 4;

}  // namespace

owner::owner(world& all, process& of)
    : all_{all}, of_{of}, session_{{of.machine().record.id, of.incarnation(), of.machine().record.addresses.front(),
                                    all.how.ttl}} {}

milliseconds owner::boot() const {
  return of_.machine().now().boot;
}

bool owner::relies_on(const session_id& session) const {
  return session_.id() == session && session_.valid(boot());
}

bool owner::has_session() const {
  return session_.valid(boot());
}

void owner::tick() {
  keep_session();
  act();
  if (!all_.troubled || of_.role() == store_role::empty || !all_.random.one_in(8))
    return;
  if (all_.random.one_in(3))
    give_away();
  else
    claim();
}

void owner::keep_session() {
  const auto call = session_.due(boot(), all_.random.id());
  if (!call)
    return;
  of_.ask(*call, session_.try_time(), [this](const store_answer& answer, const history_model*) {
    const auto before = session_.id();
    session_.answered(answer, boot());
    if (session_.now() == session::state::superseded || session_.now() == session::state::rejected)
      broken("session_kept", of_.machine().record.name + " lost its session to another incarnation, and there is none");
    if (session_.id() != before)
      holds_.clear();
  });
}

void owner::claim() {
  const auto session = session_.id();
  if (claiming_ || session == session_id{})
    return;
  const auto resource = "r" + std::to_string(all_.random.below(resources));
  if (holds_.contains(resource))
    return;
  claiming_ = true;
  const auto id = all_.random.id();
  const claim_call call{session, resource, {}, {{"data/slot-" + resource, of_.machine().record.name, false}}, id};
  of_.ask(call, milliseconds{all_.random.between(100, 2'000)},
          [this, session, resource](const store_answer& answer, const history_model* in) {
            claiming_ = false;
            const auto* got = std::get_if<owned>(&answer);
            if (got == nullptr)
              return;
            all_.seen.owns(*in, resource, got->epoch, session);
            if (session_.id() == session)
              take(resource, got->epoch);
          });
}

void owner::take(const std::string& resource, std::uint64_t epoch) {
  if (epoch <= sealed_[resource] || holds_.contains(resource))
    return;
  holds_[resource] = {epoch, false, false, 0, nullptr};
}

/// To another node, or back.
void owner::give_away() {
  if (holds_.empty())
    return;
  auto place = holds_.begin();
  std::advance(place, static_cast<std::ptrdiff_t>(all_.random.below(holds_.size())));
  const auto [resource, what] = *place;
  // From here on it must not act: the call may be applied at any time.
  sealed_[resource] = what.epoch;
  holds_.erase(place);
  const auto wait = milliseconds{all_.random.between(100, 2'000)};
  const auto others = of_.records().find_all("live/");
  const auto target = others.empty() ? session_id{} : decode_session(*all_.random.pick(others))->session;
  const auto check = [this, resource, old = what.epoch, target](const store_answer& answer, const history_model* in) {
    if (const auto* handed = std::get_if<owned>(&answer))
      all_.seen.owns(*in, resource, handed->epoch, target);
    else if (std::holds_alternative<no_session>(answer))
      sealed_[resource] = old - 1;  // it certainly was not applied
  };
  if (target == session_id{} || target == session_.id() || all_.random.one_in(2))
    of_.ask(release_call{resource, what.epoch, all_.random.id()}, wait, check);
  else
    of_.ask(transfer_call{resource, what.epoch, target, {}, {}, all_.random.id()}, wait, check);
}

void owner::act() {
  for (auto& [resource, what] : holds_) {
    if (!session_.valid(boot()))
      what.paused = true;
    if (what.paused)
      resume(resource, what);
    else
      all_.seen.acts(of_.machine().record.id, resource, what.epoch);
  }
}

void owner::resume(const std::string& resource, holding& what) {
  if (!session_.valid(boot()))
    return;
  if (what.readable_from > 0) {
    if (of_.history() != what.history || of_.records().barrier().value < what.readable_from)
      return;
    // `records_changed` has dropped what is not as it was.
    what.paused = false;
    what.readable_from = 0;
    return;
  }
  if (std::exchange(what.asking, true))
    return;
  of_.ask(barrier_call{}, milliseconds{1'000},
          [this, resource, epoch = what.epoch](const store_answer& answer, const history_model* in) {
            const auto found = holds_.find(resource);
            if (found == holds_.end() || found->second.epoch != epoch)
              return;
            found->second.asking = false;
            if (const auto* at = std::get_if<reached>(&answer)) {
              found->second.readable_from = at->at.value;
              found->second.history = in;
            }
          });
}

void owner::records_changed() {
  const auto* history = of_.history();
  if (history == nullptr)
    return;
  const auto generation = history->identity().generation.counter;
  const auto at = of_.records().barrier().value;
  std::erase_if(holds_, [&](const auto& each) {
    if (each.second.epoch >> 40 == generation && (each.second.epoch & ((std::uint64_t{1} << 40) - 1)) > at)
      return false;
    const auto* record = of_.records().find(owner_key(each.first));
    return record == nullptr || epoch_of(generation, record->revision) != each.second.epoch;
  });
  if (session_.id() == session_id{})
    return;
  for (const auto* record : of_.records().find_all("owner/"))
    if (const auto given = decode_owner(*record); given && given->session == session_.id())
      take(record->key.substr(6), epoch_of(generation, record->revision));
}

void owner::history_replaced() {
  holds_.clear();
  session_.history_replaced();
}

void owner::ended(const std::vector<session_id>& sessions) {
  for (const auto& each : sessions)
    if (each == session_.id())
      holds_.clear();
}

}  // namespace troupe::sim
