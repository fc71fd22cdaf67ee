// What may refuse the start of a node: signals, its data directory, the store, the sockets.
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "cli/node_state.hpp"
#include "config/log.hpp"
#include "functions/shims.hpp"
#include "functions/unix_file.hpp"

namespace troupe::cli {

namespace {

constexpr const char* crash_counts_file = "crashed-objects";
constexpr const char* running_objects_file = "running-objects";
constexpr std::uint64_t max_crash_counts_bytes = 1 << 20;

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // refused: the soft limit stays, which the next line reads
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::string default_name(const uuid& id) {
  char host[256] = "node";
  ::gethostname(host, sizeof host - 1);
  return std::string{host} + "-" + to_string(id).substr(0, 4);
}

}  // namespace

expected<void> node::state::prepare() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  if (options.source)
    ::sigaddset(&set, SIGHUP);
  has_terminal = ::isatty(STDERR_FILENO) == 1;
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  signals = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (wake < 0)
    wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (options.loops == 0)
    options.loops = usable_cores();
  if (!runs_native_functions())
    options.compute_loops = 0;
  else if (options.compute_loops == 0)
    options.compute_loops = usable_cores();
  auto opened = data_directory::open(options.data_dir);
  if (!opened)
    return tl::unexpected{opened.error()};
  directory.emplace(std::move(*opened));
  if (options.name.empty())
    options.name = default_name(directory->node_id());
  spawner = options.spawner;
  if (spawner.pid < 0) {
    auto started = functions::start_spawner();
    if (!started)
      return tl::unexpected{started.error()};
    spawner = *started;
  }
  descriptors = raise_descriptor_limit();
  if (options.cluster.listen) {
    auto opened_cluster = node_cluster::open(options.cluster, {directory->node_id(), options.name, incarnation});
    if (!opened_cluster)
      return tl::unexpected{opened_cluster.error()};
    cluster = std::move(*opened_cluster);
    if (auto prepared = cluster->prepare(config); !prepared)
      return prepared;
  }
  auto opened_code = functions::code_store::open(directory->path());
  if (!opened_code)
    return tl::unexpected{opened_code.error()};
  code.emplace(std::move(*opened_code));
  return directory->write_file(node_shim_file, functions::node_shim()).and_then([this] {
    return directory->write_file(python_shim_file, functions::python_shim());
  });
}

expected<void> node::state::open_sockets() {
  if (!is_loopback(options.admin))
    return fail(errc::bad_setting, "admin address '" + to_string(options.admin) +
                                       "': only loopback addresses are allowed until there are admin credentials");
  for (const auto& address : options.http) {
    endpoint bound;
    auto opened = http::open_listeners(address, options.loops, bound);
    if (!opened)
      return tl::unexpected{opened.error()};
    http_sockets.push_back(std::move(*opened));
    http_bound.push_back(bound);
  }
  auto opened = http::open_listeners(options.admin, 1, admin_bound);
  if (!opened)
    return tl::unexpected{opened.error()};
  admin_sockets = std::move(*opened);
  return {};
}

/// Shared objects that ran in this process when it died last, and the time before, are not let in again. Here, after
/// everything that may refuse the start: a start that fails is no life of the node.
expected<void> node::state::judge_last_end() {
  const auto counts_path = directory->path() + "/" + crash_counts_file;
  const auto running_path = directory->path() + "/" + running_objects_file;
  std::string text;
  if (functions::path_exists(counts_path)) {
    auto kept = functions::read_whole(counts_path, max_crash_counts_bytes);
    if (!kept)
      return tl::unexpected{kept.error()};
    text = std::move(*kept);
  }
  const auto running = functions::running_objects::read(running_path);
  if (!running)
    return tl::unexpected{running.error()};
  objects->wanted = options.native;
  objects->crashes = functions::crash_counts::parse(text);
  objects->crashes.add_end(*running);
  if (auto counts = objects->crashes.text(); counts != text)
    if (auto written = directory->write_file(crash_counts_file, counts); !written)
      return written;
  if (options.native != native_isolation::in_process) {
    std::error_code problem;
    std::filesystem::remove(running_path, problem);
    if (problem)
      return fail(errc::io, "cannot remove " + running_path + ": " + problem.message());
    return {};
  }
  objects->loader_slot = options.loops;
  objects->first_compute_slot = options.loops + 1;
  return functions::running_objects::open(running_path, options.loops + 1 + options.compute_loops)
      .map([this](auto opened) { objects->running = std::move(opened); });
}

}  // namespace troupe::cli
