// Calls between nodes as their users see them: what becomes of an own call, and what a service gets of a peer's.
// Everything runs on the loop of the link.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "cluster/link_frame.hpp"
#include "config/buffer.hpp"
#include "config/clock.hpp"
#include "config/errc.hpp"

namespace troupe::actors {

class link_session;

/// The service's answer.
struct call_answered {
  buffer head;
  buffer body;
};
/// The call certainly did not run: another place may be tried.
struct call_not_run {
  errc code = errc::bug;
  std::string detail;
};
/// The call may have run, and no answer will come (`link_lost`, `budget_spent`, or what the service said).
struct call_lost {
  errc code = errc::link_lost;
  std::string detail;
};
using call_result = std::variant<call_answered, call_not_run, call_lost>;
using call_callback = std::function<void(call_result)>;

/// One call of a peer. Exactly one of `answer`, `refuse`, `fail` settles it; when the last reference goes before that,
/// the caller is told that it may have run. On the loop of the link only; safe after the link broke.
class incoming_call {
public:
  incoming_call(link_session& session, std::uint64_t id) : session_{&session}, id_{id} {}
  ~incoming_call();
  incoming_call(const incoming_call&) = delete;
  incoming_call& operator=(const incoming_call&) = delete;

  cluster::link_topic topic = cluster::link_topic::invoke;
  buffer head;
  buffer body;
  time_point deadline{};
  std::shared_ptr<const cluster::link_hello> peer;  ///< who calls

  void answer(buffer answer_head, buffer answer_body);
  /// It certainly did not run.
  void refuse(errc code, std::string_view detail);
  /// It may have run, and there is no answer.
  void fail(errc code, std::string_view detail);

  /// Whether nobody waits for the answer any more: the caller cancelled, or the link broke.
  bool abandoned() const noexcept { return abandoned_; }
  /// Runs `notice` once when that happens, never after the call was settled; at once if it has happened already.
  void when_abandoned(std::function<void()> notice);

private:
  friend class link_session;
  void abandon();
  link_session* settle() noexcept;
  template <class Job>
  void settle_by(Job job);

  link_session* session_;  ///< null once settled or abandoned
  std::uint64_t id_;
  bool abandoned_ = false;
  std::function<void()> notice_;
};

using incoming_call_ptr = std::shared_ptr<incoming_call>;

/// Serves the calls of one topic on one loop.
class link_service {
public:
  /// May settle the call at once or later. Must not close links from inside.
  virtual void serve(incoming_call_ptr call) = 0;

protected:
  ~link_service() = default;
};

/// The services of one loop, by topic. What has none is refused with `no_such_service`.
class link_services {
public:
  /// The service outlives the links, or `withdraw` comes first.
  void offer(cluster::link_topic topic, link_service& service) { services_[index(topic)] = &service; }
  void withdraw(cluster::link_topic topic) noexcept { services_[index(topic)] = nullptr; }
  link_service* find(cluster::link_topic topic) const noexcept {
    return index(topic) < std::size(services_) ? services_[index(topic)] : nullptr;
  }

private:
  static std::size_t index(cluster::link_topic topic) noexcept { return static_cast<std::size_t>(topic); }
  link_service* services_[8] = {};
};

}  // namespace troupe::actors
