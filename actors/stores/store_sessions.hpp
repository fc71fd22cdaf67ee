// The inside of store_links, on its loop: which connections there are, which of them is the session with a node, whom
// to dial. For store_links only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/stores/store_connection.hpp"
#include "actors/stores/store_links.hpp"

namespace troupe::actors {

class store_links::sessions final : public std::enable_shared_from_this<sessions>,
                                    private store_connection_user,
                                    private tick_listener {
public:
  sessions(event_loop& loop, store_links_config config) : loop_{loop}, config_{std::move(config)} {}

  void begin(store_network_user& user);
  void end();
  void want(const std::vector<cluster::wanted_link>& nodes, const std::vector<std::string>& seeds);
  void send(const cluster::node_id& to, std::uint64_t session, std::string_view message);
  void probe(const cluster::probe_incarnation& whom);
  void adopt(accepted_link link);

private:
  struct known_node {
    std::vector<endpoint> addresses;
    bool wanted = false;
    bool wanted_there = false;  ///< by the other node, in the present session
    bool from_seed = false;     ///< found at the address of a seed
    std::shared_ptr<dialed_connection> own;
    std::shared_ptr<accepted_connection> theirs;
    store_connection* active = nullptr;  ///< one of the two: the session
    std::uint64_t session = 0;
    time_point used_at{};   ///< when somebody last wanted it
    time_point retry_at{};  ///< not dialed before
    std::string said;       ///< the last reason in the log for which it is not reached
  };
  struct seed {
    endpoint where;
    std::shared_ptr<dialed_connection> dial;  ///< until it is known who is there
    cluster::node_id node;                    ///< who was there
    bool self = false;                        ///< it is this node's own address
    std::string said;                         ///< why it was not reached, as the log has it
  };
  struct probing {
    cluster::probe_incarnation whom;
    std::shared_ptr<node_link> link;
    time_point until;
  };

  void on_connection_open(store_connection& connection) override;
  void on_connection_end(store_connection& connection, comes_back again, std::string_view why) override;
  bool on_connection_message(store_connection& connection, std::string_view message) override;
  void on_connection_wanted(store_connection& connection, bool wanted) override;
  void on_tick(time_point now) override;

  /// @param node  who must answer; nil: anybody.
  std::shared_ptr<dialed_connection> dial(std::vector<endpoint> addresses, const cluster::node_id& node);
  node_link_config link_config(cluster::link_purpose purpose) const;
  expected<void> judge(const cluster::link_hello& peer, const cluster::node_id& expected_node, const endpoint& seed_at);
  void take_from_seed(store_connection& connection);
  bool keeps(const cluster::node_id& id, const known_node& node, const store_connection& newcomer) const;
  void adopt_into(known_node& node, store_connection& connection);
  void end_session(const cluster::node_id& id, known_node& node);
  void review(const cluster::node_id& id, known_node& node, time_point now);
  void review_seeds(time_point now);
  void review_probes(time_point now);
  void end_probe(const cluster::node_id& node, const uuid& incarnation, bool alive);

  event_loop& loop_;
  const store_links_config config_;
  store_network_user* user_ = nullptr;
  /// What was wanted before there was a user.
  std::optional<std::pair<std::vector<cluster::wanted_link>, std::vector<std::string>>> asked_early_;
  std::map<cluster::node_id, known_node> nodes_;
  std::vector<seed> seeds_;
  std::vector<probing> probes_;
  std::uint64_t next_session_ = 0;
  time_point said_waiting_at_{};
};

}  // namespace troupe::actors
