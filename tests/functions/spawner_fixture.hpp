// A real spawner for one test, with what tests need to start processes and to wait for them. Nothing is left behind.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "functions/spawner.hpp"

namespace troupe::functions::testing {

/// Longer than anything takes on a loaded machine: reaching it is a failure.
inline constexpr std::chrono::seconds patience{20};

/// An open file that closes itself.
class owned_fd {
public:
  owned_fd() = default;
  explicit owned_fd(int value) : value_{value} {}
  owned_fd(owned_fd&& other) noexcept : value_{std::exchange(other.value_, -1)} {}
  owned_fd& operator=(owned_fd&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~owned_fd() { reset(); }
  int get() const noexcept { return value_; }
  void reset();

private:
  int value_ = -1;
};

/// Waits until `fd` is readable. @returns false when patience is over.
bool readable(int fd);
/// Checks again and again, with a pause of a millisecond. @returns how long it took, or nothing when patience was over.
std::optional<std::chrono::milliseconds> wait_until(const std::function<bool()>& condition);
/// Whether a process of that number exists and is no zombie.
bool runs(pid_t pid);
/// Everything until the other ends are closed.
std::string read_to_end(int fd);
/// One line, without its end.
std::string read_line(int fd);

class temporary_folder {
public:
  temporary_folder();
  ~temporary_folder();
  const std::filesystem::path& path() const noexcept { return path_; }
  void write(const std::string& name, const std::string& contents) const;

private:
  std::filesystem::path path_;
};

/// A started worker's other ends.
struct worker_ends {
  owned_fd channel;
  owned_fd output;
};

class SpawnerTest : public ::testing::Test {
protected:
  void SetUp() override;
  void TearDown() override;

  /// Sends the request with a new socket pair and pipe; the token is counted up.
  worker_ends spawn(spawn_request request);
  /// A shell that runs `script` in an environment of PATH alone.
  static spawn_request shell(const std::string& script);

  std::optional<spawner_event> next_event();
  template <class Event>
  Event next() {
    auto event = next_event();
    if (!event || !std::holds_alternative<Event>(*event)) {
      ADD_FAILURE() << "another event than expected: index " << (event ? static_cast<int>(event->index()) : -1);
      return {};
    }
    return std::get<Event>(*event);
  }

  spawner_handle spawner;
  std::uint64_t last_token = 0;
};

}  // namespace troupe::functions::testing
