#include "functions/running_objects.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <string>
#include <type_traits>

#include "functions/unix_file.hpp"

namespace troupe::functions {

static_assert(sizeof(running_slot) == 64 && std::is_trivially_copyable_v<running_slot>);

namespace {

/// More threads than a node has.
constexpr std::uint64_t max_file_bytes = std::uint64_t{4096} * sizeof(running_slot);

}  // namespace

// Only the compiler has to keep the order: the kernel stops a thread between two instructions, wherever it is killed
// from.
void running_slot::enter(const digest& object) noexcept {
  object_ = object;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  runs_ = 1;
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

void running_slot::leave() noexcept {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  runs_ = 0;
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

expected<std::vector<digest>> running_objects::read(const std::filesystem::path& path) {
  if (!path_exists(path))
    return std::vector<digest>{};
  return read_whole(path, max_file_bytes).map([](const std::string& bytes) {
    std::vector<digest> running;
    for (std::size_t at = 0; at + sizeof(running_slot) <= bytes.size(); at += sizeof(running_slot)) {
      running_slot slot;
      std::memcpy(static_cast<void*>(&slot), bytes.data() + at, sizeof slot);
      if (slot.runs_ != 0)
        running.push_back(slot.object_);
    }
    return running;
  });
}

expected<std::unique_ptr<running_objects>> running_objects::open(const std::filesystem::path& path, std::size_t slots) {
  const unix_file file{::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (!file)
    return system_failure("cannot open " + path.string());
  // Written, not only sized: a disk that is full must say so here and not by a signal at the first call.
  const auto bytes = slots * sizeof(running_slot);
  if (auto written = write_whole(file.get(), std::string(bytes, '\0'), path.string()); !written)
    return tl::unexpected{written.error()};
  void* const place = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (place == MAP_FAILED)
    return system_failure("cannot map " + path.string());
  return std::unique_ptr<running_objects>{new running_objects{path, {static_cast<running_slot*>(place), slots}}};
}

/// Another file in the place of this one: the threads go on and mark what they run in the old one, which is nobody's.
expected<void> running_objects::keep_only(std::span<const std::size_t> to_blame) const {
  std::string bytes;
  for (const auto index : to_blame)
    bytes.append(reinterpret_cast<const char*>(&slots_[index]), sizeof(running_slot));
  const auto fresh = path_.string() + ".new";
  const unix_file file{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (!file)
    return system_failure("cannot open " + fresh);
  return write_whole(file.get(), bytes, fresh).and_then([&]() -> expected<void> {
    if (::rename(fresh.c_str(), path_.c_str()) != 0)
      return system_failure("cannot rename " + fresh);
    return {};
  });
}

running_objects::~running_objects() {
  ::munmap(slots_.data(), slots_.size_bytes());
}

}  // namespace troupe::functions
