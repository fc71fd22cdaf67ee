// Every setting of a node: a struct per folder with the defaults, and one table that says of each its key, unit,
// bounds, reason, and when a change counts. Where values come from is config/load's business.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/clock.hpp"
#include "config/cluster_settings.hpp"
#include "config/log.hpp"
#include "config/setting_values.hpp"

namespace troupe {

/// Where the code of native functions runs (RULES: Functions).
enum class native_isolation : std::uint8_t { process, in_process };
/// Where calls of native functions run inside the node: as each function's processor time shows, or always on the event
/// loop that has the call, or always on a compute loop (RULES: Loops and scheduling).
enum class native_execution : std::uint8_t { adaptive, inlined, compute };
/// What a client sees of a failure: as API Gateway would say it, or by its cause.
enum class error_statuses : std::uint8_t { strict, truthful };
/// When answers carry `Server-Timing`: if the request has `x-troupe-timing: 1`, or always.
enum class timing_mode : std::uint8_t { header, always };
/// Which requests have a line in the log: all, those that failed (5xx, or the client left), or none.
enum class access_log_mode : std::uint8_t { all, failed, off };
/// Whether /metrics has what is counted of each request and call.
enum class request_metrics : std::uint8_t { on, off };
/// Whether calls of a function that has too few instances are refused early.
enum class shedding_mode : std::uint8_t { automatic, off };
/// Whether started workers wait for code.
enum class stem_cell_mode : std::uint8_t { automatic, off };

/// For cli/node.
struct node_settings {
  std::string name;  ///< empty: made from host name and node id
  std::string data_dir = "./troupe-data";
  std::uint64_t loops = 0;  ///< 0: one per core
  native_isolation native = native_isolation::process;
  native_execution execution = native_execution::adaptive;
  std::uint64_t compute_loops = 0;  ///< 0: one per core
};

/// For http/.
struct edge_settings {
  std::vector<endpoint> http{{"0.0.0.0", 8080}};
  endpoint admin{"127.0.0.1", 9001};
  std::vector<std::string> admin_hosts;  ///< names besides localhost and loopback literals
  std::uint64_t max_head_bytes = 10'240;
  std::uint64_t max_fields = 100;
  std::uint64_t max_target_bytes = 8'192;
  std::uint64_t max_body_bytes = 10'000'000;
  std::uint64_t max_admin_body_bytes = 70'000'000;
  std::uint64_t max_pipeline_bytes = 64 * 1024;
  std::uint64_t max_connections = 0;  ///< 0: three quarters of the descriptor limit
  std::uint64_t max_body_memory = 0;  ///< 0: an eighth of the machine's memory, at most 512 MiB
  milliseconds header_timeout{10'000};
  milliseconds body_progress_timeout{30'000};
  milliseconds body_timeout{60'000};
  milliseconds idle_timeout{75'000};
  milliseconds write_timeout{60'000};
  milliseconds answer_timeout{30'000};
  error_statuses errors = error_statuses::strict;
  timing_mode timing = timing_mode::header;
  access_log_mode access_log = access_log_mode::all;
  std::uint64_t access_log_one_in = 1;
  request_metrics metrics = request_metrics::on;
  std::string region = "us-east-1";
  std::string account = "000000000000";
};

/// For functions/ and their actors.
struct function_settings {
  std::uint64_t max_payload_bytes = 6'291'556;
  std::uint64_t max_queued_calls = 1000;
  milliseconds max_queue_age{1000};
  shedding_mode shedding = shedding_mode::automatic;
  milliseconds idle_timeout{600'000};
  std::uint64_t instance_memory = 0;  ///< 0: 60 % of the machine's memory
  stem_cell_mode stem_cells = stem_cell_mode::automatic;
};

/// For the backups that a node writes of its store.
struct backup_settings {
  milliseconds interval = std::chrono::hours{1};  ///< 0: none
  std::uint64_t keep = 24;
};

/// How a node goes down (RULES: Edge, "Going down").
struct drain_settings {
  milliseconds announce{2000};
  milliseconds timeout{30'000};
  milliseconds idle{5000};
};

struct settings {
  node_settings node;
  edge_settings edge;
  function_settings functions;
  drain_settings drain;
  cluster_settings cluster;
  backup_settings backups;
  log_options log;
};

/// What the values of a setting look like and between which bounds they lie.
struct value_rule {
  enum class kind_type : std::uint8_t {
    count,
    bytes,
    time,
    choice,
    name,
    path,
    region,
    account,
    address,
    loopback,
    hosts,
    peer
  };
  kind_type kind = kind_type::count;
  std::uint64_t min = 0;  ///< for count, bytes and time (in ms)
  std::uint64_t max = 0;
  std::string_view choices;  ///< in the order of the enumeration, separated by `|`
  std::string_view unit;     ///< of a count, in the plural
};

/// When a changed value counts: from the next start on, or as soon as a running node reads its file again.
enum class change_mode : std::uint8_t { at_restart, at_reload };

/// One row of the table.
struct setting {
  std::string_view key;
  value_rule rule;
  std::string_view reason;  ///< one sentence for the reference: what it bounds or chooses and why
  change_mode changes;
  bool is_list;
  bool (*read)(const value_rule& rule, const std::vector<std::string>& texts, settings& out);
  std::string (*print)(const value_rule& rule, const settings& from);
  void (*take)(const settings& from, settings& to);  ///< copies this one value
};

/// The table, in the order of the reference.
std::span<const setting> all_settings() noexcept;
const setting* find_setting(std::string_view key) noexcept;

/// What is allowed, in words: `10ms to 10m`, `strict or truthful`.
std::string bounds_text(const value_rule& rule);
/// The same with an example of how it is written, where that may be asked.
std::string allowed_text(const value_rule& rule);
/// `bytes`, `time`, `fields`; what a value without a unit is: `word`, `path`, `ADDRESS:PORT`.
std::string_view unit_text(const value_rule& rule);
/// The heading of the reference under which a setting stands.
std::string_view section_of(std::string_view key) noexcept;
/// `TROUPE_EDGE_MAX_HEAD_BYTES` for `edge.max_head_bytes`; empty for `admin`, as `TROUPE_ADMIN` belongs to the clients.
std::string environment_name(std::string_view key);
/// `--data-dir` for `data_dir`.
std::string flag_name(std::string_view key);

}  // namespace troupe
