// What a worker is told once of events that are alike, so that a call need only bring what differs: arithmetic on
// bytes. The shape of an event is its JSON with a mark in place of each value that varies; what a worker makes of it is
// the shim's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/buffer.hpp"
#include "functions/json_writer.hpp"

namespace troupe::functions {

/// The shapes that one worker knows. Bounded in number and bytes whatever clients send: a shape is told when some
/// events had it lately, and when there is no place left, a seldom used one gives way, once in many events.
class event_shapes {
public:
  /// In place of a value. JSON text never has this byte.
  static constexpr char mark = '\x01';
  static constexpr std::size_t max_shapes = 32;
  static constexpr std::size_t max_shape_bytes = 4096;
  static constexpr std::size_t max_values = 100;
  /// Larger events cost what their bytes cost, in whichever way they are sent.
  static constexpr std::size_t max_event_bytes = 16384;
  /// Events of one shape before it is told: what a worker does with a shape costs as much as it saves with so many.
  static constexpr unsigned told_after = 32;
  /// Events between two shapes that take the place of others.
  static constexpr std::uint64_t exchange_interval = 1000;

  struct known {
    std::uint64_t number = 0;  ///< below `max_shapes`
    bool told = false;         ///< false: the worker must be told now, with `shape`
  };

  /// Counts an event. @param varying  its values that differ, in order, as offsets from the begin of `event`.
  /// @returns nothing when the event is to be sent as it is.
  std::optional<known> find(std::string_view event, std::span<const json_span> varying);
  /// It was not told after all.
  void forget(std::uint64_t number) noexcept {
    entries_[number].shape.clear();
    entries_[number].used_at = 0;
  }
  /// Of the event that `find` was last called with.
  std::string_view shape() const noexcept { return shape_.view(); }

private:
  struct entry {
    std::string shape;
    std::uint64_t used_at = 0;
  };
  struct candidate {
    std::size_t hash = 0;
    unsigned seen = 0;
  };

  bool is_due();
  std::size_t place();

  buffer shape_;
  std::vector<entry> entries_;
  std::array<candidate, 64> candidates_{};
  std::size_t last_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t exchanged_at_ = 0;
};

/// Appends the values as the inside of a JSON array, a comma before each.
void append_values(buffer& out, std::string_view event, std::span<const json_span> varying);

}  // namespace troupe::functions
