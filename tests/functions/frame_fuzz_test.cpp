// Frames cut at random places, and frames with random faults: the first must come out whole, the second never harm.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "functions/frame.hpp"

using namespace troupe;
using namespace troupe::functions;

namespace {

std::string random_frames(std::mt19937& random, std::vector<std::string>& payloads) {
  buffer out;
  for (int i = 0; i < 20; ++i) {
    const std::size_t size = random() % 50 == 0 ? random() % 200'000 : random() % 300;
    payloads.emplace_back(size, static_cast<char>('a' + random() % 26));
    switch (random() % 4) {
      case 0: append_answer(out, random(), payloads.back()); break;
      case 1: append_error(out, random(), payloads.back(), "Error"); break;
      case 2: append_log(out, random(), "id", payloads.back()); break;
      default: {
        const auto mark = begin_call(out, random());
        out.append(payloads.back());
        EXPECT_TRUE(end_call(out, mark, {"id", random(), "trace", "{}"}, 1'000'000));
      }
    }
  }
  return std::string{out.view()};
}

/// Hands the bytes over in pieces. @returns the payloads of what came out before the end or the first fault.
std::vector<std::string> read_all(std::string_view bytes, std::mt19937& random) {
  frame_reader reader{1'000'000};
  std::vector<std::string> payloads;
  while (!bytes.empty()) {
    const auto room = reader.room();
    const auto most = random() % 8 == 0 ? std::size_t{3} : std::size_t{30'000};
    const auto count = std::min({room.size(), bytes.size(), 1 + random() % most});
    std::memcpy(room.data(), bytes.data(), count);
    reader.commit(count);
    bytes.remove_prefix(count);
    for (;;) {
      const auto got = reader.next();
      if (!got)
        return payloads;
      if (!*got)
        break;
      payloads.emplace_back((*got)->payload);
      // Reads every byte that a view claims to have, for the sanitizers.
      payloads.back().append((*got)->text).append((*got)->trace_id).append((*got)->client_context);
      payloads.back().resize((*got)->payload.size());
    }
  }
  return payloads;
}

}  // namespace

TEST(FrameFuzzTest, FramesComeOutWholeHoweverTheyAreCut) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::mt19937 random{seed};
    std::vector<std::string> sent;
    const auto bytes = random_frames(random, sent);

    EXPECT_EQ(read_all(bytes, random), sent) << "seed " << seed;
  }
}

TEST(FrameFuzzTest, DamagedFramesDoNoHarm) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::mt19937 random{seed};
    std::vector<std::string> sent;
    auto bytes = random_frames(random, sent).substr(0, 3000);
    for (auto faults = 1 + random() % 5; faults > 0; --faults)
      bytes[random() % bytes.size()] = static_cast<char>(random());

    EXPECT_LE(read_all(bytes, random).size(), bytes.size() / 4) << "seed " << seed;
  }
}

TEST(FrameFuzzTest, RandomArraysDoNoHarm) {
  for (unsigned seed = 0; seed < 4000; ++seed) {
    std::mt19937 random{seed};
    std::string bytes(4 + random() % 40, '\0');
    std::generate(bytes.begin() + 4, bytes.end(), [&] { return static_cast<char>(random()); });
    bytes[0] = static_cast<char>(bytes.size() - 4);
    if (bytes.size() > 6) {
      bytes[4] = static_cast<char>(0x90 | random() % 8);
      bytes[5] = static_cast<char>(random() % 16);
    }

    EXPECT_LE(read_all(bytes, random).size(), 1u) << "seed " << seed;
  }
}
