// Three stores in one process, over real links on loopback.
#include "actors/stores/cluster_store.hpp"

#include <gtest/gtest.h>

#include <thread>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "actors/stores/history_store.hpp"
#include "actors/stores/store_disk.hpp"
#include "cluster/primary.hpp"
#include "cluster/store_restore.hpp"
#include "tests/support/fault_disk.hpp"
#include "tests/support/store_peer.hpp"

using namespace troupe;
using namespace troupe::actors;
using namespace troupe::cluster;
using namespace troupe::tests;

namespace {

/// Nobody can be reached.
struct no_network final : store_network {
  void begin(store_network_user&) override {}
  void end() override {}
  void want(std::vector<wanted_link>, std::vector<std::string>) override {}
  void send(const node_id&, std::uint64_t, std::string) override {}
  void probe(const probe_incarnation&) override {}
};

struct ClusterStoreTest : testing::Test {
  store_peer a{"a"};
  std::unique_ptr<store_peer> b;
  std::unique_ptr<store_peer> c;

  void start_all() {
    a.start();
    b = std::make_unique<store_peer>("b", std::vector{a.address()});
    c = std::make_unique<store_peer>("c", std::vector{a.address()});
    b->start();
    c->start();
    for (auto* each : {b.get(), c.get()})
      ASSERT_TRUE(each->client().open()) << each->name << " did not join";
  }
  void expect_equal() {
    const auto tip = a.client().barrier()->value;
    for (auto* each : {&a, b.get(), c.get()}) {
      each->reach(tip);
      EXPECT_EQ(each->contents(), a.contents()) << each->name;
      EXPECT_EQ(each->status().hash, a.status().hash) << each->name;
    }
  }
};

constexpr seconds patience{60};

/// Two nodes, of which the primary goes back to a backup.
struct ReplacedStoreTest : ClusterStoreTest {
  backed_up_store backup;

  void start_both() {
    a.start();
    b = std::make_unique<store_peer>("b", std::vector{a.address()});
  }
  void back_up() { backup = {*a.client().open(), *a.client().load()}; }
  void restore() {
    a.stop();
    replace();
    a.start();
  }
  void replace() {
    auto disk = store_disk::open(a.folder.path(), {}, missing_store::leave);
    ASSERT_TRUE(disk) << disk.error().what;
    const auto present = disk->take_found();
    const replaced_store old{present->identity, present->state.records};
    const auto made = restore_from_backup(backup, &old, {a.id, make_uuid(), 1, 0});
    ASSERT_TRUE(made) << made.error().what;
    ASSERT_TRUE(disk->replace(*made, old_store::drop));
  }
  static loaded_history load(store_peer& peer) {
    std::promise<expected<loaded_history>> answered;
    peer.store().load_history(clock::now() + seconds{20}, [&](auto all) { answered.set_value(std::move(all)); });
    return *answered.get_future().get();
  }
  /// What comes after it, as far as it is there.
  static follow_result follow(store_peer& peer, const loaded_history& from) {
    std::promise<follow_result> answered;
    peer.store().follow_history(from.generation, from.contents.cursor, clock::now() - milliseconds{1},
                                [&](follow_result next) { answered.set_value(std::move(next)); });
    return answered.get_future().get();
  }
  /// Does something again and again until it has come true. @returns false when that takes too long.
  template <class Done, class Step>
  static bool repeat_until(Done done, Step step) {
    const auto give_up = clock::now() + patience;
    while (!done()) {
      if (clock::now() >= give_up)
        return false;
      step();
    }
    return true;
  }
  static void pause() { std::this_thread::sleep_for(milliseconds{10}); }
  bool follows() { return b->status().identity.generation == a.status().identity.generation; }
};

}  // namespace

