#include "actors/event_journal.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>

using namespace troupe::actors;

TEST(EventJournalTest, EventsAreNumberedFromOneInTheirOrder) {
  event_journal journal;
  EXPECT_EQ(journal.read().next, 1u);
  journal.add("node_started", "a started");
  journal.add("node_joined", "b joined");

  const auto all = journal.read();
  ASSERT_EQ(all.events.size(), 2u);
  EXPECT_EQ(all.events[0].sequence, 1u);
  EXPECT_EQ(all.events[0].kind, "node_started");
  EXPECT_EQ(all.events[1].text, "b joined");
  EXPECT_GE(all.events[1].unix_ms, all.events[0].unix_ms);
  EXPECT_EQ(all.next, 3u);
  EXPECT_EQ(all.overwritten, 0u);

  EXPECT_TRUE(journal.read(all.next).events.empty());
  journal.add("node_left", "b left");
  const auto more = journal.read(all.next);
  ASSERT_EQ(more.events.size(), 1u);
  EXPECT_EQ(more.events[0].kind, "node_left");
}

TEST(EventJournalTest, TheOldestMakeRoomAndAreCounted) {
  event_journal journal;
  for (std::size_t i = 0; i < event_journal::max_events + 5; ++i)
    journal.add("kind", std::to_string(i));

  const auto all = journal.read();
  EXPECT_EQ(all.events.size(), event_journal::max_events);
  EXPECT_EQ(all.events.front().text, "5");
  EXPECT_EQ(all.overwritten, 5u);
  EXPECT_EQ(journal.read(3).overwritten, 3u);
  EXPECT_EQ(journal.read(6).overwritten, 0u);
}

TEST(EventJournalTest, ATextIsOneLineOfBoundedLength) {
  event_journal journal;
  journal.add("kind", "a\nb\tc\x7f");
  journal.add("kind", std::string(event_journal::max_text_bytes - 1, 'x') + "\xc3\xa4");

  const auto all = journal.read();
  EXPECT_EQ(all.events[0].text, "a b c ");
  EXPECT_EQ(all.events[1].text, std::string(event_journal::max_text_bytes - 1, 'x'));
}

TEST(EventJournalTest, NothingIsLostBetweenThreads) {
  event_journal journal;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 100; ++n)
        journal.add("kind", "text");
    });
  for (auto& thread : threads)
    thread.join();

  std::set<std::uint64_t> numbers;
  for (const auto& event : journal.read().events)
    numbers.insert(event.sequence);
  EXPECT_EQ(numbers.size(), 400u);
  EXPECT_EQ(*numbers.rbegin(), 400u);
}

TEST(EventJournalTest, EachJournalHasAnIdOfItsOwn) {
  EXPECT_EQ(event_journal{}.id().size(), 16u);
  EXPECT_NE(event_journal{}.id(), event_journal{}.id());
}
