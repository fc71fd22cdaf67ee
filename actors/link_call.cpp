#include "actors/link_call.hpp"

#include <new>
#include <utility>

#include "actors/link_session.hpp"

namespace troupe::actors {

incoming_call::~incoming_call() {
  fail(errc::unknown_outcome, "the call was dropped without an answer");
}

/// @returns the session that is to be told; null when nobody waits any more.
link_session* incoming_call::settle() noexcept {
  auto* session = std::exchange(session_, nullptr);
  notice_ = nullptr;
  if (session != nullptr)
    session->settled(id_);
  return session;
}

/// Without memory for what is to be said the link is closed soon, which tells the caller that it may have run.
template <class Job>
void incoming_call::settle_by(Job job) {
  auto* const session = settle();
  if (session == nullptr)
    return;
  try {
    job(session->state_);
    session->dispatch();
  } catch (const std::bad_alloc&) {
    session->owes_an_answer_ = true;
  }
}

void incoming_call::answer(buffer answer_head, buffer answer_body) {
  settle_by([&](auto& state) { state.answer(id_, std::move(answer_head), std::move(answer_body)); });
}

void incoming_call::refuse(errc code, std::string_view detail) {
  settle_by([&](auto& state) { state.refuse(id_, code, detail); });
}

void incoming_call::fail(errc code, std::string_view detail) {
  settle_by([&](auto& state) { state.fail(id_, code, detail); });
}

void incoming_call::when_abandoned(std::function<void()> notice) {
  if (abandoned_)
    notice();
  else if (session_ != nullptr)
    notice_ = std::move(notice);
}

void incoming_call::abandon() {
  session_ = nullptr;
  abandoned_ = true;
  if (const auto notice = std::exchange(notice_, nullptr))
    notice();
}

}  // namespace troupe::actors
