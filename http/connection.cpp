#include "http/connection.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "config/log.hpp"
#include "config/text.hpp"
#include "http/outcome_reply.hpp"

namespace troupe::http {

namespace {

/// Bodies up to this size are appended to the head and leave in one flat write.
constexpr std::size_t max_flat_body = 16 * 1024;
/// Reads of one connection before the others of the loop have their turn.
constexpr int max_reads_in_a_row = 8;
/// What a refused client may still send before its connection is cut.
constexpr std::size_t max_lingered_bytes = 1024 * 1024;
/// Continuations of calls that were answered by their deadline stay in the actor; so many and it ends.
constexpr std::uint8_t max_late_answers = 8;

constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

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

// -- reading
// ----------------------------------------------------------------------------------------------------------------

void connection::on_ready(std::uint32_t events) {
  enter();
  try {
    serve(events);
  } catch (const std::exception& problem) {
    // Out of memory for this client: the loop and the others go on.
    log_event(log_level::error, "connection_dropped", {{"peer", peer_address_}, {"reason", problem.what()}});
    close();
  }
}

void connection::serve(std::uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    close();
    return;
  }
  if ((events & EPOLLRDHUP) != 0)
    half_closed_ = true;
  if ((events & (EPOLLIN | EPOLLRDHUP)) != 0)
    readable_ = true;
  if ((events & EPOLLOUT) != 0 && phase_ == phase::writing)
    continue_write();
  if (readable_)
    receive();
}

void connection::receive() {
  for (int reads = 0; readable_ && (phase_ == phase::head || phase_ == phase::body || phase_ == phase::lingering);
       ++reads) {
    if (reads == max_reads_in_a_row) {
      resume_input();
      return;
    }
    if (!receive_once())
      return;
  }
}

bool connection::receive_once() {
  // The rest of a body of known length goes straight to where it stays.
  if (phase_ == phase::body && !chunks_ && pending_.empty()) {
    auto& body = request_->body;
    const auto room = std::min<std::uint64_t>(body_left_, 256 * 1024);
    const auto got = ::recv(descriptor_, body.data() + body.size(), room, 0);
    if (got > 0) {
      body.commit(static_cast<std::size_t>(got));
      body_left_ -= static_cast<std::uint64_t>(got);
      deadline_ = std::min(body_deadline_, loop().now() + edge_.options().body_progress_timeout);
      if (body_left_ == 0)
        on_request_complete();
      return true;
    }
    return on_nothing_received(got, errno);
  }
  auto space = loop().read_buffer();
  space = space.first(std::min(space.size(), edge_.options().max_pipelined_bytes));
  const auto got = ::recv(descriptor_, space.data(), space.size(), 0);
  if (got > 0) {
    // A short read emptied the socket: the next byte raises a new edge. The end of input does not, if it came before.
    if (static_cast<std::size_t>(got) < space.size() && !half_closed_)
      readable_ = false;
    take({space.data(), static_cast<std::size_t>(got)});
    return true;
  }
  return on_nothing_received(got, errno);
}

bool connection::on_nothing_received(ssize_t got, int problem) {
  if (got == 0)
    on_end_of_input();
  else if (problem == EAGAIN)
    readable_ = false;
  else if (problem != EINTR)
    close();
  return got < 0 && problem == EINTR;
}

void connection::on_end_of_input() {
  readable_ = false;
  close();  // read only while nothing is owed: an unfinished request cannot be answered usefully
}

void connection::take(std::string_view bytes) {
  if (phase_ == phase::lingering) {
    lingered_bytes_ += bytes.size();
    if (lingered_bytes_ > max_lingered_bytes)
      close();
    return;
  }
  buffer held = std::move(pending_);
  pending_ = buffer{};
  if (!held.empty()) {
    held.append(bytes);
    bytes = held.view();
  }
  taking_ = true;
  while (!bytes.empty() && (phase_ == phase::head || phase_ == phase::body)) {
    const auto used = phase_ == phase::head ? take_head(bytes) : take_body(bytes);
    if (used == 0)
      break;
    bytes.remove_prefix(used);
  }
  taking_ = false;
  if (bytes.empty() || phase_ == phase::closed || phase_ == phase::lingering)
    return;
  if (!held.empty() && bytes.size() == held.size()) {
    pending_ = std::move(held);
  } else {
    pending_.append(bytes);
  }
}

std::size_t connection::take_head(std::string_view bytes) {
  const auto& options = edge_.options();
  const auto end = find_head_end(bytes, searched_);
  if (end == npos || end > options.head.max_bytes) {
    if (bytes.size() >= options.head.max_bytes) {
      refuse(refuse_long_head(bytes, options.head));
      return 0;
    }
    if (searched_ == 0)
      set_deadline(options.header_timeout);
    searched_ = bytes.size();
    return 0;
  }
  searched_ = 0;
  request_ = std::make_shared<functions::http_request>();
  request_->head.append(bytes.substr(0, end));
  auto& head = edge_.scratch_head();
  if (const auto problem = scan_head(request_->head.view(), options.head, head)) {
    refuse(*problem);
    return 0;
  }
  keep_alive_ = head.keep_alive && !edge_.draining();
  http_1_1_ = head.http_1_1;
  head_only_ = head.method == "HEAD";
  request_->method = head.method;
  request_->target = head.target;
  request_->path = head.path;
  request_->query = head.query;
  request_->fields = head.fields;
  request_->peer_address = peer_address_;
  request_->local_port = local_port_;
  if (head.body == body_framing::none) {
    on_request_complete();
    return end;
  }
  phase_ = phase::body;
  body_deadline_ = loop().now() + options.body_timeout;
  deadline_ = std::min(body_deadline_, loop().now() + options.body_progress_timeout);
  if (head.body == body_framing::chunked) {
    chunks_ = std::make_unique<chunk_decoder>(options.chunks);
  } else {
    body_left_ = head.content_length;
    request_->body.reserve(static_cast<std::size_t>(body_left_));
  }
  if (head.expects_continue && bytes.size() == end &&
      ::send(descriptor_, continue_line.data(), continue_line.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(continue_line.size())) {
    close();  // 25 bytes do not fit into an empty socket buffer: the peer is gone
    return 0;
  }
  return end;
}

std::size_t connection::take_body(std::string_view bytes) {
  deadline_ = std::min(body_deadline_, loop().now() + edge_.options().body_progress_timeout);
  if (!chunks_) {
    const auto used = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, bytes.size()));
    request_->body.append(bytes.substr(0, used));
    body_left_ -= used;
    if (body_left_ == 0)
      on_request_complete();
    return used;
  }
  const auto progress = chunks_->feed(bytes, request_->body);
  if (progress.state == chunk_decoder::verdict::refused) {
    refuse(progress.why);
    return 0;
  }
  if (progress.state == chunk_decoder::verdict::done) {
    chunks_.reset();
    on_request_complete();
  }
  return progress.consumed;
}

