#include "actors/code_service.hpp"

#include <atomic>
#include <filesystem>

#include "tests/actors/code_fixture.hpp"

using namespace troupe;
using namespace troupe::actors;
using namespace std::chrono_literals;
using functions::code_form;
using functions::code_ref;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t large_bytes = 20'000'000;

fs::path part_of(const code_node& node, const digest& blob) {
  return fs::path{node.folder.path()} / "parts" / (to_string(blob) + ".part");
}

/// What becomes of a request that is sent as it stands.
call_result ask(code_node& from, const code_node& whom, const cluster::code_request& request) {
  mailbox<call_result> results;
  from.on_loop([&] {
    auto parts = encode(request);
    const auto sent = from.calls()(whom.id, std::move(parts.head), std::move(parts.body), from.loop.now() + patience,
                                   [&](call_result result) { results.put(std::move(result)); });
    EXPECT_TRUE(sent) << sent.error().what;
  });
  return results.take();
}

}  // namespace

TEST(CodeServiceTest, AFolderOf300FilesArrivesWholeAndCanBeWrittenOut) {
  code_node there{1};
  const auto folder = there.put_folder(300);
  there.listen();
  code_node here{2};
  here.link_to(there);
  here.start_fetcher();

  here.want(folder);

  EXPECT_EQ(here.have.take(), folder.code);
  const auto place = here.ask_store([&](auto& code) { return code.materialize_folder(folder.code); });
  ASSERT_TRUE(place) << place.error().what;
  EXPECT_EQ(std::distance(fs::directory_iterator{*place / "lib"}, fs::directory_iterator{}), 300);
  EXPECT_TRUE(fs::is_empty(fs::path{here.folder.path()} / "parts"));
  EXPECT_EQ(here.events.size(), 0u);
}

TEST(CodeServiceTest, ALargeBlobIsCutInTheMiddleAndGoesOnFromAnotherNode) {
  const auto bytes = random_bytes(large_bytes);
  code_node one{1};
  const code_ref object{one.put(bytes), code_form::object};
  one.listen();
  code_node here{3};
  here.link_to(one);
  // The first node breaks after some pieces.
  std::atomic<int> served{0};
  spoiling_service breaking{[&](incoming_call_ptr call) {
    if (++served <= 10)
      return one.service->serve(std::move(call));
    call->fail(errc::io, "broken");
  }};
  one.on_loop([&] { one.services.offer(cluster::link_topic::code, breaking); });
  here.start_fetcher();
  here.want(object);
  EXPECT_EQ(here.events.take(), "code_missing");
  const auto stored = fs::file_size(part_of(here, object.code));
  EXPECT_EQ(stored, 10 * cluster::code_piece_bytes);
  one.cut_off();

  code_node two{2};
  two.put(bytes);
  std::atomic<std::uint64_t> first_offset{~std::uint64_t{0}};
  spoiling_service watching{[&](incoming_call_ptr call) {
    const auto request = cluster::decode_code_request(call->head.view(), call->body.view());
    const auto offset = std::get<cluster::code_read>(*request).offset;
    first_offset = std::min(first_offset.load(), offset);
    two.service->serve(std::move(call));
  }};
  two.on_loop([&] { two.services.offer(cluster::link_topic::code, watching); });
  two.listen();
  here.link_to(two);
  here.on_loop([&] { here.fetcher->set_peers({one.id, two.id}); });

  EXPECT_EQ(here.have.take(), object.code);
  EXPECT_EQ(first_offset.load(), stored);
  EXPECT_EQ(*here.ask_store([&](auto& code) { return code.blobs().read(object.code); }), bytes);
}

