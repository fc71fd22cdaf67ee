#include "clients.hpp"

#include <algorithm>
#include <utility>

#include "process.hpp"
#include "violation.hpp"
#include "world.hpp"

namespace troupe::sim {

using namespace cluster;

namespace {

/// Nobody repeats a call longer than its id is kept (plan.cpp).
constexpr instant longest_repeating{7'000'000};

}  // namespace

milliseconds clients::patience() {
  return milliseconds{all_.random.one_in(4) ? all_.random.between(1, 100) : all_.random.between(200, 3'000)};
}

std::uint64_t clients::revision_of(const std::string& key) const {
  const auto* found = of_.records().find(key);
  return found == nullptr ? 0 : found->revision;
}

void clients::step() {
  const auto dice = all_.random.below(100);
  if (dice < 30)
    count();
  else if (dice < 55)
    take_or_free_name();
  else if (dice < 60)
    bind();
  else if (dice < 67)
    write_many();
  else if (dice < 80)
    settle();
  else if (dice < 97)
    read();
  else
    spread();
}

void clients::count() {
  const auto key = "data/counter" + std::to_string(all_.random.below(3));
  const auto* found = of_.records().find(key);
  const auto before = found == nullptr ? 0 : std::stoull(found->value);
  commit({{{key, revision_of(key)}}, {{key, std::to_string(before + 1), false}}, all_.random.id()});
}

void clients::take_or_free_name() {
  const auto key = "data/name" + std::to_string(all_.random.below(6));
  const auto revision = revision_of(key);
  const auto id = all_.random.id();
  if (revision == 0 || all_.random.one_in(5))
    commit({{{key, 0}}, {{key, to_string(id), false}}, id});
  else
    commit({{{key, revision}}, {{key, {}, true}}, id});
}

void clients::bind() {
  const auto session = of_.session_holder.session_now();
  const auto key = "data/bound" + std::to_string(all_.random.below(4));
  if (session != session_id{})
    commit({{}, {{key, of_.machine().record.name, false, session}}, all_.random.id()});
}

void clients::write_many() {
  commit_request request{{}, {}, all_.random.id()};
  const auto count = all_.random.between(2, 8);
  for (int i = 0; i < count; ++i)
    request.writes.push_back({"data/many" + std::to_string(i), to_string(request.id), all_.random.one_in(6)});
  commit(std::move(request));
}

void clients::commit(commit_request request) {
  const auto tried = all_.seen.begin(std::move(request), all_.time.now());
  send(tried);
  // A client that does not wait and asks again, here or elsewhere.
  if (all_.random.one_in(20))
    all_.unsettled.push_back(tried);
}

void clients::send(const std::shared_ptr<commit_try>& tried) {
  ++tried->open;
  of_.ask(commit_call{tried->request}, patience(),
          [&all = all_, tried](const store_answer& answer, const history_model* in) {
            all.seen.answered(tried, answer, in);
            const auto* refusal = std::get_if<refused>(&answer);
            if (refusal != nullptr && refusal->why.code == errc::unknown_outcome)
              all.unsettled.push_back(tried);
          });
}

/// Takes up what somebody, anywhere, was left in the dark about.
void clients::settle() {
  if (all_.unsettled.empty())
    return count();
  const auto place = all_.unsettled.begin() + static_cast<std::ptrdiff_t>(all_.random.below(all_.unsettled.size()));
  const auto tried = *place;
  all_.unsettled.erase(place);
  // A backup has no ids: who sees another generation gives up.
  if (all_.time.now() - tried->first_at > longest_repeating || tried->backups_restored != all_.seen.backups_restored())
    return;
  if (all_.random.one_in(2))
    return send(tried);
  tried->settling = true;
  of_.ask(outcome_call{tried->request.id}, patience(),
          [&all = all_, tried](const store_answer& answer, const history_model* in) {
            if (const auto* settled = std::get_if<outcome_of_commit>(&answer))
              all.seen.outcome(tried, *settled, in);
            else if (std::holds_alternative<refused>(answer))
              all.unsettled.push_back(tried);
            else
              broken("answers_fit", "an outcome was answered with something else");
            // What is settled is asked for once more now and then.
            if (all.random.one_in(4))
              all.unsettled.push_back(tried);
          });
}

void clients::read() {
  of_.ask(barrier_call{}, patience(),
          [this, before = all_.seen.acknowledged()](const store_answer& answer, const history_model* in) {
            if (const auto* at = std::get_if<reached>(&answer)) {
              all_.seen.shows(*in, at->at.value, before);
              reads_.push_back({in, at->at.value});
              records_changed();
            } else if (!std::holds_alternative<refused>(answer)) {
              broken("answers_fit", "a barrier was answered with something else");
            }
          });
}

void clients::records_changed() {
  const auto* history = of_.history();
  const auto at = of_.records().barrier().value;
  std::erase_if(reads_, [&](const waiting_read& each) {
    if (each.history != history)
      return history == nullptr || history->shared_with(*each.history).has_value();
    if (at < each.at)
      return false;
    for (const auto* key : {"data/counter0", "data/name1", "data/many1", "data/bound0"})
      all_.seen.read(*history, of_.records(), key);
    return true;
  });
}

void clients::spread() {
  of_.ask(spread_call{of_.records().barrier()}, patience(), [](const store_answer& answer, const history_model*) {
    if (!std::holds_alternative<cluster::spread>(answer) && !std::holds_alternative<refused>(answer))
      broken("answers_fit", "a spread was answered with something else");
  });
}

void clients::must_commit() {
  const auto id = all_.random.id();
  const auto tried = all_.seen.begin({{}, {{"data/last", to_string(id), false}}, id}, all_.time.now());
  ++tried->open;
  must_wait_ = true;
  of_.ask(commit_call{tried->request}, milliseconds{3'000},
          [this, tried](const store_answer& answer, const history_model* in) {
            must_wait_ = false;
            all_.seen.answered(tried, answer, in);
            if (const auto* no = std::get_if<refused>(&answer))
              broken("heals",
                     of_.machine().record.name + " cannot commit although nothing is wrong any more: " + no->why.what);
          });
}

}  // namespace troupe::sim
