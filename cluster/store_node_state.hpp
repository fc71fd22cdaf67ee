// The inside of store_node, for its own source files only: store_node (events), store_node_calls (what is asked),
// store_node_disk (what becomes durable), store_node_peers (histories of others), store_node_role (who leads).
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/claims.hpp"
#include "cluster/copy_feed.hpp"
#include "cluster/copy_sync.hpp"
#include "cluster/history_compare.hpp"
#include "cluster/primary.hpp"
#include "cluster/session_table.hpp"
#include "cluster/store_move.hpp"
#include "cluster/store_node.hpp"

namespace troupe::cluster {

class store_node::state {
public:
  state(store_node_options options, store_identity identity, primary store, store_role role)
      : options_{std::move(options)}, identity_{identity}, store_{std::move(store)}, role_{role} {}

  // Events; what they want done gathers in `out_`.
  void start();
  void call(std::uint64_t number, store_call call, time_point deadline);
  void link_up(const node_id& node);
  void link_down(const node_id& node);
  void link_failed(const node_id& node, std::string why);
  void received(const node_id& from, store_message message);
  void persisted(std::uint64_t number);
  void persist_failed(std::uint64_t number, persist_failure failure, const std::string& why);
  void probed(const node_id& node, const uuid& incarnation, bool alive);
  void tick();

  store_status status(store_now now) const;
  std::vector<wanted_link> wanted_links() const;
  const history& records() const noexcept { return store_; }

  store_now now_;
  store_actions out_;

private:
  static constexpr std::uint64_t own_call = ~std::uint64_t{0};  ///< number of what the node asks for itself

  /// Whoever waits for an answer: this node's caller, this node itself (`own_call`), or another node's.
  struct caller {
    node_id node;  ///< nil: this one
    std::uint64_t link = 0;
    std::uint64_t number = 0;
  };
  struct waiting_call {
    caller from;
    store_call call;
    time_point deadline;
    std::size_t bytes = 0;
  };
  struct decided_call {
    caller from;
    store_answer answer;
    bool wrote = false;         ///< staged rows of its own
    bool holds_anyway = false;  ///< whether or not what is staged becomes durable
  };
  struct forwarded_call {
    waiting_call call;
    std::optional<node_id> sent_to;
  };
  /// Whether an older incarnation of a node still answers, and who waits to know it.
  struct incarnation_probe {
    node_id node;
    uuid incarnation;
    std::string address;
    time_point until;     ///< while it is asked; then until it is forgotten that nobody answered
    bool silent = false;  ///< nobody answered
    std::vector<waiting_call> calls;
  };
  /// An older process with this node's id, which may still answer at another address: asked before this one leads.
  struct rival_process {
    uuid incarnation;
    std::string address;
    time_point until;
    time_point ask_at;
  };
  struct spread_wait {
    caller from;
    cursor at;
    time_point until;
  };
  struct linked_node {
    std::uint64_t link = 0;
    std::optional<hello_message> hello;
    history_comparison view;
  };
  struct disk_write {
    enum class kind : std::uint8_t { group, rows, whole };
    std::uint64_t number = 0;
    kind what = kind::group;
    std::vector<decided_call> calls;
    std::shared_ptr<const stored_store> whole;
    std::optional<primary> loaded;
    bool last_row = false;  ///< of a move
  };

  // store_node_calls
  void accept(waiting_call call);
  std::size_t waiting_count() const;
  void forward(waiting_call call);
  void send_forwarded();
  void answer(const caller& to, store_answer answer);
  void answer_own(const store_answer& answer);
  void register_self();
  void on_call(const node_id& from, call_message message);
  void on_answer(const node_id& from, answer_message message);
  void on_not_primary(const node_id& from, const not_primary_message& message);
  void expire_calls();
  void lose_forwarded(const node_id& to);
  std::string why_out_of_reach() const;
  const linked_node* refused_history() const;

  // store_node_group
  void pump();
  void stage_own();
  std::optional<store_answer> decide(waiting_call& call);
  std::optional<store_answer> open_session(waiting_call& call);
  void refuse_queue(const error& why);
  void finish_group(std::vector<decided_call> group);
  void no_sign_of(incarnation_probe& probe);
  void check_probes();
  void check_spreads();
  std::vector<std::string> laggards_of(cursor at) const;

