#include "cli/javascript_exports.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace troupe::cli {

namespace {

bool in_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool is_name(std::string_view token) {
  return !token.empty() && in_name(token.front()) && !(token.front() >= '0' && token.front() <= '9');
}

/// Names, numbers and single characters; comments, strings and blanks left out. Regular expressions are not known: one
/// with a quote in it hides the rest of its line.
std::vector<std::string_view> tokens_of(std::string_view text) {
  std::vector<std::string_view> tokens;
  std::size_t at = 0;
  const auto skip_string = [&](char quote) {
    for (++at; at < text.size() && text[at] != quote; ++at) {
      if (text[at] == '\\')
        ++at;
      else if (text[at] == '\n' && quote != '`')
        return;
    }
    ++at;
  };
  while (at < text.size()) {
    const char c = text[at];
    if (in_name(c)) {
      const auto start = at;
      while (at < text.size() && in_name(text[at]))
        ++at;
      tokens.push_back(text.substr(start, at - start));
    } else if (text.substr(at, 2) == "//") {
      at = std::min(text.find('\n', at), text.size());
    } else if (text.substr(at, 2) == "/*") {
      const auto end = text.find("*/", at + 2);
      at = end == text.npos ? text.size() : end + 2;
    } else if (c == '\'' || c == '"' || c == '`') {
      skip_string(c);
    } else {
      if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
        tokens.push_back(text.substr(at, 1));
      ++at;
    }
  }
  return tokens;
}

class export_finder {
public:
  explicit export_finder(std::string_view text) : tokens_{tokens_of(text)} {}

  std::vector<std::string> run() {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (token(i) == "exports" && (i == 0 || token(i - 1) != "." || (i >= 2 && token(i - 2) == "module")))
        common_js(i + 1);
      else if (token(i) == "export" && (i == 0 || token(i - 1) != "."))
        es_module(i + 1);
    }
    return std::move(names_);
  }

private:
  std::string_view token(std::size_t i) const { return i < tokens_.size() ? tokens_[i] : std::string_view{}; }

  void add(std::string_view name) {
    if (is_name(name) && name != "__esModule" && seen_.insert(name).second)
      names_.emplace_back(name);
  }

  /// Whether to go on with a list: lists in lists, none of which ends, may cost some looks at each token and no more.
  bool may_look() { return ++looks_ <= max_looks_per_token * tokens_.size(); }

  void common_js(std::size_t i) {
    if (token(i) == "." && token(i + 2) == "=" && token(i + 3) != "=")
      add(token(i + 1));
    else if (token(i) == "=" && token(i + 1) == "{")
      members(i + 2);
  }

  void es_module(std::size_t i) {
    static constexpr std::array<std::string_view, 4> declarations = {"const", "let", "var", "class"};
    if (token(i) == "async")
      ++i;
    if (token(i) == "function")
      add(token(token(i + 1) == "*" ? i + 2 : i + 1));
    else if (std::find(declarations.begin(), declarations.end(), token(i)) != declarations.end())
      add(token(i + 1));
    else if (token(i) == "{")
      for (++i; i < tokens_.size() && token(i) != "}" && may_look(); ++i)
        if (token(i + 1) == "," || token(i + 1) == "}")
          add(token(i));
  }

  /// The keys of an object literal: what stands first after `{` or `,` on its own level.
  void members(std::size_t i) {
    int depth = 1;
    bool first = true;
    for (; i < tokens_.size() && depth > 0 && may_look(); ++i) {
      const auto current = token(i);
      if (first && current == "async" && is_name(token(i + 1)))
        continue;
      if (first && depth == 1 &&
          (token(i + 1) == "," || token(i + 1) == "}" || token(i + 1) == ":" || token(i + 1) == "("))
        add(current);
      first = depth == 1 && current == ",";
      if (current == "{" || current == "(" || current == "[")
        ++depth;
      else if (current == "}" || current == ")" || current == "]")
        --depth;
    }
  }

  static constexpr std::size_t max_looks_per_token = 4;

  std::vector<std::string_view> tokens_;
  std::vector<std::string> names_;
  std::set<std::string_view> seen_;
  std::size_t looks_ = 0;
};

}  // namespace

std::vector<std::string> exported_names(std::string_view javascript) {
  return export_finder{javascript}.run();
}

}  // namespace troupe::cli
