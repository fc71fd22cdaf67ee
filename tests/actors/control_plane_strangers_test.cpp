// Who is not a peer, or not the one that it says it is.
#include <gtest/gtest.h>

#include <caf/event_based_actor.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "actors/envelope_body.hpp"
#include "actors/type_ids.hpp"
#include "config/log.hpp"
#include "tests/support/control_plane_fixture.hpp"
#include "tests/support/temp_folder.hpp"

using namespace troupe;
using namespace troupe::actors;
using tests::control_node;
using tests::ordered_id;
using tests::patience;

namespace {

/// A program that speaks CAF's protocol and is no node.
class foreign_system {
public:
  explicit foreign_system(const std::string& application = "troupe/1") {
    add_message_types(config);
    config.load<caf::io::middleman>();
    config.set("scheduler.policy", caf::atom("sharing"));
    config.set("scheduler.max-threads", std::size_t{1});
    config.set("middleman.workers", std::size_t{0});
    config.set("middleman.app-identifiers", std::vector<std::string>{application});
    system = std::make_unique<caf::actor_system>(config);
  }

  caf::actor agent_of(const control_node& node) {
    auto reached = system->middleman().remote_actor<caf::actor>("127.0.0.1", node.address.port);
    EXPECT_TRUE(reached) << caf::to_string(reached.error());
    return reached ? *reached : caf::actor{};
  }

  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> system;
};

/// Sends an envelope and returns the refusal that comes back.
refusal refusal_of(caf::scoped_actor& self, const caf::actor& agent, envelope message) {
  refusal result{errc::bug, "nothing came"};
  self->send(agent, std::move(message));
  self->receive(
      [&](const envelope& answer) {
        EXPECT_EQ(answer.kind, envelope_kind::refused);
        if (auto read = decode<refusal>(answer.body))
          result = *read;
      },
      caf::after(patience) >> [] {});
  return result;
}

class ControlPlaneStrangersTest : public tests::ControlPlaneFixture {
protected:
  envelope from(const uuid& incarnation, envelope_kind kind, std::string body = encode_nothing()) const {
    return {control_protocol, cluster, incarnation, kind, std::move(body)};
  }
};

}  // namespace

TEST_F(ControlPlaneStrangersTest, ANodeOfAnotherClusterIsRefusedByBothAndLogged) {
  tests::temp_folder folder;
  const auto file = folder.path() + "/log";
  std::FILE* output = std::fopen(file.c_str(), "w");
  ASSERT_NE(output, nullptr);
  log_options logging;
  logging.format = log_format::json;
  logging.output = ::fileno(output);
  start_log(logging);
  {
    control_node a{identity(1)};
    auto stranger = identity(2);
    stranger.cluster = make_uuid();
    control_node b{stranger};

    introduce({&a, &b});

    EXPECT_TRUE(a.was_refused("it refuses this node: it belongs to cluster " + to_string(cluster)));
    EXPECT_TRUE(b.was_refused("it belongs to cluster " + to_string(cluster)));
    a.said.change([&] { EXPECT_EQ(a.connected[b.self.node], 0); });
    b.said.change([&] { EXPECT_EQ(b.connected[a.self.node], 0); });
  }
  stop_log();
  std::fclose(output);
  std::ostringstream text;
  text << std::ifstream{file}.rdbuf();
  EXPECT_NE(text.str().find("\"stranger_refused\""), std::string::npos) << text.str();
  EXPECT_NE(text.str().find("\"peer_not_reached\""), std::string::npos) << text.str();
}

TEST_F(ControlPlaneStrangersTest, ANodeOfAnotherProtocolIsNotDialedThrough) {
  foreign_system other{"troupe/2"};
  caf::scoped_actor published{*other.system};
  const auto port = other.system->middleman().publish(caf::actor_cast<caf::actor>(published), 0, "127.0.0.1");
  ASSERT_TRUE(port);
  control_node a{identity(1)};

  a.know({{ordered_id(2), "n2", {"127.0.0.1", *port}, {}}});

  EXPECT_TRUE(a.was_refused("it speaks another version of the control protocol"));
}

TEST_F(ControlPlaneStrangersTest, AnotherNodeAtTheAddressOfAPeerIsRefused) {
  control_node a{identity(1)}, b{identity(2)};
  auto wrong = b.as_peer();
  wrong.node = ordered_id(3);
  b.know({a.as_peer()});

  a.know({wrong});

  EXPECT_TRUE(a.was_refused("another node answers there: " + to_string(b.self.node)));
  a.said.change([&] { EXPECT_EQ(a.connected[wrong.node] + a.connected[b.self.node], 0); });
}

