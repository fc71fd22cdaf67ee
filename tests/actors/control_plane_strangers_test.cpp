// Who is not a peer, or not the one it should be, at the port of the control plane.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <caf/event_based_actor.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <fstream>
#include <random>
#include <sstream>

#include "actors/envelope_body.hpp"
#include "actors/type_ids.hpp"
#include "config/log.hpp"
#include "tests/support/control_node.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/test_certificates.hpp"

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

int connect_to(const endpoint& where) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(where.port);
  if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ::close(descriptor);
    return -1;
  }
  return descriptor;
}

/// Reads until the other side closes. @returns false when it does not.
bool is_closed(int descriptor) {
  char bytes[4096];
  const timeval bound{patience.count(), 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
  for (;;) {
    const auto got = ::recv(descriptor, bytes, sizeof bytes, 0);
    if (got == 0 || (got < 0 && errno == ECONNRESET))
      return true;
    if (got < 0)
      return false;
  }
}

/// The head of a message of CAF's protocol: its kind and how long it claims to be.
std::string basp_header(char operation, std::uint32_t payload_bytes, char destination) {
  std::string header(32, '\0');
  header[0] = operation;
  const auto length = htonl(payload_bytes);
  header.replace(4, 4, reinterpret_cast<const char*>(&length), 4);
  header[31] = destination;
  return header;
}

class ControlPlaneStrangersTest : public ::testing::Test {
protected:
  node_identity identity(std::uint8_t number) const {
    return {cluster, ordered_id(number), "n" + std::to_string(number), make_uuid()};
  }
  static void introduce(control_node& a, control_node& b) {
    a.know({b.as_peer()});
    b.know({a.as_peer()});
  }
  static void still_serve(control_node& a, control_node& b) {
    introduce(a, b);
    ASSERT_TRUE(a.sees(b.self.node));
    const auto calls = ++b.in_flight;
    EXPECT_TRUE(a.knows_load(b.self.node, calls));
    EXPECT_EQ(a.system->registry().running(), 1u);
    EXPECT_EQ(b.system->registry().running(), 1u);
  }
  envelope from(const uuid& incarnation, envelope_kind kind, std::string body = encode_nothing()) const {
    return {control_protocol, cluster, incarnation, kind, std::move(body)};
  }

  const uuid cluster = make_uuid();
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

    introduce(a, b);

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
  introduce(a, b);
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

TEST_F(ControlPlaneStrangersTest, GarbageOnThePortEndsItsOwnConnectionOnly) {
  control_node a{identity(1)}, b{identity(2)};
  introduce(a, b);
  ASSERT_TRUE(a.sees(b.self.node));
  std::mt19937_64 random{3};
  for (int i = 0; i < 200; ++i) {
    const int descriptor = connect_to(b.address);
    ASSERT_GE(descriptor, 0);
    std::string bytes(32 + random() % 200, '\0');
    for (auto& byte : bytes)
      byte = static_cast<char>(random());
    if (i % 2 == 0)  // a head that CAF takes for one of its own
      bytes.replace(0, 32,
                    basp_header(static_cast<char>(random() % 7), static_cast<std::uint32_t>(bytes.size() - 32),
                                static_cast<char>(random() % 16)));
    ASSERT_EQ(::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    ::shutdown(descriptor, SHUT_WR);
    ASSERT_TRUE(is_closed(descriptor));
    ::close(descriptor);
  }

  still_serve(a, b);
  a.said.change([&] { EXPECT_EQ(a.lost[b.self.node], 0); });
}

TEST_F(ControlPlaneStrangersTest, AMessageThatClaimsToBeHugeEndsItsConnectionAndAllocatesNothing) {
  control_node a{identity(1)}, b{identity(2)};
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  for (const std::uint32_t claimed : {~0u, 1u << 31, 1u << 20, 128u * 1024 + 1}) {
    const int descriptor = connect_to(b.address);
    ASSERT_GE(descriptor, 0);
    const auto header = basp_header(1, claimed, 0);
    ASSERT_EQ(::send(descriptor, header.data(), header.size(), MSG_NOSIGNAL), 32);

    EXPECT_TRUE(is_closed(descriptor)) << claimed;

    ::close(descriptor);
  }
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 50'000);  // KiB
  still_serve(a, b);
}

TEST_F(ControlPlaneStrangersTest, SilentConnectionsGiveWayToNewOnes) {
  auto options = control_node::quick();
  options.sockets.max_silent = 8;
  control_node a{identity(1)}, b{identity(2), options};
  std::vector<int> silent;
  for (int i = 0; i < 100; ++i) {
    silent.push_back(connect_to(b.address));
    ASSERT_GE(silent.back(), 0);
  }

  still_serve(a, b);

  // The first ones come first: but for the last few, all have been closed.
  for (std::size_t i = 0; i < 90; ++i)
    ASSERT_TRUE(is_closed(silent[i])) << i;
  for (const int descriptor : silent)
    ::close(descriptor);
}

TEST_F(ControlPlaneStrangersTest, ConnectionsBeyondTheLimitAreClosedAtOnce) {
  auto options = control_node::quick();
  options.sockets.max_accepted = 3;
  control_node b{identity(2), options};
  std::vector<int> open;
  for (int i = 0; i < 3; ++i)
    open.push_back(connect_to(b.address));

  const int beyond = connect_to(b.address);
  EXPECT_TRUE(is_closed(beyond));
  ::close(beyond);

  // One leaves, so there is room again.
  ::close(open.back());
  open.pop_back();
  control_node a{identity(1)};
  introduce(a, b);
  EXPECT_TRUE(a.sees(b.self.node));
  for (const int descriptor : open)
    ::close(descriptor);
}

TEST_F(ControlPlaneStrangersTest, TwoNodesCannotShareAPort) {
  control_node a{identity(1)};
  endpoint bound;

  const auto second = open_control_listener(a.address, bound);

  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, errc::io);
  EXPECT_NE(second.error().what.find(to_string(a.address)), std::string::npos) << second.error().what;
}

TEST_F(ControlPlaneStrangersTest, WithoutCertificatesOnlyLoopbackUnlessThatIsAllowed) {
  caf::actor_system_config config;
  auto options = control_node::quick();
  options.listen = {"0.0.0.0", 0};

  const auto refused = prepare_control_plane(config, options);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::bad_setting);

  options.without_certificates = control_plane_options::unencrypted::allow;
  EXPECT_TRUE(prepare_control_plane(config, options).has_value());
}

TEST_F(ControlPlaneStrangersTest, ASystemThatWasNotPreparedIsFoundOut) {
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  caf::actor_system plain{config};
  EXPECT_EQ(check_control_plane(plain, {}).error().code, errc::bug);

  foreign_system other;
  const auto missing = check_control_plane(*other.system, {});
  ASSERT_FALSE(missing.has_value());
  EXPECT_NE(missing.error().what.find("heartbeat-interval"), std::string::npos) << missing.error().what;
}

namespace {

control_plane_options with_certificates(tests::test_authority& authority, const std::string& node) {
  auto options = control_node::quick();
  const auto files = authority.issue(node);
  options.certificates = {files.certificate, files.key, authority.authority_file()};
  return options;
}

}  // namespace

TEST_F(ControlPlaneStrangersTest, WithCertificatesPeersMeetAndNobodyElseGetsIn) {
  tests::temp_folder folder;
  tests::test_authority authority{folder.path(), "ours"};
  tests::test_authority foreign{folder.path(), "theirs"};
  control_node a{identity(1), with_certificates(authority, "n1")};
  control_node b{identity(2), with_certificates(authority, "n2")};
  introduce(a, b);
  ASSERT_TRUE(a.sees(b.self.node));
  ASSERT_TRUE(b.sees(a.self.node));

  control_node uncertified{identity(0)};
  control_node otherwise{identity(0), with_certificates(foreign, "n0")};
  for (auto* each : {&uncertified, &otherwise}) {
    b.know({a.as_peer(), each->as_peer()});
    each->know({b.as_peer()});
  }
  const int descriptor = connect_to(b.address);
  ASSERT_EQ(::send(descriptor, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
  EXPECT_TRUE(is_closed(descriptor));
  ::close(descriptor);

  for (int i = 0; i < 5; ++i) {  // meanwhile they try
    const auto calls = ++b.in_flight;
    EXPECT_TRUE(a.knows_load(b.self.node, calls));
  }
  for (auto* each : {&uncertified, &otherwise}) {
    each->said.change([&] { EXPECT_EQ(each->connected[b.self.node], 0); });
    b.said.change([&] { EXPECT_EQ(b.connected[each->self.node], 0); });
  }
  a.said.change([&] { EXPECT_EQ(a.lost[b.self.node], 0); });
}

TEST_F(ControlPlaneStrangersTest, ACertificateThatCannotBeUsedIsFoundAtTheStart) {
  tests::temp_folder folder;
  tests::test_authority authority{folder.path(), "ours"};
  auto options = with_certificates(authority, "n1");
  const auto other = authority.issue("n2");
  caf::actor_system_config config;

  auto missing = options;
  missing.certificates->certificate = folder.path() + "/nowhere.pem";
  auto mismatched = options;
  mismatched.certificates->key = other.key;
  auto no_authority = options;
  no_authority.certificates->authority = options.certificates->key;

  for (const auto& [wrong, name] :
       {std::pair{missing, "certificate"}, {mismatched, "key"}, {no_authority, "authority"}}) {
    const auto prepared = prepare_control_plane(config, wrong);
    ASSERT_FALSE(prepared.has_value()) << name;
    EXPECT_EQ(prepared.error().code, errc::bad_setting);
    EXPECT_NE(prepared.error().what.find(name), std::string::npos) << prepared.error().what;
  }
}
