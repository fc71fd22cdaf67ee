#include "witness.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "machine.hpp"
#include "tests/sim/violation.hpp"
#include "world.hpp"

namespace troupe::sim::calls {

namespace {

constexpr std::size_t max_attempts = 3;
/// What a call may wait for an instance here, with the ticks that notice it.
constexpr instant longest_wait{2'600'000};

std::string name_of(const request& what) {
  return "request " + std::to_string(what.number);
}

}  // namespace

buffer body_of(std::uint64_t number, std::uint64_t salt, std::size_t size) {
  buffer made;
  auto word = (number * 2 + salt) * 0x9e3779b97f4a7c15u;
  auto* at = made.room(size + sizeof word).data();
  for (std::size_t done = 0; done < size; done += sizeof word, word += 0x6a09e667f3bcc909u)
    std::memcpy(at + done, &word, sizeof word);
  made.commit(size);
  return made;
}

request_ptr witness::make() {
  auto made = std::make_shared<request>();
  made->number = made_.size() + 1;
  open_.emplace(made->number, made);
  made_.push_back(made);
  return made;
}

void witness::answered(const request_ptr& what, const outcome& result) {
  if (++what->answers > 1)
    broken("answered_once", name_of(*what) + " is answered twice");
  what->answered_with = result.code;
  open_.erase(what->number);
  if (all_.tracing)
    all_.note(*all_.machines[what->entry], name_of(*what) + " -> " +
                                               (result.code == errc{} ? "ran" : std::string{to_string(result.code)}) +
                                               " " + result.text);
  if (all_.how.calm && result.code == errc::link_lost)
    broken("lost_without_cause", name_of(*what) + " is lost although nothing went wrong: " + result.text);
  if (result.code != errc{})
    return;
  if (what->runs == 0 || result.body.view() != body_of(what->number, 1, what->answer_bytes).view())
    broken("own_answer", name_of(*what) + " gets an answer that is not its own");
}

std::size_t witness::tries(request& what, std::size_t node) {
  if (what.abandoned && !what.attempts.empty())
    broken("left_alone", name_of(what) + " is tried again although nobody waits for it");
  for (const auto& each : what.attempts)
    if (!each.not_run && !what.idempotent)
      broken("retried_only_where_certain",
             name_of(what) + " is tried again although it may have run at n" + std::to_string(each.node));
  if (what.attempts.size() == max_attempts)
    broken("two_retries", name_of(what) + " is tried at a fourth place");
  if (what.attempts.size() > 0)
    ++retries_;
  if (node != what.entry)
    ++hops_;
  what.attempts.push_back({node});
  if (all_.tracing)
    all_.note(*all_.machines[what.entry], name_of(what) + " goes to n" + std::to_string(node));
  return what.attempts.size() - 1;
}

void witness::begins(request& what, std::size_t attempt, std::size_t node) {
  auto& place = what.attempts[attempt];
  if (place.node != node || place.ran)
    broken("ran_at_most_once", name_of(what) + " runs again for the same try");
  if (place.not_run)
    broken("not_run_means_not_run",
           name_of(what) + " runs at n" + std::to_string(node) + ", which is said not to have run it");
  place.ran = true;
  if (++what.runs > 1 && !what.idempotent)
    broken("ran_at_most_once", name_of(what) + " runs a second time");
}

void witness::did_not_run(request& what, std::size_t attempt) {
  auto& place = what.attempts[attempt];
  if (place.ran)
    broken("not_run_means_not_run",
           name_of(what) + " is said not to have run at n" + std::to_string(place.node) + ", where it did");
  place.not_run = true;
}

work_ptr witness::received(const incoming_call& call) {
  std::uint64_t fields[2] = {};
  if (call.head.size() != sizeof fields)
    broken("own_answer", "a call arrives with another head");
  std::memcpy(fields, call.head.data(), sizeof fields);
  if (fields[0] - 1 >= made_.size())
    broken("own_answer", "a call arrives that nobody sent");
  auto made = std::make_shared<work>();
  made->what = made_[fields[0] - 1];
  made->attempt = fields[1];
  if (call.body.view() != body_of(fields[0], 0, made->what->body_bytes).view())
    broken("own_answer", name_of(*made->what) + " arrives with another body");
  return made;
}

void witness::takes(const request& what, std::size_t attempt, bool is_old) const {
  if (is_old)
    broken("stale_is_refused", name_of(what) + " is taken by n" + std::to_string(what.attempts[attempt].node) +
                                   " although it came before that node woke");
}

void witness::dies(std::size_t node) {
  std::erase_if(open_, [node](const auto& each) { return each.second->entry == node; });
}

void witness::look() const {
  for (const auto& [number, what] : open_) {
    const auto& entry = *all_.machines[what->entry];
    if (entry.paused || entry.running->standing_loops > 0)
      continue;
    auto limit = what->sent_at + instant{what->budget} * 21 / 20 + longest_wait;
    // A handler runs to its own end, here as long as it is overloaded.
    if (what->runs > 0)
      limit += what->run_time * 11;
    const auto rest = longest_wait + what->run_time * 11;
    if (all_.time.now() > std::max(limit, all_.heard.last_trouble(what->entry) + rest))
      broken("answered_once", name_of(*what) + " at " + entry.name + " has no answer long after its time is over");
  }
}

}  // namespace troupe::sim::calls
