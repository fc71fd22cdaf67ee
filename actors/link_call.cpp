#include "actors/link_call.hpp"

#include <utility>

#include "actors/link_session.hpp"

namespace troupe::actors {

incoming_call::~incoming_call() {
  if (session_ != nullptr)
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

void incoming_call::answer(buffer answer_head, buffer answer_body) {
  if (auto* session = settle()) {
    session->state_.answer(id_, std::move(answer_head), std::move(answer_body));
    session->dispatch();
  }
}

void incoming_call::refuse(errc code, std::string_view detail) {
  if (auto* session = settle()) {
    session->state_.refuse(id_, code, detail);
    session->dispatch();
  }
}

void incoming_call::fail(errc code, std::string_view detail) {
  if (auto* session = settle()) {
    session->state_.fail(id_, code, detail);
    session->dispatch();
  }
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