TEST_F(ControlPlaneStrangersTest, EnvelopesFromStrangersAreAnsweredWithARefusal) {
  control_node a{identity(1)};
  const auto known = ordered_id(2);
  a.know({{known, "n2", {"127.0.0.1", 1}, make_uuid()}});
  foreign_system other;
  const auto agent = other.agent_of(a);
  {
    caf::scoped_actor self{*other.system};
    const auto incarnation = make_uuid();

    auto protocol = from(incarnation, envelope_kind::hello, encode(introduction{known, "n2"}));
    protocol.protocol = 99;
    EXPECT_NE(refusal_of(self, agent, protocol).what.find("version 99"), std::string::npos);

    auto foreign = from(incarnation, envelope_kind::hello, encode(introduction{known, "n2"}));
    foreign.cluster = make_uuid();
    EXPECT_NE(refusal_of(self, agent, foreign).what.find("cluster"), std::string::npos);

    for (const auto kind : {envelope_kind::status, envelope_kind::spawn_supervisor, envelope_kind::events_request})
      EXPECT_EQ(refusal_of(self, agent, from(incarnation, kind)).what, "it said no hello");

    const auto hello = [&](const uuid& node) {
      return refusal_of(self, agent, from(incarnation, envelope_kind::hello, encode(introduction{node, "x"})));
    };
    EXPECT_NE(hello(make_uuid()).what.find("not among the peers"), std::string::npos);
    EXPECT_NE(hello(known).what.find("another incarnation"), std::string::npos);
    EXPECT_EQ(hello(a.self.node).what, "it has the id of this node");
    EXPECT_EQ(refusal_of(self, agent, from(incarnation, envelope_kind::hello, "\xc1")).code, errc::corrupt);
  }
}

TEST_F(ControlPlaneStrangersTest, OnceItSaidHelloAnIncarnationMayNotChange) {
  control_node a{identity(1)};
  const auto known = ordered_id(2);
  a.know({{known, "n2", {"127.0.0.1", 1}, {}}});
  foreign_system other;
  const auto agent = other.agent_of(a);
  caf::scoped_actor self{*other.system};
  self->send(agent, from(make_uuid(), envelope_kind::hello, encode(introduction{known, "n2"})));
  bool welcome = false;
  self->receive([&](const envelope& answer) { welcome = answer.kind == envelope_kind::welcome; },
                caf::after(patience) >> [] {});
  ASSERT_TRUE(welcome);
  ASSERT_TRUE(a.sees(known));

  self->send(agent, from(make_uuid(), envelope_kind::drain_notice, encode(drain_notice_body{})));

  EXPECT_TRUE(a.was_refused("became another incarnation"));
  a.said.change([&] { EXPECT_TRUE(a.states.empty()); });
}

TEST_F(ControlPlaneStrangersTest, NothingButEnvelopesReachesTheAgent) {
  control_node a{identity(1)}, b{identity(2)};
  introduce({&a, &b});
  ASSERT_TRUE(a.sees(b.self.node));
  foreign_system other;
  const auto agent = other.agent_of(b);
  {
    caf::scoped_actor self{*other.system};
    self->send_exit(agent, caf::exit_reason::kill);
    self->send_exit(agent, caf::exit_reason::user_shutdown);
    self->link_to(agent);
    self->send(agent, caf::make_error(caf::sec::runtime_error));
    self->send(agent, caf::down_msg{caf::actor_cast<caf::actor_addr>(agent), caf::exit_reason::kill});
    self->send(agent, std::string{"hello"});
    self->send(agent, caf::actor_cast<caf::strong_actor_ptr>(self));
    EXPECT_NE(refusal_of(self, agent, from(make_uuid(), envelope_kind::status)).what, "nothing came")
        << "it is alive, and all of the above has been dealt with";
    self->unlink_from(agent);
  }

  still_serve(a, b);
}

TEST_F(ControlPlaneStrangersTest, RemoteSpawnAndTheConfigurationServerAreNotThere) {
  control_node a{identity(1)};
  EXPECT_EQ(a.system->registry().get(caf::atom("SpawnServ")), nullptr);
  EXPECT_EQ(a.system->registry().get(caf::atom("ConfigServ")), nullptr);
}
