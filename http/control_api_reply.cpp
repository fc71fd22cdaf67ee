#include "http/control_api_reply.hpp"

#include "http/admin_answers.hpp"

namespace troupe::http {

namespace {

reply_ptr reply_of(unsigned status, std::string_view type, std::string body) {
  reply what;
  what.status = status;
  what.fields.append("content-type: ").append(type).append("\r\n");
  what.body = std::move(body);
  return share(std::move(what));
}

}  // namespace

reply_ptr json_reply(unsigned status, std::string body) {
  return reply_of(status, "application/json", std::move(body));
}

reply_ptr text_reply(unsigned status, std::string body) {
  return reply_of(status, "text/plain; charset=utf-8", std::move(body));
}

reply_ptr refusal_of(const error& why) {
  return json_reply(admin_status_of(why.code), error_body(why));
}

void mark_stale(reply& what, std::optional<seconds> age) {
  if (age)
    what.fields.append("x-troupe-stale: ").append(std::to_string(age->count())).append("\r\n");
}

error going_down() {
  return {errc::draining, "the node is going down"};
}

}  // namespace troupe::http