  // store_node_disk
  void persist_staged(disk_write write);
  void persist_arrived();
  void pump_copy();
  void group_failed(disk_write& write, persist_failure failure, const std::string& why);
  void copy_failed(persist_failure failure, const std::string& why);
  void whole_durable(disk_write& write);
  bool news_of(const staged_changes& changes);
  void durable();

  // store_node_peers
  hello_message hello() const;
  void hello_all();
  void on_hello(const node_id& from, hello_message message);
  void act_on(linked_node& known);
  void hear_of_primary();
  void replaced_by(const hello_message& message);
  void compare_all();
  bool serves(const linked_node& known) const;
  bool leader_serves() const;
  void choose_upstream();
  void check_upstream();
  void follow(const node_id& node);
  void unfollow();
  void follow_later(milliseconds wait);
  void on_subscribe(const node_id& from, const subscribe_message& message);
  void on_not_fed(const node_id& from);
  void on_rows(const node_id& from, rows_message message);
  void on_load(const node_id& from, load_message message);
  void say_level();
  void pump_feed();

  // store_node_role
  void review();
  void lead();
  void step_back();
  void begin_move(waiting_call call, const move_call& move);
  void advance_move();
  void end_move(const error& why);
  void halt(std::string why);
  void check_start();
  void look_for_rival();
  void check_rival();
  void check_claims_closed();
  std::vector<node_record> others() const;
  std::string name_of(const node_id& node) const;

  milliseconds store_time() const;
  void event(store_event::kind what, std::string text);

  store_node_options options_;
  store_identity identity_;
  primary store_;
  store_role role_;
  node_id leader_;           ///< as the history says; while empty, as the seeds say
  node_record leader_told_;  ///< while empty
  std::string halted_;
  std::optional<persist_failure> write_waits_;  ///< why a write is tried again, once that was said

  // As the primary:
  milliseconds clock_base_{0};
  time_point clock_from_;
  session_table sessions_;
  bool expire_now_ = false;
  bool own_due_ = true;  ///< once a tick: a full disk must not be asked again and again
  std::optional<time_point> starting_until_;
  std::set<node_id> asked_;
  std::set<node_id> met_;  ///< have this history, or did at some time since the start
  std::optional<rival_process> rival_;
  std::optional<milliseconds> claims_closed_until_;  ///< CLOCK_BOOTTIME
  std::optional<store_move> move_;
  std::optional<caller> move_caller_;
  std::deque<waiting_call> queue_;
  std::vector<incarnation_probe> probes_;
  std::vector<spread_wait> spreads_;

  // As a copy:
  copy_sync sync_;
  std::optional<node_id> upstream_;
  time_point heard_at_;  ///< from there
  node_id silent_;       ///< was followed last, and sent nothing
  bool wants_whole_ = false;
  std::string set_aside_;
  std::optional<cursor> cut_;  ///< of the present history, by the one that replaces it
  std::optional<store_identity> replaced_by_;
  std::shared_ptr<const stored_store> arrived_;
  std::map<std::uint64_t, forwarded_call> forwarded_;
  std::uint64_t next_forward_ = 0;
  bool registered_ = false;
  bool registering_ = false;
  std::optional<time_point> retry_at_;     ///< follow anew
  std::optional<time_point> register_at_;  ///< not before
  std::optional<time_point> away_since_;   ///< the primary
  struct {
    node_id node;
    std::string why;
  } unlinked_;  ///< why there is no link to the primary, as far as that was told

  // As both:
  std::map<node_id, linked_node> peers_;
  copy_feed feed_;
  std::uint64_t next_link_ = 0;
  std::size_t waiting_bytes_ = 0;
  std::optional<disk_write> writing_;
  std::uint64_t next_write_ = 0;
  std::optional<milliseconds> last_tick_;  ///< CLOCK_BOOTTIME
  time_point said_level_at_;
};

}  // namespace troupe::cluster
