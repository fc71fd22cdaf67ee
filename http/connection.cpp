#include "http/connection.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "actors/router.hpp"
#include "config/log.hpp"
#include "config/text.hpp"
#include "http/outcome_reply.hpp"

namespace troupe::http {

namespace {

/// Continuations of calls that were answered by their deadline stay in the actor; so many and it ends.
constexpr std::uint8_t max_late_answers = 8;

}  // namespace

connection::connection(caf::actor_config& config, edge& shared, int descriptor, std::string peer_address,
                       std::uint16_t local_port, bool over_budget)
    : loop_bound{config}, edge_{shared}, descriptor_{descriptor}, local_port_{local_port}, over_budget_{over_budget},
      peer_address_{std::move(peer_address)} {}

connection::~connection() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
}

connection::behavior_type connection::make_behavior() {
  self_ = strong_self();
  edge_.add(*this);
  set_deadline(over_budget_ ? edge_.options().linger_timeout : edge_.options().idle_timeout);
  if (edge_.draining())
    begin_drain();
  // Watching reports at once what has already arrived.
  if (!loop().watch(descriptor_, EPOLLIN | EPOLLOUT | EPOLLRDHUP, *this))
    close();
  return {[this](caf::close_atom) { close(); }};
}

void connection::on_request_complete() {
  phase_ = phase::calling;
  edge_.let_go_of_body(*this);
  ++call_number_;
  request_id_ = make_request_id();
  arrived_at_ = loop().now();
  set_deadline(edge_.options().call_timeout);
  functions::http_request_ptr request = std::move(request_);
  asked_ = edge_.admin ? nullptr : request.get();
  if (over_budget_) {
    keep_alive_ = false;
    answer(error_reply(errc::overloaded, edge_.options().errors));
    return;
  }
  timing_ = edge_.options().always_timing;
  if (!timing_)
    for (const auto& field : request->fields)
      if (field.name.size() == 15 && iequals(field.name, "x-troupe-timing"))
        timing_ = field.value == "1";
  if (edge_.admin)
    call_admin(std::move(request));
  else if (edge_.holds_requests())
    hold(std::move(request));
  else
    call_function(std::move(request));
}

void connection::hold(functions::http_request_ptr request) {
  held_ = std::move(request);
  set_deadline(std::min(edge_.options().hold_timeout, edge_.options().call_timeout));
}

void connection::go_on() {
  if (!held_)
    return;
  guarded([this] {
    set_deadline(edge_.options().call_timeout);
    call_function(std::exchange(held_, nullptr));
  });
}

/// Out of memory for this client: the loop and the others go on.
void connection::drop(std::string_view reason) {
  log_event(log_level::error, "connection_dropped", {{"peer", peer_address_}, {"reason", reason}});
  if (asked_ != nullptr && !in_flight_ && !held_) {
    // Whoever had the request was unwound: it counts, but nothing can be said of it.
    if (phase_ == phase::calling && edge_.options().count_requests)
      count_request(nullptr, nullptr, {});
    asked_ = nullptr;
  }
  close();
}

void connection::call_function(functions::http_request_ptr request) {
  auto call = std::make_shared<functions::invocation>();
  const auto* route = edge_.routes->match(request->method, request->path, call->parameters);
  if (route == nullptr) {
    answer(error_reply(errc::no_such_route, edge_.options().errors));
    return;
  }
  if (route->metrics != nullptr)
    counted_at_ = &route->metrics->of_loop(loop().index());
  if (!route->function) {
    answer(error_reply(errc::no_such_function, edge_.options().errors));
    return;
  }
  call->function = route->function;
  call->route_key = route->key;
  call->request_id = request_id_;
  call->invocation_id = make_fast_uuid();
  call->arrived_at = arrived_at_;
  call->deadline = deadline_;
  call->request = std::move(request);
  in_flight_ = call;
  auto begun = edge_.router_here == nullptr ? actors::router::begun{} : edge_.router_here->begin(*call);
  if (begun.outcome)
    return finish(call_number_, begun.outcome);
  if (!begun.runner)
    begun.runner = edge_.router;
  // The bound is this loop's sweep, which answers 503 if nobody else does; CAF would never cancel a timeout of its own.
  const auto asked = this->request(begun.runner, caf::infinite, functions::invocation_ptr{std::move(call)});
  begun.place.release();
  asked.then([this, n = call_number_](const functions::outcome_ptr& result) { guarded([&] { finish(n, result); }); },
             [this, n = call_number_](const caf::error& why) { guarded([&] { fail(n, why); }); });
  loop().drain();  // router and inline functions run now, on this thread
}

