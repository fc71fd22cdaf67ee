// What the store promises when power, space, syncs or bytes are lost.
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "tests/support/fault_disk.hpp"
#include "tests/support/lone_store.hpp"
#include "tests/support/store_client.hpp"

using namespace troupe;
using namespace troupe::actors;
using namespace troupe::cluster;
using namespace troupe::tests;

namespace {

constexpr auto file = "/disk/store.db";

lone_store_options on(const fault_disk& disk) {
  return {.data_dir = "/disk", .vfs = disk.name()};
}

std::string contents(catalog_store& store) {
  const auto all = store_client{store}.load();
  std::string text;
  for (const auto& each : all->records)
    text += each.key + "=" + each.value + "@" + std::to_string(each.revision) + "\n";
  return text;
}

std::string history_text(catalog_store& store) {
  const auto all = store_client{store}.follow({0}, milliseconds{-1});
  std::string text;
  for (const auto& commit : std::get<batch>(all).commits) {
    text += std::to_string(commit.cursor.value) + ":";
    for (const auto& put : commit.puts)
      text += " " + put.key + "=" + put.value;
    text += "\n";
  }
  return text;
}

void expect_damaged(const error& why) {
  EXPECT_EQ(why.code, errc::corrupt) << why.what;
  EXPECT_NE(why.what.find(file), std::string::npos) << why.what;
  EXPECT_NE(why.what.find("backup"), std::string::npos) << why.what;
  EXPECT_NE(why.what.find("empty data directory"), std::string::npos) << why.what;
}

/// A store that lives through power losses, and what its clients know of their commits.
class many_lives {
public:
  explicit many_lives(std::uint64_t seed) : random_{seed} {}

  void live() {
    disk_.lose_power_after(random_() % 60);
    auto opened = open_lone_store(on(disk_));
    if (opened) {
      if (!check(**opened))
        return;
      write(**opened);
    } else {
      EXPECT_TRUE(disk_.lost_power()) << opened.error().what;
    }
    opened = fail(errc::unavailable, "the machine is off");
    disk_.restart(random_);
  }

private:
  struct attempt {
    commit_id id;
    std::string key;
    std::string value;
    std::uint64_t cursor = 0;  ///< 0: never answered
  };

  void write(catalog_store& store) {
    store_client client{store};
    std::deque<std::future<commit_result>> answers;
    std::vector<std::size_t> asked;
    while (!disk_.lost_power()) {
      for (auto n = 1 + random_() % 5; n > 0; --n) {
        attempts_.push_back({make_uuid(), "key" + std::to_string(random_() % 9), std::to_string(attempts_.size()), 0});
        asked.push_back(attempts_.size() - 1);
        const auto& each = attempts_.back();
        answers.push_back(
            client.start({}, {{each.key, each.value + std::string(random_() % 3000, '.'), false}}, each.id));
      }
      for (; !answers.empty(); answers.pop_front(), asked.erase(asked.begin()))
        attempts_[asked.front()].cursor = cursor_of(answers.front().get());
    }
  }

  /// @returns false when the power went while it looked.
  bool check(catalog_store& store) {
    store_client client{store};
    const auto seen = std::get<batch>(client.follow({0}, milliseconds{-1})).commits;
    for (std::size_t i = 0; i < seen.size(); ++i)
      EXPECT_EQ(seen[i].cursor.value, i + 1);
    for (const auto& each : attempts_) {
      if (each.cursor == 0)
        continue;
      EXPECT_LE(each.cursor, seen.size()) << "an acknowledged commit is lost";
      if (each.cursor > seen.size())
        return false;
      const auto& value = seen[each.cursor - 1].puts.at(0).value;
      EXPECT_EQ(value.substr(0, value.find('.')), each.value);
    }
    for (const auto& id : voided_) {
      const auto again = client.outcome(id);
      EXPECT_TRUE(!again || again->state == settled::voided);
    }
    // What was never answered is settled now, one way or the other, and stays so.
    for (auto& each : attempts_) {
      if (each.cursor != 0)
        continue;
      const auto outcome = client.outcome(each.id);
      if (outcome && outcome->state == settled::committed)
        each.cursor = outcome->cursor.value;
      else if (outcome)
        voided_.push_back(each.id);
    }
    std::erase_if(attempts_, [](const attempt& each) { return each.cursor == 0; });
    return true;
  }

  std::mt19937_64 random_;
  fault_disk disk_;
  std::vector<attempt> attempts_;
  std::vector<commit_id> voided_;
};

}  // namespace

TEST(LoneStoreFaultTest, NoAcknowledgedCommitIsLostWithThePower) {
  for (std::uint64_t seed = 1; seed <= 60 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    many_lives store{seed};
    for (int life = 0; life < 12 && !testing::Test::HasFailure(); ++life)
      store.live();
  }
}

