// Troupe's own API: what changes something, and code on its way in and out.
#include "http/control_api.hpp"
#include "http/control_api_reply.hpp"

namespace troupe::http {

namespace {

using actors::deployment_result_ptr;

/// Archives that are made or sent at a time: each takes disk space until its client has it.
constexpr int max_downloads = 4;

/// Counts one of them.
class download_slot {
public:
  explicit download_slot(std::shared_ptr<std::atomic<int>> count) : count_{std::move(count)} { count_->fetch_add(1); }
  ~download_slot() { count_->fetch_sub(1); }
  download_slot(const download_slot&) = delete;
  download_slot& operator=(const download_slot&) = delete;

private:
  std::shared_ptr<std::atomic<int>> count_;
};

/// What lives until the last byte is with the client.
struct downloaded {
  functions::mapped_file archive;
  std::shared_ptr<download_slot> slot;
};

}  // namespace

caf::result<reply_ptr> control_api::find_missing(ask_missing_blobs&& what) {
  auto answer = make_response_promise<promise>();
  auto wanted = std::make_shared<const std::vector<digest>>(std::move(what.digests));
  request(around_->deployer, caf::infinite, std::move(wanted))
      .then(
          [answer](const actors::blobs_result_ptr& result) mutable {
            answer.deliver(result->missing ? json_reply(200, missing_body(*result->missing))
                                           : refusal_of(result->missing.error()));
          },
          [answer](const caf::error&) mutable { answer.deliver(refusal_of(going_down())); });
  return answer;
}

caf::result<reply_ptr> control_api::store(const store_blob& what, const functions::http_request_ptr& body) {
  auto answer = make_response_promise<promise>();
  request(around_->deployer, caf::infinite, actors::blob_upload{what.sha256, body})
      .then(
          [answer, blob = what.sha256, bytes = body->body.size()](const actors::blobs_result_ptr& result) mutable {
            answer.deliver(result->missing ? json_reply(201, stored_body(blob, bytes))
                                           : refusal_of(result->missing.error()));
          },
          [answer](const caf::error&) mutable { answer.deliver(refusal_of(going_down())); });
  return answer;
}

caf::result<reply_ptr> control_api::deploy(deploy_function&& what) {
  auto wanted = std::make_shared<actors::deployment>();
  wanted->spec = std::move(what.spec);
  wanted->routes = std::move(what.routes);
  if (auto* package = std::get_if<functions::manifest>(&what.code))
    wanted->code = std::move(*package);
  else if (const auto* zip = std::get_if<zip_code>(&what.code))
    wanted->code = actors::deployment::archive{zip->sha256};
  else
    wanted->code = actors::deployment::object{std::get<object_code>(what.code).sha256};
  // Another machine's paths mean nothing here.
  if (what.source && !what.source->boot_id.empty() && what.source->boot_id == functions::boot_id())
    wanted->source = what.source->root;
  auto answer = make_response_promise<promise>();
  // What is changed must be seen as it is.
  when_level([this, answer, wanted](std::optional<seconds>) { send_deployment(answer, wanted); });
  return answer;
}

void control_api::send_deployment(promise answer, actors::deployment_ptr wanted) {
  request(around_->deployer, caf::infinite, std::move(wanted))
      .then(
          [this, answer](const deployment_result_ptr& result) mutable {
            if (!result->missing.empty()) {
              answer.deliver(json_reply(409, missing_blobs_error_body(result->missing)));
              return;
            }
            if (result->failed) {
              answer.deliver(refusal_of(result->why));
              return;
            }
            const auto start_ms = std::chrono::duration_cast<milliseconds>(result->start_took).count();
            answer.deliver(json_reply(result->fresh ? 201 : 200,
                                      deployed_body(result->record, result->routes, instances_of(result->record),
                                                    {result->fresh, static_cast<std::uint64_t>(start_ms), true,
                                                     result->copies, result->laggards})));
          },
          [answer](const caf::error&) mutable { answer.deliver(refusal_of(going_down())); });
}

caf::result<reply_ptr> control_api::remove(const remove_function& what) {
  auto answer = make_response_promise<promise>();
  when_level([this, answer, name = what.name](std::optional<seconds>) {
    request(around_->deployer, caf::infinite, actors::removal{name, false, std::nullopt})
        .then(
            [answer, name](const deployment_result_ptr& result) mutable {
              answer.deliver(result->failed ? refusal_of(result->why)
                                            : json_reply(200, removed_body(name, result->laggards)));
            },
            [answer](const caf::error&) mutable { answer.deliver(refusal_of(going_down())); });
  });
  return answer;
}

caf::result<reply_ptr> control_api::download(const std::string& name) {
  return read([this, name](read_answer answer) { send_code(std::move(answer), name); });
}

void control_api::send_code(read_answer answer, const std::string& name) {
  const auto record = find(name);
  if (!record)
    return answer.deliver(refusal_of({errc::no_such_function, "function '" + name + "' is not deployed"}));
  if (record->form == "program")
    return answer.deliver(refusal_of({errc::refused, "function '" + name + "' is part of the node's program"}));
  if (downloads_->load() >= max_downloads)
    return answer.deliver(refusal_of({errc::overloaded, "too many downloads of code run already; try again"}));
  auto slot = std::make_shared<download_slot>(downloads_);
  const functions::code_ref wanted{
      record->code, record->form == "object" ? functions::code_form::object : functions::code_form::folder};
  using result_type = expected<functions::mapped_file>;
  const bool taken = run_on<result_type>(
      *around_->files, [code = around_->code, wanted, name] { return code->archive_of(wanted, name + ".so"); },
      [answer, slot, name](result_type archive) mutable {
        if (!archive) {
          answer.deliver(refusal_of(archive.error()));
          return;
        }
        auto* kept = new downloaded{std::move(*archive), std::move(slot)};
        reply what;
        what.fields =
            "content-type: application/zip\r\ncontent-disposition: attachment; filename=\"" + name + ".zip\"\r\n";
        what.body = functions::foreign_bytes{kept->archive.view(), kept,
                                             [](void* owner) { delete static_cast<downloaded*>(owner); }};
        answer.deliver(share(std::move(what)));
      });
  if (!taken)
    answer.deliver(refusal_of({errc::overloaded, "the node handles too much code at once; try again"}));
}

}  // namespace troupe::http
