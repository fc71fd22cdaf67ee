#include "actors/control_plane_config.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/openssl/manager.hpp>
#include <memory>
#include <vector>

#include "actors/envelope.hpp"
#include "actors/type_ids.hpp"

namespace troupe::actors {

namespace {

std::vector<std::string> application() {
  return {"troupe/" + std::to_string(control_protocol)};
}

/// CAF would find out at the first connection, by an exception on its own thread.
expected<void> try_certificates(const control_certificates& files) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_method()), &SSL_CTX_free};
  const auto bad = [](const char* what, const std::string& file) {
    const auto* why = ERR_reason_error_string(ERR_peek_last_error());
    auto failed =
        fail(errc::bad_setting, std::string{what} + " '" + file + "': " + (why != nullptr ? why : "cannot be read"));
    ERR_clear_error();
    return failed;
  };
  if (context == nullptr)
    return fail(errc::bug, "OpenSSL gives no context");
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1)
    return bad("cluster certificate", files.certificate);
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return bad("cluster key", files.key);
  if (SSL_CTX_load_verify_locations(context.get(), files.authority.c_str(), nullptr) != 1)
    return bad("cluster authority", files.authority);
  return {};
}

}  // namespace

expected<void> prepare_control_plane(caf::actor_system_config& config, const control_plane_options& options) {
  if (options.certificates) {
    if (auto tried = try_certificates(*options.certificates); !tried)
      return tried;
  } else if (!is_loopback(options.listen) &&
             options.without_certificates == control_plane_options::unencrypted::refuse) {
    return fail(errc::bad_setting, "cluster address '" + to_string(options.listen) +
                                       "': without certificates only loopback addresses are allowed");
  }
  add_message_types(config);
  config.load<caf::io::middleman>();
  if (options.certificates) {
    config.load<caf::openssl::manager>();
    config.openssl_certificate = options.certificates->certificate;
    config.openssl_key = options.certificates->key;
    config.openssl_cafile = options.certificates->authority;
  }
  config.set("middleman.heartbeat-interval", caf::timespan{options.heartbeat_interval});
  config.set("middleman.connection-timeout", caf::timespan{options.connection_timeout});
  // On the middleman's own thread: the pool may be busy, and messages would wait behind it.
  config.set("middleman.workers", std::size_t{0});
  config.set("middleman.app-identifiers", application());
  return {};
}

expected<void> check_control_plane(caf::actor_system& system, const control_plane_options& options) {
  const auto not_taken = [](const char* setting) {
    return fail(errc::bug, std::string{"CAF did not take the setting "} + setting);
  };
  const auto& config = system.config();
  if (!system.has_middleman())
    return fail(errc::bug, "the middleman was not loaded before the actor system was made");
  if (caf::get_or(config, "middleman.heartbeat-interval", caf::timespan{}) != caf::timespan{options.heartbeat_interval})
    return not_taken("middleman.heartbeat-interval");
  if (caf::get_or(config, "middleman.connection-timeout", caf::timespan{}) != caf::timespan{options.connection_timeout})
    return not_taken("middleman.connection-timeout");
  if (caf::get_or(config, "middleman.workers", ~std::size_t{0}) != 0)
    return not_taken("middleman.workers");
  if (caf::get_or(config, "middleman.app-identifiers", std::vector<std::string>{}) != application())
    return not_taken("middleman.app-identifiers");
  if (caf::get_or(config, "scheduler.policy", caf::atom("")) == caf::atom("stealing"))
    return not_taken("scheduler.policy");
  if (options.certificates && (!system.has_openssl_manager() || !system.openssl_manager().authentication_enabled()))
    return not_taken("openssl");
  return {};
}

}  // namespace troupe::actors
