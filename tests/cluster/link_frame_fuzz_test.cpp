// Frames cut at random places, and frames with random faults: the first come out whole, the second never harm.
// TROUPE_FUZZ_SEED replays a run that failed.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "cluster/link_frame.hpp"

using namespace troupe;
using namespace troupe::cluster;

namespace {

std::uint64_t chosen_seed() {
  const char* chosen = std::getenv("TROUPE_FUZZ_SEED");
  return chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : std::random_device{}();
}

void append_random_frame(buffer& out, std::mt19937_64& random) {
  const std::string bytes(random() % (random() % 20 == 0 ? 15'000 : 60), static_cast<char>(random()));
  const auto id = random() >> random() % 64;
  switch (random() % 10) {
    case 0: return append_call(out, id, link_topic::invoke, random() % 30'000, bytes, random(), bytes);
    case 1: return append_answer(out, id, bytes, random(), bytes);
    case 2: return append_data(out, id, bytes, random() % 2 == 0);
    case 3: return append_credit(out, id, random());
    case 4: return append_not_run(out, id, errc::stale, bytes);
    case 5: return append_ping(out, id, random());
    case 6: return append_refuse_hello(out, bytes);
    case 7: return append_cancel(out, id);
    case 8: return append_goodbye(out);
    default: {
      link_hello hello;
      hello.node_name = bytes.substr(0, 40);
      hello.cursor.value = random();
      return append_hello(out, hello);
    }
  }
}

/// Everything that a reading gave, as text; reads every byte that a view claims to have.
std::string text_of(const link_frame& frame) {
  std::string out = std::to_string(static_cast<int>(frame.kind)) + ' ' + std::to_string(frame.call_id) + ' ' +
                    std::to_string(frame.number) + ' ' + std::to_string(frame.sent) + ' ' +
                    std::to_string(frame.topic) + ' ' + std::to_string(frame.remaining_ms) + ' ' +
                    std::to_string(frame.total) + ' ' + (frame.last ? "last " : "");
  out.append(frame.head).append(frame.body).append(frame.text).append(frame.fields);
  if (frame.kind == link_kind::hello) {
    const auto hello = read_hello(frame);
    out += hello ? hello->node_name + std::to_string(hello->cursor.value) : hello.error().what;
  }
  return out;
}

std::vector<std::string> read_all(std::string_view bytes, std::mt19937_64* cuts) {
  link_frame_reader reader;
  std::vector<std::string> read;
  while (!bytes.empty()) {
    const auto most = cuts == nullptr ? bytes.size() : 1 + (*cuts)() % ((*cuts)() % 4 == 0 ? 5 : 9'000);
    const std::string piece{bytes.substr(0, most)};  // its own memory: reading beyond it shows
    bytes.remove_prefix(piece.size());
    reader.feed(piece);
    for (;;) {
      const auto next = reader.next();
      if (!next) {
        read.push_back(next.error().what);
        return read;
      }
      if (!*next)
        break;
      read.push_back(text_of(**next));
    }
  }
  return read;
}

void damage(buffer& bytes, std::mt19937_64& random) {
  for (auto faults = random() % 4; faults > 0 && !bytes.empty(); --faults)
    bytes.data()[random() % std::min<std::size_t>(bytes.size(), 200)] = static_cast<char>(random());
}

}  // namespace

TEST(LinkFrameFuzzTest, SegmentationNeverMattersAndDamageNeverHarms) {
  const auto seed = chosen_seed();
  std::mt19937_64 random{seed};
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{1'900};
  std::size_t runs = 0;
  std::size_t frames = 0;
  std::size_t refused = 0;
  for (; std::chrono::steady_clock::now() < end; ++runs) {
    buffer bytes;
    for (auto count = 1 + random() % 8; count > 0; --count)
      append_random_frame(bytes, random);
    damage(bytes, random);

    const auto whole = read_all(bytes.view(), nullptr);
    ASSERT_EQ(read_all(bytes.view(), &random), whole) << "seed " << seed << ", run " << runs;
    frames += whole.size();
    refused += !whole.empty() && whole.back().starts_with("frame of");
  }

  EXPECT_GT(frames, runs) << "seed " << seed;
  EXPECT_GT(refused, runs / 20) << "seed " << seed;
}
