// What a node runs its workers with: programs, memory, priorities, the pool that starts them, their unpacked code.
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <caf/send.hpp>
#include <cstdlib>
#include <limits>
#include <thread>

#include "cli/node_state.hpp"
#include "config/log.hpp"
#include "functions/cgroup_limits.hpp"
#include "functions/priority.hpp"
#include "functions/processor_use.hpp"

namespace troupe::cli {

namespace {

/// Share of the machine's memory that instances may be promised (RULES: Cluster).
constexpr double instance_memory_share = 0.6;

}  // namespace

std::uint64_t machine_memory_mb() {
  auto bytes =
      static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE));
  bytes = std::min(bytes, functions::memory_limit_bytes().value_or(bytes));
  return bytes >> 20;
}

std::uint64_t node::state::instance_memory_mb(const node_options& from) const {
  if (from.max_instance_memory_mb != 0)
    return from.max_instance_memory_mb;
  return static_cast<std::uint64_t>(static_cast<double>(machine_memory_mb()) * instance_memory_share);
}

unsigned usable_cores() {
  cpu_set_t cores;
  const auto allowed = ::sched_getaffinity(0, sizeof cores, &cores) == 0 ? static_cast<unsigned>(CPU_COUNT(&cores))
                                                                         : std::thread::hardware_concurrency();
  return std::min(std::max(1u, allowed), functions::cores_in_quota().value_or(std::numeric_limits<unsigned>::max()));
}

std::shared_ptr<actors::supervisor_surroundings> node::state::make_supervision() {
  auto& control_loop = *control.front().loop;
  budget = std::make_shared<actors::instance_budget>();
  budget->max_mb = instance_memory_mb(options);
  spawner_link = std::make_unique<actors::spawner_link>(control_loop, spawner, [this] {
    lost_spawner = true;
    stop_requests.fetch_add(1);
    notify();
  });
  spawner_link->start();

  const char* path = ::getenv("PATH");
  actors::stem_pool_options pool;
  pool.surroundings.path = path == nullptr ? "" : path;
  pool.surroundings.runtime_dir = directory->path();
  pool.surroundings.region = options.region;
  pool.surroundings.account_id = options.account_id;
  programs.path = pool.surroundings.path;
  programs.node = functions::find_program("node", programs.path).value_or("");
  programs.python = functions::find_program("python3", programs.path).value_or("");
  programs.native_host =
      options.native_host.empty() ? functions::find_program("troupe", programs.path).value_or("") : options.native_host;
  programs.node_shim = directory->path() + "/" + node_shim_file;
  programs.python_shim = directory->path() + "/" + python_shim_file;
  pool.programs = programs;
  pool.stem_cells = options.stem_cells == stem_cell_mode::automatic;
  options.workers.starts_lowered = functions::may_restore_priority();
  pool.nice = options.workers.starts_lowered ? functions::start_nice : 0;
  pool.max_booting = usable_cores();
  pool.max_stems = std::max<std::size_t>(4, 2 * usable_cores());

  auto supervision = std::make_shared<actors::supervisor_surroundings>();
  supervision->worker = pool.surroundings;
  stems = std::make_unique<actors::stem_pool>(control_loop, *spawner_link, budget, std::move(pool));
  for (auto& each : gateways)
    supervision->loops.push_back(each.loop.get());
  supervision->routers = routers;
  supervision->spawner = spawner_link.get();
  supervision->stems = stems.get();
  supervision->budget = budget;
  supervision->ask_for_memory = [this](std::uint64_t mb, const actors::supervisor_actor& who) {
    control.front().loop->post([this, mb, who] { registry->find_memory(mb, who); });
  };
  supervision->memory_freed = [this] { control.front().loop->post([this] { registry->memory_freed(); }); };
  if (cluster)
    supervision->counts_changed = [this] { control.front().loop->post([this] { cluster->load_moved(); }); };
  supervision->logs = &logs;
  supervision->limits = options.workers;
  supervision->cores = usable_cores();
  if (const auto use = functions::processor_use_of(::getpid()); !use || !use->starved)
    log_event(log_level::warning, "processor_waits_unknown",
              {{"reason", "the kernel does not tell how long processes wait for a processor"}});
  supervision->prepare = [this](const functions::function_ref& spec, const actors::supervisor_actor& supervisor) {
    prepare_code(spec, supervisor, if_missing::fetch);
  };
  return supervision;
}

void node::state::prepare_code(const functions::function_ref& spec, const actors::supervisor_actor& supervisor,
                               if_missing then) {
  const bool taken = files->post([this, spec, supervisor, then] {
    const bool is_object = spec->form == functions::code_form::object;
    auto place = is_object ? code->materialize_object(spec->code) : code->materialize_folder(spec->code);
    if (!place && place.error().code == errc::corrupt && then == if_missing::fetch && cluster)
      return control.front().loop->post([this, spec, supervisor] { await_code(spec, supervisor); });
    actors::code_prepared result{spec->version, {}, {}, {}};
    if (!place)
      result.why = place.error();
    else
      result.task_root = is_object ? place->parent_path().string() : place->string();
    if (place && is_object)
      result.object = place->string();
    caf::anon_send(supervisor, std::move(result));
  });
  if (!taken)
    caf::anon_send(
        supervisor,
        actors::code_prepared{spec->version, {}, {}, {errc::overloaded, "the node unpacks too much code at once"}});
}

void node::state::await_code(const functions::function_ref& spec, const actors::supervisor_actor& supervisor) {
  cluster->fetcher().await(
      {spec->code, spec->form}, control.front().loop->now() + options.workers.init_timeout,
      [this, spec, supervisor](const expected<void>& here) {
        if (here)
          return prepare_code(spec, supervisor, if_missing::fail);
        caf::anon_send(supervisor, actors::code_prepared{spec->version, {}, {}, {errc::not_ready, here.error().what}});
      });
}

}  // namespace troupe::cli
