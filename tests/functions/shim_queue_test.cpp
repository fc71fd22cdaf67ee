// What the workers of all scripted runtimes do alike with the frames that they get and with the calls that wait in
// them.
#include <gmock/gmock.h>

#include "node_shim_fixture.hpp"
#include "python_shim_fixture.hpp"

namespace troupe::functions::testing {

using nlohmann::json;

namespace {

struct node_runtime : NodeShimTest {
  static constexpr const char* measures_text = "exports.handler = async (event) => event.text.length;";
  static constexpr const char* answers_size = "exports.handler = async (event) => 'x'.repeat(event.size - 2);";
  /// Says that it has begun, then waits for the file that the event names, and a little longer.
  static constexpr const char* waits_for_file = R"(const fs = require('fs');
    exports.handler = async (event) => {
      console.log('started');
      const soonest = Date.now() + 5;
      while (event.file && (!fs.existsSync(event.file) || Date.now() < soonest));
      return 'ran';
    };)";
};

struct python_runtime : PythonShimTest {
  static constexpr const char* measures_text = "def handler(event, context):\n  return len(event['text'])";
  static constexpr const char* answers_size = "def handler(event, context):\n  return 'x' * (event['size'] - 2)";
  static constexpr const char* waits_for_file =
      "import logging, os, time\n"
      "def handler(event, context):\n"
      "  logging.warning('started')\n"
      "  soonest = time.time() + 0.005\n"
      "  while 'file' in event and (time.time() < soonest or not os.path.exists(event['file'])): pass\n"
      "  return 'ran'";
};

struct runtime_names {
  template <class Runtime>
  static std::string GetName(int) {
    return std::is_same_v<Runtime, node_runtime> ? "Node" : "Python";
  }
};

template <class Runtime>
class ShimQueueTest : public Runtime {};

using runtimes = ::testing::Types<node_runtime, python_runtime>;
TYPED_TEST_SUITE(ShimQueueTest, runtimes, runtime_names);

TYPED_TEST(ShimQueueTest, FramesMayComeInAnyPieces) {
  this->serve(TypeParam::measures_text);
  buffer out;
  const auto first = this->append_call(out, json({{"text", "abc"}}).dump());
  const auto second = this->append_call(out, json({{"text", std::string(300, 'x')}}).dump());
  for (const char byte : out.view()) {
    buffer piece;
    piece.push_back(byte);
    this->send(piece);
  }
  EXPECT_EQ(this->result(first).payload, "3");
  EXPECT_EQ(this->result(second).payload, "300");
}

TYPED_TEST(ShimQueueTest, AnswerOverTheLimitIsRefusedByName) {
  this->serve(TypeParam::answers_size);
  EXPECT_EQ(this->answer({{"size", 6'291'556}}).size(), 6'291'556U);
  const auto error = this->failure({{"size", 6'291'557}});
  EXPECT_EQ(error["errorType"], "Function.ResponseSizeTooLarge");
  EXPECT_EQ(error["errorMessage"], "Response payload size exceeded maximum allowed payload size (6291556 bytes).");
  EXPECT_EQ(this->answer({{"size", 3}}), R"("x")");
}

TYPED_TEST(ShimQueueTest, CancelsOnlyWhatHasNotStarted) {
  this->serve(TypeParam::waits_for_file);
  const auto file = this->folder.path() / "go";
  buffer out;
  const auto head = this->append_call(out, json({{"file", file.string()}}).dump());
  const auto next = this->append_call(out, "{}");
  const auto last = this->append_call(out, "{}");
  this->send(out);
  ASSERT_EQ(this->receive().kind, frame_kind::log);
  out.clear();
  append_cancel(out, head);
  append_cancel(out, next);
  append_cancel(out, 4711);
  append_ping(out, 77);
  this->send(out);
  this->folder.write("go", "");

  EXPECT_EQ(this->result(head).kind, frame_kind::answer);
  EXPECT_EQ(this->result(next).kind, frame_kind::cancelled);
  EXPECT_EQ(this->result(last).payload, R"("ran")");
  EXPECT_EQ(this->result(77).kind, frame_kind::pong);  // only between two calls
}

TYPED_TEST(ShimQueueTest, StopFinishesWhatRunsAndGivesBackTheRest) {
  this->serve(TypeParam::waits_for_file);
  const auto file = this->folder.path() / "go";
  const auto running = this->call({{"file", file.string()}});
  ASSERT_EQ(this->receive().kind, frame_kind::log);
  buffer out;
  const auto waiting = this->append_call(out, "{}");
  append_stop(out);
  this->send(out);
  this->folder.write("go", "");
  EXPECT_EQ(this->result(running).payload, R"("ran")");
  EXPECT_EQ(this->result(waiting).kind, frame_kind::cancelled);
  EXPECT_EQ(this->exit_status(), 0);
}

TYPED_TEST(ShimQueueTest, StopEndsAWorkerThatHasNoFunctionYet) {
  this->start({}, "");
  buffer out;
  append_stop(out);
  this->send(out);
  EXPECT_EQ(this->exit_status(), 0);
}

TYPED_TEST(ShimQueueTest, EndOfTheChannelEndsTheWorker) {
  this->serve(TypeParam::measures_text);
  EXPECT_EQ(this->answer({{"text", "ab"}}), "2");
  this->worker.channel.reset();
  EXPECT_EQ(this->exit_status(), 0);
}

}  // namespace
}  // namespace troupe::functions::testing
