// How the Python worker lives with its node: batches, large frames, cancellation, threads, children, its end.
#include <gmock/gmock.h>

#include "python_shim_fixture.hpp"

namespace troupe::functions::testing {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

/// Says that it has begun, then waits for the file that the event names, and a little longer.
constexpr const char* waits_for_file =
    "import logging, os, time\n"
    "def handler(event, context):\n"
    "  logging.warning('started')\n"
    "  soonest = time.time() + 0.005\n"
    "  while 'file' in event and (time.time() < soonest or not os.path.exists(event['file'])): pass\n"
    "  return 'ran'";

}  // namespace

TEST_F(PythonShimTest, BatchRunsInOrder) {
  serve("order = 0\ndef handler(event, context):\n  global order\n  order += 1\n  return [event['n'], order]");
  buffer out;
  for (int n = 1; n <= 500; ++n)
    append_call(out, json({{"n", n}}).dump());
  send(out);
  for (std::uint64_t id = 1; id <= 500; ++id)
    EXPECT_EQ(result(id).json(), json({id, id}));
}

TEST_F(PythonShimTest, FramesMayComeInAnyPieces) {
  serve("def handler(event, context):\n  return len(event['text'])");
  buffer out;
  const auto first = append_call(out, json({{"text", "abc"}}).dump());
  const auto second = append_call(out, json({{"text", std::string(300, 'x')}}).dump());
  for (const char byte : out.view()) {
    buffer piece;
    piece.push_back(byte);
    send(piece);
  }
  EXPECT_EQ(result(first).payload, "3");
  EXPECT_EQ(result(second).payload, "300");
}

TEST_F(PythonShimTest, LargeEventsAndAnswersPass) {
  serve("def handler(event, context):\n  return event['text'] * event['times']");
  const std::string text(5 << 20, 'e');
  EXPECT_EQ(answer({{"text", text}, {"times", 1}}).size(), text.size() + 2);
  for (const std::size_t size : {262'100U, 262'144U, 300'000U, 2U, 524'288U})
    EXPECT_EQ(answer({{"text", std::string(size, 'e')}, {"times", 1}}).size(), size + 2);
  buffer out;
  for (const std::size_t size : {1U, 400'000U, 2U, 250'000U, 3U})
    append_call(out, json({{"text", std::string(size, 'e')}, {"times", 2}}).dump());
  send(out);
  std::uint64_t id = 6;
  for (const std::size_t size : {1U, 400'000U, 2U, 250'000U, 3U})
    EXPECT_EQ(result(++id).payload.size(), 2 * size + 2);
}

TEST_F(PythonShimTest, AnswerOverTheLimitIsRefusedByName) {
  serve("def handler(event, context):\n  return 'x' * (event['size'] - 2)");
  EXPECT_EQ(answer({{"size", 6'291'556}}).size(), 6'291'556U);
  const auto error = failure({{"size", 6'291'557}});
  EXPECT_EQ(error["errorType"], "Function.ResponseSizeTooLarge");
  EXPECT_EQ(error["errorMessage"], "Response payload size exceeded maximum allowed payload size (6291556 bytes).");
  EXPECT_EQ(answer({{"size", 3}}), R"("x")");
}

TEST_F(PythonShimTest, CancelsOnlyWhatHasNotStarted) {
  serve(waits_for_file);
  const auto file = folder.path() / "go";
  buffer out;
  const auto head = append_call(out, json({{"file", file.string()}}).dump());
  const auto next = append_call(out, "{}");
  const auto last = append_call(out, "{}");
  send(out);
  ASSERT_EQ(receive().kind, frame_kind::log);
  out.clear();
  append_cancel(out, head);
  append_cancel(out, next);
  append_cancel(out, 4711);
  append_ping(out, 77);
  send(out);
  folder.write("go", "");

  EXPECT_EQ(result(head).kind, frame_kind::answer);
  EXPECT_EQ(result(next).kind, frame_kind::cancelled);
  EXPECT_EQ(result(last).payload, R"("ran")");
  EXPECT_EQ(result(77).kind, frame_kind::pong);  // only between two calls
}

TEST_F(PythonShimTest, StopFinishesWhatRunsAndGivesBackTheRest) {
  serve(waits_for_file);
  const auto file = folder.path() / "go";
  const auto running = call({{"file", file.string()}});
  ASSERT_EQ(receive().kind, frame_kind::log);
  buffer out;
  const auto waiting = append_call(out, "{}");
  append_stop(out);
  send(out);
  folder.write("go", "");
  EXPECT_EQ(result(running).payload, R"("ran")");
  EXPECT_EQ(result(waiting).kind, frame_kind::cancelled);
  EXPECT_EQ(exit_status(), 0);
}