TEST(LoneStoreFaultTest, AFullDiskRefusesCommitsUntilThereIsSpace) {
  fault_disk disk;
  auto store = *open_lone_store(on(disk));
  store_client client{*store};
  client.put("a", "1");
  const auto before = contents(*store);
  disk.set_capacity(disk.contents(file).size() + 20'000);

  const auto refusal = client.put("b", std::string(60'000, 'x'));
  ASSERT_NE(why_refused(refusal), nullptr);
  EXPECT_EQ(why_refused(refusal)->code, errc::full);
  EXPECT_NE(why_refused(refusal)->what.find(file), std::string::npos);
  EXPECT_EQ(contents(*store), before);
  EXPECT_EQ(std::get<batch>(client.follow({0})).commits.size(), 1u);

  disk.fail_no_more();
  EXPECT_EQ(cursor_of(client.put("c", "1")), 2u);
  store.reset();
  store = *open_lone_store(on(disk));
  EXPECT_EQ(contents(*store), "a=1@1\nc=1@2\n");
}

TEST(LoneStoreFaultTest, ARepeatAnswersTrulyAlthoughTheDiskIsFull) {
  fault_disk disk;
  auto store = *open_lone_store(on(disk));
  store_client client{*store};
  const auto id = make_uuid();
  client.put("a", "1", id);
  disk.set_capacity(disk.contents(file).size());

  EXPECT_EQ(why_refused(client.put("b", std::string(60'000, 'x')))->code, errc::full);
  EXPECT_EQ(cursor_of(client.put("a", "1", id)), 1u);
  EXPECT_EQ(client.outcome(id)->state, settled::committed);
}

TEST(LoneStoreFaultTest, AFailedSyncLeavesTheOutcomeOpenUntilTheNextStart) {
  for (std::size_t syncs = 0; syncs < 4; ++syncs) {
    SCOPED_TRACE("sync " + std::to_string(syncs + 1) + " of the commit fails");
    fault_disk disk;
    auto store = *open_lone_store(on(disk));
    store_client client{*store};
    client.put("a", "1");
    const auto id = make_uuid();
    disk.fail_sync_after(syncs);

    const auto result = client.put("b", "1", id);
    if (cursor_of(result) != 0) {  // no more syncs than that
      EXPECT_GE(syncs, 2u);
      continue;
    }
    EXPECT_EQ(why_refused(result)->code, errc::unknown_outcome);
    EXPECT_EQ(why_refused(client.put("b", "1", id))->code, errc::unknown_outcome) << "a repeat knows no more";
    EXPECT_EQ(why_refused(client.put("c", "1"))->code, errc::unavailable);
    EXPECT_FALSE(client.outcome(id).has_value());
    EXPECT_EQ(contents(*store), "a=1@1\n") << "reads go on";
    EXPECT_EQ(client.barrier()->value, 1u);

    disk.fail_no_more();
    store.reset();
    store = *open_lone_store(on(disk));
    store_client after{*store};
    const auto settled_as = after.outcome(id);
    ASSERT_TRUE(settled_as.has_value());
    EXPECT_EQ(contents(*store), settled_as->state == settled::committed ? "a=1@1\nb=1@2\n" : "a=1@1\n");
  }
}

TEST(LoneStoreFaultTest, ADamagedByteIsFoundOrChangesNothing) {
  fault_disk disk;
  auto store = *open_lone_store(on(disk));
  std::vector<commit_id> ids;
  for (int i = 0; i < 12; ++i) {
    ids.push_back(make_uuid());
    store_client{*store}.put("function/f" + std::to_string(i % 5), std::string(400, static_cast<char>('a' + i)),
                             ids.back());
  }
  ids.push_back(make_uuid());
  store_client{*store}.outcome(ids.back());
  const auto identity = *store_client{*store}.open();
  const auto records = contents(*store);
  const auto commits = history_text(*store);
  store.reset();
  const auto whole = disk.contents(file);
  std::mt19937_64 random{9};
  int found = 0;

  for (std::size_t at = 0; at < whole.size() && !HasFailure(); at += 1 + random() % 23) {
    SCOPED_TRACE("byte " + std::to_string(at) + " of " + std::to_string(whole.size()));
    auto bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ static_cast<char>(1 + random() % 255));
    fault_disk damaged;
    damaged.replace(file, std::move(bytes));

    const auto opened = open_lone_store(on(damaged));

    if (!opened) {
      ++found;
      expect_damaged(opened.error());
      continue;
    }
    store_client client{**opened};
    EXPECT_EQ(contents(**opened), records);
    EXPECT_EQ(history_text(**opened), commits);
    EXPECT_EQ(client.open()->store_id, identity.store_id);
    EXPECT_EQ(client.open()->generation, identity.generation);
    for (std::size_t i = 0; i < ids.size(); ++i)
      EXPECT_EQ(client.outcome(ids[i])->cursor.value, i < 12 ? i + 1 : 0);
    EXPECT_EQ(cursor_of(client.put("x", "1")), 14u);
  }
  EXPECT_GT(found, 100);
}

TEST(LoneStoreFaultTest, ACutOrForeignFileIsDamaged) {
  fault_disk disk;
  open_lone_store(on(disk)).value()->close();
  const auto whole = disk.contents(file);

  for (const auto& bytes : {std::string{"not a database at all"}, std::string(20'000, '\0'),
                            whole.substr(0, whole.size() / 2), whole.substr(0, whole.size() - 4096)}) {
    fault_disk damaged;
    damaged.replace(file, bytes);

    const auto opened = open_lone_store(on(damaged));

    ASSERT_FALSE(opened.has_value()) << bytes.size();
    expect_damaged(opened.error());
  }
}
