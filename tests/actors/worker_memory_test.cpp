// A call that a worker instance has no memory for is refused, whichever allocation fails, and the next ones run.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/worker_ends.hpp"
#include "actors/worker_instance.hpp"
#include "functions/frame.hpp"
#include "tests/support/failing_memory.hpp"
#include "tests/support/router_fixture.hpp"

namespace troupe::actors {
namespace {

using functions::frame_kind;
using tests::failing_memory;

/// The instance of a worker process, which the test plays.
class WorkerMemoryTest : public RouterTest {
protected:
  WorkerMemoryTest() {
    deploy();
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    int output[2];
    EXPECT_EQ(::pipe2(output, O_NONBLOCK | O_CLOEXEC), 0);
    far_ = pair[1];
    far_output_ = output[1];
    on_loop([&] {
      worker_config what;
      what.spec = update->functions.front().spec;
      what.load = load;
      what.log = logs.ring(what.spec->id);
      what.router = target;
      worker = spawn_on<worker_instance>(*system, loop, what);
      caf::anon_send(worker, std::make_shared<worker_ends>(pair[0], output[0], std::string{}));
    });
    functions::append_hello(out_, functions::frame_protocol_with_shapes, "test");
    functions::append_loaded(out_, 1);
    write();
    const auto end = clock::now() + patience;
    while (load->per_loop[0].free_slots == 0 && clock::now() < end)
      std::this_thread::yield();
    EXPECT_EQ(load->per_loop[0].free_slots, 1u);
    on_loop([] {});
  }
  ~WorkerMemoryTest() override {
    ::close(far_);
    ::close(far_output_);
    on_loop([this] { caf::anon_send_exit(worker, caf::exit_reason::user_shutdown); });
    worker = nullptr;
  }

  void write() {
    EXPECT_EQ(::send(far_, out_.data(), out_.size(), MSG_NOSIGNAL), static_cast<ssize_t>(out_.size()));
    out_.clear();
  }
  functions::invocation_ptr http_call() {
    auto request = std::make_shared<functions::http_request>();
    request->method = "GET";
    request->path = "/path";
    auto made = std::make_shared<functions::invocation>();
    made->function = function;
    made->request = std::move(request);
    made->arrived_at = clock::now();
    made->deadline = time_point::max();
    return made;
  }
  /// Answers the calls that have come. Of a shape that nobody told of it makes a failure.
  void serve() {
    for (;;) {
      const auto room = reader_.room();
      const auto got = ::recv(far_, room.data(), room.size(), 0);
      if (got <= 0)
        return;
      reader_.commit(static_cast<std::size_t>(got));
      for (;;) {
        const auto next = reader_.next();
        ASSERT_TRUE(next) << next.error().what;
        if (!*next)
          break;
        const auto& frame = **next;
        if (frame.kind == frame_kind::shape)
          ++shapes_;
        if (frame.kind == frame_kind::shaped_call) {
          ++shaped_;
          EXPECT_GT(shapes_, 0) << "a call of a shape that was not told";
        }
        if (frame.kind == frame_kind::call || frame.kind == frame_kind::shaped_call)
          functions::append_answer(out_, frame.call_id, "{}");
      }
      if (!out_.empty())
        write();
    }
  }