TEST_F(PythonShimTest, ThreadsLeftRunningKeepNothingAlive) {
  serve(
      "import threading, time\n"
      "threading.Thread(target=lambda: time.sleep(3600)).start()\n"
      "def handler(event, context): return threading.active_count()");
  EXPECT_EQ(answer(), "2");
  buffer out;
  append_stop(out);
  send(out);
  EXPECT_EQ(exit_status(), 0);
}

TEST_F(PythonShimTest, LinesOfThreadsDoNotMixWithAnswers) {
  serve(
      "import logging, threading\n"
      "def say():\n  for i in range(200): logging.warning('%d', i)\n"
      "def handler(event, context):\n"
      "  [threading.Thread(target=say).start() for _ in range(4)]\n"
      "  return 'x' * 100000");
  EXPECT_EQ(answer().size(), 100'002U);
  while (logs.size() < 800) {
    auto frame = receive();
    ASSERT_EQ(frame.kind, frame_kind::log);
    logs.push_back(frame);
  }
}

TEST_F(PythonShimTest, StopEndsAWorkerThatHasNoFunctionYet) {
  start(files{}, "");
  buffer out;
  append_stop(out);
  send(out);
  EXPECT_EQ(exit_status(), 0);
}

TEST_F(PythonShimTest, EndOfTheChannelEndsTheWorker) {
  serve("def handler(event, context): return 1");
  EXPECT_EQ(answer(), "1");
  worker.channel.reset();
  EXPECT_EQ(exit_status(), 0);
}

TEST_F(PythonShimTest, SysExitEndsTheProcessAndGivesBackWhatWaits) {
  serve("import sys\ndef handler(event, context):\n  print('last words')\n  sys.exit(event['code'])");
  buffer out;
  append_call(out, json({{"code", 7}}).dump());
  const auto next = append_call(out, "{}");
  send(out);
  EXPECT_EQ(receive().kind, frame_kind::stop);
  EXPECT_EQ(result(next).kind, frame_kind::cancelled);
  EXPECT_EQ(receive().kind, frame_kind::unknown);
  EXPECT_EQ(read_line(worker.output.get()), "last words");
  EXPECT_EQ(exit_status(), 7);
}

TEST_F(PythonShimTest, SysExitWithAMessageIsStatusOne) {
  serve("import sys\ndef handler(event, context):\n  sys.exit('no more')");
  call();
  EXPECT_EQ(read_line(worker.output.get()), "no more");
  EXPECT_EQ(exit_status(), 1);
}

TEST_F(PythonShimTest, ExceptionsThatAreNoExceptionEndTheProcess) {
  serve("def handler(event, context):\n  raise KeyboardInterrupt('stray')");
  call();
  EXPECT_EQ(read_line(worker.output.get()), "Traceback (most recent call last):");
  EXPECT_THAT(read_to_end(worker.output.get()), HasSubstr("KeyboardInterrupt: stray"));
  EXPECT_EQ(exit_status(), 1);
}

TEST_F(PythonShimTest, ImmediateExitIsTheProcesssOwn) {
  serve("import os\ndef handler(event, context):\n  os._exit(5)");
  EXPECT_EQ(result(call()).kind, frame_kind::unknown);
  EXPECT_EQ(exit_status(), 5);
}

TEST_F(PythonShimTest, ChildrenOfTheHandlerDoNotGetTheChannel) {
  serve(
      "import os\n"
      "def handler(event, context):\n"
      "  listed = os.popen('ls -l /proc/self/fd').read()\n"
      "  child = os.fork()\n"
      "  if child == 0:\n"
      "    import logging; logging.warning('not mine to say')\n"
      "    os._exit(3 if os.path.exists('/proc/self/fd/3') else 4)\n"
      "  return [listed, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]");
  const auto seen = json::parse(answer());
  EXPECT_THAT(seen[0].get<std::string>(), Not(HasSubstr("socket:")));
  EXPECT_EQ(seen[1], 4);
  EXPECT_TRUE(logs.empty());
}

TEST_F(PythonShimTest, AlarmsOfTheHandlerDoNotBreakTheChannel) {
  serve(
      "import logging, signal\n"
      "class Late(Exception): pass\n"
      "def late(*_):\n  logging.warning('late')\n  raise Late()\n"
      "signal.signal(signal.SIGALRM, late)\n"
      "def handler(event, context):\n"
      "  signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)\n"
      "  try:\n    while True: logging.warning('x' * 100000)\n"
      "  finally: signal.setitimer(signal.ITIMER_REAL, 0)");
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(failure()["errorType"], "Late");
}

}  // namespace troupe::functions::testing
