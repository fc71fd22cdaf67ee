// The interface to whatever keeps the records that nodes agree on (specs: catalogue-store 1). Asynchronous: every call
// has a deadline and answers exactly once, through a callback on a thread of the engine's choice. No word of an engine
// leaks.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "config/clock.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

/// Where a reader is in the history. Ordered within one (store id, generation).
struct cursor {
  std::uint64_t value = 0;
  auto operator<=>(const cursor&) const = default;
};

/// Counts how often history may have been replaced; `salt` tells apart two replacements that know nothing of each
/// other.
struct generation {
  std::uint64_t counter = 0;
  std::uint64_t salt = 0;
  auto operator<=>(const generation&) const = default;
};

struct store_identity {
  uuid store_id;
  cluster::generation generation;
  uuid parent_store;  ///< nil when this history began by itself
  cluster::cursor parent_cursor;
};

struct record {
  std::string key;
  std::string value;           ///< msgpack, at most 64 KB
  std::uint64_t revision = 0;  ///< of the commit that last wrote it
};

/// A condition that must hold for a commit to be applied. `revision` 0 means: the key is absent. With an `epoch` the
/// key is a resource that must be owned under exactly that epoch, and `revision` does not count.
struct guard {
  std::string key;
  std::uint64_t revision = 0;
  std::uint64_t epoch = 0;
};

/// A node's promise to say that it lives; what is bound to it goes with it. Chosen by the node that opens it.
using session_id = uuid;

struct write {
  std::string key;
  std::string value;
  bool erase = false;
  session_id bound{};  ///< not nil: the record is erased when this session ends
};

using commit_id = uuid;

struct committed {
  cluster::cursor cursor;
};
struct conflicted {
  std::vector<record> records;
};                 ///< what stands at the guarded keys now
struct voided {};  ///< the id was settled as "never"
struct refused {
  error why;
};  ///< unknown_outcome, unavailable, too_big, full, corrupt

using commit_result = std::variant<committed, conflicted, voided, refused>;

struct loaded {
  std::vector<record> records;  ///< by key
  cluster::cursor cursor;
};

/// One commit as followers see it.
struct applied {
  cluster::cursor cursor;
  std::vector<record> puts;
  std::vector<std::string> erased;
};

struct gap {};  ///< the log no longer reaches back that far: load again
struct batch {
  std::vector<applied> commits;
};  ///< in order, whole, without holes; empty when nothing is new
using follow_result = std::variant<batch, gap, refused>;

enum class settled : std::uint8_t { committed, voided, too_old };
struct outcome_of_commit {
  settled state = settled::too_old;
  cluster::cursor cursor;
};

inline constexpr std::size_t max_commit_operations = 100;   ///< guards and writes together
inline constexpr std::size_t max_commit_bytes = 1'000'000;  ///< keys and values together
inline constexpr std::size_t max_record_bytes = 64 * 1024;  ///< one value

class catalog_store {
public:
  template <class T>
  using callback = std::function<void(T)>;

  virtual ~catalog_store() = default;

  virtual void open(time_point deadline, callback<expected<store_identity>> done) = 0;
  virtual void load(time_point deadline, callback<expected<loaded>> done) = 0;
  /// Every commit after `from`, once it is durable. Answers as soon as there is one, or with an empty batch at
  /// `deadline`.
  virtual void follow(cursor from, time_point deadline, callback<follow_result> done) = 0;
  /// Linearizable and atomic. A repeated `id` answers what the first try did.
  virtual void commit(std::vector<guard> guards, std::vector<write> writes, commit_id id, time_point deadline,
                      callback<commit_result> done) = 0;
  /// Settles `id` for good: writes it as void if no commit has used it.
  virtual void outcome(commit_id id, time_point deadline, callback<expected<outcome_of_commit>> done) = 0;
  /// A cursor at or above every commit that was acknowledged before the call.
  virtual void barrier(time_point deadline, callback<expected<cursor>> done) = 0;
  /// Answers everything that still waits with `unavailable` and returns when the engine's thread has ended.
  virtual void close() = 0;
};

}  // namespace troupe::cluster
