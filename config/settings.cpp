#include "config/settings.hpp"

#include <algorithm>
#include <array>

#include "config/setting_entry.hpp"

namespace troupe {

namespace {

using namespace setting_entry;

constexpr auto node = &settings::node;
constexpr auto edge = &settings::edge;
constexpr auto calls = &settings::functions;
constexpr auto drain = &settings::drain;
constexpr auto cluster = &settings::cluster;
constexpr auto backups = &settings::backups;
constexpr auto logs = &settings::log;
constexpr auto live = change_mode::at_reload;
constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr seconds zero{0};
constexpr milliseconds shortest{10};
constexpr std::chrono::minutes quarter_hour{15};

constexpr std::array table = {
    entry<node, &node_settings::name>(
        "name", form(kind::name), "What other nodes and people call this node; made from the host name if not given."),
    entry<node, &node_settings::data_dir>(
        "data_dir", form(kind::path),
        "Folder of the node's own files: identity, deployments, code. Locked while the node runs."),
    entry<node, &node_settings::loops>("loops", count(0, 256, "loops"),
                                       "Event loops, each a thread; 0 is one per core."),
    entry<node, &node_settings::native>(
        "native", choice("process|in-process"),
        "Where native functions run: in a worker process, or in the node itself, where a fault of one ends the node."),
    entry<node, &node_settings::execution>(
        "native.execution", choice("adaptive|inline|compute"),
        "Calls inside the node: inline on event loops while a function's CPU time is short, else on compute loops; or "
        "always the one or the other."),
    entry<node, &node_settings::compute_loops>(
        "native.compute_loops", count(0, 256, "loops"),
        "Threads for native functions that are too long for an event loop, at a lower priority; 0 is one per core."),
    entry<edge, &edge_settings::http>("http", form(kind::address), "Addresses of the gateway."),
    entry<edge, &edge_settings::admin>("admin", form(kind::loopback),
                                       "Address of the admin port. Whoever reaches it can run code here."),
    entry<edge, &edge_settings::admin_hosts>("admin_hosts", form(kind::hosts),
                                             "Host names by which the admin port may be called besides localhost, so "
                                             "that no web page can reach it by a name of its own.",
                                             live),
    entry<edge, &edge_settings::errors>(
        "errors", choice("strict|truthful"),
        "Statuses of failures: those of API Gateway, for clients that know it, or ones that tell the cause.", live),
    entry<edge, &edge_settings::timing>(
        "timing", choice("header|always"),
        "When answers carry Server-Timing: on requests with x-troupe-timing: 1, or always.", live),
    entry<edge, &edge_settings::max_head_bytes>(
        "edge.max_head_bytes", bytes(kib, 64 * kib),
        "Request line and header fields; more is 431: whoever sends them makes the node keep them.", live),
    entry<edge, &edge_settings::max_fields>(
        "edge.max_fields", count(8, 1000, "fields"),
        "Header fields of a request; more is 431, as each costs more than its bytes.", live),
    entry<edge, &edge_settings::max_target_bytes>("edge.max_target_bytes", bytes(64, 64 * kib),
                                                  "Path and query; more is 414, as they are kept while the call runs.",
                                                  live),
    entry<edge, &edge_settings::max_body_bytes>(
        "edge.max_body_bytes", bytes(0, 1024 * mib),
        "Body of a request to the gateway; more is 413. The default is API Gateway's limit.", live),
    entry<edge, &edge_settings::max_admin_body_bytes>(
        "edge.max_admin_body_bytes", bytes(kib, 1024 * mib),
        "Body of a request to the admin port; a 50 MB zip in base64 fits into the default.", live),
    entry<edge, &edge_settings::max_pipeline_bytes>(
        "edge.max_pipeline_bytes", bytes(kib, 64 * kib),
        "Most bytes of one read, and so most that wait behind a running request; the rest stays in the kernel.", live),
    entry<edge, &edge_settings::max_connections>(
        "edge.max_connections", count(0, 1'000'000, "connections"),
        "Open client connections; 0 is three quarters of the descriptor limit.", live),
    entry<edge, &edge_settings::max_body_memory>("edge.max_body_memory", bytes(0, 1024 * 1024 * mib),
                                                 "Bodies on their way, and again those that wait; 0: an eighth of "
                                                 "memory, at most 512MiB or 64MiB a loop. Slow readers have a quarter.",
                                                 live),
    entry<edge, &edge_settings::header_timeout>(
        "edge.header_timeout", time(shortest, quarter_hour),
        "From the first byte of a request to the end of its head; then 408, so that slow heads hold no connections.",
        live),
    entry<edge, &edge_settings::body_progress_timeout>(
        "edge.body_progress_timeout", time(shortest, quarter_hour),
        "Longest pause inside a body; then 408, long before a client that is gone is noticed by TCP.", live),
    entry<edge, &edge_settings::body_timeout>(
        "edge.body_timeout", time(shortest, std::chrono::hours{1}),
        "A whole body; then 408, as one that comes steadily but slowly holds memory too.", live),
    entry<edge, &edge_settings::idle_timeout>("edge.idle_timeout", time(shortest, std::chrono::hours{1}),
                                              "A connection without a request; then it is closed, as it keeps a "
                                              "descriptor. Longer than AWS load balancers keep one.",
                                              live),
    entry<edge, &edge_settings::write_timeout>(
        "edge.write_timeout", time(shortest, quarter_hour),
        "Longest pause of a client in taking its answer; then the connection is closed.", live),
    entry<edge, &edge_settings::answer_timeout>(
        "edge.answer_timeout", time(shortest, quarter_hour),
        "When an HTTP request gets its answer at the latest; the function runs on to its own timeout.", live),
    entry<calls, &function_settings::max_payload_bytes>(
        "worker.max_payload_bytes", bytes(kib, 256 * mib),
        "Event to a worker (more is 413) and its answer (more is 500). The default is Lambda's limit of an answer."),
    entry<calls, &function_settings::max_queued_calls>("queue.max_calls", count(1, 1'000'000, "calls"),
                                                       "Calls that wait for an instance of one function, at each loop; "
                                                       "more, or more than 64MiB of bodies, are told early: 503.",
                                                       live),
    entry<calls, &function_settings::max_queue_age>(
        "queue.max_age", time(milliseconds{1}, quarter_hour),
        "How long a call waits for an instance before it is refused with 503; for the first one to start, 15s.", live),
    entry<calls, &function_settings::shedding>(
        "queue.shedding", choice("auto|off"),
        "auto: while a queue stands, calls wait no longer than they run, and the newest goes first. off: queue.max_age "
        "alone counts.",
        live),
    entry<calls, &function_settings::idle_timeout>(
        "idle_timeout", time(seconds{1}, std::chrono::hours{24}),
        "How long an instance without calls is kept: longer means fewer cold starts, shorter less memory.", live),
    entry<calls, &function_settings::instance_memory>("instance_memory", bytes(0, 1024 * 1024 * mib),
                                                      "Memory promised to all instances together; 0 is 60 % of the "
                                                      "machine's or the cgroup's. Above it idle ones make room.",
                                                      live),
    entry<calls, &function_settings::stem_cells>(
        "stem_cells", choice("auto|off"),
        "Whether started workers wait for code, so that a cold start needs no start of a process."),
    entry<drain, &drain_settings::announce>("drain.announce", time(zero, quarter_hour),
                                            "How long a node that goes down keeps accepting, so that load balancers "
                                            "notice; less when none comes for 500ms.",
                                            live),
    entry<drain, &drain_settings::timeout>("drain.timeout", time(zero, quarter_hour),
                                           "How long running calls may take when the node goes down; then 503.", live),
    entry<drain, &drain_settings::idle>(
        "drain.idle", time(zero, quarter_hour),
        "When the node goes down, a connection without a request is closed after this time.", live),
    entry<cluster, &cluster_settings::listen>(
        "cluster", form(kind::address),
        "Address of this node for the others of its cluster; without it the node is alone. In a file, the settings "
        "that follow are written with their dots."),
    entry<cluster, &cluster_settings::seeds>(
        "join", form(kind::peer), "Nodes to ask for the cluster when this one starts; any that is in it will do."),
    entry<cluster, &cluster_settings::advertise>(
        "cluster.advertise", form(kind::peer),
        "Address that other nodes dial when it is not that of cluster, as behind NAT or for 0.0.0.0."),
    entry<cluster, &cluster_settings::name>(
        "cluster.name", form(kind::name),
        "Name of the cluster; nodes of another one are refused, so that a wrong address joins no two."),
    entry<cluster, &cluster_settings::control_port>(
        "cluster.control_port", count(0, 65535, "port"),
        "Port of the control plane; 0 is the one behind that of cluster. The other nodes are told."),
    entry<cluster, &cluster_settings::certificate>(
        "cluster.certificate", form(kind::path),
        "PEM file with this node's certificate, which holds its name. `troupe certs` makes all three files."),
    entry<cluster, &cluster_settings::key>("cluster.key", form(kind::path),
                                           "PEM file with the key of cluster.certificate."),
    entry<cluster, &cluster_settings::authority>(
        "cluster.authority", form(kind::path),
        "PEM file with the certificate of the authority: whoever has one signed by it is a node of the cluster."),
    entry<cluster, &cluster_settings::trust>(
        "insecure_cluster", choice("false|true"),
        "Whether a cluster without certificates may leave loopback, where whoever reaches its ports can run code."),
    entry<cluster, &cluster_settings::suspect_after>("cluster.suspect_after",
                                                     time(milliseconds{500}, std::chrono::minutes{1}),
                                                     "Silence of a node after which nothing new is sent to it: shorter "
                                                     "loses fewer calls to a dead one, longer forgives pauses."),
    entry<cluster, &cluster_settings::session_ttl>(
        "store.session_ttl", time(seconds{1}, std::chrono::minutes{5}),
        "How long the store keeps what a silent node holds before others may take it over."),
    entry<backups, &backup_settings::interval>(
        "store.backup_interval", time(zero, std::chrono::hours{720}),
        "How often a node writes a backup of its store into the data directory; 0 is never, less than 1s is 1s.", live),
    entry<backups, &backup_settings::keep>(
        "store.backup_keep", count(1, 10'000, "files"),
        "How many of these backups are kept; older ones are removed. Each is as large as the store.", live),
    entry<edge, &edge_settings::region>("aws.region", form(kind::region),
                                        "Region in ARNs and in the environment of functions."),
    entry<edge, &edge_settings::account>("aws.account", form(kind::account), "Account number in ARNs and events."),
    entry<logs, &log_options::level>(
        "log.level", choice("debug|info|warning|error"),
        "The lowest level that is written. Lines of requests are info, of those that ended with 5xx warning.", live),
    entry<logs, &log_options::format>("log.format", choice("auto|human|json"),
                                      "Form of the lines on stderr; auto is human on a terminal, else JSON.", live),
    entry<logs, &log_options::max_queued_lines>("log.max_queued_lines", count(16, 1'000'000, "lines"),
                                                "Lines that wait to be written; more push out the oldest. Of requests "
                                                "half as many batches wait, 2MiB at most."),
    entry<edge, &edge_settings::access_log>(
        "log.access", choice("all|failed|off"),
        "Which requests have a line: all, those that ended with 5xx or with their client gone, or none.", live),
    entry<edge, &edge_settings::access_log_one_in>(
        "log.access_one_in", count(1, 1'000'000, "requests"),
        "Of the requests that went well, one in so many has a line; those that failed always have.", live),
    entry<edge, &edge_settings::metrics>(
        "metrics.requests", choice("on|off"),
        "Whether /metrics has what is counted of requests and calls, by route and function."),
};

}  // namespace

std::span<const setting> all_settings() noexcept {
  return table;
}

const setting* find_setting(std::string_view key) noexcept {
  const auto found = std::find_if(table.begin(), table.end(), [&](const setting& each) { return each.key == key; });
  return found == table.end() ? nullptr : &*found;
}

std::string bounds_text(const value_rule& rule) {
  switch (rule.kind) {
    case kind::count: return std::to_string(rule.min) + " to " + std::to_string(rule.max);
    case kind::bytes: return bytes_text(rule.min) + " to " + bytes_text(rule.max);
    case kind::time:
      return duration_text(milliseconds{static_cast<std::int64_t>(rule.min)}) + " to " +
             duration_text(milliseconds{static_cast<std::int64_t>(rule.max)});
    case kind::choice: {
      std::string text{rule.choices};
      for (auto bar = text.find('|'); bar != text.npos; bar = text.find('|'))
        text.replace(bar, 1, text.find('|', bar + 1) == text.npos ? " or " : ", ");
      return text;
    }
    case kind::name: return "1 to 64 of A-Z a-z 0-9 . _ -";
    case kind::path: return "a path of 1 to 1024 bytes";
    case kind::region: return "1 to 32 of a-z 0-9 -";
    case kind::account: return "12 digits";
    case kind::address: return "IPv4:PORT, [IPv6]:PORT or localhost:PORT, port 0 to 65535";
    case kind::loopback:
      return "127.x.x.x:PORT, [::1]:PORT or localhost:PORT, as the admin port has no credentials yet";
    case kind::hosts: return "host names without port";
    case kind::peer: return "IPv4:PORT, [IPv6]:PORT or localhost:PORT of one node, port 1 to 65535";
  }
  return {};
}

std::string allowed_text(const value_rule& rule) {
  const auto bounds = bounds_text(rule);
  if (rule.kind == kind::bytes)
    return bounds + " (as 65536, 64KiB or 10MB)";
  return rule.kind == kind::time ? bounds + " (as 500ms, 3s, 10m or 1h)" : bounds;
}

std::string_view unit_text(const value_rule& rule) {
  switch (rule.kind) {
    case kind::count: return rule.unit.empty() ? "number" : rule.unit;
    case kind::bytes: return "bytes";
    case kind::time: return "time";
    case kind::choice: return "word";
    case kind::name:
    case kind::region: return "name";
    case kind::path: return "path";
    case kind::account: return "digits";
    case kind::address:
    case kind::loopback:
    case kind::peer: return "ADDRESS:PORT";
    case kind::hosts: return "host name";
  }
  return {};
}

std::string_view section_of(std::string_view key) noexcept {
  struct section {
    std::string_view begin;
    std::string_view title;
  };
  // The first that matches; what none does belongs to the node as a whole.
  static constexpr std::array sections = {
      section{"edge.", "Clients"},     section{"http", "Clients"},      section{"admin", "Clients"},
      section{"errors", "Clients"},    section{"timing", "Clients"},    section{"worker.", "Functions"},
      section{"queue.", "Functions"},  section{"idle_", "Functions"},   section{"instance_", "Functions"},
      section{"native", "Functions"},  section{"stem_", "Functions"},   section{"aws.", "Functions"},
      section{"drain.", "Going down"}, section{"cluster", "Cluster"},   section{"join", "Cluster"},
      section{"store.", "Store"},      section{"insecure_", "Cluster"}, section{"log.", "Log"},
      section{"metrics.", "Metrics"},
  };
  for (const auto& [begin, title] : sections)
    if (key.starts_with(begin))
      return title;
  return "Node";
}

std::string environment_name(std::string_view key) {
  if (key == "admin")
    return {};
  std::string name = "TROUPE_";
  for (const char c : key)
    name.push_back(c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
  return name;
}

std::string flag_name(std::string_view key) {
  std::string name = "--";
  for (const char c : key)
    name.push_back(c == '.' || c == '_' ? '-' : c);
  return name;
}

}  // namespace troupe
