#include "functions/spawner_wire.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace troupe;
using namespace troupe::functions;

namespace {

spawn_request full_request() {
  spawn_request request;
  request.token = 0x0102030405060708;
  request.arguments = {"/usr/bin/node", "", "shim.cjs"};
  request.environment = {"A=1", "B="};
  request.family_mark = "A=1";
  request.directory = "/data/slots/1";
  request.nice = 10;
  request.oom_score_adjust = 900;
  request.max_open_files = 4096;
  request.max_core_bytes = 1;
  return request;
}

}  // namespace

TEST(SpawnerWireTest, RequestsComeBackAsTheyWent) {
  const auto sent = full_request();
  const auto decoded = decode_request(encode(sent));
  ASSERT_TRUE(decoded);
  const auto& got = std::get<spawn_request>(*decoded);
  EXPECT_EQ(got.token, sent.token);
  EXPECT_EQ(got.arguments, sent.arguments);
  EXPECT_EQ(got.environment, sent.environment);
  EXPECT_EQ(got.family_mark, sent.family_mark);
  EXPECT_EQ(got.directory, sent.directory);
  EXPECT_EQ(got.nice, sent.nice);
  EXPECT_EQ(got.oom_score_adjust, sent.oom_score_adjust);
  EXPECT_EQ(got.max_open_files, sent.max_open_files);
  EXPECT_EQ(got.max_core_bytes, sent.max_core_bytes);

  const auto kill = decode_request(encode(kill_request{4711, 9, kill_scope::process_group}));
  ASSERT_TRUE(kill);
  EXPECT_EQ(std::get<kill_request>(*kill).pid, 4711);
  EXPECT_EQ(std::get<kill_request>(*kill).signal, 9);
  EXPECT_EQ(std::get<kill_request>(*kill).scope, kill_scope::process_group);
}

TEST(SpawnerWireTest, EventsComeBackAsTheyWent) {
  const auto spawned = decode_event(encode(worker_spawned{7, 99}));
  ASSERT_TRUE(spawned);
  EXPECT_EQ(std::get<worker_spawned>(*spawned).token, 7U);
  EXPECT_EQ(std::get<worker_spawned>(*spawned).pid, 99);

  const auto failed = decode_event(encode(spawn_failed{8, 2, "exec"}));
  ASSERT_TRUE(failed);
  EXPECT_EQ(std::get<spawn_failed>(*failed).error_number, 2);
  EXPECT_EQ(std::get<spawn_failed>(*failed).text, "exec");

  const auto exited = decode_event(encode(worker_exited{9, 99, 256, 40'000, 1'500'000}));
  ASSERT_TRUE(exited);
  EXPECT_EQ(std::get<worker_exited>(*exited).wait_status, 256);
  EXPECT_EQ(std::get<worker_exited>(*exited).max_rss_kb, 40'000U);
  EXPECT_EQ(std::get<worker_exited>(*exited).cpu_us, 1'500'000U);
}

TEST(SpawnerWireTest, CutAndPaddedMessagesAreCorrupt) {
  for (const auto& whole : {encode(full_request()), encode(kill_request{1, 9, kill_scope::process})}) {
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_EQ(decode_request(whole.substr(0, size)).error().code, errc::corrupt) << size;
    EXPECT_EQ(decode_request(whole + '\0').error().code, errc::corrupt);
    EXPECT_EQ(decode_event(whole).error().code, errc::corrupt);
  }
  const auto event = encode(spawn_failed{8, 2, "exec"});
  for (std::size_t size = 0; size < event.size(); ++size)
    EXPECT_EQ(decode_event(event.substr(0, size)).error().code, errc::corrupt) << size;
}

TEST(SpawnerWireTest, ChangedBytesNeverReadBeyondTheMessage) {
  std::mt19937 random{20'240'501};
  const auto whole = encode(full_request());
  for (int round = 0; round < 20'000; ++round) {
    auto changed = whole;
    for (int i = 0; i < 3; ++i)
      changed[random() % changed.size()] = static_cast<char>(random());
    const auto request = decode_request(changed);
    const auto event = decode_event(changed);
    if (request && std::holds_alternative<spawn_request>(*request)) {
      EXPECT_LE(std::get<spawn_request>(*request).arguments.size(), whole.size());
    }
    if (event && std::holds_alternative<spawn_failed>(*event)) {
      EXPECT_LE(std::get<spawn_failed>(*event).text.size(), whole.size());
    }
  }
}
