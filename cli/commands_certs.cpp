// `troupe certs init` and `troupe certs issue`. They talk to no node.
#include <chrono>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "cli/certificate_files.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cluster/certificates.hpp"
#include "config/clock.hpp"

namespace troupe::cli {

namespace {

using json = nlohmann::ordered_json;

constexpr const char* default_cluster = "troupe";
constexpr std::uint32_t authority_days = 3650;
constexpr std::uint32_t node_days = 825;
constexpr std::int64_t day_s = 86'400;
/// Begins that much earlier, so that a node whose clock is slow accepts it at once.
constexpr std::int64_t backdated_s = 3'600;

cluster::validity valid_for(std::uint32_t days) {
  const auto now_s = std::chrono::duration_cast<seconds>(wall_now()).count();
  return {now_s - backdated_s, now_s + days * day_s};
}

/// `2036-11-23`
std::string date_of(std::int64_t unix_s) {
  const std::time_t time = unix_s;
  tm parts{};
  char text[32];
  return ::gmtime_r(&time, &parts) != nullptr && std::strftime(text, sizeof text, "%F", &parts) > 0 ? text : "?";
}

int report_usage(const client_options& client, std::string what) {
  return report(client, failure_of(error{errc::bad_usage, std::move(what)}));
}

/// Whose certificate it is.
struct holder {
  const char* kind;  ///< `cluster` or `node`
  std::string name;
  std::string file;  ///< without its ending
};

void print_files(const client_options& client, const holder& whose, const std::vector<written_file>& files,
                 cluster::validity valid) {
  if (client.json) {
    auto list = json::array();
    for (const auto& file : files)
      list.push_back({{"path", file.path}, {"holds", file.holds}});
    print_json({{whose.kind, whose.name}, {"files", std::move(list)}, {"ends_unix_s", valid.to_unix_s}});
    return;
  }
  for (const auto& file : files)
    std::printf("wrote %s: the %s of %s %s, %s\n", file.path.c_str(), file.holds.c_str(), whose.kind,
                whose.name.c_str(), file.holds == "key" ? "a secret" : ("until " + date_of(valid.to_unix_s)).c_str());
}

int finish(const client_options& client, const certificate_files& files, const holder& whose,
           const expected<cluster::certified_key>& made) {
  if (!made)
    return report(client, failure_of(made.error()));
  const auto written = files.write(whose.file, *made);
  if (!written)
    return report(client, failure_of(written.error()));
  print_files(client, whose, *written, made->valid);
  return exit_done;
}

int init(const client_options& client, const certs_options& options) {
  if (options.node)
    return report_usage(client, "certs init takes no '" + *options.node + "'; `troupe certs issue " + *options.node +
                                    "` makes the certificate of a node");
  if (!options.addresses.empty())
    return report_usage(client, "certs init has no --address: an authority has none");
  const certificate_files files{options.dir};
  if (const auto free = files.check_free(certificate_files::authority); !free)
    return report(client, failure_of(free.error()));
  const auto name = options.name.value_or(default_cluster);
  return finish(client, files, {"cluster", name, certificate_files::authority},
                cluster::make_authority(name, valid_for(options.days.value_or(authority_days))));
}

int issue(const client_options& client, const certs_options& options) {
  if (!options.node)
    return report_usage(client, "certs issue needs the name of a node: troupe certs issue NODE");
  if (options.name)
    return report_usage(client, "certs issue has no --name: the authority has the cluster's already");
  const certificate_files files{options.dir};
  const auto authority = files.read_authority();
  if (!authority)
    return report(client, failure_of(authority.error()));
  const cluster::certificate_request request{*options.node, options.addresses,
                                             valid_for(options.days.value_or(node_days))};
  const auto issued = cluster::issue_certificate(*authority, request);
  return finish(client, files, {"node", *options.node, *options.node}, issued);
}

}  // namespace

int certs(const client_options& client, const certs_options& options) {
  return options.action == "init" ? init(client, options) : issue(client, options);
}

}  // namespace troupe::cli
