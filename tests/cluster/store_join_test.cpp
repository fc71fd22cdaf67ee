// Joining, refusing, histories that were replaced or went back.
#include <gtest/gtest.h>

#include "cluster/store_restore.hpp"
#include "tests/cluster/store_cluster_test.hpp"

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

struct StoreJoinTest : store_cluster_test {
  void open(const std::string& name, const std::string& address) {
    const auto answer =
        net.answer(name, open_session_call{make_fast_uuid(), net[name].self.id, make_fast_uuid(), address, 2s});
    EXPECT_TRUE(std::holds_alternative<session_granted>(answer));
  }
};

}  // namespace

TEST_F(StoreJoinTest, ANodeThatWaitsToJoinFoundsNothing) {
  net.add("b", true);
  net.pass(10s);

  EXPECT_EQ(net["b"].role, store_role::empty);
  EXPECT_FALSE(net["b"].disk.contents());
  EXPECT_NE(why(put("b", "x")).find("has not found a cluster"), std::string::npos);
}

TEST_F(StoreJoinTest, ANodeLearnsThePrimaryFromAnySeed) {
  found({"b"});
  net.cut("a", "c");
  net.add("c", true);
  net.settle();
  ASSERT_EQ(net["c"].running->wanted_links().size(), 1u);
  EXPECT_EQ(net["c"].running->wanted_links()[0].node, net["a"].self.id);
  EXPECT_EQ(net["c"].running->wanted_links()[0].addresses, std::vector<std::string>{"a:7000"});

  net.heal("a", "c");
  net.settle();

  EXPECT_EQ(net["c"].role, store_role::copy);
  EXPECT_TRUE(net.level());
  EXPECT_NE(net.events("b").find("c joined"), std::string::npos);
}

TEST_F(StoreJoinTest, ASecondNodeOfANameIsRefusedNamingBothAddresses) {
  found({"b"});
  net.add("c", true);
  net.kill("c");
  net["c"].self.name = "b";
  net.start("c");
  net.pass(1s);

  EXPECT_EQ(net["c"].role, store_role::empty);
  EXPECT_NE(net.events("c").find("b:7000"), std::string::npos) << net.events("c");
  EXPECT_NE(net.events("c").find("c:7000"), std::string::npos);
}

TEST_F(StoreJoinTest, TheNameOfALiveNodeIsItsOwnAndThatOfOneThatIsGoneIsFreeOnceItIsRemoved) {
  found({"b"});
  open("b", "b:7000");
  net.add("c", true);
  net.kill("c");
  net["c"].self.name = "b";
  net.start("c");
  net.pass(1s);
  EXPECT_NE(net.events("c").find("live node at b:7000"), std::string::npos) << net.events("c");

  net.kill("b");
  net.pass(8s);
  EXPECT_NE(net.events("c").find("b:7000, which is gone"), std::string::npos) << net.events("c");
  ASSERT_TRUE(done(net.answer("a", remove_node_call{net["b"].self.id, make_fast_uuid()})));
  net.pass(6s);

  EXPECT_EQ(net["c"].role, store_role::copy);
}

TEST_F(StoreJoinTest, ALiveNodeKeepsItsAddressWhenACopyOfItSaysAnother) {
  found({"b"});
  open("b", "b:7000");
  auto copied = net["b"].self;
  copied.addresses = {"b:7999"};

  const auto answer = net.answer("a", register_call{copied, make_fast_uuid()});

  EXPECT_NE(why(answer).find("live at b:7000"), std::string::npos) << why(answer);
  open("b", "b:7999");  // it is the live one now
  EXPECT_TRUE(done(net.answer("a", register_call{copied, make_fast_uuid()})));
}

TEST_F(StoreJoinTest, ACopyOfALivePrimaryNeitherLeadsNorSpeaks) {
  found({"b"});
  open("a", "a:7000");
  net.kill("a");
  net["a"].self.addresses = {"a:7999"};
  net.cut("a", "b");
  net.older_answers = true;
  net.start("a");

  const auto number = net.ask("a", commit_call{{{}, {{"function/x", "1", false}}, make_fast_uuid()}}, 8s);
  net.pass(10s);

  EXPECT_TRUE(net["a"].running->wanted_links().empty());
  ASSERT_NE(net.answered("a", number), nullptr);
  EXPECT_FALSE(done(*net.answered("a", number)));
  for (const auto* address : {"a:7000", "a:7999"})
    EXPECT_NE(net.events("a").find(address), std::string::npos) << net.events("a");
}

