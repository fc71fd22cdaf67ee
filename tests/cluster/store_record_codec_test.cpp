#include "cluster/store_record_codec.hpp"

#include <gtest/gtest.h>

#include "cluster/store_restore.hpp"

using namespace troupe;
using namespace troupe::cluster;
using namespace std::chrono_literals;

namespace {

record stored(const std::string& key, std::string value) {
  return {key, std::move(value), 1};
}

}  // namespace

TEST(StoreRecordCodecTest, LengthsOfTimeThatNoStoreWritesAreBounded) {
  using pair = std::pair<milliseconds, milliseconds>;
  for (const auto& [written, taken] :
       {pair{milliseconds::max(), 600s}, pair{milliseconds::min(), 0s}, pair{-1ms, 0s}, pair{307s, 307s}}) {
    EXPECT_EQ(*decode_span(stored(max_ttl_key, encode_span(written))), taken);
    const auto session = decode_session(stored("session/a", encode(session_record{{}, {}, {}, "", written})));
    EXPECT_EQ(session->ttl, taken);
  }
}

TEST(StoreRecordCodecTest, AnEditedBackupClosesClaimsNeitherForEverNorTooBriefly) {
  backed_up_store backup;
  backup.identity.store_id = make_fast_uuid();
  backup.contents.cursor = {7};
  backup.contents.records = {stored(max_ttl_key, encode_span(milliseconds::max()))};

  const auto made = restore_from_backup(backup, nullptr, {make_fast_uuid(), make_fast_uuid(), 5, 0});

  ASSERT_TRUE(made) << made.error().what;
  for (const auto& each : made->state.records)
    if (each.key == claims_closed_key) {
      EXPECT_GE(*decode_span(each), 300s);
      EXPECT_LE(*decode_span(each), 600s);
    }
}
