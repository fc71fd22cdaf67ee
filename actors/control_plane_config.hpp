// How CAF's middleman is set up for the control plane, before the actor system is made, and the check afterwards that
// CAF took the settings: it ignores those whose type it does not expect.
#pragma once

#include <caf/fwd.hpp>
#include <optional>
#include <string>

#include "actors/basp_sockets.hpp"
#include "cluster/peer_table.hpp"
#include "config/clock.hpp"
#include "config/errc.hpp"
#include "config/setting_values.hpp"

namespace troupe::actors {

/// Files in PEM form. Every node's certificate must come from the authority, and nobody else may have one: CAF checks
/// no names.
struct control_certificates {
  std::string certificate;
  std::string key;
  std::string authority;
};

struct control_plane_options {
  endpoint listen{"127.0.0.1", 0};  ///< port 0: any
  std::optional<control_certificates> certificates;
  /// Without certificates whoever reaches the port can do with the node what a peer can, and exhaust its memory:
  /// `refuse` allows that on loopback only.
  enum class unencrypted : std::uint8_t { refuse, allow } without_certificates = unencrypted::refuse;
  milliseconds heartbeat_interval{500};
  milliseconds connection_timeout{4'000};  ///< silence that ends a connection; links suspect earlier
  milliseconds dial_timeout{2'000};        ///< until the connection stands
  milliseconds meet_timeout{3'000};        ///< from then on until the other agent's welcome
  milliseconds status_interval{1'000};
  milliseconds status_pause{100};  ///< so often `load_moved` brings a report in the long run
  unsigned status_burst = 5;       ///< and so many of them at once after a while without
  milliseconds load_max_age{5'000};
  cluster::redial_limits redial;
  socket_limits sockets;
};

/// Loads the middleman (and OpenSSL with certificates) into `config`. Call it before the system is made, only when the
/// node is to have peers. Errors: `bad_setting`, naming what is wrong with address or certificates.
expected<void> prepare_control_plane(caf::actor_system_config& config, const control_plane_options& options);

/// Reads the settings back. Errors: `bug`, naming the setting that CAF did not take.
expected<void> check_control_plane(caf::actor_system& system, const control_plane_options& options);

}  // namespace troupe::actors
