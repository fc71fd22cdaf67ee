#include "actors/stores/cluster_store.hpp"

#include <cassert>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>

#include "actors/stores/restore_mark.hpp"
#include "actors/stores/store_engine.hpp"
#include "actors/stores/store_opening.hpp"
#include "actors/work_thread.hpp"
#include "cluster/commit_request.hpp"

namespace troupe::actors {

using namespace cluster;

namespace {

/// The answers that a call may have, out of those that any may.
template <class Result>
Result narrow(store_answer answer) {
  return std::visit(
      [](auto&& each) -> Result {
        if constexpr (std::is_constructible_v<Result, decltype(each)>)
          return std::forward<decltype(each)>(each);
        else
          return refused{{errc::bug, "the store answered something else than it was asked"}};
      },
      std::move(answer));
}

template <class Result>
catalog_store::callback<store_answer> narrowed(catalog_store::callback<Result> done) {
  return [done = std::move(done)](store_answer answer) { done(narrow<Result>(std::move(answer))); };
}

expected<outcome_of_commit> outcome_from(store_answer answer) {
  if (const auto* outcome = std::get_if<outcome_of_commit>(&answer))
    return *outcome;
  if (auto* refusal = std::get_if<refused>(&answer))
    return tl::unexpected{std::move(refusal->why)};
  return fail(errc::bug, "the store answered the question for an outcome with something else");
}

expected<spread> spread_from(store_answer answer) {
  if (auto* known = std::get_if<spread>(&answer))
    return std::move(*known);
  if (auto* refusal = std::get_if<refused>(&answer))
    return tl::unexpected{std::move(refusal->why)};
  return fail(errc::bug, "the store answered the question who has a commit with something else");
}

/// The thread, and what waits for it.
class threaded_store final : public built_in_store, private store_network_user {
public:
  threaded_store(cluster_store_options options, store_disk disk, store_node node)
      : max_waiting_{options.max_waiting}, max_waiting_bytes_{options.max_waiting_bytes},
        max_arrived_bytes_{options.max_arrived_bytes}, network_{options.network}, engine_{std::in_place,
                                                                                          std::move(options),
                                                                                          std::move(disk),
                                                                                          std::move(node), point_},
        // The job that works, and the one that closes.
        thread_{"store", 2} {
    hand_over([this] { engine_->start(); });
    if (network_)
      network_->begin(*this);
  }
  ~threaded_store() override { close(); }

  void open(time_point deadline, callback<expected<store_identity>> done) override {
    read(std::move(done), [this, deadline](auto answer) { engine_->open(deadline, std::move(answer)); });
  }
  void load(time_point deadline, callback<expected<loaded>> done) override {
    load_history(deadline, [done = std::move(done)](expected<loaded_history> all) {
      done(std::move(all).map([](loaded_history&& history) { return std::move(history.contents); }));
    });
  }
  void load_history(time_point deadline, callback<expected<loaded_history>> done) override {
    read(std::move(done), [this, deadline](auto answer) { engine_->load(deadline, std::move(answer)); });
  }
  void barrier(time_point deadline, callback<expected<cursor>> done) override {
    read(std::move(done), [this, deadline](auto answer) { engine_->barrier(deadline, std::move(answer)); });
  }
  void status(time_point, callback<expected<store_status>> done) override {
    read(std::move(done), [this](auto answer) { answer(engine_->status()); });
  }
  void follow(cursor from, time_point deadline, callback<follow_result> done) override {
    follow_from(std::nullopt, from, deadline, std::move(done));
  }
  void follow_history(const generation& of, cursor from, time_point deadline, callback<follow_result> done) override {
    follow_from(of, from, deadline, std::move(done));
  }
  void commit(std::vector<guard> guards, std::vector<write> writes, commit_id id, time_point deadline,
              callback<commit_result> done) override;
  void outcome(commit_id id, time_point deadline, callback<expected<outcome_of_commit>> done) override {
    call(outcome_call{id}, deadline,
         [done = std::move(done)](store_answer answer) { done(outcome_from(std::move(answer))); });
  }
  void open_session(open_session_call what, time_point deadline, callback<session_result> done) override {
    call(std::move(what), deadline, narrowed(std::move(done)));
  }
  void renew(renew_call what, time_point deadline, callback<session_result> done) override {
    call(std::move(what), deadline, narrowed(std::move(done)));
  }
  void claim(claim_call what, time_point deadline, callback<claim_result> done) override {
    call(std::move(what), deadline, narrowed(std::move(done)));
  }
  void transfer(transfer_call what, time_point deadline, callback<claim_result> done) override {
    call(std::move(what), deadline, narrowed(std::move(done)));
  }
  void release(release_call what, time_point deadline, callback<release_result> done) override {
    call(std::move(what), deadline, narrowed(std::move(done)));
  }
  void remove_node(remove_node_call what, time_point deadline, callback<commit_result> done) override {
    call(std::move(what), deadline, narrowed(std::move(done)));
  }
  void wait_spread(cursor at, time_point deadline, callback<expected<spread>> done) override {
    call(spread_call{at}, deadline,
         [done = std::move(done)](store_answer answer) { done(spread_from(std::move(answer))); });
  }
  store_health health() override { return point_->health(); }
  void backed_up(time_point at) override { point_->backed_up(at); }
  void call(store_call what, time_point deadline, callback<store_answer> done) override;
  std::shared_ptr<const store_point> point() const override { return point_->get(); }
  const store_cells& cells() const override { return point_->cells; }
  void close() override;

private:
  // store_network_user, any thread
  void link_up(const node_id& node, std::uint64_t session) override {
    hand_over([this, node, session] { engine_->link_up(node, session); });
  }
  void link_down(const node_id& node, std::uint64_t session) override {
    hand_over([this, node, session] { engine_->link_down(node, session); });
  }
  void link_failed(const node_id& node, std::string_view why) override {
    hand_over([this, node, kept = std::string{why}] { engine_->link_failed(node, kept); });
  }
  bool received(const node_id& node, std::uint64_t session, std::string_view message) override;
  void probed(const node_id& node, const uuid& incarnation, bool alive) override {
    hand_over([this, node, incarnation, alive] { engine_->probed(node, incarnation, alive); });
  }

