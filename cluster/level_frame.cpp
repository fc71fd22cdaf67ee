#include "cluster/level_frame.hpp"

#include "config/frame_value_reader.hpp"
#include "config/frame_value_writer.hpp"

namespace troupe::cluster {

namespace {

constexpr std::uint64_t level_question = 1;

}  // namespace

buffer encode_level_question() {
  buffer head;
  value_writer{head}.number(level_question);
  return head;
}

expected<void> check_level_question(std::string_view head) {
  value_reader in{head};
  if (in.number() != level_question || !in.good())
    return fail(errc::protocol, "the question is of an unknown kind");
  return {};
}

buffer encode(const copy_level& level) {
  buffer head;
  value_writer out{head};
  out.number(level.generation.counter);
  out.number(level.generation.salt);
  out.number(level.at.value);
  return head;
}

expected<copy_level> decode_level(std::string_view head) {
  value_reader in{head};
  copy_level level;
  level.generation.counter = in.number();
  level.generation.salt = in.number();
  level.at.value = in.number();
  if (!in.good())
    return fail(errc::protocol, "the answer does not say how far a copy is");
  return level;
}

}  // namespace troupe::cluster
