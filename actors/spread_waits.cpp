#include "actors/spread_waits.hpp"

#include <algorithm>
#include <utility>

namespace troupe::actors {

namespace {

/// Between two questions, when a member that is trusted is not in contact with the store.
constexpr milliseconds ask_interval{100};
/// Beyond the time that the store itself gives late copies: for the way there and back.
constexpr milliseconds answer_grace{1'000};

}  // namespace

struct spread_waits::waiting final : timer_listener {
  waiting(spread_waits& waits, std::uint64_t number_of_this, cluster::cursor commit, continuation then)
      : owner{waits}, number{number_of_this}, at{commit}, done{std::move(then)} {}
  void on_timer(time_point) override { owner.ask(*this); }

  spread_waits& owner;
  const std::uint64_t number;
  const cluster::cursor at;
  continuation done;
  const time_point until = clock::now() + owner.config_.patience;
};

spread_waits::spread_waits(event_loop& control, spread_waits_config config)
    : loop_{control}, config_{std::move(config)} {}

spread_waits::~spread_waits() = default;

void spread_waits::stop() {
  alive_.reset();
  for (const auto& [number, each] : waiting_)
    loop_.disarm(*each);
  waiting_.clear();
}

void spread_waits::await(cluster::cursor at, continuation done) {
  const auto number = ++last_;
  auto& added = *waiting_.emplace(number, std::make_unique<waiting>(*this, number, at, std::move(done))).first->second;
  ask(added);
}

void spread_waits::ask(waiting& which) {
  config_.ask(which.at, which.until + answer_grace,
              [this, number = which.number, &loop = loop_,
               alive = std::weak_ptr{alive_}](const expected<cluster::spread>& known) {
                loop.post([this, number, known, alive] {
                  if (!alive.expired())
                    on_spread(number, known);
                });
              });
}

void spread_waits::on_spread(std::uint64_t number, const expected<cluster::spread>& known) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end())
    return;
  // Without the store's word nobody is known to have it.
  if (!known)
    return end(number, config_.members());
  const bool trusted_one_lacks_it = std::any_of(known->laggards.begin(), known->laggards.end(),
                                                [this](const auto& name) { return !config_.is_suspected(name); });
  const auto again_at = clock::now() + ask_interval;
  if (trusted_one_lacks_it && again_at < found->second->until)
    loop_.arm(*found->second, again_at);
  else
    end(number, known->laggards);
}

void spread_waits::end(std::uint64_t number, const std::vector<std::string>& laggards) {
  const auto wait = std::move(waiting_.extract(number).mapped());
  wait->done(laggards);
}

}  // namespace troupe::actors
