#include "cli/present_store.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "actors/stores/cluster_store.hpp"
#include "cluster/store_record_codec.hpp"
#include "cluster/store_restore.hpp"
#include "tests/support/temp_folder.hpp"

using namespace troupe;
using namespace troupe::cli;

namespace {

struct PresentStoreTest : testing::Test {
  tests::temp_folder folder;
  const uuid own = make_fast_uuid();
  const uuid other = make_fast_uuid();
  std::optional<actors::store_disk> disk{actors::store_disk::to_replace(folder.path())};

  static cluster::record node(const uuid& id, const std::string& name, const std::string& address) {
    cluster::node_record made;
    made.id = id;
    made.name = name;
    made.addresses = {address};
    return {cluster::node_key(id), encode(made), 1};
  }
  /// A store of two nodes, of which `own` is the primary.
  cluster::stored_store founded(std::vector<cluster::record> more = {}) const {
    cluster::backed_up_store was{{make_fast_uuid(), {1, 7}, {}, {}}, {}};
    was.contents.cursor = {3};
    was.contents.records = {{"function/f", "v", 2}};
    more.push_back(node(own, "n1", "10.0.0.1:7000"));
    more.push_back(node(other, "n2", "10.0.0.2:7000"));
    const cluster::replaced_store old{was.identity, std::move(more)};
    auto made = restore_from_backup(was, &old, {own, make_fast_uuid(), 9, 0});
    return made ? std::move(*made) : cluster::stored_store{};
  }
  /// As `troupe restore` does it, over what is there.
  cluster::store_identity restore(const cluster::stored_store& from) {
    auto made = restore_from_copy(from, {own, make_fast_uuid(), 11, 0});
    EXPECT_TRUE(made);
    const auto aside = std::filesystem::path{disk->path_aside()}.filename().string();
    std::ofstream{folder.path() + "/" + actors::restore_mark_name}
        << text_of(actors::restore_mark{aside, {made->identity.store_id}});
    EXPECT_TRUE(disk->replace(*made, actors::old_store::set_aside));
    return made->identity;
  }
  void put(const cluster::stored_store& store) { EXPECT_TRUE(disk->replace(store, actors::old_store::drop)); }
  /// What others have open cannot be read.
  expected<present_store> read() {
    disk.reset();
    return read_present_store(folder.path());
  }
};

}  // namespace

TEST_F(PresentStoreTest, SaysWhichNodesThereAreAndWhichRecordsOfThemCannotBeRead) {
  const auto unreadable = cluster::node_key(make_fast_uuid());
  put(founded({{unreadable, "no node", 1}}));

  const auto found = read();

  ASSERT_TRUE(found) << found.error().what;
  ASSERT_TRUE(found->leader);
  EXPECT_EQ(*found->leader, own);
  ASSERT_NE(found->find(other), nullptr);
  const auto places = found->places_but(own);
  ASSERT_EQ(places.size(), 1u);
  EXPECT_EQ(places.front().name, "n2");
  EXPECT_EQ(to_string(places.front().where), "10.0.0.2:7000");
  ASSERT_EQ(found->unreadable.size(), 1u);
  EXPECT_NE(found->unreadable.front().find(unreadable), std::string::npos) << found->unreadable.front();
}

TEST_F(PresentStoreTest, APrimaryThatCannotBeReadIsNotTakenForNone) {
  auto store = founded();
  for (auto& each : store.state.records)
    if (each.key == cluster::primary_key)
      each.value = "nobody";
  put(store);

  const auto found = read();

  ASSERT_TRUE(found) << found.error().what;
  EXPECT_FALSE(found->leader);
}

TEST_F(PresentStoreTest, WhatWasRestoredCountsOnlyOnceANodeHasStarted) {
  const auto old = founded();
  put(old);
  const auto restored = restore(old);

  const auto before = read();
  ASSERT_TRUE(before) << before.error().what;
  EXPECT_TRUE(before->unstarted);
  EXPECT_EQ(before->identity->store_id, old.identity.store_id);
  EXPECT_EQ(before->tip(), old.state.heads.back().at);
  EXPECT_EQ(before->generation_in_place, restored.generation.counter);

  actors::cluster_store_options options;
  options.data_dir = folder.path();
  options.node.self.id = own;
  auto started = actors::open_cluster_store(std::move(options));
  ASSERT_TRUE(started) << started.error().what;
  (*started)->close();
  started->reset();

  const auto after = read();
  ASSERT_TRUE(after) << after.error().what;
  EXPECT_FALSE(after->unstarted);
  EXPECT_EQ(after->identity->store_id, restored.store_id);
}

TEST_F(PresentStoreTest, AMarkOfAStoreThatNeverCameIntoItsPlaceCountsForNothing) {
  const auto old = founded();
  put(old);
  std::ofstream{folder.path() + "/" + actors::restore_mark_name}
      << text_of(actors::restore_mark{"store.db.set-aside", {make_fast_uuid()}});

  const auto found = read();

  ASSERT_TRUE(found) << found.error().what;
  EXPECT_FALSE(found->unstarted);
  EXPECT_EQ(found->identity->store_id, old.identity.store_id);
}

TEST_F(PresentStoreTest, AStoreSetAsideThatIsGoneIsNamed) {
  const auto old = founded();
  put(old);
  restore(old);
  std::filesystem::remove(folder.path() + "/store.db.set-aside");

  const auto found = read();

  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, errc::refused);
  EXPECT_NE(found.error().what.find("store.db.set-aside"), std::string::npos) << found.error().what;
}