TEST_F(ReplacedStoreTest, AReaderOfTheOldHistoryHasToLoadWhoeverElseHasLoadedTheNewOne) {
  start_both();
  b->start();
  b->reach(cursor_of(a.client().put("x", "1")));
  back_up();
  b->reach(cursor_of(a.client().put("lost", "1")));
  const auto reader = load(*b);

  restore();
  b->reach(a.put_patiently("y", "1"));
  ASSERT_TRUE(repeat_until([&] { return follows(); }, [&] { b->reach(a.put_patiently("y", "2")); }));
  ASSERT_TRUE(repeat_until([&] { return a.client().barrier()->value > reader.contents.cursor.value; },
                           [&] { a.put_patiently("y", "3"); }));
  b->reach(a.client().barrier()->value);
  const auto other = load(*b);

  EXPECT_TRUE(std::holds_alternative<gap>(follow(*b, reader)));
  EXPECT_TRUE(std::holds_alternative<batch>(follow(*b, other)));
}

TEST_F(ReplacedStoreTest, CommitsThatCannotBeKeptKeepTheOldHistoryAndTheReasonIsSaid) {
  std::mutex mutex;
  std::vector<std::string> said;
  std::atomic<bool> kept = false;
  start_both();
  b->options.notices.on_event = [&](const store_event& event) {
    if (event.what != store_event::kind::halted && event.what != store_event::kind::resumed)
      return;
    const std::lock_guard lock{mutex};
    said.push_back(event.text);
  };
  b->options.keep_commits = [&](const store_identity&, const history&, cursor) -> expected<std::string> {
    return kept ? expected<std::string>{"a file"} : fail(errc::io, "nobody may write there");
  };
  b->start();
  b->reach(cursor_of(a.client().put("x", "1")));
  back_up();
  b->reach(cursor_of(a.client().put("lost", "1")));
  const auto told = [&] {
    const std::lock_guard lock{mutex};
    return said;
  };

  restore();
  ASSERT_TRUE(repeat_until([&] { return !told().empty(); }, pause));
  EXPECT_FALSE(follows());
  kept = true;
  ASSERT_TRUE(repeat_until([&] { return follows(); }, pause));

  ASSERT_EQ(told().size(), 2u);
  EXPECT_NE(told()[0].find("nobody may write there"), std::string::npos) << told()[0];
  EXPECT_EQ(told()[0].find("full"), std::string::npos) << told()[0];
  EXPECT_EQ(told()[1].find("room"), std::string::npos) << told()[1];
  b->stop();
}

TEST_F(ClusterStoreTest, ACommitAtACopyIsAcknowledgedAndSeenByAll) {
  start_all();

  const auto at = cursor_of(b->client().put("function/f", "1"));
  EXPECT_NE(at, 0u);
  const auto second = b->client().commit({{"function/f", at}}, {{"function/f", "2", false}});
  EXPECT_GT(cursor_of(second), at);
  EXPECT_TRUE(
      std::holds_alternative<conflicted>(c->client().commit({{"function/f", at}}, {{"function/f", "3", false}})));

  EXPECT_EQ(c->client().barrier()->value, cursor_of(second));
  expect_equal();
  EXPECT_EQ(c->contents(), "function/f=2 ");
  EXPECT_EQ(a.status().role, store_role::primary);
  EXPECT_EQ(b->status().role, store_role::copy);
  EXPECT_EQ(b->store().point()->primary, a.id);
  EXPECT_EQ(b->client().open()->store_id, a.client().open()->store_id);
  const auto health = b->store().health();
  EXPECT_EQ(health.here, store_health::role::copy);
  EXPECT_EQ(health.authority, "a");
  EXPECT_EQ(health.halted, "");
  EXPECT_EQ(a.store().health().here, store_health::role::authority);
}

TEST_F(ClusterStoreTest, ASpreadNamesNobodyWhenAllCopiesHaveIt) {
  start_all();
  const auto at = cursor_of(b->client().put("function/f", "1"));

  const auto answer = b->call(spread_call{{at}});

  ASSERT_TRUE(std::holds_alternative<spread>(answer));
  EXPECT_TRUE(std::get<spread>(answer).laggards.empty());
  for (auto* each : {b.get(), c.get()})
    EXPECT_GE(each->store().point()->at.value, at);
}

