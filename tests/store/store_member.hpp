// One member of a store as a process of its own: the real engine on a real disk and real links, a session, what it
// owns. Obeys one JSON line each on its standard input and answers with one on its standard output; between the answers
// it tells what its follower sees (`loaded`, `batch`, `gap`), what it does as an owner (`act`), and of its session.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/live_session.hpp"
#include "actors/work_thread.hpp"
#include "tests/store/record_view.hpp"
#include "tests/store/store_json.hpp"
#include "tests/support/fault_disk.hpp"
#include "tests/support/owner_rules.hpp"
#include "tests/support/store_host.hpp"

namespace troupe::tests {

/// What a member does wrong on purpose, for the suites to find.
enum class member_defect : std::uint8_t {
  none,
  stale_reads,           ///< reads its copy without a barrier
  acts_without_session,  ///< goes on when its session is over
  applies_twice,         ///< commits once more under another id
  forgets_commits,       ///< acknowledges one commit in ten that it has not made
};

struct store_member_options {
  std::string name;
  cluster::node_id id;
  std::string data_dir;
  std::string listen;     ///< `HOST:PORT`; empty: a node alone
  std::string advertise;  ///< `HOST:PORT`
  std::vector<std::string> seeds;
  milliseconds ttl{0};  ///< of its session; 0: it keeps none
  std::size_t log_commits = 10'000;
  member_defect defect = member_defect::none;
  bool memory_disk = false;  ///< its store is on a disk in memory, which `fill_disk` fills and a kill empties
};

class store_member final : private actors::tick_listener, private actors::timer_listener {
public:
  explicit store_member(store_member_options options);
  ~store_member() { stop(); }
  store_member(const store_member&) = delete;
  store_member& operator=(const store_member&) = delete;

  expected<void> start();
  void stop();
  /// One line from outside; any thread.
  void take(const std::string& line);

private:
  using reply = std::function<void(json)>;
  using handler = void (store_member::*)(const json& request, time_point deadline, reply done);
  struct command {
    std::string_view name;
    handler run;
  };
  static const std::vector<command>& commands();

  // On the loop, each a call of the interface (store_member_calls):
  void open(const json& request, time_point deadline, reply done);
  void load(const json& request, time_point deadline, reply done);
  void follow(const json& request, time_point deadline, reply done);
  void commit(const json& request, time_point deadline, reply done);
  void outcome(const json& request, time_point deadline, reply done);
  void barrier(const json& request, time_point deadline, reply done);
  void open_session(const json& request, time_point deadline, reply done);
  void renew(const json& request, time_point deadline, reply done);
  void claim(const json& request, time_point deadline, reply done);
  void transfer(const json& request, time_point deadline, reply done);
  void release(const json& request, time_point deadline, reply done);
  void remove_node(const json& request, time_point deadline, reply done);
  void spread(const json& request, time_point deadline, reply done);
  void health(const json& request, time_point deadline, reply done);
  void move(const json& request, time_point deadline, reply done);
  void status(const json& request, time_point deadline, reply done);
  void read(const json& request, time_point deadline, reply done);
  void backup(const json& request, time_point deadline, reply done);
  json found(const std::string& key) const;
  void fill_disk(const json& request, time_point deadline, reply done);
  void free_disk(const json& request, time_point deadline, reply done);

  void obey(const json& request);
  void say(const json& line);
  /// Runs `then` on the loop with the answer; not after `stop`.
  template <class Answer>
  cluster::catalog_store::callback<Answer> on_loop(std::function<void(Answer)> then);
  /// Answers what the store answers.
  template <class Answer>
  cluster::catalog_store::callback<Answer> told(reply done);

  // As an owner (store_member_owner):
  void on_tick(time_point now) override;
  void on_timer(time_point now) override;
  void tell_of_session();
  void review();
  void act();
  void resume(bool session_valid);
  bool session_valid(milliseconds boot) const;
  cluster::session_id session_now() const;

  const store_member_options options_;
  fault_disk memory_;  ///< outlives the store on it
  store_host host_;
  actors::work_thread output_;
  std::optional<record_view> view_;
  std::optional<actors::live_session> session_;
  owner_rules owner_;
  std::uint64_t commits_asked_ = 0;
  cluster::session_id told_session_;
  milliseconds told_until_{0};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace troupe::tests
