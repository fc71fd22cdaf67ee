#include "cli/payload.hpp"

#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>

#include "config/text.hpp"
#include "functions/unix_file.hpp"

namespace troupe::cli {

namespace {

using json = nlohmann::json;

/// Accepts every value and keeps none; remembers the first fault.
class fault_finder : public nlohmann::json_sax<json> {
public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& why) override {
    // `[...] parse error at line 1, column 2: syntax error ... - invalid literal; last read: '...'`
    const std::string_view what = why.what();
    const auto place = what.find("at line ");
    fault = place == what.npos ? what : what.substr(place, what.find("; last read") - place);
    return false;
  }

  std::string fault;
};

tl::unexpected<error> too_big() {
  return fail(errc::too_big, "--payload: more than " + std::to_string(max_payload_bytes) +
                                 " bytes (6 MB), the limit of an invocation");
}

expected<std::string> read_standard_input() {
  std::string text;
  char piece[65536];
  while (text.size() <= max_payload_bytes) {
    const auto got = ::read(STDIN_FILENO, piece, sizeof piece);
    if (got == 0)
      return text;
    if (got > 0)
      text.append(piece, static_cast<std::size_t>(got));
    else if (errno != EINTR)
      return fail(errc::io, "--payload -: cannot read standard input: " + std::generic_category().message(errno));
  }
  return too_big();
}

expected<std::string> read_source(const std::string& source) {
  if (source == "-")
    return read_standard_input();
  if (!source.starts_with('@'))
    return source;
  auto text = functions::read_whole(source.substr(1), max_payload_bytes);
  if (!text && text.error().code == errc::too_big)
    return too_big();
  if (!text)
    text.error().what = "--payload: " + text.error().what;
  return text;
}

}  // namespace

expected<void> check_json(std::string_view text) {
  fault_finder finder;
  if (json::sax_parse(text, &finder))
    return {};
  return fail(errc::bad_usage, "not JSON " + finder.fault);
}

expected<std::string> read_payload(const std::string& source) {
  auto text = read_source(source);
  if (!text)
    return text;
  if (text->size() > max_payload_bytes)
    return too_big();
  if (auto checked = check_json(*text); !checked)
    return fail(errc::bad_usage, "--payload: " + checked.error().what);
  return text;
}

}  // namespace troupe::cli
