// The settings of a node from its flags, the environment and a file: for `serve`, and for what is done to a node's data
// directory while it does not run.
#include "actors/tls_context.hpp"
#include "cli/serve.hpp"
#include "config/load.hpp"

namespace troupe::cli {

namespace {

load_options sources_of(const serve_options& flags) {
  load_options sources;
  sources.file = flags.config;
  sources.environment = process_environment();
  const auto add = [&](const char* key, const std::optional<std::string>& value) {
    if (value)
      sources.flags.emplace_back(key, *value);
  };
  for (const auto& address : flags.http)
    sources.flags.emplace_back("http", address);
  add("admin", flags.admin);
  add("data_dir", flags.data_dir);
  add("name", flags.name);
  add("loops", flags.loops);
  add("native", flags.native);
  add("cluster", flags.cluster);
  for (const auto& seed : flags.join)
    sources.flags.emplace_back("join", seed);
  add("cluster.advertise", flags.advertise);
  if (flags.insecure_cluster)
    sources.flags.emplace_back("insecure_cluster", "true");
  sources.flags.insert(sources.flags.end(), flags.settings.begin(), flags.settings.end());
  return sources;
}

/// What other nodes would refuse is refused here; a node without a name is called as its certificate says.
expected<void> check_certificate(settings& of) {
  const auto& cluster = of.cluster;
  if (!cluster.listen || !cluster.has_certificate())
    return {};
  const auto opened = actors::tls_context::open({cluster.certificate, cluster.key, cluster.authority});
  if (!opened)
    return fail(opened.error().code, "cluster." + opened.error().what);
  const auto& own = **opened;
  if (own.names().empty())
    return fail(errc::bad_setting, "cluster.certificate '" + cluster.certificate + "': holds no name of a node");
  if (of.node.name.empty())
    of.node.name = own.names().front();
  if (!own.allows(of.node.name))
    return fail(errc::bad_setting, "name = '" + of.node.name + "': the certificate '" + cluster.certificate +
                                       "' is that of '" + own.names().front() + "'");
  return {};
}

}  // namespace

expected<settings> load_settings(const serve_options& flags) {
  auto loaded = load(sources_of(flags));
  if (!loaded)
    return loaded;
  if (auto checked = check_certificate(*loaded); !checked)
    return tl::unexpected{std::move(checked.error())};
  return loaded;
}

}  // namespace troupe::cli