TEST(CodeServiceTest, APeerThatSendsWrongBytesIsNamedAndAnotherAsked) {
  const auto bytes = random_bytes(2'000'000);
  code_node liar{1};
  const code_ref object{liar.put(bytes), code_form::object};
  spoiling_service lying{[](incoming_call_ptr call) {
    const auto wrong = std::string(cluster::code_piece_bytes, 'w');
    const auto request = cluster::decode_code_request(call->head.view(), call->body.view());
    const auto offset = std::get<cluster::code_read>(*request).offset;
    const auto count = std::min<std::uint64_t>(wrong.size(), 2'000'000 - offset);
    auto parts = encode(cluster::code_piece{true, 2'000'000, std::string_view{wrong}.substr(0, count)});
    call->answer(std::move(parts.head), std::move(parts.body));
  }};
  liar.on_loop([&] { liar.services.offer(cluster::link_topic::code, lying); });
  liar.listen();
  code_node honest{2};
  honest.put(bytes);
  honest.listen();
  code_node here{3};
  here.link_to(liar);
  here.start_fetcher();
  here.want(object);
  EXPECT_EQ(here.events.take(), "code_refused");

  here.link_to(honest);
  here.on_loop([&] { here.fetcher->set_peers({liar.id, honest.id}); });

  EXPECT_EQ(here.have.take(), object.code);
  EXPECT_EQ(*here.ask_store([&](auto& code) { return code.blobs().read(object.code); }), bytes);
}

TEST(CodeServiceTest, AFullDiskIsToldAndTheFetchGoesOnWhenThereIsRoom) {
  code_node there{1};
  const code_ref object{there.put("code of some function"), code_form::object};
  there.listen();
  code_node here{2};
  // The device behind the name has no room for a single byte.
  fs::create_symlink("/dev/full", part_of(here, object.code));
  here.link_to(there);
  cluster::code_fetch_limits limits;
  limits.disk_pause = 200ms;
  here.start_fetcher(limits);
  here.want(object);
  EXPECT_EQ(here.events.take(), "code_not_stored");

  fs::remove(part_of(here, object.code));

  EXPECT_EQ(here.have.take(), object.code);
}

TEST(CodeServiceTest, TwoFetchesOfTheSameDigestAreOneTransferAndBothAreServed) {
  const auto bytes = random_bytes(3'000'000);
  code_node there{1};
  const code_ref object{there.put(bytes), code_form::object};
  std::atomic<int> served{0};
  spoiling_service counting{[&](incoming_call_ptr call) {
    ++served;
    there.service->serve(std::move(call));
  }};
  there.on_loop([&] { there.services.offer(cluster::link_topic::code, counting); });
  there.listen();
  code_node here{2};
  here.link_to(there);
  here.start_fetcher();
  mailbox<bool> served_here;
  here.on_loop([&] {
    for (int i = 0; i < 2; ++i)
      here.fetcher->await(object, here.loop.now() + patience,
                          [&](const expected<void>& there_now) { served_here.put(there_now.has_value()); });
  });

  EXPECT_TRUE(served_here.take());
  EXPECT_TRUE(served_here.take());
  EXPECT_EQ(served, 6);
}

TEST(CodeServiceTest, AFetchAndADeliveryOfTheSameBlobDoNotSpoilEachOther) {
  const auto bytes = random_bytes(8'000'000);
  code_node there{1};
  const code_ref object{there.put(bytes), code_form::object};
  there.listen();
  code_node here{2};
  here.listen();
  here.link_to(there);
  there.link_to(here);
  here.start_fetcher();
  here.want(object);

  const auto copies = there.spread({object.code}, {here.id});

  EXPECT_EQ(copies.copies, 2u) << copies.why;
  EXPECT_EQ(here.have.take(), object.code);
  EXPECT_EQ(*here.ask_store([&](auto& code) { return code.blobs().read(object.code); }), bytes);
  EXPECT_EQ(here.events.size(), 0u);
}

TEST(CodeServiceTest, WhoWaitsInVainIsToldNotReady) {
  code_node there{1};
  there.listen();
  code_node here{2};
  here.link_to(there);
  here.start_fetcher();
  mailbox<errc> answers;
  here.on_loop([&] {
    here.fetcher->await({sha256("nowhere"), code_form::folder}, here.loop.now() + 300ms,
                        [&](const expected<void>& result) { answers.put(result ? errc::bug : result.error().code); });
  });
  EXPECT_EQ(answers.take(), errc::not_ready);
  here.on_loop([&] {
    here.fetcher->await({sha256("nowhere"), code_form::folder}, here.loop.now() + patience,
                        [&](const expected<void>& result) { answers.put(result ? errc::bug : result.error().code); });
    here.fetcher->stop();
  });
  EXPECT_EQ(answers.take(), errc::draining);
}

