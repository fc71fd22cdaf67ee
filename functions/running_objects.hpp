// Which shared objects run inside the node at this moment, in a mapped file that outlives the process however it ends.
// Marking one is a few stores and no system call. What follows from it is decided in functions/crash_counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::functions {

/// What one thread runs; one call at a time.
class alignas(64) running_slot {
public:
  void enter(const digest& object) noexcept;
  void leave() noexcept;

private:
  friend class running_objects;
  digest object_;
  std::uint32_t runs_ = 0;  ///< set last and cleared first, so that a digest is whole whenever it counts
};

/// Marks `object` as running from here to the end of the scope; without a slot it does nothing.
class running_mark {
public:
  running_mark(running_slot* slot, const digest& object) noexcept : slot_{slot} {
    if (slot_ != nullptr)
      slot_->enter(object);
  }
  ~running_mark() {
    if (slot_ != nullptr)
      slot_->leave();
  }
  running_mark(const running_mark&) = delete;
  running_mark& operator=(const running_mark&) = delete;

private:
  running_slot* slot_;
};

class running_objects {
public:
  /// What ran when the process that had the file open ended; empty without a file. @returns `errc::io`.
  static expected<std::vector<digest>> read(const std::filesystem::path& path);
  /// Makes the file anew, with nothing running, and maps it. @returns `errc::io` or `errc::full`.
  static expected<std::unique_ptr<running_objects>> open(const std::filesystem::path& path, std::size_t slots);
  ~running_objects();
  running_objects(const running_objects&) = delete;
  running_objects& operator=(const running_objects&) = delete;

  /// @param index  below the number of slots.
  running_slot& slot(std::size_t index) noexcept { return slots_[index]; }

  /// Right before an end of the process that is wanted: of what runs, only what these slots have is remembered, and
  /// nothing that other threads mark from now on. @returns `errc::io` or `errc::full`; then all that runs is.
  expected<void> keep_only(std::span<const std::size_t> to_blame) const;

private:
  running_objects(std::filesystem::path path, std::span<running_slot> slots) : path_{std::move(path)}, slots_{slots} {}
  std::filesystem::path path_;
  std::span<running_slot> slots_;
};

}  // namespace troupe::functions
