// What makes a node a member of a cluster: where it listens, whom it asks first, whom it trusts. Which of these
// settings go together is decided here; whether certificate files are any good is decided by who opens them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/clock.hpp"
#include "config/errc.hpp"
#include "config/setting_values.hpp"

namespace troupe {

/// Whom a node takes for a member of its cluster: who has a certificate of its authority, or whoever reaches its port.
enum class cluster_trust : std::uint8_t { certificate, anybody };

struct cluster_settings {
  std::optional<endpoint> listen;     ///< of the links; without it the node is alone. Port 0: any free one
  std::vector<endpoint> seeds;        ///< members that a starting node asks
  std::optional<endpoint> advertise;  ///< what others dial instead of `listen`
  std::string name = "troupe";        ///< nodes of another cluster are refused
  std::uint64_t control_port = 0;     ///< of the control plane, at the address of `listen`; 0: see `control_endpoint`
  std::string certificate;            ///< path of a PEM file; all three or none
  std::string key;
  std::string authority;
  cluster_trust trust = cluster_trust::certificate;  ///< `anybody` only if the user said so in words
  milliseconds suspect_after{1000};
  milliseconds session_ttl{10'000};

  bool has_certificate() const noexcept { return !certificate.empty(); }
};

/// Settings that contradict each other.
struct cluster_fault {
  std::string key;
  std::string value;  ///< empty: it has none, and needs one
  std::string why;    ///< and what to do; after `KEY = 'VALUE': `, or behind the key that has no value
};

/// Where the settings do not agree with each other. Without certificates only loopback addresses are accepted, unless
/// the user wants no protection.
std::vector<cluster_fault> faults_of(const cluster_settings& cluster);

/// @returns `errc::bad_setting` with the first fault in one line.
expected<void> check(const cluster_settings& cluster);

/// Where the control plane listens: `control_port`, else the port behind that of `listen`, else any free one (port 0).
/// Call it only with settings that passed `check` and have `listen`.
endpoint control_endpoint(const cluster_settings& cluster);

}  // namespace troupe
