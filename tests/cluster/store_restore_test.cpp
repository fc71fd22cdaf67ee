// New histories out of a backup, and what a cluster makes of histories that were replaced.
#include <gtest/gtest.h>

#include "cluster/store_record_codec.hpp"
#include "cluster/store_restore.hpp"
#include "tests/cluster/store_cluster_test.hpp"

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

struct StoreRestoreTest : store_cluster_test {
  restore_request request(const std::string& self, const std::string& store, std::uint64_t known = 0) {
    return {net[self].self.id, store_network::id_of(store), 5, known};
  }
  backed_up_store backup_of(const std::string& name) {
    return {net[name].disk.contents()->identity, net[name].running->records().load()};
  }
  void restore_copy(const std::string& name, const std::string& store) {
    const auto made = restore_from_copy(*net[name].disk.contents(), request(name, store));
    ASSERT_TRUE(made) << made.error().what;
    net[name].disk.replace(*made);
  }
  void restore(const std::string& name, const backed_up_store& backup, const std::string& store) {
    const auto present = net[name].disk.contents();
    const replaced_store old{present->identity, present->state.records};
    const auto made = restore_from_backup(backup, &old, request(name, store));
    ASSERT_TRUE(made) << made.error().what;
    net[name].disk.replace(*made);
  }
  static const record* find(const stored_store& store, const std::string& key) {
    for (const auto& each : store.state.records)
      if (each.key == key)
        return &each;
    return nullptr;
  }
};

}  // namespace

TEST_F(StoreRestoreTest, ABackupInAnEmptyDirectoryIsANewClusterWithWhatWasDeployed) {
  found({"b"});
  ASSERT_TRUE(done(put("a", "x")));
  const auto session = make_fast_uuid();
  const auto& b = net["b"];
  ASSERT_TRUE(std::holds_alternative<session_granted>(
      net.answer("b", open_session_call{session, b.self.id, b.incarnation, "b:7000", 20s})));
  ASSERT_TRUE(std::holds_alternative<owned>(net.answer("b", claim_call{session, "r", {}, {}, make_fast_uuid()})));
  const auto backup = backup_of("a");

  const restore_request anew{store_network::id_of("n"), store_network::id_of("new"), 5, 0};
  const auto made = restore_from_backup(backup, nullptr, anew);

  ASSERT_TRUE(made) << made.error().what;
  EXPECT_EQ(made->identity.store_id, store_network::id_of("new"));
  EXPECT_EQ(made->identity.generation.counter, backup.identity.generation.counter + 1);
  EXPECT_EQ(made->identity.parent_store, backup.identity.store_id);
  EXPECT_EQ(made->identity.parent_cursor, backup.contents.cursor);
  ASSERT_NE(find(*made, "function/x"), nullptr);
  EXPECT_EQ(find(*made, "function/x")->revision, find({{}, {backup.contents.records, {}, {}}}, "function/x")->revision);
  for (const auto& each : made->state.records)
    for (const auto* prefix : {"session/", "live/", "owner/", "bound/", "node/"})
      EXPECT_FALSE(each.key.starts_with(prefix)) << each.key;
  EXPECT_EQ(*decode_primary(*find(*made, primary_key)), store_network::id_of("n"));
  EXPECT_EQ(*decode_span(*find(*made, claims_closed_key)), 27s);
}

TEST_F(StoreRestoreTest, ANodeThatWasRestoredFromABackupAloneLeadsAndCommits) {
  found({});
  ASSERT_TRUE(done(put("a", "x")));
  const auto made =
      restore_from_backup(backup_of("a"), nullptr, {store_network::id_of("n"), store_network::id_of("new"), 5, 0});
  ASSERT_TRUE(made) << made.error().what;
  net.kill("a");

  net.add("n", true);
  net.kill("n");
  net["n"].disk.replace(*made);
  net.start("n");
  net.settle();

  EXPECT_EQ(net.primary(), "n");
  EXPECT_TRUE(done(put("n", "y")));
  EXPECT_NE(net["n"].running->records().find("function/x"), nullptr);
  EXPECT_NE(net["n"].running->records().find(node_key(net["n"].self.id)), nullptr);
  net.kill("n");
  net.start("n");
  net.settle();
  EXPECT_TRUE(done(put("n", "z"))) << "a second start";
}

