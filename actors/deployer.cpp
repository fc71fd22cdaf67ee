#include "actors/deployer.hpp"

#include <algorithm>

#include "cluster/record_codec.hpp"
#include "config/log.hpp"
#include "functions/native_library.hpp"

namespace troupe::actors {

namespace {

using functions::code_form;
using functions::runtime_kind;

constexpr std::string_view default_api = "default";
constexpr seconds commit_timeout{10};
constexpr seconds outcome_timeout{30};
/// How long the first start may take in all, with its queueing behind other starts.
constexpr seconds first_start_timeout{60};
constexpr std::size_t max_routes = 40;
constexpr std::chrono::hours collect_interval{1};
/// A blob that was stored or asked for stays this long even if no function refers to it.
constexpr std::chrono::hours blob_pin{24};

/// Copies one file from this machine unless it is stored. @returns its digest when it is in neither place.
expected<std::vector<digest>> import_file(functions::code_store& code, const digest& blob, const std::string& source) {
  if (code.blobs().has(blob))
    return std::vector<digest>{};
  const auto copied = source.empty() ? expected<bool>{false} : code.import_file(blob, source);
  return copied.map([&](bool stored) { return stored ? std::vector<digest>{} : std::vector<digest>{blob}; });
}

}  // namespace

struct deployer::progress {
  promise answer;
  deployment_ptr what;  ///< null for a removal
  deployment_result result;
  cluster::commit_id id{};
  std::vector<std::multimap<std::string, std::string>::iterator> reserved;  ///< routes, until the end
  bool removes = false;
};

deployer::deployer(caf::actor_config& config, deployer_surroundings surroundings)
    : loop_bound{config}, around_{surroundings} {
  set_default_handler(caf::drop);
}

deployer::behavior_type deployer::make_behavior() {
  loop().arm(*this, loop().now() + collect_interval);
  return {
      [this](const deployment_ptr& what) { return deploy(what); },
      [this](const removal& what) { return remove(what); },
      [this](const std::shared_ptr<const std::vector<digest>>& blobs) {
        return with_blobs([blobs](functions::code_store& code) { return code.blobs().confirm(*blobs); });
      },
      [this](const blob_upload& upload) {
        return with_blobs([upload](functions::code_store& code) -> expected<std::vector<digest>> {
          if (auto stored = code.blobs().put(upload.request->body.view(), upload.blob); !stored)
            return tl::unexpected{stored.error()};
          return std::vector<digest>{};
        });
      },
  };
}

void deployer::on_exit() {
  loop().disarm(*this);
}

template <class T>
bool deployer::on_files(std::function<T()> job, std::function<void(T)> then) {
  return around_.files->post([self = strong_self(), this, job = std::move(job), then = std::move(then)] {
    auto result = std::make_shared<T>(job());
    loop().post([self, this, result, then] {
      enter();
      if (getf(is_terminated_flag))
        return;  // the node is going down: nobody waits any more
      then(std::move(*result));
      loop().drain();
    });
  });
}

caf::result<blobs_result_ptr> deployer::with_blobs(
    std::function<expected<std::vector<digest>>(functions::code_store&)> job) {
  using result_type = expected<std::vector<digest>>;
  auto answer = make_response_promise<blobs_promise>();
  const bool taken =
      on_files<result_type>([job = std::move(job), code = around_.code] { return job(*code); },
                            [answer](result_type result) mutable {
                              answer.deliver(std::make_shared<const blobs_result>(blobs_result{std::move(result)}));
                            });
  if (!taken)
    answer.deliver(std::make_shared<const blobs_result>(
        blobs_result{fail(errc::overloaded, "the node takes in too much code at once; try again")}));
  return answer;
}

caf::result<deployment_result_ptr> deployer::deploy(const deployment_ptr& what) {
  auto job = std::make_shared<progress>();
  job->answer = make_response_promise<promise>();
  job->what = what;
  if (what->routes.size() > max_routes) {
    fail_job(job, {errc::too_big, std::to_string(what->routes.size()) + " routes, at most 40 are allowed"});
    return job->answer;
  }
  const bool taken = on_files<expected<imported>>([this, what] { return import(*what); },
                                                  [this, job](expected<imported> code) {
                                                    if (!code)
                                                      return fail_job(job, code.error());
                                                    commit(job, std::move(*code));
                                                  });
  if (!taken)
    fail_job(job, {errc::overloaded, "the node takes in too much code at once; try again"});
  return job->answer;
}

expected<deployer::imported> deployer::import(const deployment& what) const {
  auto& code = *around_.code;
  const auto missing_or_error = [](expected<std::vector<digest>> missing) {
    return std::move(missing).map([](std::vector<digest> blobs) { return imported{{}, 0, std::move(blobs)}; });
  };
  imported result;
  if (const auto* object = std::get_if<deployment::object>(&what.code)) {
    result.code = object->blob;
    auto missing = import_file(code, object->blob, what.source);
    if (!missing || !missing->empty())
      return missing_or_error(std::move(missing));
    auto path = code.materialize_object(object->blob);
    if (!path)
      return tl::unexpected{path.error()};
    std::error_code ignored;
    result.bytes = std::filesystem::file_size(*path, ignored);
    // Loading it now shows a broken object before anything is committed. Where objects have processes of their own, the
    // first one shows it: no code of theirs runs here.
    if (around_.isolation == native_isolation::in_process)
      if (auto loaded = functions::native_library::open(path->string()); !loaded)
        return tl::unexpected{loaded.error()};
    return code.sync_all().map([&] { return result; });
  }
  expected<functions::manifest> package = functions::manifest{};
  if (const auto* archive = std::get_if<deployment::archive>(&what.code)) {
    auto missing = import_file(code, archive->blob, what.source);
    if (!missing || !missing->empty())
      return missing_or_error(std::move(missing));
    package = code.import_zip(archive->blob);
    if (!package)
      return tl::unexpected{package.error()};
  } else {
    package = std::get<functions::manifest>(what.code);
    auto missing = code.import_folder(*package, what.source);
    if (!missing)
      return tl::unexpected{missing.error()};
    if (!missing->empty()) {
      result.missing = std::move(*missing);
      return result;
    }
  }
  result.code = package->code();
  result.bytes = package->total_bytes();
  if (auto folder = code.materialize_folder(result.code); !folder) {
    if (folder.error().code != errc::corrupt)
      return tl::unexpected{folder.error()};
    // A damaged blob has been removed: the client is asked for it again.
    std::vector<digest> files;
    for (const auto& entry : package->entries())
      if (!entry.is_link())
        files.push_back(entry.sha256);
    auto missing = code.blobs().confirm(files);
    if (!missing || missing->empty())
      return tl::unexpected{folder.error()};
    result.missing = std::move(*missing);
    return result;
  }
  return code.sync_all().map([&] { return result; });
}

void deployer::commit(const progress_ptr& job, imported code) {
  if (!code.missing.empty()) {
    job->result.missing = std::move(code.missing);
    return finish(job);
  }
  const auto& spec = job->what->spec;
  for (const auto& own : around_.registry->program_functions())
    if (own.spec.name == spec.name)
      return fail_job(job, {errc::refused, "function '" + spec.name + "' is part of the node's program"});
  const auto& known = around_.follower->snapshot()->functions;
  const auto old = std::find_if(known.begin(), known.end(), [&](const auto& f) { return f.name == spec.name; });
  auto& record = job->result.record;
  job->result.fresh = old == known.end();
  if (job->result.fresh)
    record.id = make_uuid();
  else
    record = *old;
  ++record.version;
  record.name = spec.name;
  record.runtime = spec.runtime;
  record.handler = spec.handler;
  record.form = std::holds_alternative<deployment::object>(job->what->code) ? "object" : "folder";
  record.code = code.code;
  record.code_bytes = code.bytes;
  record.timeout_ms = static_cast<std::uint64_t>(spec.timeout.count());
  record.memory_mb = spec.memory_mb;
  record.concurrency = spec.concurrency;
  record.min_instances = spec.min_instances;
  record.max_instances = spec.max_instances;
  record.environment = spec.environment;
  record.modified_unix_ms = wall_now().count();

  std::vector<cluster::guard> guards{{cluster::function_key(spec.name), record.revision}};
  std::vector<cluster::write> writes{{cluster::function_key(spec.name), cluster::encode(record)}};
  if (auto added = add_routes(job, guards, writes); !added)
    return fail_job(job, added.error());
  submit(job, std::move(guards), std::move(writes));
}

expected<void> deployer::add_routes(const progress_ptr& job, std::vector<cluster::guard>& guards,
                                    std::vector<cluster::write>& writes) {
  const auto& name = job->what->spec.name;
  const auto& known = around_.follower->snapshot()->routes;
  const auto wanted = [&](const cluster::route_record& record) {
    return std::any_of(job->what->routes.begin(), job->what->routes.end(),
                       [&](const auto& key) { return key == record.key; });
  };
  for (const auto& record : known)
    if (record.function == name && !wanted(record))
      writes.push_back({cluster::route_record_key(record.api, record.key), {}, true});
  for (const auto& key : job->what->routes) {
    const auto holder = std::find_if(known.begin(), known.end(), [&](const auto& r) { return r.key == key; });
    const auto rival = std::find_if(known.begin(), known.end(), [&](const auto& r) {
      return r.function != name && around_.route_identity(r.key) == around_.route_identity(key);
    });
    if (rival != known.end())
      return fail(errc::refused,
                  "route '" + key + "' is held by function '" + rival->function + "' as '" + rival->key + "'");
    const auto identity = around_.route_identity(key);
    for (const auto& own : around_.registry->program_functions())
      for (const auto& held : own.routes)
        if (around_.route_identity(held) == identity)
          return fail(errc::refused,
                      "route '" + key + "' is held by function '" + own.spec.name + "' as '" + held + "'");
    // Records of differently named variables have different keys: no guard of the store would keep them apart.
    const auto [first, last] = routes_under_way_.equal_range(identity);
    if (std::any_of(first, last, [&](const auto& other) { return other.second != name; }))
      return fail(errc::conflict, "another deployment takes route '" + key + "' just now; try again");
    job->reserved.push_back(routes_under_way_.emplace(identity, name));
    cluster::route_record record{std::string{default_api}, key, name};
    if (holder == known.end()) {
      guards.push_back({cluster::route_record_key(record.api, record.key), 0});
      writes.push_back({cluster::route_record_key(record.api, record.key), cluster::encode(record)});
    }
    job->result.routes.push_back(std::move(record));
  }
  return {};
}

caf::result<deployment_result_ptr> deployer::remove(const removal& what) {
  auto job = std::make_shared<progress>();
  job->answer = make_response_promise<promise>();
  job->removes = true;
  const auto& snapshot = *around_.follower->snapshot();
  const auto found = std::find_if(snapshot.functions.begin(), snapshot.functions.end(),
                                  [&](const auto& f) { return f.name == what.name; });
  if (found == snapshot.functions.end()) {
    fail_job(job, {errc::no_such_function, "function '" + what.name + "' is not deployed"});
    return job->answer;
  }
  job->result.record = *found;
  std::vector<cluster::guard> guards{{cluster::function_key(what.name), found->revision}};
  std::vector<cluster::write> writes{{cluster::function_key(what.name), {}, true}};
  for (const auto& route : snapshot.routes)
    if (route.function == what.name)
      writes.push_back({cluster::route_record_key(route.api, route.key), {}, true});
  submit(job, std::move(guards), std::move(writes));
  return job->answer;
}

void deployer::submit(const progress_ptr& job, std::vector<cluster::guard> guards, std::vector<cluster::write> writes) {
  job->id = make_uuid();
  around_.store->commit(std::move(guards), std::move(writes), job->id, clock::now() + commit_timeout,
                        [self = strong_self(), this, job](const cluster::commit_result& result) {
                          loop().post([self, this, job, result] {
                            enter();
                            on_commit(job, result);
                            loop().drain();
                          });
                        });
}

void deployer::on_commit(const progress_ptr& job, const cluster::commit_result& result) {
  if (const auto* stored = std::get_if<cluster::committed>(&result))
    return on_committed(job, stored->cursor);
  if (std::holds_alternative<cluster::conflicted>(result))
    return fail_job(
        job, {errc::conflict, "another deployment changed the function or one of its routes meanwhile; try again"});
  if (std::holds_alternative<cluster::voided>(result))
    return fail_job(job, {errc::unavailable, "the deployment was given up before it was stored"});
  const auto& why = std::get<cluster::refused>(result).why;
  if (why.code == errc::unknown_outcome)
    return settle_unknown(job);
  fail_job(job, why);
}

void deployer::settle_unknown(const progress_ptr& job) {
  around_.store->outcome(job->id, clock::now() + outcome_timeout,
                         [self = strong_self(), this, job](const expected<cluster::outcome_of_commit>& outcome) {
                           loop().post([self, this, job, outcome] {
                             enter();
                             if (outcome && outcome->state == cluster::settled::committed)
                               on_committed(job, outcome->cursor);
                             else if (outcome && outcome->state == cluster::settled::voided)
                               fail_job(job, {errc::unavailable, "the deployment could not be stored; try again"});
                             else
                               fail_job(job, {errc::unknown_outcome, "whether commit " + to_string(job->id) +
                                                                         " was stored cannot be told now"});
                             loop().drain();
                           });
                         });
}

void deployer::on_committed(const progress_ptr& job, cluster::cursor at) {
  job->result.committed = true;
  job->result.record.revision = at.value;
  around_.follower->when_at(at, [self = strong_self(), this, job, at] {
    around_.registry->when_installed(at.value, [self, this, job] {
      enter();
      if (job->removes)
        finish(job);
      else
        await_start(job);
      loop().drain();
    });
  });
}

void deployer::await_start(const progress_ptr& job) {
  const auto supervisor = around_.registry->supervisor_of(job->result.record.id);
  if (!supervisor)
    return finish(job);  // native: loaded already, or removed meanwhile
  request(supervisor, first_start_timeout, await_atom::value, job->result.record.version)
      .then(
          [this, job](const start_report& report) {
            if (!report.started)
              return fail_job(
                  job, {report.why.code, "deployed, but its first instance did not start: " +
                                             (report.why.payload.empty() ? report.why.detail : report.why.payload)});
            job->result.start_took = report.took;
            finish(job);
          },
          [this, job](const caf::error&) {
            fail_job(job, {errc::init_failed, "deployed, but its first instance did not start within " +
                                                  std::to_string(first_start_timeout.count()) + " s"});
          });
}

void deployer::fail_job(const progress_ptr& job, error why) {
  job->result.failed = true;
  job->result.why = std::move(why);
  finish(job);
}

void deployer::finish(const progress_ptr& job) {
  for (const auto& route : std::exchange(job->reserved, {}))
    routes_under_way_.erase(route);
  if (!job->result.failed && job->result.missing.empty())
    log_event(log_level::info, job->removes ? "function_removed" : "function_deployed",
              {{"function", job->result.record.name}, {"version", std::to_string(job->result.record.version)}});
  job->answer.deliver(std::make_shared<const deployment_result>(std::move(job->result)));
}

void deployer::on_timer(time_point now) {
  enter();
  loop().arm(*this, now + collect_interval);
  if (around_.follower->incomplete())
    return;  // a record that cannot be read may refer to any blob
  std::vector<functions::code_ref> referenced;
  for (const auto& record : around_.follower->snapshot()->functions)
    referenced.push_back({record.code, record.form == "object" ? code_form::object : code_form::folder});
  // A full queue means that the files thread is busy with deployments: the next hour will do.
  around_.files->post([code = around_.code, referenced = std::move(referenced)] {
    if (auto collected = code->collect(referenced, blob_pin, std::chrono::system_clock::now()); !collected)
      log_event(log_level::warning, "collect_failed", {{"reason", collected.error().what}});
  });
}

}  // namespace troupe::actors
