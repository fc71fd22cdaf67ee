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
      rules_.lose_all();
  });
}

void owner::claim() {
  const auto session = session_.id();
  if (claiming_ || session == session_id{})
    return;
  const auto resource = "r" + std::to_string(all_.random.below(resources));
  if (rules_.holds(resource))
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
              rules_.take(resource, got->epoch);
          });
}

/// To another node, or back.
void owner::give_away() {
  const auto held = rules_.all();
  if (held.empty())
    return;
  const auto [resource, epoch] = held[all_.random.below(held.size())];
  rules_.seal(resource, epoch);
  const auto wait = milliseconds{all_.random.between(100, 2'000)};
  const auto others = of_.records().find_all("live/");
  const auto target = others.empty() ? session_id{} : decode_session(*all_.random.pick(others))->session;
  const auto check = [this, resource = resource, epoch = epoch, target](const store_answer& answer,
                                                                        const history_model* in) {
    if (const auto* handed = std::get_if<owned>(&answer))
      all_.seen.owns(*in, resource, handed->epoch, target);
    else if (std::holds_alternative<no_session>(answer))
      rules_.unseal(resource, epoch);
  };
  if (target == session_id{} || target == session_.id() || all_.random.one_in(2))
    of_.ask(release_call{resource, epoch, all_.random.id()}, wait, check);
  else
    of_.ask(transfer_call{resource, epoch, target, {}, {}, all_.random.id()}, wait, check);
}

void owner::act() {
  for (const auto& [resource, epoch] : rules_.due(session_.valid(boot())))
    all_.seen.acts(of_.machine().record.id, resource, epoch);
  resume();
}

void owner::resume() {
  if (!rules_.wants_barrier(session_.valid(boot())))
    return;
  of_.ask(barrier_call{}, milliseconds{1'000}, [this](const store_answer& answer, const history_model* in) {
    const auto* at = std::get_if<reached>(&answer);
    rules_.barrier(at != nullptr && in == of_.history() ? std::optional{at->at} : std::nullopt);
    rules_.copy_is_at(of_.records().barrier());
  });
}

void owner::records_changed() {
  const auto* history = of_.history();
  if (history == nullptr)
    return;
  const auto generation = history->identity().generation.counter;
  tests::owner_rules::owners_seen owners;
  for (const auto* record : of_.records().find_all("owner/"))
    if (const auto given = decode_owner(*record))
      owners[record->key.substr(6)] = {given->session, epoch_of(generation, record->revision)};
  rules_.review(owners, epoch_of(generation, of_.records().barrier().value), session_.id());
  rules_.copy_is_at(of_.records().barrier());
}

void owner::history_replaced() {
  rules_.lose_all();
  session_.history_replaced();
}

void owner::ended(const std::vector<session_id>& sessions) {
  for (const auto& each : sessions)
    if (each == session_.id())
      rules_.lose_all();
}

}  // namespace troupe::sim
