// Troupe's own API: what the node runs with, and having it read its file again.
#include "http/control_api.hpp"
#include "http/control_api_reply.hpp"

namespace troupe::http {

namespace {

error no_settings() {
  return {errc::refused, "this node is part of a program that sets its options itself: it has no settings to read"};
}

reply_ptr refusal_of(const reload_refusal& refused) {
  // The request was understood, and what it asks to be read does not work.
  return refused.faults.empty() ? http::refusal_of(refused.why) : json_reply(422, faults_error_body(refused.faults));
}

}  // namespace

reply_ptr control_api::settings() const {
  return around_->settings.view ? json_reply(200, settings_body(around_->settings.view())) : refusal_of(no_settings());
}

caf::result<reply_ptr> control_api::reload() {
  if (!around_->settings.reload)
    return refusal_of(no_settings());
  auto answer = make_response_promise<promise>();
  around_->settings.reload(
      [self = strong_self(), this, answer](const tl::expected<reload_view, reload_refusal>& settled) mutable {
        enter();
        if (getf(is_terminated_flag))
          return;  // the node is going down: nobody waits any more
        answer.deliver(settled ? json_reply(200, reload_body(*settled)) : refusal_of(settled.error()));
        loop().drain();
      });
  return answer;
}

}  // namespace troupe::http
