#include "actors/deployer.hpp"

#include "config/log.hpp"

namespace troupe::actors {

namespace {

using functions::code_form;

/// How long the first start may take in all, with its queueing behind other starts.
constexpr seconds first_start_timeout{60};
/// How long code may take to a second disk: 250 MB at 5 MB a second.
constexpr seconds spread_timeout{50};
constexpr std::size_t max_routes = 40;
constexpr std::chrono::hours collect_interval{1};
/// A blob that was stored or asked for stays this long even if no function refers to it.
constexpr std::chrono::hours blob_pin{24};
/// What refers to a blob may have been written while this node was away: its picture has been level for so long.
constexpr std::chrono::hours level_before_collecting{1};

error too_much_at_once() {
  return {errc::overloaded, "the node takes in too much code at once; try again"};
}

}  // namespace

deployer::deployer(caf::actor_config& config, deployer_surroundings surroundings)
    : loop_bound{config}, around_{std::move(surroundings)} {
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
  under_way_.clear();
}

caf::result<blobs_result_ptr> deployer::with_blobs(
    std::function<expected<std::vector<digest>>(functions::code_store&)> job) {
  using result_type = expected<std::vector<digest>>;
  auto answer = make_response_promise<blobs_promise>();
  const bool taken = run_on<result_type>(
      *around_.files, [job = std::move(job), code = around_.code] { return job(*code); },
      [answer](result_type result) mutable {
        answer.deliver(std::make_shared<const blobs_result>(blobs_result{std::move(result)}));
      });
  if (!taken)
    answer.deliver(std::make_shared<const blobs_result>(blobs_result{tl::unexpected{too_much_at_once()}}));
  return answer;
}

bool deployer::begin(const progress_ptr& job) {
  const auto [other, first] = under_way_.emplace(job->name, job);
  if (first)
    return true;
  const auto& running = other->second;
  if (job->retry_key && running->retry_key == job->retry_key)
    running->answers.push_back(std::move(job->answers.front()));
  else
    deny(job, denial::busy,
         {errc::conflict, "another deployment of function '" + job->name + "' runs just now; try again"});
  return false;
}

caf::result<deployment_result_ptr> deployer::deploy(const deployment_ptr& what) {
  auto job = std::make_shared<progress>();
  auto answer = make_response_promise<promise>();
  job->answers.push_back(answer);
  job->what = what;
  job->name = what->spec.name;
  job->retry_key = what->retry_key;
  if (!begin(job))
    return answer;
  if (what->routes.size() > max_routes) {
    fail_job(job, {errc::too_big, std::to_string(what->routes.size()) + " routes, at most 40 are allowed"});
    return answer;
  }
  const auto runtime = what->kind == deployment_kind::replace ? what->spec.runtime : what->change.runtime.value_or("");
  if (runtime.empty() && std::holds_alternative<deployment::unchanged>(what->code))
    commit(job, {});
  else
    import_then_commit(job, runtime);
  return answer;
}

/// @param runtime  empty when it stays as it is.
void deployer::import_then_commit(const progress_ptr& job, const std::string& runtime) {
  const bool taken = run_on<expected<imported_code>>(
      *around_.files,
      [code = around_.code, objects = around_.objects, what = job->what, try_runtime = around_.try_runtime, runtime] {
        const auto runs = runtime.empty() ? expected<void>{} : try_runtime(runtime);
        return runs.and_then([&] { return import_code(*code, *what, *objects); });
      },
      [this, job](expected<imported_code> code) {
        if (code)
          spread_then_commit(job, std::move(*code));
        else
          fail_job(job, code.error());
      });
  if (!taken)
    fail_job(job, too_much_at_once());
}

void deployer::spread_then_commit(const progress_ptr& job, imported_code code) {
  if (!around_.spread || code.blobs.empty())
    return commit(job, std::move(code));
  auto blobs = std::exchange(code.blobs, {});
  around_.spread(std::move(blobs), clock::now() + spread_timeout,
                 [self = strong_self(), this, job, code = std::move(code)](const code_copies& on) {
                   enter();
                   if (getf(is_terminated_flag))
                     return;  // the node is going down: nobody waits any more
                   job->result.copies = on.copies;
                   if (on.copies < 2)
                     log_event(log_level::warning, "code_on_one_disk", {{"function", job->name}, {"reason", on.why}});
                   commit(job, code);
                   loop().drain();
                 });
}

caf::result<deployment_result_ptr> deployer::remove(const removal& what) {
  auto job = std::make_shared<progress>();
  auto answer = make_response_promise<promise>();
  job->answers.push_back(answer);
  job->removes = what;
  job->name = what.name;
  job->retry_key = what.retry_key;
  if (begin(job))
    commit_removal(job);
  return answer;
}

void deployer::await_start(const progress_ptr& job) {
  const auto& record = job->result.record;
  const auto supervisor = around_.registry->supervisor_of(record.id);
  if (!supervisor)
    return finish(job);  // it runs without processes of its own, or was removed meanwhile
  job->function = record.id;
  job->version = record.version;
  around_.starts->begin(job->function, job->version);
  const auto on_elsewhere = [self = strong_self(), this, job, supervisor](const start_report& report) {
    enter();
    if (getf(is_terminated_flag))
      return;  // the node is going down: nobody waits any more
    if (!report.started && report.why.code == errc::unavailable)
      start_here(job, supervisor);
    else
      started(job, report);
    loop().drain();
  };
  const auto deadline = clock::now() + first_start_timeout;
  if (!around_.start_elsewhere || !around_.start_elsewhere(job->function, job->version, deadline, on_elsewhere))
    start_here(job, supervisor);
  if (job->what->waits_for_start)
    under_way_.erase(job->name);  // a start that hangs must not keep the next deployment from replacing it
  else
    finish(job);
}

void deployer::start_here(const progress_ptr& job, const supervisor_actor& supervisor) {
  request(supervisor, first_start_timeout, await_atom::value, job->version)
      .then([this, job](const start_report& report) { started(job, report); },
            [this, job](const caf::error&) {
              started(job, {false,
                            {},
                            {errc::init_failed,
                             {},
                             "it did not start within " + std::to_string(first_start_timeout.count()) + " s"}});
            });
}

/// Whoever calls the function sees how it went, also when the deployment did not wait for it.
void deployer::started(const progress_ptr& job, const start_report& report) {
  around_.starts->end(job->function, job->version);
  if (!job->what->waits_for_start)
    return;
  if (!report.started)
    return fail_job(job, {report.why.code, "deployed, but its first instance did not start: " +
                                               (report.why.payload.empty() ? report.why.detail : report.why.payload)});
  job->result.start_took = report.took;
  finish(job);
}

void deployer::deny(const progress_ptr& job, denial why, error what) {
  job->result.denied = why;
  fail_job(job, std::move(what));
}

void deployer::fail_job(const progress_ptr& job, error why) {
  job->result.failed = true;
  job->result.why = std::move(why);
  finish(job);
}

void deployer::finish(const progress_ptr& job) {
  for (const auto& route : std::exchange(job->reserved, {}))
    routes_under_way_.erase(route);
  if (const auto running = under_way_.find(job->name); running != under_way_.end() && running->second == job)
    under_way_.erase(running);
  if (!job->result.failed && job->result.missing.empty())
    log_event(log_level::info, job->removes ? "function_removed" : "function_deployed",
              {{"function", job->name}, {"version", std::to_string(job->result.record.version)}});
  const auto result = std::make_shared<const deployment_result>(std::move(job->result));
  for (auto& answer : std::exchange(job->answers, {}))
    answer.deliver(result);
}

bool deployer::may_collect(time_point now) const {
  if (around_.follower->incomplete())
    return false;  // a record that cannot be read may refer to any blob
  if (!around_.level_since)
    return true;
  const auto since = around_.level_since();
  return since && now - *since >= level_before_collecting;
}

void deployer::on_timer(time_point now) {
  enter();
  loop().arm(*this, now + collect_interval);
  if (!may_collect(now))
    return;
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
