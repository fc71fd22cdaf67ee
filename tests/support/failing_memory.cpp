#include "tests/support/failing_memory.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t until_failure = 0;  ///< 0: none is to fail

}  // namespace

void* operator new(std::size_t size) {
  if (until_failure != 0 && --until_failure == 0)
    throw std::bad_alloc{};
  if (void* const found = std::malloc(size != 0 ? size : 1))
    return found;
  throw std::bad_alloc{};
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace troupe::tests {

failing_memory::failing_memory(std::size_t nth) noexcept {
  until_failure = nth;
}

failing_memory::~failing_memory() {
  until_failure = 0;
}

bool failing_memory::failed() const noexcept {
  return until_failure == 0;
}

}  // namespace troupe::tests
