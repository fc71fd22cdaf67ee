#include "actors/function_load.hpp"

namespace troupe::actors {

worker_slots::worker_slots(std::uint32_t capacity, std::shared_ptr<function_load> load, unsigned loop)
    : capacity_{capacity}, load_{std::move(load)}, loop_{load_->per_loop[loop]} {}

void worker_slots::add_free(std::int32_t change) noexcept {
  // One writer: a plain load and store do.
  const auto now = loop_.free_slots.load(std::memory_order_relaxed);
  loop_.free_slots.store(now + static_cast<std::uint32_t>(change), std::memory_order_relaxed);
}

void worker_slots::open() noexcept {
  retired_ = false;
  add_free(static_cast<std::int32_t>(free()));
}

void worker_slots::take() noexcept {
  add_free(-1);
  ++in_flight_;
}

void worker_slots::give_back() noexcept {
  --in_flight_;
  if (!retired_)
    add_free(1);
}

void worker_slots::retire() noexcept {
  add_free(-static_cast<std::int32_t>(free()));
  retired_ = true;
}

}  // namespace troupe::actors
