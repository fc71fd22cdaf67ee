// How the Python worker lives with its node: batches, large frames, threads, children, its end. What it has
// in common with others: shim_queue_test.
#include <gmock/gmock.h>

#include "python_shim_fixture.hpp"

namespace troupe::functions::testing {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(PythonShimTest, BatchRunsInOrder) {
  serve("order = 0\ndef handler(event, context):\n  global order\n  order += 1\n  return [event['n'], order]");
  buffer out;
  for (int n = 1; n <= 500; ++n)
    append_call(out, json({{"n", n}}).dump());
  send(out);
  for (std::uint64_t id = 1; id <= 500; ++id)
    EXPECT_EQ(result(id).json(), json({id, id}));
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
