#include "tests/support/failing_memory.hpp"

#include <cstdlib>
#include <new>
#include <utility>

namespace {

thread_local std::size_t until_failure = 0;  ///< 0: none is to fail
thread_local std::function<void()> at_failure;

bool fails() {
  if (until_failure == 0 || --until_failure != 0)
    return false;
  if (at_failure)
    at_failure();
  return true;
}

}  // namespace

void* operator new(std::size_t size) {
  if (fails())
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

// The linker has `realloc` of the program's own objects go here (`--wrap`): buffers grow by it.
extern "C" void* __real_realloc(void* memory, std::size_t size);
extern "C" void* __wrap_realloc(void* memory, std::size_t size) {
  return fails() ? nullptr : __real_realloc(memory, size);
}

namespace troupe::tests {

failing_memory::failing_memory(std::size_t nth, std::function<void()> meanwhile) noexcept {
  at_failure = std::move(meanwhile);
  until_failure = nth;
}

failing_memory::~failing_memory() {
  until_failure = 0;
  at_failure = nullptr;
}

bool failing_memory::failed() const noexcept {
  return until_failure == 0;
}

}  // namespace troupe::tests
