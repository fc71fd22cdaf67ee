// What `bench/run cluster` compares links with: HTTP at one process, a native function at another, and the call between
// them as messages of CAF's middleman (BASP). Edge, call frames and function are troupe's own.
//
//   basp_hop function PORT_FILE OBJECT
//   basp_hop gateway PORT_FILE LOOPS FUNCTION_PORT
//
// Each writes the port that it listens at to PORT_FILE and runs until it is killed.
#include <unistd.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/call_frame.hpp"
#include "actors/loop_bound.hpp"
#include "config/setting_values.hpp"
#include "functions/native_library.hpp"
#include "http/edge.hpp"
#include "http/listener.hpp"

using namespace troupe;

namespace {

/// Head and body of a call, as a link carries them; replies with those of its outcome.
using carried_call_actor = caf::typed_actor<caf::replies_to<std::string, std::string>::with<std::string, std::string>>;

constexpr seconds call_timeout{30};

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "basp_hop: %s\n", why.c_str());
  std::exit(1);
}

functions::function_ref hello_function() {
  auto spec = std::make_shared<functions::function_spec>();
  spec->id = make_uuid();
  spec->version = 1;
  spec->name = "native-hello";
  spec->kind = functions::runtime_kind::native;
  return spec;
}

/// What the function prints, which here is nothing.
class dropped_lines final : public functions::function_log {
public:
  void write(const functions::invocation&, std::string_view) noexcept override {}
};

class carried_function final : public carried_call_actor::base {
public:
  carried_function(caf::actor_config& config, std::shared_ptr<const functions::native_library> library)
      : carried_call_actor::base{config}, library_{std::move(library)} {}

  behavior_type make_behavior() override {
    return {[this](const std::string& head, const std::string& body) -> caf::result<std::string, std::string> {
      const auto now = clock::now();
      auto received = actors::decode_call({buffer{head}, buffer{body}}, now, now + call_timeout);
      if (!received)
        return caf::make_error(caf::sec::invalid_argument, received.error().what);
      received->call->function = spec_;
      auto outcome = library_->call(*received->call, log_);
      const auto parts = actors::encode_outcome(*outcome);
      return {std::string{parts.head.view()}, std::string{parts.body.view()}};
    }};
  }

private:
  std::shared_ptr<const functions::native_library> library_;
  functions::function_ref spec_ = hello_function();
  dropped_lines log_;
};

/// In the place of a loop's router: every call goes to the other process.
class carrying_router final : public actors::loop_bound<actors::function_actor::base> {
public:
  carrying_router(caf::actor_config& config, carried_call_actor there) : loop_bound{config}, there_{std::move(there)} {}

  behavior_type make_behavior() override {
    return {[this](const functions::invocation_ptr& call) -> caf::result<functions::outcome_ptr> {
      const auto parts = actors::encode_call(*call, loop().now());
      auto answer = make_response_promise<caf::typed_response_promise<functions::outcome_ptr>>();
      request(there_, caf::infinite, std::string{parts.head.view()}, std::string{parts.body.view()})
          .then(
              [answer](const std::string& head, const std::string& body) mutable {
                auto outcome = actors::decode_outcome({buffer{head}, buffer{body}});
                answer.deliver(outcome ? std::move(*outcome)
                                       : functions::make_failure(outcome.error().code, outcome.error().what));
              },
              [answer](const caf::error& why) mutable {
                answer.deliver(functions::make_failure(errc::link_lost, caf::to_string(why)));
              });
      return answer;
    }};
  }

private:
  carried_call_actor there_;
};

/// As troupe's control plane sets the middleman up, and its nodes the scheduler.
class hop_config final : public caf::actor_system_config {
public:
  hop_config() {
    load<caf::io::middleman>();
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{2});
    set("middleman.workers", std::size_t{0});
  }
};

/// Whole or not at all, for whoever waits for it.
void write_port(const std::string& file, std::uint16_t port) {
  std::ofstream{file + ".new"} << port << '\n';
  std::filesystem::rename(file + ".new", file);
}

[[noreturn]] void run_until_killed() {
  for (;;)
    ::pause();
}

[[noreturn]] void serve_function(const std::string& port_file, const std::string& object) {
  auto library = functions::native_library::open(object);
  if (!library)
    give_up(library.error().what);
  hop_config config;
  caf::actor_system system{config};
  const auto function = system.spawn<carried_function>(std::move(*library));
  const auto port = system.middleman().publish(function, 0, "127.0.0.1");
  if (!port)
    give_up("cannot publish: " + caf::to_string(port.error()));
  write_port(port_file, *port);
  run_until_killed();
}

/// The edge of one loop.
struct entry {
  entry(unsigned index, caf::actor_system& system, int descriptor, std::uint16_t port,
        std::shared_ptr<http::connection_budget> budget)
      : loop{index, "loop-" + std::to_string(index)},
        edge{loop, system, std::make_shared<const http::edge_options>(), std::move(budget)}, listener{edge, descriptor,
                                                                                                      port} {}

  actors::event_loop loop;
  http::edge edge;
  http::listener listener;
};

[[noreturn]] void serve_gateway(const std::string& port_file, unsigned loops, std::uint16_t function_port) {
  hop_config config;
  caf::actor_system system{config};
  const auto there = system.middleman().remote_actor<carried_call_actor>("127.0.0.1", function_port);
  if (!there)
    give_up("cannot reach the function: " + caf::to_string(there.error()));
  endpoint bound;
  const auto sockets = http::open_listeners({"127.0.0.1", 0}, loops, bound);
  if (!sockets)
    give_up(sockets.error().what);
  auto budget = std::make_shared<http::connection_budget>();
  budget->max = 10'000;
  const auto spec = hello_function();
  const auto routes = http::route_table::build({{std::make_shared<const std::string>("GET /hello"), spec},
                                                {std::make_shared<const std::string>("POST /echo"), spec}})
                          .table;
  std::vector<std::unique_ptr<entry>> entries;
  for (unsigned i = 0; i < loops; ++i) {
    auto& each = *entries.emplace_back(std::make_unique<entry>(i, system, (*sockets)[i], bound.port, budget));
    each.loop.attach(system);
    each.loop.start();
    const auto router = actors::spawn_on<carrying_router>(system, each.loop, *there);
    each.edge.routes = routes;
    // The edge sends its router nothing but calls.
    each.edge.router = caf::actor_cast<actors::router_actor>(caf::actor_cast<caf::strong_actor_ptr>(router));
    each.loop.post([&each] {
      each.edge.start();
      each.listener.start();
    });
  }
  write_port(port_file, bound.port);
  run_until_killed();
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words{argv + 1, argv + argc};
  const auto number = [&](std::size_t index) { return parse_count(words[index]).value_or(0); };
  if (words.size() == 3 && words[0] == "function")
    serve_function(words[1], words[2]);
  if (words.size() == 4 && words[0] == "gateway" && number(2) > 0 && number(3) > 0 && number(3) <= 0xffff)
    serve_gateway(words[1], static_cast<unsigned>(number(2)), static_cast<std::uint16_t>(number(3)));
  std::fputs("usage: basp_hop function PORT_FILE OBJECT | gateway PORT_FILE LOOPS FUNCTION_PORT\n", stderr);
  return 2;
}