TEST_F(StoreJoinTest, APrimaryThatMovedLeadsOnceNobodyAnswersAtItsOldAddress) {
  found({"b"});
  open("a", "a:7000");
  net.kill("a");
  net["a"].self.addresses = {"a:7999"};
  net.start("a");
  net.pass(1s);

  EXPECT_TRUE(done(put("b", "x")));
}

TEST_F(StoreJoinTest, ANodeOfAnotherProtocolIsRefused) {
  found({});
  net.add("b", true);
  net.kill("b");
  net["b"].self.protocol_min = net["b"].self.protocol_max = 9;
  net.start("b");
  net.pass(1s);

  EXPECT_EQ(net["b"].role, store_role::empty);
  EXPECT_NE(net.events("b").find("versions 9 to 9"), std::string::npos) << net.events("b");
}

TEST_F(StoreJoinTest, TwoClustersRefuseEachOtherNamingBothStores) {
  found({});
  net.add("z", false);
  net.settle();

  for (const auto* name : {"a", "z"}) {
    EXPECT_NE(net.events(name).find(to_string(store_network::id_of("store a"))), std::string::npos);
    EXPECT_NE(net.events(name).find(to_string(store_network::id_of("store z"))), std::string::npos);
    EXPECT_TRUE(done(put(name, "x")));
  }
}

TEST_F(StoreJoinTest, AChangedAddressIsRegisteredAnew) {
  found({"b"});
  net.kill("b");
  net["b"].self.addresses = {"b:7999"};
  net.start("b");
  net.settle();

  ASSERT_EQ(net["a"].running->status(net.now).copies.size(), 1u);
  net.cut("a", "b");
  net.kill("a");
  net.start("a");
  net.pass(100ms);
  ASSERT_EQ(net["a"].running->wanted_links().size(), 1u);
  EXPECT_EQ(net["a"].running->wanted_links()[0].addresses, std::vector<std::string>{"b:7999"});
}

TEST_F(StoreJoinTest, ANodeThatWasRemovedAndComesBackRegistersAnew) {
  found({"b", "c"});
  net.kill("c");
  ASSERT_TRUE(done(net.answer("b", remove_node_call{net["c"].self.id, make_fast_uuid()})));

  net.start("c");  // with a copy in which it is still registered
  net.pass(1200ms);

  EXPECT_EQ(net["a"].running->status(net.now).copies.size(), 2u);
  const auto opened =
      net.answer("c", open_session_call{make_fast_uuid(), net["c"].self.id, make_fast_uuid(), "c:7000", 2s});
  EXPECT_TRUE(std::holds_alternative<session_granted>(opened)) << why(opened);
}

TEST_F(StoreJoinTest, APrimaryWhoseDiskWentBackInTimeStopsAndSaysHowToRestore) {
  found({"b"});
  const auto old_disk = net["a"].disk;
  ASSERT_TRUE(done(put("b", "x")));
  net.kill("a");
  net["a"].disk = old_disk;
  net.start("a");
  net.settle();

  const auto at_primary = put("a", "y");
  const auto at_copy = put("b", "y");

  EXPECT_NE(why(at_primary).find("went back in time"), std::string::npos) << why(at_primary);
  EXPECT_NE(why(at_primary).find("--from-copy"), std::string::npos);
  EXPECT_NE(why(at_copy).find("went back in time"), std::string::npos) << why(at_copy);
  EXPECT_NE(net["b"].running->records().find("function/x"), nullptr) << "the copy must stay as it is";
}

