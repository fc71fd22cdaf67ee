// What a deployment or removal writes, judged by what is deployed now.
#include <algorithm>

#include "actors/deployer.hpp"
#include "cluster/catalog_view.hpp"
#include "cluster/record_codec.hpp"

namespace troupe::actors {

namespace {

using functions::runtime_kind;

constexpr std::string_view default_api = "default";

error not_deployed(const std::string& name) {
  return {errc::no_such_function, "function '" + name + "' is not deployed"};
}

void take_code(const deployment& what, const imported_code& code, cluster::function_record& record) {
  record.form = std::holds_alternative<deployment::object>(what.code) ? "object" : "folder";
  record.code = code.code;
  record.code_bytes = code.bytes;
  record.archive = {};
  record.archive_bytes = 0;
  if (const auto* archive = std::get_if<deployment::archive>(&what.code); archive != nullptr && archive->bytes) {
    record.archive = archive->blob;
    record.archive_bytes = archive->bytes->size();
  }
}

void take_spec(const functions::function_spec& spec, cluster::function_record& record) {
  record.runtime = spec.runtime;
  record.handler = spec.handler;
  record.timeout_ms = static_cast<std::uint64_t>(spec.timeout.count());
  record.memory_mb = spec.memory_mb;
  record.concurrency = spec.concurrency;
  record.min_instances = spec.min_instances;
  record.max_instances = spec.max_instances;
  record.idempotent = spec.idempotent;
  record.environment = spec.environment;
}

/// Whether the fields fit each other, whoever set them when.
expected<void> check(const cluster::function_record& record) {
  const auto spec = spec_of(record);
  if (!spec)
    return tl::unexpected{spec.error()};
  if ((spec->kind == runtime_kind::native) != (record.form == "object"))
    return fail(errc::refused, "the runtime native runs a shared object, every other one a folder or an archive");
  return functions::check(*spec);
}

}  // namespace

void deployer::commit(const progress_ptr& job, imported_code code) {
  if (!code.missing.empty()) {
    job->result.missing = std::move(code.missing);
    return finish(job);
  }
  const auto& what = *job->what;
  for (const auto& own : around_.registry->program_functions())
    if (own.spec.name == job->name)
      return fail_job(job, {errc::refused, "function '" + job->name + "' is part of the node's program"});
  const auto snapshot = around_.follower->snapshot();
  const auto* old = cluster::find_function(*snapshot, job->name);
  const bool changes = what.kind == deployment_kind::update || what.kind == deployment_kind::annotate;
  if (what.kind == deployment_kind::create && old != nullptr)
    return deny_unless_done(job, denial::exists, {errc::conflict, "function '" + job->name + "' is deployed already"});
  if (changes && old == nullptr)
    return deny_unless_done(job, denial::none, not_deployed(job->name));
  if (changes && what.expected_revision && *what.expected_revision != old->revision)
    return deny_unless_done(job, denial::changed, {errc::conflict, "the function is at another revision"});
  if (what.kind == deployment_kind::update && around_.starts->running(old->id))
    return deny_unless_done(job, denial::busy, {errc::conflict, "the last deployment's first instance starts"});
  if (auto described = describe(job, code, old); !described)
    return fail_job(job, described.error());
  submit(job);
}

expected<void> deployer::describe(const progress_ptr& job, const imported_code& code,
                                  const cluster::function_record* old) {
  const auto& what = *job->what;
  auto& record = job->result.record;
  job->result.fresh = old == nullptr;
  if (old != nullptr) {
    record = *old;
  } else {
    record.id = make_uuid();
    record.name = job->name;
  }
  if (what.kind == deployment_kind::replace)
    take_spec(what.spec, record);
  else
    cluster::apply(what.change, record);
  if (!std::holds_alternative<deployment::unchanged>(what.code))
    take_code(what, code, record);
  if (auto checked = check(record); !checked)
    return checked;
  if (what.kind != deployment_kind::annotate) {
    ++record.version;
    record.modified_unix_ms = wall_now().count();
  }
  job->guards.push_back({cluster::function_key(job->name), record.revision});
  job->writes.push_back({cluster::function_key(job->name), cluster::encode(record)});
  return what.kind == deployment_kind::replace ? add_routes(job) : expected<void>{};
}

expected<void> deployer::add_routes(const progress_ptr& job) {
  const auto& name = job->name;
  const auto& known = around_.follower->snapshot()->routes;
  const auto wanted = [&](const cluster::route_record& record) {
    return std::any_of(job->what->routes.begin(), job->what->routes.end(),
                       [&](const auto& key) { return key == record.key; });
  };
  for (const auto& record : known)
    if (record.function == name && !wanted(record))
      job->writes.push_back({cluster::route_record_key(record.api, record.key), {}, true});
  for (const auto& key : job->what->routes) {
    const auto identity = around_.route_identity(key);
    const auto holder = std::find_if(known.begin(), known.end(), [&](const auto& r) { return r.key == key; });
    const auto rival = std::find_if(known.begin(), known.end(), [&](const auto& r) {
      return r.function != name && around_.route_identity(r.key) == identity;
    });
    if (rival != known.end())
      return fail(errc::refused,
                  "route '" + key + "' is held by function '" + rival->function + "' as '" + rival->key + "'");
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
      job->guards.push_back({cluster::route_record_key(record.api, record.key), 0});
      job->writes.push_back({cluster::route_record_key(record.api, record.key), cluster::encode(record)});
    }
    job->result.routes.push_back(std::move(record));
  }
  return {};
}

void deployer::commit_removal(const progress_ptr& job) {
  const auto snapshot = around_.follower->snapshot();
  const auto* found = cluster::find_function(*snapshot, job->name);
  if (!job->removes->keeps_routes)
    for (const auto& route : snapshot->routes)
      if (route.function == job->name)
        job->writes.push_back({cluster::route_record_key(route.api, route.key), {}, true});
  // Routes may have been left by a removal that kept them.
  if (found == nullptr && job->writes.empty())
    return deny_unless_done(job, denial::none, not_deployed(job->name));
  job->result.record.name = job->name;
  if (found != nullptr) {
    job->result.record = *found;
    job->writes.push_back({cluster::function_key(job->name), {}, true});
  }
  job->guards.push_back({cluster::function_key(job->name), job->result.record.revision});
  submit(job);
}

}  // namespace troupe::actors
