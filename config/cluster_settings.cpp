#include "config/cluster_settings.hpp"

#include <cassert>
#include <limits>
#include <utility>

namespace troupe {

namespace {

constexpr std::uint16_t last_port = std::numeric_limits<std::uint16_t>::max();

using faults = std::vector<cluster_fault>;

/// What nobody set has nothing to say about a node without a cluster, but these two only make sense in one.
void check_alone(const cluster_settings& cluster, faults& found) {
  if (!cluster.seeds.empty())
    found.push_back({"join", to_string(cluster.seeds.front()),
                     "a node that joins needs an address of its own for the others; give cluster (--cluster "
                     "ADDRESS:PORT)"});
  if (cluster.advertise)
    found.push_back({"cluster.advertise", to_string(*cluster.advertise),
                     "there is no cluster to advertise it to; give cluster (--cluster ADDRESS:PORT)"});
}

void check_ports(const cluster_settings& cluster, faults& found) {
  const auto& own = *cluster.listen;
  if (is_wildcard(own) && !cluster.advertise)
    found.push_back({"cluster", to_string(own),
                     "no other node can dial this address; give cluster.advertise, the one that they can"});
  if (cluster.control_port == 0 && own.port == last_port)
    found.push_back({"cluster", to_string(own), "there is no port behind it; give cluster.control_port"});
  if (cluster.control_port != 0 && cluster.control_port == own.port)
    found.push_back({"cluster.control_port", std::to_string(own.port),
                     "this is the port of cluster itself; the control plane needs another one"});
}

void check_trust(const cluster_settings& cluster, faults& found) {
  const bool all = !cluster.certificate.empty() && !cluster.key.empty() && !cluster.authority.empty();
  const bool none = cluster.certificate.empty() && cluster.key.empty() && cluster.authority.empty();
  if (!all && !none) {
    for (const auto& [key, value] : {std::pair{"cluster.certificate", &cluster.certificate},
                                     {"cluster.key", &cluster.key},
                                     {"cluster.authority", &cluster.authority}})
      if (value->empty())
        found.push_back({key,
                         {},
                         "is missing: cluster.certificate, cluster.key and cluster.authority are given together or not "
                         "at all"});
    return;
  }
  if (all && cluster.trust == cluster_trust::anybody)
    found.push_back({"insecure_cluster", "true", "contradicts cluster.certificate; give one of them"});
  if (all || cluster.trust == cluster_trust::anybody)
    return;
  const auto check_near = [&](const char* key, const endpoint& where) {
    if (!is_loopback(where))
      found.push_back({key, to_string(where),
                       "without certificates a cluster stays on loopback, as whoever reaches it can run code; make "
                       "them with `troupe certs`, or give --insecure-cluster"});
  };
  check_near("cluster", *cluster.listen);
  if (cluster.advertise)
    check_near("cluster.advertise", *cluster.advertise);
  for (const auto& seed : cluster.seeds)
    check_near("join", seed);
}

}  // namespace

std::vector<cluster_fault> faults_of(const cluster_settings& cluster) {
  faults found;
  if (!cluster.listen) {
    check_alone(cluster, found);
    return found;
  }
  check_ports(cluster, found);
  check_trust(cluster, found);
  return found;
}

expected<void> check(const cluster_settings& cluster) {
  const auto found = faults_of(cluster);
  if (found.empty())
    return {};
  const auto& [key, value, why] = found.front();
  return fail(errc::bad_setting, key + (value.empty() ? " " : " = '" + value + "': ") + why);
}

endpoint control_endpoint(const cluster_settings& cluster) {
  assert(cluster.listen);
  auto where = *cluster.listen;
  if (cluster.control_port != 0)
    where.port = static_cast<std::uint16_t>(cluster.control_port);
  else if (where.port != 0)
    ++where.port;
  return where;
}

}  // namespace troupe