TEST_F(ClusterStoreTest, ANodeThatStartsBeforeItsSeedWaitsForIt) {
  a.start();
  const auto address = a.address();
  a.stop();
  store_peer early{"early", {address}};
  early.start();
  EXPECT_EQ(early.client().load(milliseconds{50}).error().code, errc::unavailable);

  a.start();

  const auto identity = early.client().open();
  ASSERT_TRUE(identity) << identity.error().what;
  EXPECT_EQ(identity->store_id, a.client().open()->store_id);
  EXPECT_NE(cursor_of(early.client().put("x", "1")), 0u);
}

TEST_F(ClusterStoreTest, ARestartedCopyCatchesUpFromItsOwnData) {
  start_all();
  const auto first = cursor_of(a.client().put("x", "1"));
  c->reach(first);
  c->stop();
  std::uint64_t last = 0;
  for (int i = 2; i < 12; ++i)
    last = cursor_of(b->client().put("x", std::to_string(i)));

  c->start();

  EXPECT_GE(c->client().load()->cursor.value, first) << "it starts with what it had";
  c->reach(last);
  expect_equal();
  EXPECT_NE(cursor_of(c->client().put("y", "1")), 0u);
}

TEST_F(ClusterStoreTest, APrimaryRestartsWithItsDataAndItsCopiesGoOn) {
  start_all();
  const auto at = cursor_of(b->client().put("x", "1"));
  b->reach(at);
  a.stop();
  const auto until = clock::now() + seconds{20};
  while (b->store().health().authority_in_reach && clock::now() < until)
    std::this_thread::yield();

  const auto refusal = b->client().put("x", "2");
  ASSERT_NE(why_refused(refusal), nullptr);
  EXPECT_EQ(why_refused(refusal)->code, errc::unavailable);
  EXPECT_FALSE(b->store().health().authority_in_reach);
  EXPECT_NE(why_refused(refusal)->what.find("primary, a,"), std::string::npos) << why_refused(refusal)->what;
  EXPECT_EQ(b->contents(), "x=1 ") << "reads go on";
  a.start();

  b->put_patiently("x", "3");
  c->put_patiently("y", "1");
  expect_equal();
  EXPECT_EQ(a.contents(), "x=3 y=1 ");
}

TEST_F(ClusterStoreTest, ANodeFindsItsClusterAtChangedAddresses) {
  start_all();
  cursor_of(b->client().put("x", "1"));
  a.stop();
  b->stop();
  a.where.port = b->where.port = 0;

  a.start();
  b->start();

  b->put_patiently("x", "2");
  c->put_patiently("y", "1");
  expect_equal();
}

/// As nodes alone wrote it before they registered themselves.
std::string write_store_without_registration(const std::string& folder) {
  auto file = history_store::open(folder + "/store.db", {});
  auto found = file->read();
  auto decisions = primary::make(std::move(found->state));
  for (int i = 0; i < 3; ++i)
    decisions->decide({{}, {{"key" + std::to_string(i), "1", false}}, make_uuid()}, milliseconds{1});
  EXPECT_TRUE(file->persist(decisions->staged()));
  return to_string(found->identity.store_id);
}

TEST_F(ClusterStoreTest, TheStoreOfANodeAloneGrowsIntoACluster) {
  const auto store_id = write_store_without_registration(a.folder.path());
  {
    cluster_store_options alone;
    alone.data_dir = a.folder.path();
    alone.node.self.id = a.id;
    alone.node.self.name = "a";
    auto store = *open_cluster_store(std::move(alone));
    EXPECT_EQ(to_string(store_client{*store}.open()->store_id), store_id);
    EXPECT_NE(cursor_of(store_client{*store}.put("key3", "1")), 0u);
  }

  start_all();

  EXPECT_EQ(to_string(c->client().open()->store_id), store_id);
  c->put_patiently("key4", "1");
  expect_equal();
  EXPECT_EQ(b->contents(), "key0=1 key1=1 key2=1 key3=1 key4=1 ");
}

