// Nodes that serve code to each other over loopback, each with a loop, a files thread and a folder of its own.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <map>
#include <random>

#include "actors/code_fetcher.hpp"
#include "actors/code_service.hpp"
#include "actors/code_spreader.hpp"
#include "tests/actors/link_fixture.hpp"
#include "tests/support/on_loop.hpp"
#include "tests/support/temp_folder.hpp"

namespace troupe::actors {

inline uuid code_node_id(std::uint8_t number) {
  uuid id;
  id.bytes[15] = number;
  return id;
}

/// Answers as the code service does, and then does something to the answer of a read.
struct spoiling_service final : link_service {
  explicit spoiling_service(std::function<void(incoming_call_ptr)> s) : serves{std::move(s)} {}
  void serve(incoming_call_ptr call) override { serves(std::move(call)); }
  std::function<void(incoming_call_ptr)> serves;
};

/// One node. What it asks of others goes over links of its own loop.
class code_node {
public:
  explicit code_node(std::uint8_t number, std::size_t service_bytes = 16 * 1024 * 1024)
      : id{code_node_id(number)}, loop{number, "node-" + std::to_string(number)}, files{"files", 64} {
    auto opened = functions::code_store::open(folder.path());
    EXPECT_TRUE(opened) << opened.error().what;
    code.emplace(std::move(*opened));
    loop.start();
    on_loop([&] {
      service = std::make_unique<code_service>(loop, services, code_service_config{&files, &*code, service_bytes});
    });
  }
  ~code_node() {
    on_loop([this] {
      fetcher.reset();
      spreader.reset();
      links.clear();
    });
    cut_off();
    files.stop();
    on_loop([this] { service.reset(); });
    loop.stop();
  }

  void on_loop(std::function<void()> job) { tests::run_on_loop(loop, job); }

  /// Listens; at the same port again when it did before.
  void listen() {
    const auto descriptor = open_link_socket(address, address);
    ASSERT_TRUE(descriptor) << descriptor.error().what;
    on_loop([&] {
      server = std::make_unique<link_server>(loop, services, link_server_config{});
      link_listener_config config;
      config.hello = [] { return hello_of("there"); };
      config.accept = [](const cluster::link_hello&) { return hello_of("there"); };
      config.deliver = deliver_to({{&loop, server.get()}}, {&loop, server.get()});
      listener = std::make_unique<link_listener>(loop, *descriptor, std::move(config));
      listener->start();
    });
  }
  /// Nobody reaches it any more.
  void cut_off() {
    on_loop([this] {
      listener.reset();
      server.reset();
    });
  }

  void link_to(const code_node& peer) {
    std::promise<void> up;
    on_loop([&] {
      node_link_config config;
      config.peer = peer.address;
      config.hello = [] { return hello_of("here"); };
      config.on_change = [&up, told = false](const link_change& change) mutable {
        if (change.phase == link_phase::up && !std::exchange(told, true))
          up.set_value();
      };
      links[peer.id] = std::make_unique<node_link>(loop, std::move(config));
      links[peer.id]->start();
    });
    ASSERT_EQ(up.get_future().wait_for(patience), std::future_status::ready);
  }
  code_call calls() {
    return [this](const uuid& peer, buffer head, buffer body, time_point deadline,
                  call_callback done) -> expected<void> {
      const auto link = links.find(peer);
      if (link == links.end())
        return fail(errc::link_down, "there is no link to this node");
      return link->second->call(cluster::link_topic::code, std::move(head), std::move(body), deadline, std::move(done))
          .map([](std::uint64_t) {});
    };
  }
  void start_fetcher(cluster::code_fetch_limits limits = {}) {
    on_loop([&] {
      code_fetcher_config config;
      config.files = &files;
      config.code = &*code;
      config.call = calls();
      config.on_have = [this](const digest& whole) { have.put(whole); };
      config.tell = [this](std::string_view kind, std::string_view) { events.put(std::string{kind}); };
      config.limits = limits;
      fetcher = std::make_unique<code_fetcher>(loop, std::move(config));
      fetcher->start();
      std::vector<uuid> peers;
      for (const auto& [peer, link] : links)
        peers.push_back(peer);
      fetcher->set_peers(peers);
    });
  }
  void want(const functions::code_ref& ref) {
    on_loop([&] { fetcher->set_wanted({ref}); });
  }
  code_copies spread(std::vector<digest> blobs, std::vector<uuid> candidates) {
    std::promise<code_copies> copies;
    on_loop([&] {
      code_spreader_config config;
      config.files = &files;
      config.code = &*code;
      config.call = calls();
      config.candidates = [candidates] { return candidates; };
      spreader = std::make_unique<code_spreader>(loop, std::move(config));
      spreader->spread(std::move(blobs), loop.now() + patience,
                       [&copies](code_copies result) { copies.set_value(std::move(result)); });
    });
    auto result = copies.get_future();
    if (result.wait_for(patience + seconds{5}) != std::future_status::ready) {
      ADD_FAILURE() << "no word of the copies";
      return {};
    }
    return result.get();
  }

  digest put(std::string_view bytes) {
    const auto blob = sha256(bytes);
    EXPECT_TRUE(code->blobs().put(bytes, blob));
    return blob;
  }
  /// Before anything is asked: the store belongs to the files thread afterwards.
  functions::code_ref put_folder(std::size_t files_in_it) {
    std::vector<functions::manifest_entry> entries;
    for (std::size_t i = 0; i < files_in_it; ++i) {
      const auto text = "file " + std::to_string(i) + std::string(i * 7 % 5'000, 'x');
      entries.push_back({"lib/" + std::to_string(i) + ".js", functions::file_mode::plain, text.size(), put(text), {}});
    }
    const auto package = functions::make_manifest(std::move(entries));
    EXPECT_TRUE(package);
    put(package->encode());
    return {package->code(), functions::code_form::folder};
  }
  /// On the files thread, behind what it has to do.
  template <class Job>
  auto ask_store(Job job) {
    std::promise<decltype(job(*code))> answer;
    EXPECT_TRUE(files.post([&] { answer.set_value(job(*code)); }));
    return answer.get_future().get();
  }

  const uuid id;
  tests::temp_folder folder;
  event_loop loop;
  work_thread files;
  std::optional<functions::code_store> code;
  link_services services;
  std::unique_ptr<code_service> service;
  endpoint address{"127.0.0.1", 0};
  std::unique_ptr<link_server> server;
  std::unique_ptr<link_listener> listener;
  std::map<uuid, std::unique_ptr<node_link>> links;
  std::unique_ptr<code_fetcher> fetcher;
  std::unique_ptr<code_spreader> spreader;
  mailbox<digest> have;
  mailbox<std::string> events;
};

inline std::string random_bytes(std::size_t size) {
  std::mt19937_64 random{size};
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i + 8 <= size; i += 8) {
    const auto word = random();
    std::memcpy(bytes.data() + i, &word, 8);
  }
  return bytes;
}

}  // namespace troupe::actors
