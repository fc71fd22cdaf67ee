// A few store_nodes in one process: disks in memory, links that lose nothing and keep order, a clock that a test moves.
// Every message goes through the codec.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/store_codec.hpp"
#include "cluster/store_node.hpp"
#include "tests/support/memory_disk.hpp"

namespace troupe::cluster {

class store_network {
public:
  struct node {
    node_record self;
    uuid incarnation;
    tests::memory_disk disk;
    std::optional<store_node> running;
    std::optional<std::pair<std::uint64_t, store_action>> to_write;
    std::map<std::uint64_t, store_answer> answers;
    std::vector<std::string> events;
    std::vector<session_id> ended_sessions;
    std::string set_aside;
    std::optional<cursor> cut;
    int histories_replaced = 0;
    bool disk_stalled = false;
    std::optional<persist_failure> disk_fails;
    store_role role = store_role::empty;
    std::uint64_t records_seen = 0;
  };

  store_now now{time_point{} + seconds{1'000}, milliseconds{5'000}};
  bool older_answers = false;  ///< to probes
  primary_limits limits;

  /// A node whose directory founds a cluster, or (`joins`) waits for one.
  node& add(const std::string& name, bool joins) {
    auto& made = nodes_[name];
    made.self.id = id_of(name);
    made.self.name = name;
    made.self.addresses = {name + ":7000"};
    if (!joins)
      made.disk = tests::memory_disk{stored_store{{id_of("store " + name), {1, 77}, {}, {}}, {}}};
    start(name);
    return made;
  }
  static uuid id_of(const std::string& text) {
    const auto sum = sha256(text);
    uuid id;
    std::copy_n(sum.bytes.begin(), 16, id.bytes.begin());
    return id;
  }
  node& operator[](const std::string& name) { return nodes_.at(name); }

  void start(const std::string& name) {
    auto& each = nodes_.at(name);
    each.incarnation = id_of(name + std::to_string(++incarnations_));
    store_node_options options;
    options.self = each.self;
    options.incarnation = each.incarnation;
    options.limits = limits;
    auto made = store_node::make(options, each.disk.contents(), now);
    ASSERT_TRUE(made) << made.error().what;
    each.running = std::move(*made);
    carry_out(name, each.running->start(now));
    for (auto& [other, peer] : nodes_)
      if (other != name && peer.running && !cut_.contains(pair_of(name, other)))
        connect(name, other);
  }
  /// As by kill -9: what was not written is gone.
  void kill(const std::string& name) {
    auto& each = nodes_.at(name);
    each.running.reset();
    each.to_write.reset();
    for (auto& [other, peer] : nodes_)
      if (peer.running)
        break_link(name, other);
  }
  void cut(const std::string& one, const std::string& other) {
    cut_.insert(pair_of(one, other));
    break_link(one, other);
    break_link(other, one);
  }
  void heal(const std::string& one, const std::string& other) {
    cut_.erase(pair_of(one, other));
    connect(one, other);
  }

  std::uint64_t ask(const std::string& name, store_call call, milliseconds wait = seconds{5}) {
    auto& each = nodes_.at(name);
    const auto number = ++calls_;
    carry_out(name, each.running->call(number, std::move(call), now.steady + wait, now));
    return number;
  }
  /// Asks, lets everything happen that can, and gives the answer.
  store_answer answer(const std::string& name, store_call call, milliseconds wait = seconds{5}) {
    const auto number = ask(name, std::move(call), wait);
    settle();
    const auto found = nodes_.at(name).answers.find(number);
    if (found != nodes_.at(name).answers.end())
      return found->second;
    ADD_FAILURE() << "no answer at " << name;
    return voided{};
  }
  const store_answer* answered(const std::string& name, std::uint64_t number) {
    const auto found = nodes_.at(name).answers.find(number);
    return found == nodes_.at(name).answers.end() ? nullptr : &found->second;
  }

  /// Delivers and writes until nothing is left to do at this time.
  void settle() {
    int steps = 0;
    for (bool busy = true; busy;) {
      busy = false;
      if (++steps > 100'000) {
        ADD_FAILURE() << "the nodes never come to rest";
        return;
      }
      for (auto& [link, messages] : links_) {
        if (messages.empty())
          continue;
        busy = true;
        auto bytes = std::move(messages.front());
        messages.pop_front();
        deliver(link.first, link.second, bytes);
        break;
      }
      for (auto& [name, each] : nodes_)
        if (each.running && each.to_write && !each.disk_stalled)
          busy = true, write(name);
    }
  }
  /// Lets time pass in ticks of 100 ms, everything settling after each.
  void pass(milliseconds span) {
    for (milliseconds done{0}; done < span; done += milliseconds{100}) {
      now.steady += milliseconds{100};
      now.boot += milliseconds{100};
      for (auto& [name, each] : nodes_)
        if (each.running)
          carry_out(name, each.running->tick(now));
      settle();
    }
  }

