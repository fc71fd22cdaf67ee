#include "tests/fuzz/mutator.hpp"

#include <algorithm>
#include <array>

namespace troupe::fuzz {

namespace {

constexpr std::size_t length_bytes = 4;
constexpr std::size_t max_frames = 4;

/// Where numbers change their width, their sign or their meaning.
constexpr std::array<std::uint64_t, 14> boundaries = {
    0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0x7fffffff, 0xffffffff, 1ULL << 32, ~0ULL >> 1U, ~0ULL};
constexpr std::array<const char*, 10> odd_numbers = {"18446744073709551616",
                                                     "-9223372036854775809",
                                                     "-0",
                                                     "00",
                                                     "1e999",
                                                     "-1",
                                                     "0.5",
                                                     "99999999999999999999999999",
                                                     "1e-999",
                                                     "0x10"};

class editor {
public:
  editor(const target& what, std::string& bytes, sim::seeded& choices)
      : what_{what}, bytes_{bytes}, choices_{choices} {}

  void change() {
    switch (choices_.below(12)) {
      case 0: return flip_bit();
      case 1: return set_byte();
      case 2: return insert(choices_.pick(words()), place());
      case 3: return overwrite(choices_.pick(words()));
      case 4: return erase();
      case 5: return copy_within();
      case 6: return insert(piece_of(choices_.pick(what_.seeds)), place());
      case 7: return splice(choices_.pick(what_.seeds));
      case 8: return change_text_number();
      case 9: return change_binary_number();
      case 10: return repeat(choices_.pick(words()));
      default: bytes_.resize(place()); return;
    }
  }

private:
  const std::vector<std::string>& words() const { return what_.words.empty() ? what_.seeds : what_.words; }
  /// 0 to the size, inclusive.
  std::size_t place() { return choices_.below(bytes_.size() + 1); }
  /// Mostly short, sometimes anything up to `most`.
  std::size_t length(std::size_t most) {
    return choices_.below(std::min<std::size_t>(most, choices_.one_in(4) ? most : 8) + 1);
  }
  std::string piece_of(const std::string& from) {
    const auto at = choices_.below(from.size() + 1);
    return from.substr(at, length(from.size() - at));
  }

  void flip_bit() {
    if (!bytes_.empty()) {
      auto& byte = bytes_[choices_.below(bytes_.size())];
      byte = static_cast<char>(byte ^ 1 << choices_.below(8));
    }
  }
  void set_byte() {
    if (!bytes_.empty())
      bytes_[choices_.below(bytes_.size())] = static_cast<char>(choices_.below(256));
  }
  void insert(const std::string& piece, std::size_t at) {
    if (bytes_.size() + piece.size() <= what_.max_bytes)
      bytes_.insert(at, piece);
  }
  void overwrite(const std::string& piece) { bytes_.replace(place(), piece.size(), piece); }
  void erase() {
    const auto at = place();
    bytes_.erase(at, length(bytes_.size() - at));
  }
  void copy_within() { insert(piece_of(bytes_), place()); }
  void splice(const std::string& other) {
    bytes_.resize(place());
    bytes_ += other.substr(choices_.below(other.size() + 1));
  }
  void repeat(const std::string& word) {
    const auto most = word.empty() ? 0 : (what_.max_bytes - std::min(what_.max_bytes, bytes_.size())) / word.size();
    std::string all;
    for (auto count = choices_.below(most + 1); count > 0; --count)
      all += word;
    bytes_.insert(place(), all);
  }

  void change_text_number() {
    constexpr auto digits = "0123456789";
    const auto begin = bytes_.find_first_of(digits, place());
    if (begin == std::string::npos)
      return;
    const auto end = std::min(bytes_.find_first_not_of(digits, begin), bytes_.size());
    const auto number = choices_.one_in(2) ? std::string{odd_numbers[choices_.below(odd_numbers.size())]}
                                           : std::to_string(boundaries[choices_.below(boundaries.size())]);
    bytes_.replace(begin, end - begin, number);
  }
  void change_binary_number() {
    const auto width = std::size_t{1} << choices_.below(4);
    if (bytes_.size() < width)
      return;
    const auto at = choices_.below(bytes_.size() - width + 1);
    const auto number = choices_.one_in(4) ? bytes_.size() : boundaries[choices_.below(boundaries.size())];
    const bool low_first = choices_.one_in(2);
    for (std::size_t i = 0; i < width; ++i)
      bytes_[at + (low_first ? i : width - 1 - i)] = static_cast<char>(number >> (8 * i) & 0xff);
  }

  const target& what_;
  std::string& bytes_;
  sim::seeded& choices_;
};

void change_bytes(const target& what, std::string& bytes, sim::seeded& choices) {
  for (auto count = 1 + choices.below(choices.one_in(4) ? 12 : 3); count > 0; --count)
    editor{what, bytes, choices}.change();
}

void repair_length(std::string& frame) {
  for (std::size_t i = 0; i < std::min(length_bytes, frame.size()); ++i)
    frame[i] = static_cast<char>((frame.size() - length_bytes) >> (8 * i) & 0xff);
}

/// Frames whose lengths are mostly true: else nothing behind the first fault would ever be read.
std::string make_frames(const target& what, sim::seeded& choices) {
  std::string input;
  for (auto count = 1 + choices.below(max_frames); count > 0; --count) {
    auto frame = choices.pick(what.seeds);
    if (choices.percent(70))
      change_bytes(what, frame, choices);
    if (frame.size() >= length_bytes && choices.percent(90))
      repair_length(frame);
    input += frame;
  }
  if (choices.one_in(8))
    change_bytes(what, input, choices);
  return input;
}

std::string change_part(const target& what, const std::string& input, sim::seeded& choices) {
  auto parts = take_parts(input, what.parts);
  change_bytes(what, parts[choices.below(parts.size())], choices);
  return join_parts(parts);
}

}  // namespace

std::string change_input(const target& what, std::string input, sim::seeded& choices) {
  if (what.parts > 1 && choices.percent(95))
    input = change_part(what, input, choices);
  else
    change_bytes(what, input, choices);
  if (what.form == input_form::frames && input.size() >= length_bytes && choices.percent(50))
    repair_length(input);
  if (input.size() > what.max_bytes)
    input.resize(what.max_bytes);
  return input;
}

std::string make_input(const target& what, std::uint64_t seed) {
  sim::seeded choices{seed};
  if (what.form == input_form::frames)
    return make_frames(what, choices).substr(0, what.max_bytes);
  auto input = choices.pick(what.seeds);
  for (auto rounds = choices.below(4); rounds > 0; --rounds)
    input = change_input(what, std::move(input), choices);
  return input;
}

}  // namespace troupe::fuzz
