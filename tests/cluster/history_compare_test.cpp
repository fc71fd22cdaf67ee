#include "cluster/history_compare.hpp"

#include <gtest/gtest.h>

#include "cluster/primary.hpp"
#include "cluster/store_record_codec.hpp"

using namespace troupe;
using namespace troupe::cluster;

namespace {

struct HistoryCompareTest : testing::Test {
  store_identity identity{make_fast_uuid(), {2, 9}, {}, {}};
  primary store = *primary::make({});
  node_record self{make_fast_uuid(), "here", {"here:1"}};
  hello_message peer;
  store_role role = store_role::copy;

  HistoryCompareTest() {
    commit();
    commit();
    peer.node = {make_fast_uuid(), "there", {"there:1"}};
    peer.role = store_role::copy;
    peer.identity = identity;
    peer.at = {2};
    peer.hash = store.hash();
  }
  void commit() {
    store.decide({{}, {{"k", "v", false}}, make_fast_uuid()}, milliseconds{0});
    store.made_durable();
  }
  history_comparison seen() { return compare({store, identity, role, self}, peer); }
};

}  // namespace

TEST_F(HistoryCompareTest, OneHistoryIsLevelBehindOrAhead) {
  EXPECT_EQ(seen().verdict, history_verdict::level);
  peer.at = {1};
  peer.hash = *store.hash_at({1});
  EXPECT_EQ(seen().verdict, history_verdict::peer_behind);
  peer.at = {3};
  EXPECT_EQ(seen().verdict, history_verdict::peer_ahead);
  EXPECT_EQ(seen().sentence, "");
}

TEST_F(HistoryCompareTest, APrimaryThatMeetsAHigherCursorOrAnotherHashWentBack) {
  role = store_role::primary;
  peer.at = {3};
  EXPECT_EQ(seen().verdict, history_verdict::went_back);
  EXPECT_NE(seen().sentence.find("troupe restore --from-copy"), std::string::npos);
  peer.at = {2};
  peer.hash = {};
  EXPECT_EQ(seen().verdict, history_verdict::went_back);
  role = store_role::copy;
  EXPECT_EQ(seen().verdict, history_verdict::forked);
}

TEST_F(HistoryCompareTest, OtherStoresAreOtherClustersUnlessOneWasMadeOfTheOther) {
  peer.identity.store_id = make_fast_uuid();
  EXPECT_EQ(seen().verdict, history_verdict::other_cluster);
  EXPECT_NE(seen().sentence.find(to_string(identity.store_id)), std::string::npos);
  EXPECT_NE(seen().sentence.find(to_string(peer.identity.store_id)), std::string::npos);

  peer.identity.parent_store = identity.store_id;
  peer.identity.generation = {3, 1};
  EXPECT_EQ(seen().verdict, history_verdict::peer_replaced);
  std::swap(identity, peer.identity);
  EXPECT_EQ(seen().verdict, history_verdict::own_replaced);
}

TEST_F(HistoryCompareTest, GenerationsOfOneStoreClashReplaceOrAreOld) {
  peer.identity.generation = {2, 10};
  EXPECT_EQ(seen().verdict, history_verdict::generations_clash);
  peer.identity.generation = {3, 10};
  EXPECT_EQ(seen().verdict, history_verdict::generation_replaced);
  EXPECT_NE(seen().sentence.find("troupe restore"), std::string::npos);
  peer.identity.generation = {1, 10};
  EXPECT_EQ(seen().verdict, history_verdict::generation_old);
}

TEST_F(HistoryCompareTest, WhoHasNothingYetIsNoOtherCluster) {
  role = store_role::empty;
  EXPECT_EQ(seen().verdict, history_verdict::own_empty);
  role = store_role::primary;
  peer.role = store_role::empty;
  EXPECT_EQ(seen().verdict, history_verdict::peer_empty);
}

TEST_F(HistoryCompareTest, ANodeOfThisClusterWithAnUnknownStoreWasRestoredAndIsNoOtherCluster) {
  store.apply({{}, {{node_key(peer.node.id), encode(peer.node), false}}, make_fast_uuid()}, milliseconds{0});
  store.made_durable();
  peer.identity = {make_fast_uuid(), {3, 1}, make_fast_uuid(), {1}};

  EXPECT_EQ(seen().verdict, history_verdict::generation_replaced);
  EXPECT_NE(seen().sentence.find("troupe restore"), std::string::npos);
  peer.identity.generation.counter = 2;
  EXPECT_EQ(seen().verdict, history_verdict::generations_clash);
  peer.identity.generation.counter = 1;
  EXPECT_EQ(seen().verdict, history_verdict::generation_old);
  peer.node.id = make_fast_uuid();
  EXPECT_EQ(seen().verdict, history_verdict::other_cluster);
}
