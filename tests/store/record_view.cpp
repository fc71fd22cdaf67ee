#include "tests/store/record_view.hpp"

#include <utility>

#include "cluster/primary.hpp"
#include "cluster/store_record_codec.hpp"

namespace troupe::tests {

using namespace cluster;

namespace {

constexpr seconds patience{1};
constexpr std::string_view owner_prefix = "owner/";

}  // namespace

record_view::record_view(actors::event_loop& loop, actors::built_in_store& store, told tell)
    : loop_{loop}, store_{store}, tell_{std::move(tell)} {}

template <class Answer>
catalog_store::callback<Answer> record_view::on_loop(void (record_view::*then)(Answer)) {
  return [this, then, &loop = loop_, alive = alive_](Answer answer) {
    loop.post([this, then, alive, answer = std::move(answer)] {
      if (*alive)
        (this->*then)(answer);
    });
  };
}

void record_view::open() {
  store_.open(clock::now() + patience, on_loop(&record_view::opened));
}

void record_view::opened(expected<store_identity> answer) {
  if (!answer)
    return open();
  identity_ = *answer;
  load();
}

void record_view::load() {
  store_.load(clock::now() + patience, on_loop(&record_view::loaded));
}

void record_view::loaded(expected<cluster::loaded> answer) {
  if (!answer)
    return load();
  loaded_ = std::move(*answer);
  store_.open(clock::now() + patience, on_loop(&record_view::confirmed));
}

/// The history may have been replaced between the two questions.
void record_view::confirmed(expected<store_identity> answer) {
  if (!answer || answer->store_id != identity_.store_id || answer->generation != identity_.generation)
    return open();
  begin_anew(std::exchange(loaded_, {}));
  follow();
}

void record_view::begin_anew(const cluster::loaded& from) {
  records_.clear();
  owners_.clear();
  at_ = from.cursor;
  for (const auto& each : from.records)
    put(each);
  auto line = answer_of(from);
  line["generation"] = generation();
  line["store_id"] = to_string(identity_.store_id);
  line["parent_cursor"] = identity_.parent_cursor.value;
  tell_.line(std::move(line));
  changed();
}

void record_view::follow() {
  store_.follow_history(identity_.generation, at_, clock::now() + patience, on_loop(&record_view::followed));
}

void record_view::followed(follow_result answer) {
  refused_ = std::holds_alternative<refused>(answer);
  if (refused_)
    return;  // again with the next tick
  if (const auto* commits = std::get_if<batch>(&answer); commits != nullptr && !commits->commits.empty()) {
    for (const auto& commit : commits->commits) {
      for (const auto& each : commit.puts)
        put(each);
      for (const auto& key : commit.erased)
        erase(key);
      at_ = commit.cursor;
    }
    tell_.line(answer_of(*commits));
    changed();
  }
  if (!std::holds_alternative<gap>(answer))
    return follow();
  tell_.line(answer_of(gap{}));
  open();
}

void record_view::put(const record& stored) {
  if (stored.key.starts_with(owner_prefix))
    if (const auto owner = decode_owner(stored))
      owners_[stored.key.substr(owner_prefix.size())] = {owner->session, epoch_of(generation(), stored.revision)};
  records_[stored.key] = stored;
}

void record_view::erase(const std::string& key) {
  if (key.starts_with(owner_prefix))
    owners_.erase(key.substr(owner_prefix.size()));
  records_.erase(key);
}

const record* record_view::find(const std::string& key) const {
  const auto found = records_.find(key);
  return found == records_.end() ? nullptr : &found->second;
}

void record_view::when_at(place where, time_point deadline, std::function<void(bool there)> done) {
  if (place{generation(), at_} >= where)
    return done(true);
  waiters_.push_back({where, deadline, std::move(done)});
}

void record_view::changed() {
  auto waiting = std::exchange(waiters_, {});
  for (auto& each : waiting)
    when_at(each.where, each.deadline, std::move(each.done));
  tell_.on_change();
}

void record_view::tick(time_point now) {
  if (std::exchange(refused_, false))
    follow();
  auto waiting = std::exchange(waiters_, {});
  for (auto& each : waiting)
    if (each.deadline <= now)
      each.done(false);
    else
      waiters_.push_back(std::move(each));
}

}  // namespace troupe::tests