void connection::resume_input() {
  if (resuming_)
    return;
  resuming_ = true;
  loop().at_batch_end(*this);
}

void connection::on_batch_end() {
  enter();
  resuming_ = false;
  if (phase_ == phase::head && !pending_.empty()) {
    // Requests that came with an earlier one.
    buffer held = std::move(pending_);
    pending_ = buffer{};
    take(held.view());
  }
  if (readable_)
    receive();
}

// -- calling
// ----------------------------------------------------------------------------------------------------------------

void connection::on_request_complete() {
  phase_ = phase::calling;
  ++call_number_;
  request_id_ = make_request_id();
  set_deadline(edge_.options().call_timeout);
  functions::http_request_ptr request = std::move(request_);
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
  else
    call_function(std::move(request));
}

void connection::call_function(functions::http_request_ptr request) {
  auto call = std::make_shared<functions::invocation>();
  const auto* route = edge_.routes->match(request->method, request->path, call->parameters);
  if (route == nullptr) {
    answer(error_reply(errc::no_such_route, edge_.options().errors));
    return;
  }
  if (!route->function) {
    answer(error_reply(errc::no_such_function, edge_.options().errors));
    return;
  }
  call->function = route->function;
  call->route_key = route->key;
  call->request_id = request_id_;
  call->invocation_id = make_fast_uuid();
  call->arrived_at = loop().now();
  call->deadline = deadline_;
  call->request = std::move(request);
  in_flight_ = call;
  // The bound is this loop's sweep, which answers 503 if nobody else does; CAF would never cancel a timeout of its own.
  this->request(edge_.router, caf::infinite, functions::invocation_ptr{std::move(call)})
      .then([this, n = call_number_](const functions::outcome_ptr& result) { finish(n, result); },
            [this, n = call_number_](const caf::error& why) { fail(n, why); });
  loop().drain();  // router and inline functions run now, on this thread
}

