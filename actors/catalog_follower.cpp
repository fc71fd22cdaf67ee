#include "actors/catalog_follower.hpp"

#include "config/log.hpp"

namespace troupe::actors {

namespace {

/// How long one `follow` waits for a commit before it answers with none.
constexpr seconds follow_interval{20};
constexpr seconds load_timeout{10};
constexpr milliseconds retry_interval{500};

}  // namespace

catalog_follower::catalog_follower(event_loop& control_loop, cluster::catalog_source& store, change_callback on_change)
    : loop_{control_loop}, store_{store}, on_change_{std::move(on_change)} {}

catalog_follower::~catalog_follower() {
  *alive_ = false;
}

template <class T>
cluster::catalog_store::callback<T> catalog_follower::on_loop(void (catalog_follower::*handler)(T)) {
  // The store answers on its own thread; the picture belongs to the loop.
  return [this, handler, &loop = loop_, alive = alive_](T result) {
    auto kept = std::make_shared<T>(std::move(result));
    loop.post([this, handler, alive, kept] {
      if (*alive)
        (this->*handler)(std::move(*kept));
    });
  };
}

void catalog_follower::start(std::function<void(expected<void>)> loaded) {
  loop_.post([this, loaded = std::move(loaded)]() mutable {
    loaded_ = std::move(loaded);
    load();
  });
}

void catalog_follower::load() {
  store_.load_history(clock::now() + load_timeout, on_loop(&catalog_follower::on_loaded));
}

void catalog_follower::follow() {
  store_.follow_history(generation_, {snapshot_->cursor}, clock::now() + follow_interval,
                        on_loop(&catalog_follower::on_followed));
}

void catalog_follower::retry_later(const error& why) {
  log_event(log_level::warning, "catalog_out_of_reach", {{"reason", why.what}});
  loop_.arm(retry_, clock::now() + retry_interval);
}

void catalog_follower::on_loaded(expected<cluster::loaded_history> result) {
  if (!result) {
    if (auto loaded = std::exchange(loaded_, nullptr))
      loaded(tl::unexpected{result.error()});
    retry_later(result.error());
    return;
  }
  generation_ = result->generation;
  adopt(cluster::make_snapshot(result->contents.records, result->contents.cursor));
  if (auto loaded = std::exchange(loaded_, nullptr))
    loaded({});
  follow();
}

void catalog_follower::on_followed(cluster::follow_result result) {
  if (auto* batch = std::get_if<cluster::batch>(&result)) {
    if (!batch->commits.empty())
      adopt(cluster::apply(*snapshot_, batch->commits));
    follow();
  } else if (std::holds_alternative<cluster::gap>(result)) {
    load();
  } else {
    retry_later(std::get<cluster::refused>(result).why);
  }
}

void catalog_follower::adopt(cluster::catalog_view view) {
  incomplete_ = incomplete_ || !view.unreadable.empty();
  for (const auto& problem : view.unreadable)
    log_event(log_level::error, "record_unreadable", {{"reason", problem.what}});
  snapshot_ = std::move(view.snapshot);
  on_change_(snapshot_);
  std::vector<waiter> later;
  for (auto& each : std::exchange(waiters_, {})) {
    if (each.at.value <= snapshot_->cursor)
      each.done();
    else
      later.push_back(std::move(each));
  }
  std::move(later.begin(), later.end(), std::back_inserter(waiters_));
}

std::uint64_t catalog_follower::when_at(cluster::cursor at, std::function<void()> done) {
  if (at.value <= snapshot_->cursor) {
    done();
    return 0;
  }
  waiters_.push_back({++last_waiter_, at, std::move(done)});
  return last_waiter_;
}

void catalog_follower::forget(std::uint64_t waiting) {
  std::erase_if(waiters_, [waiting](const waiter& each) { return each.number == waiting; });
}

}  // namespace troupe::actors
