#include "actors/pending_requests.hpp"

#include <utility>

namespace troupe::actors {

std::uint64_t pending_requests::add(const uuid& node, time_point deadline, continuation done) {
  if (requests_.size() >= max_requests)
    return 0;
  requests_[++last_] = {node, deadline, std::move(done)};
  return last_;
}

bool pending_requests::settle(const uuid& node, std::uint64_t request, expected<cluster::event_page> answer) {
  const auto found = requests_.find(request);
  if (found == requests_.end() || found->second.node != node)
    return false;
  const auto done = std::move(found->second.done);
  requests_.erase(found);
  done(std::move(answer));
  return true;
}

template <class Condition>
std::size_t pending_requests::fail_if(Condition condition, const error& why) {
  // Taken out before anyone is told: a continuation may ask again.
  std::vector<continuation> failed;
  for (auto next = requests_.begin(); next != requests_.end();) {
    if (!condition(next->second)) {
      ++next;
      continue;
    }
    failed.push_back(std::move(next->second.done));
    next = requests_.erase(next);
  }
  for (const auto& done : failed)
    done(tl::unexpected{why});
  return failed.size();
}

void pending_requests::fail_all(const uuid& node, const error& why) {
  fail_if([&](const entry& each) { return each.node == node; }, why);
}

void pending_requests::fail_all(const error& why) {
  fail_if([](const entry&) { return true; }, why);
}

void pending_requests::expire(time_point now) {
  unanswered_ +=
      fail_if([&](const entry& each) { return each.deadline <= now; },
              {errc::budget_spent, "the other node did not answer in time; it may have done what it was asked"});
}

}  // namespace troupe::actors