  /// All durable records of a node, keys of the store's own kinds left out.
  std::string contents(const std::string& name) {
    std::string text;
    for (const auto& each : nodes_.at(name).running->records().load().records)
      if (each.key.starts_with("function/"))
        text += each.key.substr(9) + "=" + each.value + "@" + std::to_string(each.revision) + " ";
    return text;
  }
  bool level() {
    std::set<digest> hashes;
    std::set<digest> records;
    for (auto& [name, each] : nodes_)
      if (each.running) {
        hashes.insert(each.running->records().hash());
        records.insert(each.running->records().records_digest());
      }
    return hashes.size() == 1 && records.size() == 1;
  }
  std::string events(const std::string& name) {
    std::string text;
    for (const auto& each : nodes_.at(name).events)
      text += each + "\n";
    return text;
  }
  std::string primary() {
    std::string found;
    for (auto& [name, each] : nodes_)
      if (each.running && each.running->status(now).role == store_role::primary)
        found += (found.empty() ? "" : " ") + name;
    return found;
  }

private:
  static std::pair<std::string, std::string> pair_of(const std::string& one, const std::string& other) {
    return std::minmax(one, other);
  }
  std::string name_of(const node_id& id) {
    for (auto& [name, each] : nodes_)
      if (each.self.id == id)
        return name;
    return {};
  }
  void connect(const std::string& one, const std::string& other) {
    if (!nodes_.at(one).running || !nodes_.at(other).running)
      return;
    links_[{one, other}];
    links_[{other, one}];
    carry_out(one, nodes_.at(one).running->link_up(nodes_.at(other).self.id, now));
    carry_out(other, nodes_.at(other).running->link_up(nodes_.at(one).self.id, now));
  }
  void break_link(const std::string& one, const std::string& other) {
    links_.erase({one, other});
    links_.erase({other, one});
    const auto left = nodes_.find(other);
    if (left != nodes_.end() && left->second.running)
      carry_out(other, left->second.running->link_down(id_of(one), now));
  }
  void deliver(const std::string& from, const std::string& to, const std::string& bytes) {
    auto message = decode_store_message(bytes);
    ASSERT_TRUE(message) << message.error().what;
    carry_out(to, nodes_.at(to).running->received(nodes_.at(from).self.id, std::move(*message), now));
  }
  void write(const std::string& name) {
    auto& each = nodes_.at(name);
    auto [number, action] = std::move(*each.to_write);
    each.to_write.reset();
    if (each.disk_fails)
      return carry_out(name, each.running->persist_failed(number, *each.disk_fails, "the test says so", now));
    if (const auto* rows = std::get_if<persist_rows>(&action)) {
      each.disk.write(rows->changes);
    } else {
      const auto& whole = std::get<persist_whole>(action);
      each.disk.replace(*whole.store);
      each.set_aside = whole.set_aside;
      each.cut = whole.cut;
    }
    carry_out(name, each.running->persisted(number, now));
  }
  void carry_out(const std::string& name, store_actions actions) {
    auto& each = nodes_.at(name);
    for (auto& action : actions) {
      if (auto* send = std::get_if<send_message>(&action)) {
        const auto link = links_.find({name, name_of(send->to)});
        if (link != links_.end())
          link->second.push_back(encode(send->message));
      } else if (auto* rows = std::get_if<persist_rows>(&action)) {
        ASSERT_FALSE(each.to_write) << "two writes at once";
        each.to_write.emplace(rows->number, *rows);
      } else if (auto* whole = std::get_if<persist_whole>(&action)) {
        ASSERT_FALSE(each.to_write) << "two writes at once";
        each.to_write.emplace(whole->number, *whole);
      } else if (auto* done = std::get_if<answer_call>(&action)) {
        ASSERT_TRUE(each.answers.emplace(done->number, std::move(done->answer)).second) << "answered twice";
      } else if (auto* news = std::get_if<store_event>(&action)) {
        each.events.push_back(news->text);
      } else if (auto* role = std::get_if<role_changed>(&action)) {
        each.role = role->role;
      } else if (std::holds_alternative<records_changed>(action)) {
        ++each.records_seen;
      } else if (std::holds_alternative<history_replaced>(action)) {
        ++each.histories_replaced;
      } else if (auto* ended = std::get_if<sessions_ended>(&action)) {
        each.ended_sessions.insert(each.ended_sessions.end(), ended->sessions.begin(), ended->sessions.end());
      } else if (auto* probe = std::get_if<probe_incarnation>(&action)) {
        carry_out(name, each.running->probed(probe->node, probe->incarnation, older_answers, now));
      }
    }
  }

  std::map<std::string, node> nodes_;
  std::map<std::pair<std::string, std::string>, std::deque<std::string>> links_;
  std::set<std::pair<std::string, std::string>> cut_;
  std::uint64_t calls_ = 0;
  int incarnations_ = 0;
};

}  // namespace troupe::cluster
