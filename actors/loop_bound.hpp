// Makes an actor class run on one event loop, whoever wakes it. Always a class, spawned with `spawn_on`; a plain
// `spawn` would run it on the pool, which the constructor refuses.
#pragma once

#include <caf/actor_cast.hpp>
#include <caf/actor_config.hpp>
#include <caf/actor_system.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/response_promise.hpp>
#include <cstdlib>
#include <functional>
#include <memory>
#include <utility>

#include "actors/event_loop.hpp"
#include "actors/work_thread.hpp"

namespace troupe::actors {

template <class Base>
class loop_bound : public Base {
public:
  explicit loop_bound(caf::actor_config& config) : Base{config}, loop_{dynamic_cast<event_loop*>(config.host)} {
    if (loop_ == nullptr)
      std::abort();  // spawned without a loop: a bug that every test of the class would show
  }

  using Base::enqueue;
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) override {
    Base::enqueue(std::move(element), loop_);
  }
  void launch(caf::execution_unit*, bool lazy, bool hide) override { Base::launch(loop_, lazy, hide); }
  caf::resumable::subtype_t subtype() const override { return caf::resumable::io_actor; }

protected:
  event_loop& loop() const noexcept { return *loop_; }
  /// Must come first in every handler that the loop calls outside of a message.
  void enter() { this->context(loop_); }
  /// As `delegate` of the promise, but out of memory: throws, and the promise is whole.
  template <class Promise, class Handle, class Message>
  void send_on(Promise& answer, const Handle& to, Message&& what) {
    const caf::response_promise& request = answer;
    auto message =
        caf::make_mailbox_element(request.source(), request.id(), request.stages(), std::forward<Message>(what));
    answer = {};
    caf::actor_cast<caf::abstract_actor*>(to)->enqueue(std::move(message), this->context());
  }
  caf::strong_actor_ptr strong_self() { return caf::strong_actor_ptr{this->ctrl()}; }
  /// Runs `job` on `thread`, then `then` with its result here, unless this actor has ended meanwhile.
  /// @returns false, and does neither, when the thread's queue is full.
  template <class Result>
  bool run_on(work_thread& thread, std::function<Result()> job, std::function<void(Result)> then) {
    return thread.post([self = strong_self(), this, job = std::move(job), then = std::move(then)] {
      auto result = std::make_shared<Result>(job());
      loop().post([self, this, result, then] {
        enter();
        if (this->getf(Base::is_terminated_flag))
          return;  // the node is going down: nobody waits any more
        then(std::move(*result));
        loop().drain();
      });
    });
  }

private:
  event_loop* loop_;
};

/// Spawns `Actor` on `loop`. From any thread.
template <class Actor, class... Args>
caf::infer_handle_from_class_t<Actor> spawn_on(caf::actor_system& system, event_loop& loop, Args&&... args) {
  caf::actor_config config{&loop};
  return system.spawn_class<Actor, caf::no_spawn_options>(config, std::forward<Args>(args)...);
}

}  // namespace troupe::actors