TEST_F(StoreRestoreTest, TheOthersFollowABackupAndKeepWhatTheyHadBeyondIt) {
  found({"b", "c"});
  ASSERT_TRUE(done(put("b", "x")));
  const auto backup = backup_of("a");
  ASSERT_TRUE(done(put("b", "later")));
  net.kill("a");

  restore("a", backup, "new");
  net.start("a");
  net.pass(1s);

  EXPECT_EQ(net.primary(), "a");
  EXPECT_TRUE(net.level());
  for (const auto* name : {"b", "c"}) {
    EXPECT_EQ(net[name].running->records().find("function/later"), nullptr);
    ASSERT_TRUE(net[name].cut);
    EXPECT_EQ(*net[name].cut, backup.contents.cursor);
    EXPECT_NE(net[name].running->records().find(node_key(net[name].self.id)), nullptr) << "members stay";
  }
  net.pass(6s);
  EXPECT_TRUE(done(put("c", "y")));
}

TEST_F(StoreRestoreTest, WhoMissedTwoRestoresSaysSoAndNotThatThePrimaryIsOutOfReach) {
  found({"b", "c"});
  net.kill("c");
  net.kill("a");
  for (const auto* store : {"second", "third"}) {
    net.kill("b");
    restore_copy("b", store);
    net.start("b");
    net.pass(6s);
  }
  net.start("c");
  net.pass(2s);

  const auto answer = put("c", "x");

  const auto* refusal = std::get_if<refused>(&answer);
  ASSERT_NE(refusal, nullptr);
  EXPECT_EQ(refusal->why.code, errc::unavailable);
  EXPECT_NE(refusal->why.what.find("empty data directory"), std::string::npos) << refusal->why.what;
  EXPECT_EQ(refusal->why.what.find("out of reach"), std::string::npos) << refusal->why.what;
}

TEST_F(StoreRestoreTest, ABackupOfBeforeAnEarlierRestoreIsFollowedAsWell) {
  found({"b"});
  ASSERT_TRUE(done(put("a", "x")));
  const auto old = backup_of("a");
  ASSERT_TRUE(done(put("a", "y")));
  net.kill("a");
  net.kill("b");
  restore_copy("b", "second");
  net.start("b");
  net.start("a");
  net.pass(6s);
  ASSERT_TRUE(done(put("a", "z")));
  ASSERT_TRUE(net.level());
  net.kill("b");

  restore("b", old, "third");
  net.start("b");
  net.pass(6s);

  EXPECT_EQ(net["b"].running->status(net.now).identity.parent_store, store_network::id_of("second"));
  EXPECT_EQ(net["b"].running->status(net.now).identity.generation.counter, 3u);
  EXPECT_TRUE(net.level());
  EXPECT_EQ(*net["a"].cut, old.contents.cursor);
  EXPECT_NE(net["a"].running->records().find("function/x"), nullptr);
  EXPECT_EQ(net["a"].running->records().find("function/y"), nullptr);
  EXPECT_TRUE(done(put("a", "w")));
}

TEST_F(StoreRestoreTest, HistoriesThatAreNotRelatedHaveNothingInCommon) {
  const store_identity backup{store_network::id_of("one"), {1, 1}, {}, {}};
  const store_identity other{store_network::id_of("two"), {1, 1}, {}, {}};
  const store_identity child{store_network::id_of("three"), {2, 1}, backup.store_id, {5}};

  EXPECT_EQ(common_cursor(backup, {9}, backup), cursor{9});
  EXPECT_EQ(common_cursor(backup, {9}, other), cursor{0});
  EXPECT_EQ(common_cursor(backup, {9}, child), cursor{5});
  EXPECT_EQ(common_cursor(backup, {3}, child), cursor{3});
  EXPECT_EQ(common_cursor(child, {9}, backup), cursor{5});
}

TEST_F(StoreRestoreTest, TheGenerationIsAboveAllThatAreKnown) {
  found({});
  auto backup = backup_of("a");
  backup.identity.generation.counter = 4;
  const replaced_store old{{store_network::id_of("old"), {6, 1}, {}, {}}, {}};

  EXPECT_EQ(restore_from_backup(backup, nullptr, request("a", "n"))->identity.generation.counter, 5u);
  EXPECT_EQ(restore_from_backup(backup, &old, request("a", "n"))->identity.generation.counter, 7u);
  EXPECT_EQ(restore_from_backup(backup, &old, request("a", "n", 11))->identity.generation.counter, 12u);
}

TEST_F(StoreRestoreTest, NumbersThatLeaveNoRoomAreRefused) {
  found({});
  const auto backup = backup_of("a");
  for (const auto& [generation, at] :
       {std::pair{~std::uint64_t{0}, std::uint64_t{1}}, std::pair{std::uint64_t{1} << 24, std::uint64_t{1}},
        std::pair{std::uint64_t{1}, ~std::uint64_t{0}}}) {
    auto extreme = backup;
    extreme.identity.generation.counter = generation;
    extreme.contents.cursor = {at};
    const auto made = restore_from_backup(extreme, nullptr, request("a", "new"));
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::refused) << made.error().what;
  }
  EXPECT_FALSE(restore_from_copy(*net["a"].disk.contents(), request("a", "new", ~std::uint64_t{0})));
}

