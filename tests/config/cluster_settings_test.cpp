#include "config/cluster_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "config/load.hpp"

using namespace troupe;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

namespace {

using flags = std::vector<given_setting>;

const flags certificates{
    {"cluster.certificate", "/c/a.pem"}, {"cluster.key", "/c/a-key.pem"}, {"cluster.authority", "/c/authority.pem"}};

flags joined(flags first, const flags& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

cluster_settings cluster_of(const flags& given) {
  const auto loaded = load({std::nullopt, {}, given});
  EXPECT_TRUE(loaded) << loaded.error().what;
  return loaded ? loaded->cluster : cluster_settings{};
}

std::string fault_of(const flags& given) {
  const auto loaded = load({std::nullopt, {}, given});
  if (loaded)
    return "no fault";
  EXPECT_EQ(loaded.error().code, errc::bad_setting);
  EXPECT_EQ(loaded.error().what.find('\n'), std::string::npos);
  return loaded.error().what;
}

}  // namespace

TEST(ClusterSettingsTest, WithoutAnAddressTheNodeIsAlone) {
  const auto cluster = cluster_of({});
  EXPECT_FALSE(cluster.listen);
  EXPECT_EQ(cluster.session_ttl, seconds{10});
  EXPECT_EQ(cluster.suspect_after, seconds{1});
  EXPECT_EQ(cluster.name, "troupe");
  EXPECT_THAT(fault_of({{"join", "127.0.0.1:7000"}}), StartsWith("join = '127.0.0.1:7000' (flag --join): "));
  EXPECT_THAT(fault_of({{"cluster.advertise", "127.0.0.1:7000"}}), StartsWith("cluster.advertise = "));
  EXPECT_EQ(fault_of(certificates), "no fault") << "a file for all nodes may name them";
}

TEST(ClusterSettingsTest, SeedsAndEverythingElseArrive) {
  const auto cluster = cluster_of(joined(certificates, {{"cluster", "10.0.0.2:7000"},
                                                        {"join", "10.0.0.1:7000"},
                                                        {"join", "[fd00::1]:7000"},
                                                        {"cluster.advertise", "192.0.2.7:17000"},
                                                        {"cluster.name", "shop"},
                                                        {"store.session_ttl", "1m"},
                                                        {"cluster.suspect_after", "2s"}}));
  EXPECT_EQ(cluster.listen, (endpoint{"10.0.0.2", 7000}));
  EXPECT_EQ(cluster.seeds, (std::vector<endpoint>{{"10.0.0.1", 7000}, {"fd00::1", 7000}}));
  EXPECT_EQ(cluster.advertise, (endpoint{"192.0.2.7", 17000}));
  EXPECT_TRUE(cluster.has_certificate());
  EXPECT_EQ(cluster.key, "/c/a-key.pem");
  EXPECT_EQ(cluster.name, "shop");
  EXPECT_EQ(cluster.session_ttl, seconds{60});
  EXPECT_EQ(cluster.suspect_after, seconds{2});
}

TEST(ClusterSettingsTest, WithoutCertificatesItStaysOnLoopbackUnlessSaidInWords) {
  const flags insecure{{"insecure_cluster", "true"}};
  for (const auto& remote :
       {flags{{"cluster", "10.0.0.2:7000"}}, flags{{"cluster", "127.0.0.1:7000"}, {"join", "10.0.0.1:7000"}},
        flags{{"cluster", "127.0.0.1:7000"}, {"cluster.advertise", "192.0.2.7:1"}},
        flags{{"cluster", "0.0.0.0:7000"}, {"cluster.advertise", "127.0.0.1:1"}}}) {
    EXPECT_THAT(fault_of(remote), HasSubstr("--insecure-cluster"));
    EXPECT_EQ(fault_of(joined(remote, insecure)), "no fault");
    EXPECT_EQ(fault_of(joined(remote, certificates)), "no fault");
  }
  EXPECT_EQ(fault_of({{"cluster", "[::1]:7000"}, {"join", "127.0.0.2:7000"}}), "no fault");
  EXPECT_EQ(fault_of({{"cluster", "10.0.0.2:7000"}, {"insecure_cluster", "false"}}),
            fault_of({{"cluster", "10.0.0.2:7000"}}));
  EXPECT_THAT(fault_of(joined(joined({{"cluster", "10.0.0.2:7000"}}, certificates), insecure)),
              HasSubstr("contradicts cluster.certificate"));
}

TEST(ClusterSettingsTest, CertificateKeyAndAuthorityComeTogether) {
  for (const auto& left_out : certificates) {
    flags two{{"cluster", "10.0.0.2:7000"}};
    for (const auto& each : certificates)
      if (each != left_out)
        two.push_back(each);
    EXPECT_THAT(fault_of(two), StartsWith(left_out.key + " is missing: "));
  }
}

TEST(ClusterSettingsTest, AnAddressThatNobodyCanDialIsRefused) {
  EXPECT_THAT(fault_of(joined({{"cluster", "0.0.0.0:7000"}}, certificates)), HasSubstr("give cluster.advertise"));
  EXPECT_THAT(fault_of(joined({{"cluster", "[::]:7000"}}, certificates)), HasSubstr("give cluster.advertise"));
  for (const auto* key : {"join", "cluster.advertise"})
    for (const auto* value : {"127.0.0.1:0", "0.0.0.0:1", "[::]:1"})
      EXPECT_THAT(fault_of({{"cluster", "127.0.0.1:0"}, {key, value}}), HasSubstr("port 1 to 65535")) << key << value;
}

TEST(ClusterSettingsTest, TheControlPlaneHasAPortOfItsOwn) {
  const auto control_of = [](const flags& given) { return to_string(control_endpoint(cluster_of(given))); };
  EXPECT_EQ(control_of({{"cluster", "127.0.0.1:7000"}}), "127.0.0.1:7001");
  EXPECT_EQ(control_of({{"cluster", "[::1]:0"}}), "[::1]:0");
  EXPECT_EQ(control_of({{"cluster", "127.0.0.1:0"}, {"cluster.control_port", "9"}}), "127.0.0.1:9");
  EXPECT_EQ(control_of({{"cluster", "127.0.0.1:65535"}, {"cluster.control_port", "9"}}), "127.0.0.1:9");
  EXPECT_THAT(fault_of({{"cluster", "127.0.0.1:65535"}}), HasSubstr("give cluster.control_port"));
  EXPECT_THAT(fault_of({{"cluster", "127.0.0.1:7000"}, {"cluster.control_port", "7000"}}),
              StartsWith("cluster.control_port = '7000' (flag --cluster-control-port): "));
}

TEST(ClusterSettingsTest, EveryContradictionIsFound) {
  cluster_settings wrong;
  wrong.listen = endpoint{"0.0.0.0", 65535};
  wrong.key = "/c/a-key.pem";
  std::vector<std::string> keys;
  for (const auto& fault : faults_of(wrong))
    keys.push_back(fault.key);
  EXPECT_THAT(keys, ElementsAre("cluster", "cluster", "cluster.certificate", "cluster.authority"));

  wrong = {};
  wrong.seeds = {{"127.0.0.1", 1}};
  wrong.advertise = endpoint{"127.0.0.1", 2};
  EXPECT_THAT(faults_of(wrong), SizeIs(2));
}