TEST_F(ClusterStoreTest, AnEmptyNodeLoadsWhatTheLogNoLongerHolds) {
  a.options.node.limits.log_commits = 100;
  a.start();
  for (int i = 0; i < 1'000; ++i)
    a.store().commit({}, {{"key" + std::to_string(i % 300), std::string(2'000, 'x') + std::to_string(i), false}},
                     make_uuid(), clock::now() + seconds{60}, [](const commit_result&) {});
  EXPECT_EQ(a.client().outcome(make_uuid())->state, settled::voided);
  store_peer late{"late", {a.address()}};

  late.start();

  const auto at = cursor_of(late.client().put("last", "1"));
  ASSERT_NE(at, 0u);
  EXPECT_GT(at, 1'000u);
  late.reach(at);
  EXPECT_EQ(late.contents(), a.contents());
  EXPECT_EQ(late.status().hash, a.status().hash);
  late.stop();
  late.start();
  EXPECT_EQ(late.contents(), a.contents()) << "what was loaded is on the disk";
}

TEST_F(ClusterStoreTest, CommitsInFlightWhenThePrimaryDiesAreSettledAfterwards) {
  start_all();
  std::vector<std::pair<commit_id, std::future<commit_result>>> tries;
  for (int i = 0; i < 120; ++i) {
    tries.emplace_back(make_uuid(), std::future<commit_result>{});
    tries.back().second =
        (i % 2 == 0 ? *b : *c).client().start({}, {{"k" + std::to_string(i), "1", false}}, tries.back().first);
    if (i == 80) {
      EXPECT_NE(cursor_of(tries[0].second.get()), 0u);
    }
  }
  a.stop();
  std::vector<std::uint64_t> acknowledged{1};
  std::vector<errc> refusals{errc::bug};
  for (std::size_t i = 1; i < tries.size(); ++i) {
    const auto result = tries[i].second.get();
    acknowledged.push_back(cursor_of(result));
    refusals.push_back(why_refused(result) == nullptr ? errc::bug : why_refused(result)->code);
    if (acknowledged.back() == 0) {
      EXPECT_TRUE(refusals.back() == errc::unknown_outcome || refusals.back() == errc::unavailable);
    }
  }
  a.start();
  b->put_patiently("end", "1");

  for (std::size_t i = 1; i < tries.size(); ++i) {
    const auto settled_as = c->client().outcome(tries[i].first);
    ASSERT_TRUE(settled_as) << settled_as.error().what;
    if (acknowledged[i] != 0) {
      EXPECT_EQ(settled_as->cursor.value, acknowledged[i]);
    } else if (refusals[i] == errc::unavailable) {
      EXPECT_EQ(settled_as->state, settled::voided);
    }
    EXPECT_EQ(a.contents().find("k" + std::to_string(i) + "=") != std::string::npos,
              settled_as->state == settled::committed);
  }
  expect_equal();
}

TEST_F(ClusterStoreTest, TheStoreMovesAndNothingIsLost) {
  start_all();
  b->reach(cursor_of(c->client().put("x", "1")));

  store_answer moved;
  const auto until = clock::now() + seconds{20};
  do
    moved = c->call(move_call{b->id, make_uuid()});
  while (!std::holds_alternative<committed>(moved) && clock::now() < until);
  ASSERT_TRUE(std::holds_alternative<committed>(moved));

  a.put_patiently("x", "2");
  c->put_patiently("y", "1");
  EXPECT_EQ(b->status().role, store_role::primary);
  EXPECT_EQ(a.status().role, store_role::copy);
  expect_equal();
  a.stop();
  a.start();
  a.put_patiently("z", "1");
  expect_equal();
  EXPECT_EQ(a.contents(), "x=2 y=1 z=1 ");
}

TEST_F(ClusterStoreTest, AFullDiskOfThePrimaryRefusesCommitsAtCopiesUntilThereIsSpace) {
  fault_disk disk;
  a.options.vfs = disk.name();
  start_all();
  disk.set_capacity(disk.contents(a.folder.path() + "/store.db").size() + 20'000);

  const auto refusal = b->client().put("big", std::string(60'000, 'x'));
  ASSERT_NE(why_refused(refusal), nullptr);
  EXPECT_EQ(why_refused(refusal)->code, errc::full);
  disk.fail_no_more();

  EXPECT_NE(b->put_patiently("big", std::string(60'000, 'x')), 0u);
  expect_equal();
  a.stop();
}

TEST_F(ClusterStoreTest, ADamagedCopyIsSetAsideAndLoadedAnew) {
  start_all();
  c->reach(cursor_of(a.client().put("x", "1")));
  // What the directory remembers beside the store is written with the next tick.
  while (!std::filesystem::exists(c->folder.path() + "/store.place"))
    c->client().follow(c->client().load()->cursor, milliseconds{20});
  c->stop();
  std::ofstream{c->folder.path() + "/store.db", std::ios::trunc} << "no database";

  c->start();

  const auto at = c->put_patiently("y", "1");
  c->reach(at);
  expect_equal();
  EXPECT_TRUE(std::filesystem::exists(c->folder.path() + "/store.db.set-aside"));
}

TEST_F(ClusterStoreTest, WhereAStoreIsMissingThatWasThereNoneIsFounded) {
  start_all();
  c->reach(cursor_of(a.client().put("x", "1")));
  for (auto* each : {&a, c.get()})
    while (!std::filesystem::exists(each->folder.path() + "/store.place"))
      each->client().follow(each->client().load()->cursor, milliseconds{20});
  c->stop();
  std::filesystem::remove(c->folder.path() + "/store.db");

  c->start();

  c->put_patiently("y", "1");
  expect_equal();
  a.stop();
  std::filesystem::remove(a.folder.path() + "/store.db");
  auto again = a.options;
  again.node.self.id = a.id;
  again.network = std::make_shared<no_network>();
  const auto opened = open_cluster_store(std::move(again));
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, errc::corrupt);
}

TEST_F(ClusterStoreTest, SessionsAndClaimsWorkFromACopy) {
  start_all();
  const auto opened = [](store_peer& peer, const session_id& session) {
    return peer.call(open_session_call{session, peer.id, peer.incarnation, peer.address(), seconds{10}});
  };
  const auto of_b = make_uuid();
  const auto of_c = make_uuid();
  ASSERT_TRUE(std::holds_alternative<session_granted>(opened(*b, of_b)));
  ASSERT_TRUE(std::holds_alternative<session_granted>(opened(*c, of_c)));

  const auto first = b->call(claim_call{of_b, "slot/1", {}, {}, make_uuid()});
  ASSERT_TRUE(std::holds_alternative<owned>(first));
  const auto second = c->call(claim_call{of_c, "slot/1", {}, {}, make_uuid()});
  ASSERT_TRUE(std::holds_alternative<held>(second));
  EXPECT_EQ(std::get<held>(second).owner, b->id);
  EXPECT_EQ(std::get<held>(second).epoch, std::get<owned>(first).epoch);

  std::promise<release_result> released;
  b->store().release({"slot/1", std::get<owned>(first).epoch, make_uuid()}, clock::now() + seconds{20},
                     [&](release_result result) { released.set_value(std::move(result)); });
  EXPECT_TRUE(std::holds_alternative<committed>(released.get_future().get()));
  EXPECT_EQ(b->store().health().sessions_lost, 0u);

  // Somebody else with b's id: the older incarnation still answers.
  const auto newcomer = c->call(open_session_call{make_uuid(), b->id, make_uuid(), "127.0.0.1:1", seconds{10}});
  ASSERT_TRUE(std::holds_alternative<incarnation_alive>(newcomer));
  EXPECT_EQ(std::get<incarnation_alive>(newcomer).address, b->address());
}