TEST(CodeServiceTest, ADeploymentsBlobsAreDurableOnASecondDisk) {
  code_node here{1};
  const auto folder = here.put_folder(300);
  auto blobs = *here.code->blobs_of(folder);
  const auto large = here.put(random_bytes(large_bytes));
  blobs.push_back(large);
  code_node there{2};
  there.listen();
  here.link_to(there);

  const auto copies = here.spread(blobs, {there.id});

  EXPECT_EQ(copies.copies, 2u) << copies.why;
  EXPECT_EQ(copies.second, there.id);
  EXPECT_TRUE(there.ask_store([&](auto& code) { return code.missing_of(folder); })->blobs.empty());
  EXPECT_TRUE(there.ask_store([&](auto& code) { return code.materialize_folder(folder.code); }));
  EXPECT_EQ(here.spread(blobs, {there.id}).copies, 2u) << "nothing is left to send";
}

TEST(CodeServiceTest, TheNextPeerTakesWhatTheFirstCannotStore) {
  code_node here{1};
  const auto blob = here.put("some code");
  code_node full{2};
  fs::create_symlink("/dev/full", part_of(full, blob));
  full.listen();
  code_node good{3};
  good.listen();
  here.link_to(full);
  here.link_to(good);
  const auto copies = here.spread({blob}, {code_node_id(9), full.id, good.id});
  EXPECT_EQ(copies.copies, 2u) << copies.why;
  EXPECT_EQ(copies.second, good.id);
}

TEST(CodeServiceTest, WithoutAPeerThereIsOneCopyAndTheReasonIsSaid) {
  code_node here{1};
  const auto blob = here.put("some code");
  EXPECT_EQ(here.spread({blob}, {}).copies, 1u);
  const auto copies = here.spread({blob}, {code_node_id(9)});
  EXPECT_EQ(copies.copies, 1u);
  EXPECT_NE(copies.why.find(to_string(code_node_id(9))), std::string::npos) << copies.why;
}

TEST(CodeServiceTest, PiecesBeyondTheBoundAreRefusedAndNothingElse) {
  code_node there{1, cluster::code_piece_bytes};
  const auto blob = there.put(random_bytes(1'000'000));
  there.listen();
  code_node here{2};
  here.link_to(there);
  std::promise<void> go;
  const auto gone = go.get_future().share();
  ASSERT_TRUE(there.files.post([gone] { gone.wait(); }));
  mailbox<call_result> results;
  here.on_loop([&] {
    for (int i = 0; i < 2; ++i) {
      auto parts = encode(cluster::code_request{cluster::code_read{blob, 0, cluster::code_piece_bytes}});
      EXPECT_TRUE(here.calls()(there.id, std::move(parts.head), std::move(parts.body), here.loop.now() + patience,
                               [&](call_result result) { results.put(std::move(result)); }));
    }
  });

  auto refused = results.take();
  ASSERT_TRUE(std::holds_alternative<call_not_run>(refused));
  EXPECT_EQ(std::get<call_not_run>(refused).code, errc::overloaded);
  go.set_value();
  EXPECT_TRUE(std::holds_alternative<call_answered>(results.take()));
  there.on_loop([&] { EXPECT_EQ(there.service->bytes_held(), 0u); });
  EXPECT_TRUE(std::holds_alternative<call_answered>(ask(here, there, cluster::code_have{{blob}, {}})));
}

TEST(CodeServiceTest, WhatIsNoRequestIsRefused) {
  code_node there{1};
  there.listen();
  code_node here{2};
  here.link_to(there);
  mailbox<call_result> results;
  here.on_loop([&] {
    EXPECT_TRUE(here.calls()(there.id, buffer{"nonsense"}, buffer{"x"}, here.loop.now() + patience,
                             [&](call_result result) { results.put(std::move(result)); }));
  });
  auto refused = results.take();
  ASSERT_TRUE(std::holds_alternative<call_not_run>(refused));
  EXPECT_EQ(std::get<call_not_run>(refused).code, errc::protocol);
  auto wrong = ask(here, there, cluster::code_put{sha256("a"), 0, 1, "b"});
  ASSERT_TRUE(std::holds_alternative<call_lost>(wrong));
  EXPECT_EQ(std::get<call_lost>(wrong).code, errc::corrupt);
}
