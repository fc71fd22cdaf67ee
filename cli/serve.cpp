#include "cli/serve.hpp"

#include <cstdio>
#include <filesystem>

#include "cli/node.hpp"
#include "config/log.hpp"

namespace troupe::cli {

namespace {

http::edge_options edge_options_of(const settings& from) {
  http::edge_options edge;
  edge.head.max_bytes = from.edge.max_head_bytes;
  edge.head.max_fields = from.edge.max_fields;
  edge.head.max_target_bytes = from.edge.max_target_bytes;
  edge.head.max_body_bytes = from.edge.max_body_bytes;
  edge.chunks.max_body_bytes = from.edge.max_body_bytes;
  edge.max_pipelined_bytes = from.edge.max_pipeline_bytes;
  edge.max_body_memory = from.edge.max_body_memory;
  edge.header_timeout = from.edge.header_timeout;
  edge.body_progress_timeout = from.edge.body_progress_timeout;
  edge.body_timeout = from.edge.body_timeout;
  edge.idle_timeout = from.edge.idle_timeout;
  edge.write_progress_timeout = from.edge.write_timeout;
  edge.call_timeout = from.edge.answer_timeout;
  edge.drain_idle_timeout = from.drain.idle;
  edge.errors = from.edge.errors == error_statuses::truthful ? http::error_mode::truthful : http::error_mode::strict;
  edge.always_timing = from.edge.timing == timing_mode::always;
  edge.access_log = from.edge.access_log;
  edge.access_log_one_in = from.edge.access_log_one_in;
  edge.count_requests = from.edge.metrics == request_metrics::on;
  return edge;
}

/// For the start of a process before it loads code.
constexpr seconds start_grace{5};

/// The file that this process runs; empty when /proc does not tell.
std::string own_program() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).string();
}

node_options options_of(const settings& from) {
  node_options options;
  options.http = from.edge.http;
  options.admin = from.edge.admin;
  options.admin_hosts = from.edge.admin_hosts;
  options.data_dir = from.node.data_dir;
  options.name = from.node.name;
  options.loops = static_cast<unsigned>(from.node.loops);
  options.native = from.node.native;
  options.execution = from.node.execution;
  options.compute_loops = static_cast<unsigned>(from.node.compute_loops);
  options.edge = edge_options_of(from);
  options.max_admin_body_bytes = from.edge.max_admin_body_bytes;
  options.max_connections = from.edge.max_connections;
  options.queues.max_calls = from.functions.max_queued_calls;
  options.queues.max_age = from.functions.max_queue_age;
  options.queues.shedding = from.functions.shedding == shedding_mode::off ? functions::queue_shedding::off
                                                                          : functions::queue_shedding::automatic;
  // A call that waits for the first instance outlives the longest load, so that it learns how that ended.
  options.queues.start_timeout = options.workers.init_timeout + start_grace;
  options.workers.max_payload_bytes = from.functions.max_payload_bytes;
  options.workers.idle_timeout = from.functions.idle_timeout;
  // Rounded up: nothing at all would mean the default.
  options.max_instance_memory_mb = (from.functions.instance_memory + (1 << 20) - 1) >> 20;
  options.stem_cells = from.functions.stem_cells;
  options.native_host = own_program();
  options.region = from.edge.region;
  options.account_id = from.edge.account;
  options.cluster = from.cluster;
  options.backups = from.backups;
  options.drain_announce = from.drain.announce;
  options.drain_timeout = from.drain.timeout;
  return options;
}

}  // namespace

int serve(const serve_options& flags) {
  auto loaded = read_settings(flags, environment_use::counts);
  if (!loaded.faults.empty()) {
    std::fprintf(stderr, "troupe: %s\n", loaded.faults.front().what.c_str());
    return 2;
  }
  auto options = options_of(loaded.values);
  // Forked while this process is small and has one thread: the spawner inherits neither memory nor locks.
  const auto spawner = functions::start_spawner();
  if (!spawner) {
    std::fprintf(stderr, "troupe: %s\n", spawner.error().what.c_str());
    return 2;
  }
  options.spawner = *spawner;
  start_log(loaded.values.log);
  options.source = std::make_shared<const settings_source>(settings_source{
      std::move(loaded), flags.config, [flags] { return read_settings(flags, environment_use::counts); }, options_of});
  const int code = node{std::move(options)}.run();
  stop_log();
  return code;
}

}  // namespace troupe::cli
