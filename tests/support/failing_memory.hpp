// Has one allocation of the calling thread fail, where a test wants it. Link `failing_memory.cpp` into the test
// program, with `--wrap=realloc`.
#pragma once

#include <cstddef>
#include <functional>

namespace troupe::tests {

/// While it lives, the `nth` use of `operator new` or `realloc` by this thread from here on fails; those before
/// and behind it do not.
class failing_memory {
public:
  /// @param meanwhile  runs before that is thrown: what another thread may do at this moment.
  explicit failing_memory(std::size_t nth, std::function<void()> meanwhile = {}) noexcept;
  ~failing_memory();
  failing_memory(const failing_memory&) = delete;
  failing_memory& operator=(const failing_memory&) = delete;

  /// Whether it has come to that.
  bool failed() const noexcept;
};

}  // namespace troupe::tests
