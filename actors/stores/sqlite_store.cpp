#include "actors/stores/sqlite_store.hpp"

#include <algorithm>
#include <cassert>
#include <deque>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "actors/stores/history_store.hpp"
#include "actors/stores/history_writer.hpp"
#include "actors/work_thread.hpp"

namespace troupe::actors {

using namespace cluster;

namespace {

/// What one transaction takes at most (specs: catalogue-store 2). What waits is taken at once: while the disk syncs one
/// group the next one gathers, and a lone commit waits for nobody.
constexpr std::size_t max_group = 100;
constexpr std::size_t max_group_bytes = std::size_t{8} << 20;

std::size_t size_of(const commit_request& request) {
  std::size_t bytes = 0;
  for (const auto& each : request.guards)
    bytes += each.key.size();
  for (const auto& each : request.writes)
    bytes += each.key.size() + each.value.size();
  return bytes;
}

error closed_error() {
  return {errc::unavailable, "the store is closed"};
}
error late_error() {
  return {errc::unavailable, "the deadline passed before the store came to the call; it did nothing"};
}

expected<outcome_of_commit> outcome_from(commit_result result) {
  if (const auto* done = std::get_if<committed>(&result))
    return outcome_of_commit{settled::committed, done->cursor};
  if (auto* refusal = std::get_if<refused>(&result))
    return tl::unexpected{std::move(refusal->why)};
  return outcome_of_commit{settled::voided, {}};
}

class sqlite_store final : public catalog_store {
public:
  sqlite_store(const sqlite_store_options& options, history_writer writer, store_identity identity)
      : max_waiting_{options.max_waiting}, max_waiting_bytes_{options.max_waiting_bytes},
        max_followers_{options.max_followers}, identity_{identity}, writer_{std::move(writer)},
        // Beside the calls that wait: the job that writes, and the one that closes.
        thread_{"store", options.max_waiting + 2} {}

  ~sqlite_store() override { close(); }

  void open(time_point deadline, callback<expected<store_identity>> done) override {
    read(deadline, std::move(done), [this] { return identity_; });
  }
  void load(time_point deadline, callback<expected<loaded>> done) override {
    read(deadline, std::move(done), [this] { return writer_->history().load(); });
  }
  void barrier(time_point deadline, callback<expected<cursor>> done) override {
    read(deadline, std::move(done), [this] { return writer_->history().barrier(); });
  }
  void follow(cursor from, time_point deadline, callback<follow_result> done) override;

  void commit(std::vector<guard> guards, std::vector<write> writes, commit_id id, time_point deadline,
              callback<commit_result> done) override {
    write_request request{{std::move(guards), std::move(writes), id}};
    // Before it takes room in the queue.
    if (auto good = check(request.commit); !good)
      return done(refused{std::move(good.error())});
    queue({std::move(request), deadline, std::move(done)});
  }
  void outcome(commit_id id, time_point deadline, callback<expected<outcome_of_commit>> done) override {
    queue({{{{}, {}, id}, write_request::purpose::settle}, deadline, [done = std::move(done)](commit_result result) {
             done(outcome_from(std::move(result)));
           }});
  }

  void close() override;

private:
  struct write_call {
    write_request request;
    time_point deadline;
    callback<commit_result> done;
  };
  struct follower {
    cursor from;
    time_point deadline;
    callback<follow_result> done;
  };

  // Any thread.
  std::optional<error> enter(std::size_t bytes);
  void leave(std::size_t bytes);
  void post(work_thread::job job);
  void queue(write_call call);
  template <class Answer, class Reading>
  void read(time_point deadline, callback<expected<Answer>> done, Reading reading);

  // The store's thread.
  bool begin_read();
  void begin_follow(follower waiting);
  void write_group();
  std::pair<std::vector<write_call>, bool> take_group();
  void answer_followers();
  void expire_followers();

  const std::size_t max_waiting_;
  const std::size_t max_waiting_bytes_;
  const std::size_t max_followers_;
  const store_identity identity_;

  std::mutex mutex_;
  std::deque<write_call> writes_;
  std::size_t waiting_ = 0;
  std::size_t waiting_bytes_ = 0;
  bool write_posted_ = false;
  bool closed_ = false;

  // Touched by the store's thread only.
  std::optional<history_writer> writer_;
  std::vector<follower> followers_;  ///< all of them at the tip

