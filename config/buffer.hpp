// Owned bytes that are not zeroed before they are written: bodies and frames of megabytes go straight from `recv` into
// them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <utility>

namespace troupe {

/// A growing byte array. Growth doubles; `reserve` allocates exactly. Pages that were never written are not resident,
/// so reserving a body's announced length costs address space only.
class buffer {
public:
  buffer() = default;
  explicit buffer(std::string_view bytes) { append(bytes); }
  buffer(const buffer&) = delete;
  buffer& operator=(const buffer&) = delete;
  buffer(buffer&& other) noexcept
      : data_{std::exchange(other.data_, nullptr)}, size_{std::exchange(other.size_, 0)}, capacity_{std::exchange(
                                                                                              other.capacity_, 0)} {}
  buffer& operator=(buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~buffer() { std::free(data_); }

  char* data() noexcept { return data_; }
  const char* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return size_ == 0; }
  std::string_view view() const noexcept { return {data_, size_}; }

  /// Makes room for `capacity` bytes in all; keeps the contents.
  void reserve(std::size_t capacity) {
    if (capacity <= capacity_)
      return;
    constexpr std::size_t most = ~std::size_t{0} / 2;  // of any object
    void* grown = capacity > most ? nullptr : std::realloc(data_, capacity);
    if (grown == nullptr)
      throw std::bad_alloc{};
    data_ = static_cast<char*>(grown);
    capacity_ = capacity;
  }

  void append(std::string_view bytes) {
    if (bytes.empty())
      return;
    std::memcpy(room(bytes.size()).data(), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  void push_back(char byte) { append({&byte, 1}); }

  /// At least `count` writable bytes behind the contents; `commit` makes those written part of them.
  std::span<char> room(std::size_t count) {
    if (capacity_ - size_ < count)
      reserve(std::max(capacity_ * 2, size_ + count));
    return {data_ + size_, capacity_ - size_};
  }
  void commit(std::size_t count) noexcept { size_ += count; }

  void clear() noexcept { size_ = 0; }
  /// Drops all but the first `count` bytes, of which there are as many at least.
  void truncate(std::size_t count) noexcept { size_ = count; }
  /// Drops the first `count` bytes, moving the rest to the front.
  void consume(std::size_t count) noexcept {
    size_ -= count;
    if (size_ != 0)
      std::memmove(data_, data_ + count, size_);
  }
  /// Gives the memory back.
  void release() noexcept {
    std::free(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
  }

private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace troupe