  int far_ = -1;
  int far_output_ = -1;
  int shapes_ = 0;
  int shaped_ = 0;
  buffer out_;
  functions::frame_reader reader_{1 << 20};
  worker_actor worker;
};

TEST_F(WorkerMemoryTest, ACallThatItCannotWriteIsRefusedAndTheNextRuns) {
  caf::scoped_actor client{*system};
  std::uint64_t refused = 0;
  std::uint64_t ran = 0;
  // Again and again, as the shape of events is told at one of the first calls.
  for (int round = 0; round < 100; ++round) {
    for (std::size_t nth = 1; nth <= 12; ++nth) {
      bool failed = false;
      std::optional<decltype(client->request(target, patience, http_call()))> asked;
      on_loop([&] {
        asked.emplace(client->request(target, patience, http_call()));
        const failing_memory memory{nth};
        loop.drain();
        failed = memory.failed();
      });
      on_loop([] {});  // the batch of the call has ended: what was to be written is
      serve();
      asked->receive(
          [&](const functions::outcome_ptr& result) {
            const auto* problem = std::get_if<functions::failure>(&result->value);
            EXPECT_TRUE(problem == nullptr || problem->code == errc::no_capacity) << problem->detail;
            EXPECT_TRUE(problem == nullptr || failed);
            ++(problem == nullptr ? ran : refused);
          },
          [&](const caf::error& why) { ADD_FAILURE() << "allocation " << nth << ": " << caf::to_string(why); });
      ASSERT_FALSE(HasFailure()) << "round " << round << ", allocation " << nth;
    }
  }
  EXPECT_GT(refused, 0u);
  EXPECT_GT(ran, 0u);
  EXPECT_GT(shaped_, 0);
  EXPECT_EQ(refusals(errc::no_capacity), refused);
}

/// By which allocation fails.
class WorkerAnswerMemoryTest : public WorkerMemoryTest, public testing::WithParamInterface<std::size_t> {
protected:
  std::uint64_t next_call() {
    const auto end = clock::now() + patience;
    while (clock::now() < end) {
      const auto room = reader_.room();
      const auto got = ::recv(far_, room.data(), room.size(), 0);
      reader_.commit(got > 0 ? static_cast<std::size_t>(got) : 0);
      if (const auto next = reader_.next(); next && *next && (*next)->kind == frame_kind::call)
        return (*next)->call_id;
    }
    return 0;
  }
};

TEST_P(WorkerAnswerMemoryTest, AnAnswerThatCannotBeReadEndsTheInstanceAloneAndItsCallIsAnswered) {
  caf::scoped_actor client{*system};
  auto asked = client->request(target, patience, http_call());
  on_loop([] {});
  const auto call_id = next_call();
  ASSERT_NE(call_id, 0u);
  functions::append_answer(out_, call_id, std::string(100'000, 'x'));

  std::optional<failing_memory> memory;
  on_loop([&] { memory.emplace(GetParam()); });
  write();
  bool failed = false;
  bool done = false;
  for (const auto end = clock::now() + patience; !done && clock::now() < end;)
    on_loop([&] {
      failed = memory->failed();
      done = failed || load->per_loop[0].in_flight == 0;
    });
  on_loop([&] { memory.reset(); });
  ASSERT_TRUE(done);
  if (failed)  // there is no process whose end would be told
    on_loop([this] { caf::anon_send_exit(worker, caf::exit_reason::user_shutdown); });

  asked.receive(
      [&](const functions::outcome_ptr& result) {
        const auto* problem = std::get_if<functions::failure>(&result->value);
        EXPECT_TRUE(problem == nullptr || (failed && problem->code == errc::function_crashed));
      },
      [](const caf::error& why) { ADD_FAILURE() << caf::to_string(why); });
  on_loop([] {});
  EXPECT_EQ(load->per_loop[0].in_flight, 0u);
}

INSTANTIATE_TEST_SUITE_P(Each, WorkerAnswerMemoryTest, testing::Range(std::size_t{1}, std::size_t{16}));

TEST_F(WorkerMemoryTest, AnInstanceThatCannotGoOnLeavesTheRouterAndAnswersItsCalls) {
  caf::scoped_actor client{*system};
  auto asked = client->request(target, patience, http_call());
  on_loop([] {});
  EXPECT_EQ(load->per_loop[0].in_flight, 1u);

  on_loop([this] { caf::anon_send_exit(worker, caf::exit_reason::unhandled_exception); });

  asked.receive(
      [](const functions::outcome_ptr& result) {
        const auto* problem = std::get_if<functions::failure>(&result->value);
        ASSERT_NE(problem, nullptr);
        EXPECT_EQ(problem->code, errc::function_crashed);
      },
      [](const caf::error& why) { ADD_FAILURE() << caf::to_string(why); });
  on_loop([] {});
  EXPECT_EQ(load->per_loop[0].workers, 0u);
  EXPECT_EQ(load->per_loop[0].in_flight, 0u);
  EXPECT_EQ(load->per_loop[0].free_slots, 0u);
}

}  // namespace
}  // namespace troupe::actors