  work_thread thread_;
};

/// Counts a call in, or says why there is no room for it. Under `mutex_`.
std::optional<error> sqlite_store::enter(std::size_t bytes) {
  if (closed_)
    return closed_error();
  if (waiting_ >= max_waiting_)
    return error{errc::unavailable, std::to_string(waiting_) + " calls wait for the store already"};
  if (waiting_bytes_ + bytes > max_waiting_bytes_)
    return error{errc::unavailable, std::to_string(waiting_bytes_) + " bytes wait for the store already"};
  ++waiting_;
  waiting_bytes_ += bytes;
  return std::nullopt;
}

void sqlite_store::leave(std::size_t bytes) {
  --waiting_;
  waiting_bytes_ -= bytes;
}

/// Under `mutex_`, so that `close` comes before or after it as a whole.
void sqlite_store::post(work_thread::job job) {
  [[maybe_unused]] const bool accepted = thread_.post(std::move(job));
  assert(accepted);  // `enter` made sure of the room, and the thread stops only after `closed_` was set
}

template <class Answer, class Reading>
void sqlite_store::read(time_point deadline, callback<expected<Answer>> done, Reading reading) {
  std::unique_lock lock{mutex_};
  if (auto refusal = enter(0)) {
    lock.unlock();
    return done(tl::unexpected{std::move(*refusal)});
  }
  post([this, deadline, done = std::move(done), reading] {
    if (!begin_read())
      return done(tl::unexpected{closed_error()});
    if (deadline < clock::now())
      return done(tl::unexpected{late_error()});
    done(reading());
  });
}

void sqlite_store::follow(cursor from, time_point deadline, callback<follow_result> done) {
  std::unique_lock lock{mutex_};
  if (auto refusal = enter(0)) {
    lock.unlock();
    return done(refused{std::move(*refusal)});
  }
  post([this, waiting = follower{from, deadline, std::move(done)}]() mutable { begin_follow(std::move(waiting)); });
}

void sqlite_store::queue(write_call call) {
  const auto bytes = size_of(call.request.commit);
  std::unique_lock lock{mutex_};
  if (auto refusal = enter(bytes)) {
    lock.unlock();
    return call.done(refused{std::move(*refusal)});
  }
  writes_.push_back(std::move(call));
  if (!std::exchange(write_posted_, true))
    post([this] { write_group(); });
}

/// Counts out a call that does not write. @returns whether the store is still open.
bool sqlite_store::begin_read() {
  const std::lock_guard lock{mutex_};
  leave(0);
  return !closed_;
}

void sqlite_store::begin_follow(follower waiting) {
  if (!begin_read())
    return waiting.done(refused{closed_error()});
  auto found = writer_->history().follow(waiting.from);
  const auto* commits = std::get_if<batch>(&found);
  if (commits == nullptr || !commits->commits.empty() || waiting.deadline <= clock::now())
    return waiting.done(std::move(found));
  if (followers_.size() >= max_followers_)
    return waiting.done(refused{{errc::unavailable, std::to_string(followers_.size()) + " followers wait already"}});
  followers_.push_back(std::move(waiting));
  expire_followers();
}

/// Takes what waits, up to one transaction, and whether the store is open; the rest gets a job of its own, behind the
/// reads that came meanwhile.
std::pair<std::vector<sqlite_store::write_call>, bool> sqlite_store::take_group() {
  std::vector<write_call> calls;
  std::size_t bytes = 0;
  const std::lock_guard lock{mutex_};
  while (!writes_.empty() && (closed_ || (calls.size() < max_group && bytes < max_group_bytes))) {
    const auto size = size_of(writes_.front().request.commit);
    leave(size);
    bytes += size;
    calls.push_back(std::move(writes_.front()));
    writes_.pop_front();
  }
  write_posted_ = !writes_.empty();
  if (write_posted_)
    post([this] { write_group(); });
  return {std::move(calls), !closed_};
}

void sqlite_store::write_group() {
  auto [calls, open] = take_group();
  const auto now = clock::now();
  std::vector<const write_call*> begun;
  std::vector<const write_request*> requests;
  for (const auto& call : calls) {
    if (!open) {
      call.done(refused{closed_error()});
    } else if (call.deadline < now && !writer_->history().known(call.request.commit.id)) {
      call.done(refused{late_error()});
    } else {
      begun.push_back(&call);
      requests.push_back(&call.request);
    }
  }
  if (requests.empty())
    return;
  auto answers = writer_->write(requests);
  for (std::size_t i = 0; i < begun.size(); ++i)
    begun[i]->done(std::move(answers[i]));
  answer_followers();
}

void sqlite_store::answer_followers() {
  if (followers_.empty() || followers_.front().from == writer_->history().barrier())
    return;
  const auto waited = std::exchange(followers_, {});
  const auto found = writer_->history().follow(waited.front().from);
  for (const auto& each : waited)
    each.done(found);
}

void sqlite_store::expire_followers() {
  const auto now = clock::now();
  const auto late = std::stable_partition(followers_.begin(), followers_.end(),
                                          [&](const follower& each) { return each.deadline > now; });
  const std::vector<follower> expired{std::make_move_iterator(late), std::make_move_iterator(followers_.end())};
  followers_.erase(late, followers_.end());
  auto next = time_point::max();
  for (const auto& each : followers_)
    next = std::min(next, each.deadline);
  thread_.set_alarm(next, [this] { expire_followers(); });
  for (const auto& each : expired)
    each.done(batch{});
}

void sqlite_store::close() {
  {
    const std::lock_guard lock{mutex_};
    if (!std::exchange(closed_, true))
      // The last job: calls are refused from here on, and the jobs before it refuse what they find.
      post([this] {
        for (const auto& each : std::exchange(followers_, {}))
          each.done(refused{closed_error()});
        writer_.reset();
      });
  }
  thread_.stop();
}

}  // namespace

expected<std::unique_ptr<catalog_store>> open_sqlite_store(sqlite_store_options options) {
  auto file = history_store::open(options.data_dir + "/store.db", options.vfs);
  if (!file)
    return tl::unexpected{std::move(file.error())};
  auto found = file->read();
  if (!found)
    return tl::unexpected{std::move(found.error())};
  auto decisions = primary::make(std::move(found->state), options.limits);
  if (!decisions)
    return tl::unexpected{file->damaged(decisions.error().what)};
  return std::make_unique<sqlite_store>(options, history_writer{std::move(*file), std::move(*decisions)},
                                        found->identity);
}

}  // namespace troupe::actors
