// A peer that says anything at all about the store: the node answers every call of its own once and in time, what it
// sends can be read, what it keeps is a history that a node starts from.
#include <map>
#include <optional>
#include <utility>

#include "cluster/store_codec.hpp"
#include "cluster/store_node.hpp"
#include "tests/fuzz/store_samples.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/memory_disk.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using namespace troupe::cluster;

namespace {

enum outcome : std::size_t { understood, answered, peers_answered, written, loaded_anew, ended, unknown_message };

constexpr std::size_t messages = 6;
constexpr milliseconds patience{2'000};

const uuid own_id = parse_uuid("11111111-1111-4111-8111-111111111111");
const uuid peer_id = parse_uuid("00112233-4455-4677-8899-aabbccddeeff");
const uuid store_id = parse_uuid("22222222-2222-4222-8222-222222222222");

class played_node {
public:
  played_node(std::optional<stored_store> found, sim::seeded choices) : choices_{choices} {
    if (found)
      disk_ = tests::memory_disk{*found};
    store_node_options options;
    options.self.id = own_id;
    options.self.name = "own";
    options.self.addresses = {"10.0.0.1:7000"};
    options.incarnation = parse_uuid("33333333-3333-4333-8333-333333333333");
    auto made = store_node::make(options, std::move(found), now_);
    require(made.has_value(), "a node starts from what is on its disk");
    node_.emplace(std::move(*made));
    carry_out(node_->start(now_));
    carry_out(node_->link_up(peer_id, now_));
    pass(milliseconds{6'000});  // a primary waits so long for nodes that it does not know
  }

  void hear(store_message message) {
    carry_out(node_->received(peer_id, std::move(message), now_));
    switch (choices_.below(8)) {
      case 0: ask(barrier_call{}); break;
      case 1: ask(commit_call{{{}, {{"function/a", "v", false, {}}}, choices_.id()}}); break;
      case 2: ask(open_session_call{choices_.id(), own_id, own_id, "a:1", milliseconds{5'000}}); break;
      case 3: pass(milliseconds{300}); break;
      case 4:
        carry_out(node_->link_down(peer_id, now_));
        carry_out(node_->link_up(peer_id, now_));
        break;
      default: break;
    }
    write();
  }

  void end() {
    pass(patience + milliseconds{200});
    require(asked_.empty(), "every call is answered in time");
    carry_out(node_->link_down(peer_id, now_));
    if (const auto& kept = disk_.contents())
      require(store_node::make({}, *kept, now_).has_value(), "what is kept is a store that a node starts from");
    static_cast<void>(node_->status(now_));
    static_cast<void>(node_->wanted_links());
  }

private:
  void ask(store_call call) {
    asked_.emplace(++calls_, 0);
    carry_out(node_->call(calls_, std::move(call), now_.steady + patience, now_));
  }

  void pass(milliseconds span) {
    for (milliseconds done{0}; done < span; done += milliseconds{100}) {
      now_.steady += milliseconds{100};
      now_.boot += milliseconds{100};
      carry_out(node_->tick(now_));
      write();
    }
  }

  /// What it asks the peer for is mostly granted, so that a node that joins gets further than its first question.
  void grant() {
    for (const auto number : std::exchange(asked_peer_, {}))
      if (choices_.percent(80))
        carry_out(node_->received(peer_id, answer_message{number, committed{{1}}}, now_));
  }

  void write() {
    grant();
    while (to_write_) {
      auto [number, action] = std::move(*std::exchange(to_write_, std::nullopt));
      if (const auto* rows = std::get_if<persist_rows>(&action)) {
        disk_.write(rows->changes);
        happened(written);
      } else {
        disk_.replace(*std::get<persist_whole>(action).store);
        happened(loaded_anew);
      }
      carry_out(node_->persisted(number, now_));
    }
  }

  void carry_out(store_actions actions) {
    for (auto& action : actions) {
      if (const auto* send = std::get_if<send_message>(&action)) {
        require(decode_store_message(encode(send->message)).has_value(), "what a node sends can be read");
        if (std::holds_alternative<answer_message>(send->message))
          happened(peers_answered);
        if (const auto* call = std::get_if<call_message>(&send->message))
          asked_peer_.push_back(call->number);
      } else if (auto* rows = std::get_if<persist_rows>(&action)) {
        require(!to_write_, "one write at a time");
        to_write_.emplace(rows->number, *rows);
      } else if (auto* whole = std::get_if<persist_whole>(&action)) {
        require(!to_write_, "one write at a time");
        to_write_.emplace(whole->number, *whole);
      } else if (const auto* done = std::get_if<answer_call>(&action)) {
        require(asked_.erase(done->number) == 1, "a call is answered once");
        happened(answered);
      } else if (std::holds_alternative<sessions_ended>(action)) {
        happened(ended);
      } else if (const auto* probe = std::get_if<probe_incarnation>(&action)) {
        carry_out(node_->probed(probe->node, probe->incarnation, choices_.one_in(2), now_));
      }
    }
  }

  store_now now_{time_point{} + seconds{1'000}, milliseconds{5'000}};
  sim::seeded choices_;
  tests::memory_disk disk_;
  std::optional<store_node> node_;
  std::optional<std::pair<std::uint64_t, store_action>> to_write_;
  std::map<std::uint64_t, int> asked_;
  std::vector<std::uint64_t> asked_peer_;
  std::uint64_t calls_ = 0;
};

store_identity own_identity() {
  return {store_id, {1, 77}, {}, {}};
}

/// What a peer of the same store says first: without it nothing else is heard.
std::string greeting(store_role role, const uuid& store) {
  hello_message hello;
  hello.node.id = peer_id;
  hello.node.name = "peer";
  hello.node.addresses = {"10.0.0.2:7000"};
  hello.incarnation = peer_id;
  hello.role = role;
  if (role != store_role::empty) {
    hello.identity = own_identity();
    hello.identity.store_id = store;
    hello.at = {1};
    hello.primary = role == store_role::primary ? peer_id : own_id;
  }
  return encode(hello);
}

/// A small store that a primary sends to whoever joins it.
std::vector<std::string> whole_store() {
  row_head head;
  head.at = {1};
  head.id = store_id;
  const auto body = encode_body({{1}, {{"meta/primary", "\x81\xa4node\xc4\x10" + std::string(16, 'p'), 1}}, {}});
  head.body = sha256(body);
  head.hash = chain_hash({}, head);
  load_message load{0, true, own_identity(), {1}, {{"meta/primary", "\x80", 1}}, {head}, body};
  return {encode(load), encode(rows_message{{{head, body}}}), encode(level_message{{1}, head.hash})};
}

std::vector<std::string> conversations() {
  const auto samples = store_message_samples();
  const auto load = whole_store();
  std::vector<std::string> all = {
      join_parts({greeting(store_role::copy, store_id), samples[1], samples[6], samples[9], samples[12]}),
      join_parts({greeting(store_role::primary, store_id), load[0], load[1], load[2]}),
      join_parts({greeting(store_role::primary, peer_id), load[0], load[2]}),
      join_parts({greeting(store_role::empty, {}), samples[17], samples[1], samples[5]})};
  for (std::size_t i = 0; i + 2 < samples.size(); i += 2)
    all.push_back(join_parts({greeting(store_role::copy, store_id), samples[i], samples[i + 1], samples[i + 2]}));
  return all;
}

}  // namespace

const target& fuzz::this_target() {
  static const target what{.seeds = conversations(),
                           .words = {"\x80", "\x81", "\x90", "\x91", "\xc0", "\xc2", "\xc3", "\x01", "\x02", "\x03",
                                     std::string(1, '\0'), "\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
                                     std::string("\xd3\x80\0\0\0\0\0\0\0", 9), "\xcf\x7f\xff\xff\xff\xff\xff\xff\xff",
                                     "\xff", "\xce\xff\xff\xff\xff", greeting(store_role::copy, store_id),
                                     greeting(store_role::primary, store_id), greeting(store_role::primary, peer_id)},
                           .outcomes = {"messages", "answered calls", "answers to the peer", "writes", "stores loaded",
                                        "ended sessions", "other bytes"},
                           .parts = messages,
                           .max_bytes = 4000};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = text_of(data, size);
  auto choices = choices_for(bytes);
  const bool joins = choices.one_in(3);
  played_node node{joins ? std::nullopt : std::optional{stored_store{own_identity(), {}}}, choices};
  for (const auto& part : take_parts(bytes, messages)) {
    auto message = decode_store_message(part);
    happened(message ? understood : unknown_message);
    if (message)
      node.hear(std::move(*message));
  }
  node.end();
  return 0;
}
