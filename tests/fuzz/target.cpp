#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace troupe::fuzz {

namespace {

std::array<std::uint64_t, 16> outcomes;

}  // namespace

void require(bool holds, std::string_view promise, std::source_location where) {
  if (holds)
    return;
  std::fprintf(stderr, "%s:%u: broken promise: %.*s\n", where.file_name(), where.line(),
               static_cast<int>(promise.size()), promise.data());
  std::abort();
}

void happened(std::size_t outcome) noexcept {
  ++outcomes[outcome];
}

std::uint64_t times_happened(std::size_t outcome) noexcept {
  return outcomes[outcome];
}

std::string join_parts(const std::vector<std::string>& parts) {
  std::string input;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i + 1 < parts.size()) {
      input.push_back(static_cast<char>(parts[i].size() & 0xff));
      input.push_back(static_cast<char>(parts[i].size() >> 8 & 0xff));
    }
    input += parts[i];
  }
  return input;
}

std::vector<std::string> take_parts(std::string_view input, std::size_t count) {
  std::vector<std::string> parts;
  while (parts.size() + 1 < count && input.size() >= 2) {
    const auto byte = [&](std::size_t i) { return std::size_t{static_cast<std::uint8_t>(input[i])}; };
    const auto length = std::min(byte(0) | byte(1) << 8, input.size() - 2);
    parts.emplace_back(input.substr(2, length));
    input.remove_prefix(2 + length);
  }
  if (parts.size() + 1 == count)
    parts.emplace_back(input);
  parts.resize(count);
  return parts;
}

sim::seeded choices_for(std::string_view input) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char c : input)
    hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
  return sim::seeded{hash};
}

}  // namespace troupe::fuzz