  void follow_from(std::optional<generation> of, cursor from, time_point deadline, callback<follow_result> done);
  std::optional<error> enter(std::size_t bytes);
  bool leave(std::size_t bytes);
  bool is_closed();
  void hand_over(work_thread::job job);
  void queue(work_thread::job job);
  void ask_for_turn();
  template <class Answer, class Reading>
  void read(callback<expected<Answer>> done, Reading reading);

  // The store's thread.
  void turn();
  void feed();
  void set_alarm();
  void on_alarm();

  const std::size_t max_waiting_;
  const std::size_t max_waiting_bytes_;
  const std::size_t max_arrived_bytes_;
  const std::shared_ptr<store_network> network_;

  std::mutex mutex_;
  std::deque<work_thread::job> arrived_;
  std::size_t waiting_ = 0;
  std::size_t waiting_bytes_ = 0;
  std::size_t arrived_bytes_ = 0;  ///< of messages of other nodes
  bool turn_posted_ = false;
  bool closed_ = false;
  bool ended_ = false;

  const std::shared_ptr<published_point> point_ = std::make_shared<published_point>();
  std::optional<store_engine> engine_;  ///< the store's thread only
  time_point alarm_set_for_ = time_point::max();
  std::mutex close_mutex_;
  work_thread thread_;
};

/// Counts a call in, or says why there is no room for it. Under `mutex_`.
std::optional<error> threaded_store::enter(std::size_t bytes) {
  if (closed_)
    return closed_store_error();
  if (waiting_ >= max_waiting_)
    return error{errc::unavailable, std::to_string(waiting_) + " calls wait for the store already"};
  if (waiting_bytes_ + bytes > max_waiting_bytes_)
    return error{errc::unavailable, std::to_string(waiting_bytes_) + " bytes wait for the store already"};
  ++waiting_;
  waiting_bytes_ += bytes;
  return std::nullopt;
}

/// @returns whether the store is still open.
bool threaded_store::leave(std::size_t bytes) {
  const std::lock_guard lock{mutex_};
  --waiting_;
  waiting_bytes_ -= bytes;
  return !closed_;
}

bool threaded_store::is_closed() {
  const std::lock_guard lock{mutex_};
  return closed_;
}

/// Under `mutex_`.
void threaded_store::queue(work_thread::job job) {
  arrived_.push_back(std::move(job));
  ask_for_turn();
}

/// Under `mutex_`.
void threaded_store::ask_for_turn() {
  if (std::exchange(turn_posted_, true))
    return;
  [[maybe_unused]] const bool accepted = thread_.post([this] { turn(); });
  assert(accepted);  // at most one turn waits, and the thread stops only after `ended_` was set
}

void threaded_store::hand_over(work_thread::job job) {
  const std::lock_guard lock{mutex_};
  if (!ended_)
    queue(std::move(job));
}

template <class Answer, class Reading>
void threaded_store::read(callback<expected<Answer>> done, Reading reading) {
  std::unique_lock lock{mutex_};
  if (auto refusal = enter(0)) {
    lock.unlock();
    return done(tl::unexpected{std::move(*refusal)});
  }
  queue([this, done = std::move(done), reading] {
    if (!leave(0))
      return done(tl::unexpected{closed_store_error()});
    reading(done);
  });
}

void threaded_store::follow_from(std::optional<generation> of, cursor from, time_point deadline,
                                 callback<follow_result> done) {
  std::unique_lock lock{mutex_};
  if (auto refusal = enter(0)) {
    lock.unlock();
    return done(refused{std::move(*refusal)});
  }
  queue([this, of, from, deadline, done = std::move(done)] {
    if (!leave(0))
      return done(refused{closed_store_error()});
    engine_->follow(of, from, deadline, done);
  });
}

void threaded_store::commit(std::vector<guard> guards, std::vector<write> writes, commit_id id, time_point deadline,
                            callback<commit_result> done) {
  commit_call made{{std::move(guards), std::move(writes), id}};
  // Before it takes room in the queue.
  if (auto good = check(made.request); !good)
    return done(refused{std::move(good.error())});
  call(std::move(made), deadline, narrowed(std::move(done)));
}

void threaded_store::call(store_call what, time_point deadline, callback<store_answer> done) {
  const auto bytes = size_of(what);
  std::unique_lock lock{mutex_};
  if (auto refusal = enter(bytes)) {
    lock.unlock();
    return done(refused{std::move(*refusal)});
  }
  // A job must be copyable; the call is not worth a copy.
  queue([this, bytes, deadline, kept = std::make_shared<store_call>(std::move(what)), done = std::move(done)] {
    const auto answer = [this, bytes, done](store_answer result) {
      leave(bytes);
      done(std::move(result));
    };
    if (is_closed())
      return answer(refused{closed_store_error()});
    engine_->call(std::move(*kept), deadline, answer);
  });
}

bool threaded_store::received(const node_id& node, std::uint64_t session, std::string_view message) {
  const std::lock_guard lock{mutex_};
  if (ended_)
    return true;
  if (arrived_bytes_ + message.size() > max_arrived_bytes_)
    return false;
  arrived_bytes_ += message.size();
  queue([this, node, session, kept = std::string{message}] {
    engine_->received(node, session, kept);
    const std::lock_guard inner{mutex_};
    arrived_bytes_ -= kept.size();
  });
  return true;
}

void threaded_store::turn() {
  {
    const std::lock_guard lock{mutex_};
    turn_posted_ = false;
  }
  if (!engine_)
    return;
  feed();
  engine_->write([this] { feed(); });
  set_alarm();
  const std::lock_guard lock{mutex_};
  // Behind a due alarm: ticks do not wait for an end of the work.
  if (engine_->wants_write() && !ended_)
    ask_for_turn();
}

void threaded_store::feed() {
  std::deque<work_thread::job> jobs;
  {
    const std::lock_guard lock{mutex_};
    jobs.swap(arrived_);
  }
  for (const auto& job : jobs)
    job();
}

void threaded_store::set_alarm() {
  const auto when = engine_->alarm();
  if (when == alarm_set_for_)
    return;
  alarm_set_for_ = when;
  thread_.set_alarm(when, [this] { on_alarm(); });
}

void threaded_store::on_alarm() {
  alarm_set_for_ = time_point::max();
  if (!engine_)
    return;
  engine_->on_alarm();
  set_alarm();
  const std::lock_guard lock{mutex_};
  if (engine_->wants_write() && !ended_)
    ask_for_turn();
}

void threaded_store::close() {
  const std::lock_guard one_at_a_time{close_mutex_};
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
  }
  // Calls are refused from here on; nothing comes from other nodes after this.
  if (network_)
    network_->end();
  {
    const std::lock_guard lock{mutex_};
    if (!std::exchange(ended_, true)) {
      // The last job: what is not begun stays so.
      [[maybe_unused]] const bool accepted = thread_.post([this] {
        feed();
        engine_->close();
        engine_.reset();
      });
      assert(accepted);
    }
  }
  thread_.stop();
}

}  // namespace

expected<std::unique_ptr<built_in_store>> open_cluster_store(cluster_store_options options) {
  if (options.node.self.id == node_id{})
    return fail(errc::bad_usage, "a store needs the id of its node");
  auto disk = open_store_disk(options);
  if (!disk)
    return tl::unexpected{std::move(disk.error())};
  if (options.network == nullptr)
    options.node.tick_interval = seconds{1};
  auto node = store_node::make(options.node, disk->take_found(), {clock::now(), milliseconds{0}});
  if (!node)
    return tl::unexpected{disk->damaged(node.error().what)};
  // From here on other nodes may hear of what is in place.
  if (options.vfs.empty())
    if (auto gone = remove_restore_mark(options.data_dir); !gone)
      return tl::unexpected{std::move(gone.error())};
  return std::make_unique<threaded_store>(std::move(options), std::move(*disk), std::move(*node));
}

}  // namespace troupe::actors