void connection::call_admin(functions::http_request_ptr request) {
  caller_gone_ = std::make_shared<std::atomic<bool>>(false);
  this->request(edge_.admin, caf::infinite, admin_call{std::move(request), caller_gone_})
      .then(
          [this, n = call_number_](const reply_ptr& what) {
            if (n != call_number_ || phase_ != phase::calling) {
              forget_late_answer();
              return;
            }
            answer(std::move(*what));
          },
          [this, n = call_number_](const caf::error& why) { fail(n, why); });
  loop().drain();
}

void connection::finish(std::uint32_t call, const functions::outcome_ptr& result) {
  if (call != call_number_ || phase_ != phase::calling) {
    forget_late_answer();
    return;  // answered by the deadline, or the client is gone
  }
  const auto served = std::move(in_flight_);
  auto what = reply_to(std::move(*result), *served, edge_.options().errors);
  if (timing_)
    append_timing(what.fields, *result);
  answer(std::move(what));
}

void connection::fail(std::uint32_t call, const caf::error& why) {
  if (call != call_number_ || phase_ != phase::calling) {
    forget_late_answer();
    return;
  }
  // Actors answer only CAF's own errors as such: the message never reached the function's actor, or the actor threw.
  const auto code = why == caf::sec::request_receiver_down ? errc::not_ready : errc::function_crashed;
  answer(abandon_call(code, caf::to_string(why)));
}

reply connection::abandon_call(errc code, const std::string& detail) {
  const auto call = in_flight_;
  leave_call();
  if (!call)
    return error_reply(code, edge_.options().errors);  // of the admin port
  return failed_call(*call, code, detail, edge_.options().errors);
}

void connection::leave_call() noexcept {
  if (in_flight_)
    in_flight_->abandoned.store(true, std::memory_order_relaxed);
  in_flight_.reset();
  if (caller_gone_)
    caller_gone_->store(true, std::memory_order_relaxed);
  caller_gone_.reset();
}

void connection::forget_late_answer() noexcept {
  if (late_answers_ > 0)
    --late_answers_;
}

void connection::on_call_timeout() {
  if (++late_answers_ >= max_late_answers)
    keep_alive_ = false;
  answer(abandon_call(errc::budget_spent, "no answer within the limit for HTTP"));
}

// -- deadlines
// --------------------------------------------------------------------------------------------------------------

void connection::on_sweep(time_point now) {
  if (now < deadline_)
    return;
  enter();
  switch (phase_) {
    case phase::head:
      if (pending_.empty())
        close();
      else
        refuse({408, "the request head took too long"});
      break;
    case phase::body: refuse({408, "the request body took too long"}); break;
    case phase::calling: on_call_timeout(); break;
    case phase::writing: on_write_timeout(); break;
    case phase::lingering: close(); break;
    case phase::closed: break;
  }
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
    answer(abandon_call(errc::draining, "no answer within drain.timeout"));
  } else if (phase_ != phase::writing) {
    close();
  }
}

}  // namespace troupe::http