void connection::call_admin(functions::http_request_ptr request) {
  caller_gone_ = std::make_shared<std::atomic<bool>>(false);
  this->request(edge_.admin, caf::infinite, admin_call{std::move(request), caller_gone_})
      .then(
          [this, n = call_number_](const reply_ptr& what) {
            guarded([&] {
              if (n != call_number_ || phase_ != phase::calling)
                forget_late_answer();
              else
                answer(std::move(*what));
            });
          },
          [this, n = call_number_](const caf::error& why) { guarded([&] { fail(n, why); }); });
  loop().drain();
}

void connection::finish(std::uint32_t call, const functions::outcome_ptr& result) {
  if (call != call_number_ || phase_ != phase::calling) {
    forget_late_answer();
    return;  // answered by the deadline, or the client is gone
  }
  auto what = reply_to(std::move(*result), edge_.options().errors);
  if (timing_)
    append_timing(what.fields, *result);
  answer(std::move(what), result.get());
}

void connection::fail(std::uint32_t call, const caf::error& why) {
  if (call != call_number_ || phase_ != phase::calling) {
    forget_late_answer();
    return;
  }
  // Actors answer only CAF's own errors as such: the message never reached the function's actor, or the actor threw.
  const auto code = why == caf::sec::request_receiver_down ? errc::not_ready : errc::function_crashed;
  answer_for(code, caf::to_string(why));
}

void connection::answer_for(errc code, std::string detail) {
  leave_call();
  answer(error_reply(code, edge_.options().errors, std::move(detail)));
}

void connection::leave_call() noexcept {
  if (in_flight_)
    in_flight_->abandoned.store(true, std::memory_order_relaxed);
  if (caller_gone_)
    caller_gone_->store(true, std::memory_order_relaxed);
}

void connection::forget_call() noexcept {
  asked_ = nullptr;
  counted_at_ = nullptr;
  held_.reset();
  in_flight_.reset();
  caller_gone_.reset();
}

void connection::forget_late_answer() noexcept {
  if (late_answers_ > 0)
    --late_answers_;
}

void connection::on_call_timeout() {
  if (held_)
    return answer_for(errc::not_ready, {});
  if (++late_answers_ >= max_late_answers)
    keep_alive_ = false;
  answer_for(errc::budget_spent, "no answer within the limit for HTTP");
}

void connection::on_sweep(time_point now) {
  if (now >= deadline_)
    guarded([this] { on_deadline(); });
}

void connection::on_deadline() {
  switch (phase_) {
    case phase::head:
      if (pending_.empty())
        close();
      else
        refuse({408, "the request head took too long"}, pending_.view());
      break;
    case phase::body: refuse({408, "the request body took too long"}); break;
    case phase::calling: on_call_timeout(); break;
    case phase::writing: on_write_timeout(); break;
    case phase::lingering: close(); break;
    case phase::closed: break;
  }
}

void connection::give_way() {
  guarded([this] {
    if (phase_ == phase::body)
      refuse_with(error_reply(errc::overloaded, edge_.options().errors));
    else
      cut_off();  // of an answer that has begun nothing can be taken back
  });
}

void connection::begin_drain() {
  keep_alive_ = false;
  if (phase_ == phase::head && pending_.empty())
    deadline_ = std::min(deadline_, loop().now() + edge_.options().drain_idle_timeout);
}

void connection::end_drain() {
  enter();
  if (phase_ == phase::calling) {
    keep_alive_ = false;
    answer_for(errc::draining, "no answer within drain.timeout");
  } else if (phase_ != phase::writing) {
    close();
  }
}

}  // namespace troupe::http
