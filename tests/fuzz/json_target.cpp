// JSON by its grammar alone, strings that are unescaped where they lie, and text that becomes JSON: all agree with
// another library wherever that reads the same language.
#include <algorithm>

#include "cli/payload.hpp"
#include "config/text.hpp"
#include "functions/json_writer.hpp"
#include "http/json_grammar.hpp"
#include "http/json_text.hpp"
#include "tests/fuzz/json_check.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using nlohmann::json;

namespace {

enum outcome : std::size_t { good, bad, good_string, bad_string };

void check_document(std::string_view text) {
  const auto fault = http::json_fault_at(text);
  require(!fault || *fault <= text.size(), "a fault lies in the text");
  if (fault)
    require(http::json_fault_at(text.substr(0, *fault)).has_value() || *fault == 0 || text.substr(0, *fault) != text,
            "what is cut before its fault is not the whole text");
  require(http::json_fault_at(" " + std::string{text} + "\n").has_value() == fault.has_value(),
          "blanks change nothing");
  happened(fault ? bad : good);
  if (!is_utf8(text))
    return;
  const bool taken = !read_elsewhere(text).is_discarded();
  const bool too_deep = fault && std::count(text.begin(), text.end(), '[') + std::count(text.begin(), text.end(), '{') >
                                     static_cast<std::ptrdiff_t>(http::max_json_depth);
  require(!taken || !fault || too_deep, "what others read is JSON");
  require(taken || fault || !is_read_alike(text), "what is JSON others read");
  if (text.find('\0') == text.npos && without_mark(text).size() == text.size())
    require(cli::check_json(text).has_value() == taken, "the command line reads what its library reads");
}

void check_string(std::string_view inside) {
  const bool valid = http::is_json_string(inside);
  const auto quoted = "\"" + std::string{inside} + "\"";
  require(http::is_json_scalar(quoted) == valid, "a scalar in quotes is a string");
  happened(valid ? good_string : bad_string);
  if (!is_utf8(inside))
    return;
  const auto parsed = read_elsewhere(quoted);
  require(!parsed.is_string() || valid, "a string that others read is one");
  if (!valid)
    return;
  std::string plain(inside.size(), '\0');
  plain.resize(http::unescape_json(plain.data(), inside));
  require(is_utf8(plain), "what was unescaped is UTF-8");
  require(parsed.is_discarded() || parsed == plain, "others unescape it to the same");
  require(!parsed.is_discarded() || inside.find("\\u") != inside.npos, "others refuse nothing but lone surrogates");
  std::string in_place{inside};
  in_place.resize(http::unescape_json(in_place.data(), in_place));
  require(in_place == plain, "in place it is the same");
}

void check_writer(std::string_view bytes) {
  buffer out;
  functions::json_writer writer{out};
  writer.raw("{\"text\":\"");
  writer.text(bytes);
  writer.raw("\",\"lower\":\"");
  writer.lower_text(bytes);
  writer.raw("\",\"base64\":\"");
  writer.base64(bytes);
  writer.raw("\"}");
  writer.finish();
  const auto written = parse_written_json(out.view(), "text that was written is JSON");
  require(written["text"] == shown(bytes), "text comes back");
  require(written["lower"] == to_lower(shown(bytes)), "text in lower case comes back");
  require(base64_decode(written["base64"].get<std::string>()) == bytes, "bytes come back");
  require(functions::is_utf8_text(bytes) == is_utf8(bytes), "both say what is UTF-8");
}

}  // namespace

const target& fuzz::this_target() {
  static const target what{
      .seeds = {R"({"a": [1, -0.5e+3, true, null, "b\u00e4\ud83d\ude00\n"], "": {}})", R"([[[[]], {"x": {"y": []}}]])",
                R"("a text with \\ and \" and / \/ \b\f\n\r\t and enough letters to be read in steps of eight")",
                "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", "\xe9\xff", " 12 "},
      .words = {"{",
                "}",
                "[",
                "]",
                "[[[[[[[[",
                "]]]]]]]]",
                "{\"a\":",
                ",",
                ":",
                "\"",
                "\\",
                "\\u",
                "\\u00e4",
                "\\ud83d",
                "\\ude00",
                "\\ud83d\\ude00",
                "\\uDFFF",
                "\\x",
                "null",
                "nul",
                "true",
                "false",
                "1",
                "-",
                "01",
                "1.",
                ".5",
                "1e",
                "1E+2",
                "\t",
                "\n",
                " ",
                "\x1f",
                "\x7f",
                "\x80",
                "\xc3",
                "\xc3\xa9",
                "\xe2\x82\xac",
                "\xed\xa0\x80",
                "\xf4\x90\x80\x80",
                "\xef\xbb\xbf",
                std::string(1, '\0')},
      .outcomes = {"documents", "faults", "strings", "bad strings"},
      .max_bytes = 4000};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = text_of(data, size);
  check_document(bytes);
  const auto quote = bytes.find('"');
  const auto inside = quote == bytes.npos ? bytes : bytes.substr(quote + 1);
  check_string(inside.substr(0, inside.rfind('"')));
  check_writer(bytes);
  return 0;
}
