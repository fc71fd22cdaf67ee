// Asks the store for the change that was described, and waits until every loop knows of it.
#include <algorithm>
#include <limits>

#include "actors/deployer.hpp"
#include "cluster/catalog_view.hpp"
#include "cluster/record_codec.hpp"
#include "config/log.hpp"

namespace troupe::actors {

namespace {

constexpr seconds commit_timeout{10};
constexpr seconds outcome_timeout{30};
/// Until this node's own picture shows what was stored. It does within milliseconds, unless its disk is full or the
/// primary has gone out of reach meanwhile, and then for as long as that lasts.
constexpr seconds own_picture_timeout{5};
/// Ids of one request that may be void before it is given up: each stands for a try whose outcome was settled as never.
constexpr unsigned max_void_tries = 16;
/// No record is ever at this revision: a commit that guards by it asks only whether its id is known.
constexpr auto never = std::numeric_limits<std::uint64_t>::max();

/// The id of a request's commit: any node derives the same one for each try.
cluster::commit_id id_of_try(const digest& retry_key, unsigned number) {
  const auto whole = sha256(to_string(retry_key) + "/" + std::to_string(number));
  cluster::commit_id id;
  std::copy_n(whole.bytes.begin(), id.bytes.size(), id.bytes.begin());
  return id;
}

}  // namespace

void deployer::deny_unless_done(const progress_ptr& job, denial why, error what) {
  if (!job->retry_key)
    return deny(job, why, std::move(what));
  // The store answers a known id before it looks at guards.
  job->probes.emplace(why, std::move(what));
  job->guards = {{cluster::function_key(job->name), never}};
  job->writes.clear();
  submit(job);
}

void deployer::submit(const progress_ptr& job) {
  job->id = job->retry_key ? id_of_try(*job->retry_key, job->try_number) : make_uuid();
  around_.store->commit(job->guards, job->writes, job->id, clock::now() + commit_timeout,
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
    return on_conflict(job);
  if (std::holds_alternative<cluster::voided>(result)) {
    if (!job->retry_key || ++job->try_number == max_void_tries)
      return fail_job(job, {errc::unavailable, "the deployment was given up before it was stored"});
    return submit(job);
  }
  const auto& why = std::get<cluster::refused>(result).why;
  if (why.code == errc::unknown_outcome)
    return settle_unknown(job);
  fail_job(job, why);
}

void deployer::on_conflict(const progress_ptr& job) {
  if (job->probes)
    return deny(job, job->probes->first, job->probes->second);
  auto why = denial::none;
  if (job->what && job->what->kind == deployment_kind::create)
    why = denial::exists;
  else if (job->what && job->what->expected_revision)
    why = denial::changed;
  deny(job, why, {errc::conflict, "another deployment changed the function or one of its routes meanwhile; try again"});
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
  if (getf(is_terminated_flag))
    return;  // the node is going down: nobody waits any more
  job->result.committed = true;
  around_.registry->when_installed(at.value, loop().now() + own_picture_timeout,
                                   [self = strong_self(), this, job, at](bool there) {
                                     if (getf(is_terminated_flag))
                                       return;  // the node is going down: nobody waits any more
                                     enter();
                                     if (there)
                                       await_copies(job, at);
                                     else
                                       own_copy_behind(job);
                                     loop().drain();
                                   });
}

void deployer::own_copy_behind(const progress_ptr& job) {
  log_event(log_level::warning, "own_copy_behind", {{"function", job->name}});
  if (job->removes)  // needs nothing more of this node
    return finish(job);
  fail_job(job, {errc::unavailable,
                 "deployed, but this node's own copy of the store is behind, so it was not started here; "
                 "`troupe nodes` shows the copies, the log of this node the reason"});
}

/// What is acknowledged here shows at every member but those that the answer names.
void deployer::await_copies(const progress_ptr& job, cluster::cursor at) {
  if (around_.copies == nullptr)
    return on_installed(job, at);
  around_.copies->await(at, [self = strong_self(), this, job, at](const std::vector<std::string>& laggards) {
    enter();
    if (getf(is_terminated_flag))
      return;  // the node is going down: nobody waits any more
    for (const auto& name : laggards)
      log_event(log_level::warning, "copy_behind", {{"name", name}, {"function", job->name}});
    job->result.laggards = laggards;
    on_installed(job, at);
    loop().drain();
  });
}

void deployer::on_installed(const progress_ptr& job, cluster::cursor at) {
  if (job->removes)
    return finish(job);
  // What was applied may be an earlier try of the request: its record counts, not the one that this try made.
  const auto snapshot = around_.follower->snapshot();
  const auto* stored = cluster::find_function(*snapshot, job->name);
  if (stored == nullptr || stored->revision != at.value)
    return read_row(job, at);
  job->result.record = *stored;
  if (job->probes || job->what->kind == deployment_kind::annotate)
    return finish(job);
  await_start(job);
}

void deployer::read_row(const progress_ptr& job, cluster::cursor at) {
  around_.store->follow({at.value - 1}, clock::now() + commit_timeout,
                        [self = strong_self(), this, job, at](const cluster::follow_result& rows) {
                          loop().post([self, this, job, at, rows] {
                            enter();
                            on_row(job, at, rows);
                            loop().drain();
                          });
                        });
}

void deployer::on_row(const progress_ptr& job, cluster::cursor at, const cluster::follow_result& rows) {
  if (const auto* commits = std::get_if<cluster::batch>(&rows))
    for (const auto& commit : commits->commits)
      for (const auto& put : commit.puts)
        if (commit.cursor == at && put.key == cluster::function_key(job->name)) {
          auto record = cluster::decode_function(put);
          if (!record)
            return fail_job(job, record.error());
          job->result.record = std::move(*record);
          return finish(job);
        }
  fail_job(job, {errc::conflict, "the request was applied, and the function was changed again since"});
}

}  // namespace troupe::actors
