// What CAF is set up with, certificates above all.
#include "actors/control_plane_config.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>

#include "tests/support/control_plane_fixture.hpp"
#include "tests/support/raw_connection.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/test_certificates.hpp"

using namespace troupe;
using namespace troupe::actors;
using tests::connect_to;
using tests::control_node;
using tests::is_closed;

namespace {

using ControlPlaneConfigTest = tests::ControlPlaneFixture;

control_plane_options with_certificates(tests::test_authority& authority, const std::string& node) {
  auto options = control_node::quick();
  const auto files = authority.issue(node);
  options.certificates = {files.certificate, files.key, authority.authority_file()};
  return options;
}

}  // namespace

TEST_F(ControlPlaneConfigTest, WithoutCertificatesOnlyLoopbackUnlessThatIsAllowed) {
  caf::actor_system_config config;
  auto options = control_node::quick();
  options.listen = {"0.0.0.0", 0};

  const auto refused = prepare_control_plane(config, options);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::bad_setting);

  options.without_certificates = control_plane_options::unencrypted::allow;
  EXPECT_TRUE(prepare_control_plane(config, options).has_value());
}

TEST_F(ControlPlaneConfigTest, ASystemThatWasNotPreparedIsFoundOut) {
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  caf::actor_system plain{config};
  EXPECT_EQ(check_control_plane(plain, {}).error().code, errc::bug);

  caf::actor_system_config without_heartbeats;
  without_heartbeats.load<caf::io::middleman>();
  caf::actor_system other{without_heartbeats};
  const auto missing = check_control_plane(other, {});
  ASSERT_FALSE(missing.has_value());
  EXPECT_NE(missing.error().what.find("heartbeat-interval"), std::string::npos) << missing.error().what;
}

TEST_F(ControlPlaneConfigTest, WithCertificatesPeersMeetAndNobodyElseGetsIn) {
  tests::temp_folder folder;
  tests::test_authority authority{folder.path(), "ours"};
  tests::test_authority foreign{folder.path(), "theirs"};
  control_node a{identity(1), with_certificates(authority, "n1")};
  control_node b{identity(2), with_certificates(authority, "n2")};
  introduce({&a, &b});
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

TEST_F(ControlPlaneConfigTest, ACertificateThatCannotBeUsedIsFoundAtTheStart) {
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