TEST_F(StoreJoinTest, ARestoredCopyIsFollowedByThoseWhoHadTheOldHistory) {
  found({"b", "c"});
  ASSERT_TRUE(done(put("b", "x")));
  const auto session = make_fast_uuid();
  const auto& b = net["b"];
  ASSERT_TRUE(std::holds_alternative<session_granted>(
      net.answer("b", open_session_call{session, b.self.id, b.incarnation, "b:7000", 2s})));
  ASSERT_TRUE(std::holds_alternative<owned>(net.answer("b", claim_call{session, "r", {}, {}, make_fast_uuid()})));
  net.cut("a", "b");
  ASSERT_TRUE(done(put("c", "beyond")));
  net.kill("a");
  net.kill("b");

  const auto restored =
      restore_from_copy(*net["b"].disk.contents(), {net["b"].self.id, store_network::id_of("new"), 5, 3});
  ASSERT_TRUE(restored) << restored.error().what;
  EXPECT_EQ(restored->identity.generation.counter, 4u);
  net["b"].disk.replace(*restored);
  net.start("b");
  net.pass(500ms);

  EXPECT_EQ(net.primary(), "b");
  EXPECT_EQ(net["c"].histories_replaced, 1);
  EXPECT_NE(net["c"].set_aside.find("are not in the restored history"), std::string::npos) << net.events("c");
  EXPECT_NE(net["c"].running->records().find("function/x"), nullptr);
  EXPECT_EQ(net["c"].running->records().find("function/beyond"), nullptr);
  EXPECT_EQ(net["c"].running->records().find("owner/r"), nullptr);
  net.pass(6s);
  EXPECT_TRUE(done(put("c", "y")));
  net.heal("a", "b");
  net.kill("b");
  net.start("b");
  net.start("a");
  net.pass(1s);
  EXPECT_EQ(net.primary(), "b");
  EXPECT_TRUE(net.level());
}

TEST_F(StoreJoinTest, ANodeAsksNothingOfARestoredStoreUntilItHasIt) {
  found({"b", "c"});
  ASSERT_TRUE(done(put("b", "x")));
  net.cut("a", "b");
  ASSERT_TRUE(done(put("c", "beyond")));  // what c has, and is lost
  net.kill("a");
  net.kill("b");
  net["b"].disk.replace(
      *restore_from_copy(*net["b"].disk.contents(), {net["b"].self.id, store_network::id_of("new"), 5, 0}));
  net["c"].disk_stalled = true;
  net.start("b");
  net.pass(6s);
  ASSERT_EQ(net["c"].histories_replaced, 1);

  const auto number = net.ask("c", barrier_call{}, 10s);
  net.pass(1s);

  EXPECT_EQ(net.answered("c", number), nullptr) << "its copy is at a cursor of another history";
  net["c"].disk_stalled = false;
  net.settle();
  ASSERT_NE(net.answered("c", number), nullptr);
  EXPECT_TRUE(std::holds_alternative<reached>(*net.answered("c", number)));
  EXPECT_EQ(net["c"].running->records().find("function/beyond"), nullptr);
}

TEST_F(StoreJoinTest, AfterARestoreClaimsStayClosedForTheLargestTimeEverGrantedAndSevenSeconds) {
  found({"b"});
  const auto& b = net["b"];
  ASSERT_TRUE(std::holds_alternative<session_granted>(
      net.answer("b", open_session_call{make_fast_uuid(), b.self.id, b.incarnation, "b:7000", 20s})));
  net.kill("a");
  net.kill("b");
  net["b"].disk.replace(
      *restore_from_copy(*net["b"].disk.contents(), {net["b"].self.id, store_network::id_of("new"), 5, 0}));
  net.start("b");
  net.pass(5100ms);
  const auto session = make_fast_uuid();
  ASSERT_TRUE(std::holds_alternative<session_granted>(
      net.answer("b", open_session_call{session, b.self.id, b.incarnation, "b:7000", 60s})));

  const auto early = net.answer("b", claim_call{session, "r", {}, {}, make_fast_uuid()});
  EXPECT_NE(why(early).find("claims stay closed"), std::string::npos);
  net.pass(21'700ms);
  EXPECT_TRUE(std::holds_alternative<refused>(net.answer("b", claim_call{session, "r", {}, {}, make_fast_uuid()})));
  net.pass(400ms);
  const auto late = net.answer("b", claim_call{session, "r", {}, {}, make_fast_uuid()});
  ASSERT_TRUE(std::holds_alternative<owned>(late)) << why(late);
  EXPECT_EQ(std::get<owned>(late).epoch >> 40, 2u);
}

TEST_F(StoreJoinTest, ACopyWithADamagedDiskLoadsTheStoreAnewAndKeepsTheOldFile) {
  found({"b"});
  net["b"].disk_fails = persist_failure::unknown;
  ASSERT_TRUE(done(put("a", "x")));
  net.settle();
  net["b"].disk_fails.reset();
  net.pass(6s);

  EXPECT_TRUE(net.level());
  EXPECT_NE(net["b"].set_aside.find("damaged"), std::string::npos);
}
