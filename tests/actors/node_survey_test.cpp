#include "actors/node_survey.hpp"

#include <unistd.h>

#include "cluster/code_frame.hpp"
#include "tests/actors/link_fixture.hpp"

using namespace troupe;
using namespace troupe::actors;
using namespace std::chrono_literals;

namespace {

/// Lacks one blob, whatever it is asked for.
struct lacking_service final : link_service {
  void serve(incoming_call_ptr call) override {
    auto parts = cluster::encode(cluster::code_absent{{lacked}, false});
    call->answer(std::move(parts.head), std::move(parts.body));
  }
  const digest lacked = sha256("lacked");
};

class NodeSurveyTest : public LinkTest {
protected:
  node_survey wanted() {
    node_survey asked;
    asked.places = {address};
    asked.hello = hello_of("asks");
    asked.timeout = 10s;
    return asked;
  }
  lacking_service code;
};

}  // namespace

TEST_F(NodeSurveyTest, TellsWhoAnswersWhatItLacksAndWhoDoesNotAnswer) {
  services.offer(cluster::link_topic::code, code);
  start_peer();
  endpoint nobody{"127.0.0.1", 0};
  const auto unused = open_link_socket(nobody, nobody);
  ASSERT_TRUE(unused);
  ::close(*unused);
  auto asked = wanted();
  asked.places = {nobody, address};
  asked.blobs = {sha256("there"), code.lacked};

  const auto found = survey(asked);

  ASSERT_EQ(found.size(), 2u);
  EXPECT_FALSE(found[0].hello);
  EXPECT_EQ(found[0].reached, survey_reach::no_answer);
  EXPECT_NE(found[0].why_not, "");
  ASSERT_TRUE(found[1].hello) << found[1].why_not;
  EXPECT_EQ(found[1].reached, survey_reach::reached);
  EXPECT_EQ(found[1].hello->node_name, "there");
  ASSERT_TRUE(found[1].lacks);
  EXPECT_EQ(*found[1].lacks, std::vector{code.lacked});
}

TEST_F(NodeSurveyTest, WhoIsNotWantedOrDoesNotWantIsToldApartFromWhoDoesNotAnswer) {
  start_peer();
  auto asked = wanted();
  asked.accept = [](const cluster::link_hello& peer) { return fail(errc::refused, peer.node_name + " is another"); };
  const auto unwanted = survey(asked);
  EXPECT_FALSE(unwanted[0].hello);
  EXPECT_EQ(unwanted[0].reached, survey_reach::not_understood);
  EXPECT_NE(unwanted[0].why_not.find("there is another"), std::string::npos) << unwanted[0].why_not;

  stop_peer();
  listener_config.accept = [](const cluster::link_hello&) -> expected<cluster::link_hello> {
    return fail(errc::refused, "not you");
  };
  start_peer();
  const auto refused = survey(wanted());

  EXPECT_FALSE(refused[0].hello);
  EXPECT_EQ(refused[0].reached, survey_reach::not_understood);
  EXPECT_NE(refused[0].why_not.find("not you"), std::string::npos) << refused[0].why_not;
}

TEST_F(NodeSurveyTest, WhoSaysNothingAboutCodeIsToldApartFromWhoHasIt) {
  services.offer(cluster::link_topic::code, held);
  start_peer();
  auto asked = wanted();
  asked.blobs = {sha256("x")};
  asked.timeout = 300ms;

  const auto found = survey(asked);

  EXPECT_TRUE(found[0].hello);
  EXPECT_FALSE(found[0].lacks);
  on(there, [this] { held.calls.take()->refuse(errc::draining, "the test ends"); });
}

TEST_F(NodeSurveyTest, APeerThatHangsIsGivenUpInTime) {
  const auto descriptor = open_link_socket(address, address);  // accepts in the kernel, and nobody reads
  ASSERT_TRUE(descriptor);
  auto asked = wanted();
  asked.timeout = 200ms;

  const auto began = clock::now();
  const auto found = survey(asked);

  EXPECT_FALSE(found[0].hello);
  EXPECT_EQ(found[0].reached, survey_reach::no_answer);
  EXPECT_LT(clock::now() - began, 5s);
  ::close(*descriptor);
}
