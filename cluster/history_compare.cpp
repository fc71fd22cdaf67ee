#include "cluster/history_compare.hpp"

#include "cluster/store_record_codec.hpp"

namespace troupe::cluster {

namespace {

std::string at_address(const node_record& node) {
  return node.name + (node.addresses.empty() ? "" : " at " + node.addresses.front());
}

std::string number(const generation& value) {
  return std::to_string(value.counter) + "/" + std::to_string(value.salt);
}

history_comparison other_cluster(const own_point& own, const hello_message& peer) {
  return {history_verdict::other_cluster,
          at_address(peer.node) + " belongs to another cluster: its store is " + to_string(peer.identity.store_id) +
              ", that of " + at_address(own.node) + " is " + to_string(own.identity.store_id) +
              ". A node with deployments of its own cannot join another store: back them up and start it with an "
              "empty data directory"};
}

history_comparison other_generation(const own_point& own, const hello_message& peer) {
  const auto& ours = own.identity.generation;
  const auto& theirs = peer.identity.generation;
  const auto both = "generation " + number(theirs) + " at " + at_address(peer.node) + ", " + number(ours) + " at " +
                    at_address(own.node);
  if (ours.counter == theirs.counter)
    return {history_verdict::generations_clash,
            "the store was restored twice, independently (" + both +
                "): nothing is committed until one of the two is restored again with `troupe restore`"};
  if (theirs.counter > ours.counter)
    return {history_verdict::generation_replaced,
            "the history at " + at_address(peer.node) + " replaced this one (" + both +
                ") and does not continue it: " + own.node.name +
                " serves from its copy and commits nothing. To follow that history start it with an empty data "
                "directory; to go on from its copy instead, stop the other node and run `troupe restore --from-copy "
                "--old-primary-stopped` on " +
                own.node.name};
  return {history_verdict::generation_old,
          "the history at " + at_address(peer.node) + " is an older one (" + both + ")"};
}

/// Also from a copy: who leads the new history is what matters.
std::string replaced(const own_point& own, const hello_message& peer) {
  const auto where = peer.primary_address.empty() ? "" : " at " + peer.primary_address;
  return "the store was restored at commit " + std::to_string(peer.identity.parent_cursor.value) + "; " +
         own.node.name + " opens it anew from " + peer.primary_name + where;
}

history_comparison went_back(const own_point& own, const hello_message& peer, const std::string& how) {
  return {history_verdict::went_back,
          "the disk of the primary " + own.node.name + " went back in time: " + how +
              ". Nothing is committed any more. Stop this node, then run `troupe restore --from-copy "
              "--old-primary-stopped` on " +
              at_address(peer.node) + "; its copy is kept as it is"};
}

history_comparison same_generation(const own_point& own, const hello_message& peer) {
  const auto tip = own.records.barrier();
  const bool leads = own.role == store_role::primary;
  const auto here = std::to_string(tip.value);
  const auto there = std::to_string(peer.at.value);
  if (peer.at > tip) {
    if (leads)
      return went_back(own, peer, at_address(peer.node) + " has commit " + there + ", this node ends at " + here);
    return {history_verdict::peer_ahead, {}};
  }
  const auto hash = own.records.hash_at(peer.at);
  if (hash && *hash != peer.hash) {
    const auto how = "commit " + there + " at " + at_address(peer.node) + " is not the one of this node";
    if (leads)
      return went_back(own, peer, how);
    return {history_verdict::forked, how + ": neither follows the other"};
  }
  return {peer.at == tip ? history_verdict::level : history_verdict::peer_behind, {}};
}

}  // namespace

history_comparison compare(const own_point& own, const hello_message& peer) {
  if (peer.role == store_role::empty)
    return {history_verdict::peer_empty, {}};
  if (own.role == store_role::empty)
    return {history_verdict::own_empty, {}};
  const auto& ours = own.identity;
  const auto& theirs = peer.identity;
  const bool same_store = ours.store_id == theirs.store_id;
  if (same_store && ours.generation == theirs.generation)
    return same_generation(own, peer);
  if (theirs.parent_store == ours.store_id && theirs.generation.counter > ours.generation.counter)
    return {history_verdict::peer_replaced, replaced(own, peer)};
  if (ours.parent_store == theirs.store_id && ours.generation.counter > theirs.generation.counter)
    return {history_verdict::own_replaced, {}};
  // A node of this cluster with a store of another id was restored, from something that this node does not know.
  const bool known = own.records.find(node_key(peer.node.id)) != nullptr;
  return same_store || known ? other_generation(own, peer) : other_cluster(own, peer);
}

}  // namespace troupe::cluster
