// The settings of a node from its flags, the environment and a file: for `serve`, and for what is done to a node's data
// directory while it does not run.
#include <algorithm>

#include "actors/tls_context.hpp"
#include "cli/serve.hpp"

namespace troupe::cli {

namespace {

load_options sources_of(const serve_options& flags) {
  load_options sources;
  sources.file = flags.config;
  const auto add = [&](const char* key, const std::optional<std::string>& value) {
    if (value)
      sources.flags.push_back({key, *value});
  };
  for (const auto& address : flags.http)
    sources.flags.push_back({"http", address});
  add("admin", flags.admin);
  add("data_dir", flags.data_dir);
  add("name", flags.name);
  add("loops", flags.loops);
  add("native", flags.native);
  add("cluster", flags.cluster);
  for (const auto& seed : flags.join)
    sources.flags.push_back({"join", seed});
  add("cluster.advertise", flags.advertise);
  if (flags.insecure_cluster)
    sources.flags.push_back({"insecure_cluster", "true"});
  for (const auto& [key, text] : flags.settings)
    sources.flags.push_back({key, text, "--set " + key});
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

/// Of the certificate, where nothing else is wrong with the cluster. Its message begins with the key.
void add_certificate_fault(loaded_settings& to) {
  if (std::any_of(to.faults.begin(), to.faults.end(), hides_cluster))
    return;
  const auto checked = check_certificate(to.values);
  if (checked)
    return;
  setting_fault fault;
  fault.key = checked.error().what.substr(0, checked.error().what.find(' '));
  fault.what = checked.error().what;
  if (const auto* known = find_setting(fault.key)) {
    fault.place = to.places[static_cast<std::size_t>(known - all_settings().data())];
    if (fault.place.kind != setting_place::kind_type::built_in)
      fault.what += " (" + to_string(fault.place) + ")";
  }
  fault.what = in_one_line(fault.what);
  to.faults.push_back(std::move(fault));
}

}  // namespace

loaded_settings read_settings(const serve_options& flags, environment_use environment) {
  auto sources = sources_of(flags);
  if (environment == environment_use::counts)
    sources.environment = process_environment();
  auto loaded = load_all(sources);
  add_certificate_fault(loaded);
  return loaded;
}

expected<settings> load_settings(const serve_options& flags) {
  return values_without_fault(read_settings(flags, environment_use::counts));
}

}  // namespace troupe::cli
