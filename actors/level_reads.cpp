#include "actors/level_reads.hpp"

#include <algorithm>
#include <utility>

namespace troupe::actors {

struct level_reads::waiting final : timer_listener {
  waiting(level_reads& reads, std::uint64_t read, continuation then)
      : owner{reads}, number{read}, done{std::move(then)} {}
  void on_timer(time_point) override { owner.end(number, false); }

  level_reads& owner;
  const std::uint64_t number;
  continuation done;
  const time_point asked_at = clock::now();
  std::uint64_t place = 0;  ///< among those that wait for the picture
};

level_reads::level_reads(event_loop& control, level_reads_config config)
    : loop_{control}, config_{std::move(config)}, level_at_{config_.started_at} {}

level_reads::~level_reads() = default;

void level_reads::stop() {
  alive_.reset();
  for (const auto& [number, each] : waiting_)
    loop_.disarm(*each);
  waiting_.clear();
}

void level_reads::read(continuation then) {
  const auto tip = config_.own_tip();
  if (tip && tip->value <= config_.follower->snapshot()->cursor)
    return then(std::nullopt);
  const auto number = ++last_;
  auto& added = *waiting_.emplace(number, std::make_unique<waiting>(*this, number, std::move(then))).first->second;
  const auto deadline = added.asked_at + config_.patience;
  loop_.arm(added, deadline);
  if (tip)
    return await(number, *tip);
  config_.store->barrier(
      deadline, [this, number, &loop = loop_, alive = std::weak_ptr{alive_}](const expected<cluster::cursor>& at) {
        loop.post([this, number, at, alive] {
          if (!alive.expired())
            on_barrier(number, at);
        });
      });
}

void level_reads::heard(cluster::cursor tip, time_point asked_at) {
  if (tip.value <= config_.follower->snapshot()->cursor)
    level_at_ = std::max(level_at_, asked_at);
}

void level_reads::on_barrier(std::uint64_t number, const expected<cluster::cursor>& at) {
  if (!waiting_.contains(number))
    return;  // its time was over
  if (at)
    await(number, *at);
  else
    end(number, false);
}

void level_reads::await(std::uint64_t number, cluster::cursor at) {
  // May run before it returns, and then ends the read.
  const auto place = config_.follower->when_at(at, [this, number, alive = std::weak_ptr{alive_}] {
    if (!alive.expired())
      end(number, true);
  });
  if (const auto found = waiting_.find(number); found != waiting_.end())
    found->second->place = place;
}

void level_reads::end(std::uint64_t number, bool level) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end())
    return;
  const auto read = std::move(found->second);
  waiting_.erase(found);
  loop_.disarm(*read);
  config_.follower->forget(read->place);
  if (level)
    level_at_ = std::max(level_at_, read->asked_at);
  read->done(level ? std::nullopt : std::optional{age()});
}

seconds level_reads::age() const {
  return std::chrono::duration_cast<seconds>(clock::now() - level_at_);
}

}  // namespace troupe::actors
