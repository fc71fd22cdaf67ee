// What peers say to each other through the control plane. Its contacts are in control_plane.cpp.
#include <algorithm>
#include <utility>

#include "actors/control_plane.hpp"
#include "config/log.hpp"

namespace troupe::actors {

namespace {

constexpr std::uint32_t max_events = 1'000;

expected<void> result_of(const reply_body& reply) {
  if (reply.code == 0)
    return {};
  return fail(static_cast<errc>(reply.code), reply.what);
}

}  // namespace

void control_plane::on_envelope(const uuid& node, const uuid& incarnation, const envelope& message) {
  switch (message.kind) {
    case envelope_kind::status: return on_status(node, incarnation, message);
    case envelope_kind::status_request:
      for (const auto& report : reporter_.whole())
        tell(node, envelope_kind::status, encode(report));
      return;
    case envelope_kind::spawn_supervisor: return on_spawn(node, incarnation, message);
    case envelope_kind::events_request: return on_events_request(node, message);
    case envelope_kind::function_started:
    case envelope_kind::function_failed:
      if (const auto report = decode<function_report>(message.body); !report)
        on_stranger(report.error());
      else if (around_.function_reported)
        around_.function_reported(node, *report);
      return;
    case envelope_kind::drain_notice:
      if (const auto notice = decode<drain_notice_body>(message.body); !notice) {
        on_stranger(notice.error());
      } else {
        status_.set_state(node, notice->state);
        if (around_.drain_noticed)
          around_.drain_noticed(node, notice->state);
      }
      return;
    case envelope_kind::events:
      if (auto page = decode<events_body>(message.body); !page)
        on_stranger(page.error());
      else
        requests_.settle(node, page->request, std::move(page->page));
      return;
    case envelope_kind::reply:
      if (const auto reply = decode<reply_body>(message.body); !reply)
        on_stranger(reply.error());
      else
        requests_.settle(node, reply->request, result_of(*reply).map([] { return cluster::event_page{}; }));
      return;
    case envelope_kind::hello:
    case envelope_kind::welcome:
    case envelope_kind::refused: return;  // the agent's own
  }
}

void control_plane::on_status(const uuid& node, const uuid& incarnation, const envelope& message) {
  const auto report = decode<cluster::load_report>(message.body);
  if (!report)
    return on_stranger(report.error());
  const auto decided = status_.apply(node, incarnation, *report, loop_.now());
  // Asked once per change that came after a gap; the whole that every node sends by itself bounds it anyway.
  if (decided == cluster::peer_status::verdict::incomplete)
    tell(node, envelope_kind::status_request, encode_nothing());
  if (decided <= cluster::peer_status::verdict::incomplete && around_.load_changed)
    around_.load_changed(node);
}

void control_plane::on_spawn(const uuid& node, const uuid& incarnation, const envelope& message) {
  const auto asked = decode<spawn_request>(message.body);
  if (!asked)
    return on_stranger(asked.error());
  if (!around_.spawn)
    return answer(node, asked->request, fail(errc::refused, "this node runs no functions"));
  around_.spawn(node, incarnation, *asked,
                [this, node, request = asked->request, alive = std::weak_ptr{alive_}](const expected<void>& result) {
                  if (!alive.expired())
                    answer(node, request, result);
                });
}

void control_plane::on_events_request(const uuid& node, const envelope& message) {
  const auto asked = decode<events_request_body>(message.body);
  if (!asked)
    return on_stranger(asked.error());
  if (!around_.events)
    return answer(node, asked->request, fail(errc::refused, "this node keeps no events"));
  const events_body page{asked->request,
                         around_.events(asked->function, asked->after, std::min(asked->limit, max_events))};
  tell(node, envelope_kind::events, encode(page));
}

void control_plane::answer(const uuid& node, std::uint64_t request, const expected<void>& result) {
  reply_body reply{request, 0, {}};
  if (!result) {
    reply.code = static_cast<std::uint8_t>(result.error().code);
    reply.what = result.error().what;
  }
  tell(node, envelope_kind::reply, encode(reply));
}

void control_plane::ask(const uuid& node, envelope_kind kind, time_point deadline, pending_requests::continuation done,
                        const std::function<std::string(std::uint64_t request)>& body) {
  if (!is_connected(node))
    return done(fail(errc::unavailable, "node " + to_string(node) + " is not in contact"));
  const auto request = requests_.add(node, deadline, done);
  if (request == 0)
    return done(fail(errc::overloaded, "too many requests to other nodes wait for their answers"));
  if (auto sent = agent_->send_to(node, kind, body(request)); !sent) {
    requests_.withdraw(request);
    done(tl::unexpected{sent.error()});
  }
}

void control_plane::spawn_supervisor(const uuid& node, spawn_request what, time_point deadline,
                                     std::function<void(expected<void>)> done) {
  ask(
      node, envelope_kind::spawn_supervisor, deadline,
      [done = std::move(done)](const expected<cluster::event_page>& result) { done(result.map([](const auto&) {})); },
      [&](std::uint64_t request) {
        what.request = request;
        return encode(what);
      });
}

void control_plane::ask_events(const uuid& node, const uuid& function, std::uint64_t after, std::uint32_t limit,
                               time_point deadline, std::function<void(expected<cluster::event_page>)> done) {
  ask(node, envelope_kind::events_request, deadline, std::move(done), [&](std::uint64_t request) {
    return encode(events_request_body{request, function, after, limit});
  });
}

expected<void> control_plane::report_function(const uuid& node, const function_report& report) {
  if (!is_connected(node))
    return fail(errc::unavailable, "node " + to_string(node) + " is not in contact");
  return agent_->send_to(node, report.code == 0 ? envelope_kind::function_started : envelope_kind::function_failed,
                         encode(report));
}

void control_plane::announce(cluster::serving_state state) {
  const auto body = encode(drain_notice_body{state});
  for (const auto& [node, known] : contacts_)
    tell(node, envelope_kind::drain_notice, body);
}

void control_plane::tell(const uuid& node, envelope_kind kind, std::string body) {
  if (agent_ == nullptr)
    return;
  if (const auto sent = agent_->send_to(node, kind, std::move(body)); !sent)
    log_event(log_level::debug, "envelope_not_sent", {{"node", to_string(node)}, {"reason", sent.error().what}});
}

}  // namespace troupe::actors
