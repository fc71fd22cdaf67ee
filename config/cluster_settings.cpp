#include "config/cluster_settings.hpp"

#include <cassert>
#include <limits>

namespace troupe {

namespace {

constexpr std::uint16_t last_port = std::numeric_limits<std::uint16_t>::max();

expected<void> refuse(std::string what) {
  return fail(errc::bad_setting, std::move(what));
}

/// What nobody set has nothing to say about a node without a cluster, but these two only make sense in one.
expected<void> check_alone(const cluster_settings& cluster) {
  if (!cluster.seeds.empty())
    return refuse("join = '" + to_string(cluster.seeds.front()) +
                  "': a node that joins needs an address of its own for the others; give cluster (--cluster "
                  "ADDRESS:PORT)");
  if (cluster.advertise)
    return refuse("cluster.advertise = '" + to_string(*cluster.advertise) +
                  "': there is no cluster to advertise it to; give cluster (--cluster ADDRESS:PORT)");
  return {};
}

expected<void> check_ports(const cluster_settings& cluster) {
  const auto& own = *cluster.listen;
  if (is_wildcard(own) && !cluster.advertise)
    return refuse("cluster = '" + to_string(own) +
                  "': no other node can dial this address; give cluster.advertise, the one that they can");
  if (cluster.control_port == 0 && own.port == last_port)
    return refuse("cluster = '" + to_string(own) + "': there is no port behind it; give cluster.control_port");
  if (cluster.control_port != 0 && cluster.control_port == own.port)
    return refuse("cluster.control_port = '" + std::to_string(own.port) +
                  "': this is the port of cluster itself; the control plane needs another one");
  return {};
}

expected<void> check_trust(const cluster_settings& cluster) {
  const bool all = !cluster.certificate.empty() && !cluster.key.empty() && !cluster.authority.empty();
  const bool none = cluster.certificate.empty() && cluster.key.empty() && cluster.authority.empty();
  if (!all && !none) {
    const auto* missing = cluster.certificate.empty() ? "certificate" : cluster.key.empty() ? "key" : "authority";
    return refuse(std::string{"cluster."} + missing +
                  " is missing: cluster.certificate, cluster.key and cluster.authority are given together or not at "
                  "all");
  }
  if (all && cluster.trust == cluster_trust::anybody)
    return refuse("insecure_cluster = 'true': contradicts cluster.certificate; give one of them");
  if (all || cluster.trust == cluster_trust::anybody)
    return {};
  const auto refuse_remote = [](const char* key, const endpoint& where) {
    return refuse(std::string{key} + " = '" + to_string(where) +
                  "': without certificates a cluster stays on loopback, as whoever reaches it can run code; make them "
                  "with `troupe certs`, or give --insecure-cluster");
  };
  if (!is_loopback(*cluster.listen))
    return refuse_remote("cluster", *cluster.listen);
  if (cluster.advertise && !is_loopback(*cluster.advertise))
    return refuse_remote("cluster.advertise", *cluster.advertise);
  for (const auto& seed : cluster.seeds)
    if (!is_loopback(seed))
      return refuse_remote("join", seed);
  return {};
}

}  // namespace

expected<void> check(const cluster_settings& cluster) {
  if (!cluster.listen)
    return check_alone(cluster);
  if (auto ports = check_ports(cluster); !ports)
    return ports;
  return check_trust(cluster);
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
