#include "clients.hpp"

#include <utility>

#include "machine.hpp"
#include "world.hpp"

namespace troupe::sim::calls {

std::size_t clients::some_size() {
  auto& random = all_.random;
  if (random.percent(all_.how.large_bodies))
    return random.between<std::size_t>(100'000, 2'000'000);
  return random.one_in(4) ? random.below(all_.how.max_body_bytes) : random.below(200);
}

void clients::keep_asking(std::size_t node) {
  const auto wait = all_.how.request_interval.count();
  all_.time.after(instant{all_.random.between(wait / 2, wait * 3 / 2)}, [this, node] {
    auto& at = *all_.machines[node];
    if (all_.troubled && at.running && !at.paused && !at.running->draining) {
      request like;
      like.function = all_.random.below(all_.functions.size());
      like.idempotent = all_.idempotent[like.function];
      like.budget =
          milliseconds{all_.random.one_in(4) ? all_.random.between(50, 500) : all_.random.between(500, 6'000)};
      like.run_time = instant{all_.random.between<std::int64_t>(100, all_.how.longest_run.count())};
      like.body_bytes = some_size();
      like.answer_bytes = some_size();
      const auto sent = send(node, like);
      if (all_.how.leaving && all_.random.one_in(10))
        leave_later(sent, instant{all_.random.between(0, 1'000'000)});
    }
    keep_asking(node);
  });
}

request_ptr clients::ask_for_sure(std::size_t node, std::size_t function) {
  request like;
  like.function = function;
  like.budget = milliseconds{4'000};
  like.run_time = instant{1'000};
  like.body_bytes = like.answer_bytes = 100;
  return send(node, like);
}

request_ptr clients::send(std::size_t node, const request& like) {
  auto& at = *all_.machines[node];
  auto& of = *at.running;
  const auto made = all_.seen.make();
  const auto number = made->number;
  *made = like;
  made->number = number;
  made->entry = node;
  made->sent_at = all_.time.now();
  made->deadline = at.now() + made->budget;
  auto& on = *of.loops[all_.random.below(of.loops.size())];
  on.on_socket([this, &of, &on, made] {
    const auto call = std::make_shared<work>();
    call->what = made;
    call->answer = [this, made](const outcome& result) { all_.seen.answered(made, result); };
    of.calls.route(on, call);
  });
  // The edge answers by itself when the time is over, at its tick.
  leave_later(made, at.true_length(made->budget) + milliseconds{all_.random.between(1, 100)});
  return made;
}

void clients::leave_later(const request_ptr& what, instant after) {
  all_.time.after(after, [what] {
    if (what->answers == 0)
      what->abandoned = true;
  });
}

}  // namespace troupe::sim::calls
