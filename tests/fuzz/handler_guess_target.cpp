// The code of a function as `troupe deploy` looks at it, to guess the handler: names that are there, in time that grows
// with the text.
#include <set>

#include "cli/javascript_exports.hpp"
#include "cli/python_inference.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;

namespace {

enum outcome : std::size_t { javascript, python, neither };

void check_names(const std::vector<std::string>& names, std::string_view text) {
  std::set<std::string> seen;
  for (const auto& name : names) {
    require(!name.empty() && text.find(name) != text.npos, "a name stands in the text");
    require(seen.insert(name).second, "each name comes once");
  }
}

}  // namespace

const target& fuzz::this_target() {
  static const target what{
      .seeds =
          {"exports.handler = async (event) => 1;\nmodule.exports.b = 2; // exports.c =\n",
           "module.exports = { handler, 'x': 1, async other() { return `${1}`; }, y: [1] };",
           "export const a = 1; export default function b() {}; export { c as d, e };\nexport async function* f(){}",
           "import os\n\ndef lambda_handler(event, context):\n    return 1\nhandler = lambda_handler\n",
           "'''doc\ndef no(): pass\n'''\nx = \"a#b\" # y = 1\ndef  y (a):\n\treturn '''z'''\n"},
      .words = {"exports",
                "module.exports",
                "export ",
                "export {",
                "{",
                "}",
                "(",
                ")",
                "[",
                "]",
                ",",
                "=",
                "==",
                ".",
                "as ",
                "async ",
                "function",
                "*",
                "const ",
                "/*",
                "*/",
                "//",
                "'",
                "\"",
                "`",
                "\\",
                "\n",
                "def ",
                "'''",
                "\"\"\"",
                "#",
                "handler",
                "lambda_handler",
                " ",
                "\t",
                "\xc3\xa9",
                "\xff",
                std::string(1, '\0'),
                "__esModule"},
      .outcomes = {"JavaScript", "Python", "neither"},
      .max_bytes = 4000};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = text_of(data, size);
  const auto exports = cli::exported_names(text);
  const auto names = cli::python_names(text);
  check_names(exports, text);
  check_names(names, text);
  if (!exports.empty())
    happened(javascript);
  if (!names.empty())
    happened(python);
  if (exports.empty() && names.empty())
    happened(neither);
  return 0;
}
