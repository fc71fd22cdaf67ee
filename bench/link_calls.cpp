// CPU that a call between two nodes costs on its link, both sides together: two loops over loopback, 64 calls in
// flight.
//
//   link_calls [calls] [in flight] [bytes of the body each way]
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>

#include "actors/link_listener.hpp"
#include "actors/link_server.hpp"
#include "actors/node_link.hpp"

using namespace troupe;
using namespace troupe::actors;

namespace {

constexpr std::size_t head_bytes = 300;

struct echo_service final : link_service {
  void serve(incoming_call_ptr call) override { call->answer(std::move(call->head), std::move(call->body)); }
};

cluster::link_hello hello() {
  cluster::link_hello out;
  out.node_name = "bench";
  return out;
}

double cpu_us() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  const auto us = [](const timeval& t) { return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec); };
  return us(use.ru_utime) + us(use.ru_stime);
}

/// Keeps a number of calls in flight until all have been made. Lives on the dialing loop.
struct load {
  node_link& link;
  event_loop& loop;
  std::size_t left;
  std::size_t body_bytes;
  std::size_t in_flight = 0;
  std::size_t failed = 0;
  std::promise<void> done{};

  void next() {
    if (left == 0) {
      if (in_flight == 0)
        done.set_value();
      return;
    }
    --left;
    ++in_flight;
    buffer head;
    head.append(std::string(head_bytes, 'h'));
    buffer body;
    body.append(std::string(body_bytes, 'b'));
    const auto made = link.call(cluster::link_topic::invoke, std::move(head), std::move(body), loop.now() + seconds{30},
                                [this](call_result result) {
                                  failed += !std::holds_alternative<call_answered>(result);
                                  --in_flight;
                                  next();
                                });
    if (!made) {
      std::fprintf(stderr, "link_calls: %s\n", made.error().what.c_str());
      std::exit(1);
    }
  }
};

std::size_t argument(int argc, char** argv, int index, std::size_t otherwise) {
  return argc > index ? std::strtoull(argv[index], nullptr, 10) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const auto calls = argument(argc, argv, 1, 1'000'000);
  const auto in_flight = argument(argc, argv, 2, 64);
  const auto body_bytes = argument(argc, argv, 3, 200);
  event_loop here{0, "here"};
  event_loop there{1, "there"};
  here.start();
  there.start();
  echo_service echo;
  link_services services;
  services.offer(cluster::link_topic::invoke, echo);
  std::unique_ptr<link_server> server;
  std::unique_ptr<link_listener> listener;
  std::unique_ptr<node_link> link;
  endpoint address{"127.0.0.1", 0};
  const auto descriptor = open_link_socket(address, address);
  if (!descriptor) {
    std::fprintf(stderr, "link_calls: %s\n", descriptor.error().what.c_str());
    return 1;
  }
  there.post([&] {
    server = std::make_unique<link_server>(there, services, link_server_config{});
    listener = std::make_unique<link_listener>(
        there, *descriptor,
        link_listener_config{.accept = [](const cluster::link_hello&) { return hello(); },
                             .hello = hello,
                             .make_cipher = nullptr,
                             .deliver = deliver_to({{&there, server.get()}}, {&there, server.get()})});
    listener->start();
  });

  std::promise<void> up;
  node_link_config config;
  config.peer = address;
  config.hello = hello;
  config.on_change = [&](const link_change& change) {
    if (change.phase == link_phase::up)
      up.set_value();
  };
  here.post([&] {
    link = std::make_unique<node_link>(here, std::move(config));
    link->start();
  });
  up.get_future().wait();

  load run{*link, here, calls, body_bytes};
  const auto cpu_before = cpu_us();
  const auto began = clock::now();
  here.post([&] {
    for (std::size_t i = 0; i < in_flight; ++i)
      run.next();
  });
  run.done.get_future().wait();
  const auto took = std::chrono::duration<double>(clock::now() - began).count();
  const auto cpu = cpu_us() - cpu_before;
  std::printf(
      "%zu calls, %zu in flight, %zu + %zu bytes each way: %.2f us of CPU per call (both sides), %.0f calls/s, %zu "
      "failed\n",
      calls, in_flight, head_bytes, body_bytes, cpu / static_cast<double>(calls), static_cast<double>(calls) / took,
      run.failed);

  here.post([&] { link.reset(); });
  here.stop();
  there.post([&] {
    listener.reset();
    server.reset();
  });
  there.stop();
  return run.failed == 0 ? 0 : 1;
}
