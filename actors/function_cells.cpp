#include "actors/function_cells.hpp"

#include <variant>

namespace troupe::actors {

void function_cells::settle(const functions::outcome& result) noexcept {
  if (const auto* failed = std::get_if<functions::failure>(&result.value))
    failures[static_cast<std::size_t>(failed->code) % errc_count].add();
  else
    succeeded.add();
  waited.observe(result.queued);
  ran.observe(result.ran);
  if (result.started > duration{})
    cold_starts.add();
}

}  // namespace troupe::actors