TEST_F(StoreRestoreTest, TheNewPrimaryLooksForNodesThatStartLaterAndLookForTheOldOneOnly) {
  found({"b"});
  net.kill("b");  // and never hears of c
  net.add("c", true);
  net.settle();
  ASSERT_TRUE(done(put("a", "x")));
  net.pass(600ms);
  net.kill("a");
  net.kill("c");
  restore_copy("c", "new");
  net.start("c");
  net.pass(10s);
  ASSERT_EQ(net.primary(), "c");
  ASSERT_TRUE(done(put("c", "y")));

  const auto wanted = net["c"].running->wanted_links();

  std::set<node_id> nodes;
  for (const auto& each : wanted)
    nodes.insert(each.node);
  EXPECT_EQ(nodes, (std::set<node_id>{net["a"].self.id, net["b"].self.id}));
  net.start("b");
  net.pass(1s);
  EXPECT_TRUE(net.level());
  ASSERT_EQ(net["c"].running->wanted_links().size(), 1u) << "the one that was not met";
  EXPECT_EQ(net["c"].running->wanted_links()[0].node, net["a"].self.id);
}

TEST_F(StoreRestoreTest, TheOldPrimaryFollowsWhenItComesBackWithItsOldDisk) {
  found({"b"});
  ASSERT_TRUE(done(put("a", "x")));
  net.cut("a", "b");
  ASSERT_TRUE(done(put("a", "only here")));
  net.kill("a");
  net.kill("b");
  restore_copy("b", "new");
  net.heal("a", "b");
  net.start("b");
  net.pass(6s);
  ASSERT_TRUE(done(put("b", "y")));

  net.start("a");
  const auto number = net.ask("a", commit_call{{{}, {{"function/late", "1", false}}, make_fast_uuid()}});
  net.pass(1s);

  EXPECT_EQ(net.primary(), "b");
  EXPECT_TRUE(net.level());
  EXPECT_EQ(net["a"].running->records().find("function/only here"), nullptr);
  ASSERT_TRUE(net["a"].cut);
  EXPECT_NE(net.events("a").find("a opens it anew from b at b:7000"), std::string::npos) << net.events("a");
  const auto* late = net.answered("a", number);
  ASSERT_NE(late, nullptr);
  EXPECT_EQ(done(*late), net["b"].running->records().find("function/late") != nullptr);
}

TEST_F(StoreRestoreTest, WhoeverMissedTwoRestoresServesFromItsCopyAndCommitsNothing) {
  for (const auto* late : {"a", "c"}) {
    net = {};
    found({"b", "c"});
    ASSERT_TRUE(done(put("a", "x")));
    net.pass(600ms);
    for (const auto* name : {"a", "b", "c"})
      net.kill(name);
    restore_copy("b", "second");
    net.start("b");
    net.pass(6s);
    ASSERT_TRUE(done(put("b", "v")));
    net.kill("b");
    restore_copy("b", "third");
    net.start("b");
    net.pass(6s);
    ASSERT_TRUE(done(put("b", "y")));

    net.start(late);
    net.pass(6s);

    EXPECT_EQ(net.primary().find("b") != std::string::npos, true);
    EXPECT_NE(net[late].running->records().find("function/x"), nullptr);
    EXPECT_EQ(net[late].running->records().find("function/y"), nullptr) << "it follows by itself";
    const auto refusal = put(late, "z");
    EXPECT_FALSE(done(refusal));
    EXPECT_NE(net.events(late).find("troupe restore"), std::string::npos) << net.events(late);
    EXPECT_NE(net.events(late).find("b at b:7000"), std::string::npos) << net.events(late);
    EXPECT_FALSE(net[late].running->status(net.now).in_reach);
    EXPECT_TRUE(done(put("b", "w"))) << "the restored history goes on";
  }
}

TEST_F(StoreRestoreTest, TwoRestoresThatKnowNothingOfEachOtherBothRefuseCommitsNamingBoth) {
  found({"b", "c"});
  for (const auto* name : {"a", "b", "c"})
    net.kill(name);
  restore_copy("b", "one");
  restore_copy("c", "two");

  net.start("b");
  net.start("c");
  net.pass(6s);

  for (const auto* name : {"b", "c"}) {
    const auto refusal = why(put(name, "x"));
    EXPECT_NE(refusal.find("restored twice"), std::string::npos) << name << ": " << refusal;
    EXPECT_NE(refusal.find("b:7000"), std::string::npos) << refusal;
    EXPECT_NE(refusal.find("c:7000"), std::string::npos) << refusal;
  }
}
