#include "http/json_grammar.hpp"

#include <algorithm>
#include <string>

#include "http/json_text.hpp"

namespace troupe::http {

namespace {

class json_checker {
public:
  explicit json_checker(std::string_view text) : text_{text} {}

  std::optional<std::size_t> check() {
    do
      if (!value())
        return at_;
    while (!open_.empty());
    skip_blanks();
    return at_ == text_.size() ? std::nullopt : std::optional{at_};
  }

private:
  /// One scalar or the opening of a container, then all that ends behind it.
  bool value() {
    skip_blanks();
    if (at_ == text_.size())
      return false;
    if (text_[at_] == '{' || text_[at_] == '[')
      return open(text_[at_]);
    return scalar() && close();
  }

  bool open(char kind) {
    if (open_.size() == max_json_depth)
      return false;
    open_.push_back(kind);
    ++at_;
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == ending()) {
      open_.pop_back();
      ++at_;
      return close();
    }
    return kind == '[' || name();
  }

  /// Behind a value: ends what ends here, and goes to where the next value must stand.
  bool close() {
    while (!open_.empty()) {
      skip_blanks();
      if (at_ == text_.size())
        return false;
      if (text_[at_] == ',') {
        ++at_;
        return open_.back() == '[' || name();
      }
      if (text_[at_] != ending())
        return false;
      open_.pop_back();
      ++at_;
    }
    return true;
  }

  bool name() {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != '"' || !scalar())
      return false;
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != ':')
      return false;
    ++at_;
    return true;
  }

  bool scalar() {
    auto end = at_ + 1;
    if (text_[at_] == '"') {
      while (end < text_.size() && text_[end] != '"')
        end += text_[end] == '\\' ? 2 : 1;
      ++end;
    } else {
      end = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
    }
    if (end > text_.size() || !is_json_scalar(text_.substr(at_, end - at_)))
      return false;
    at_ = end;
    return true;
  }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r' || text_[at_] == '\n'))
      ++at_;
  }
  char ending() const { return open_.back() == '{' ? '}' : ']'; }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string open_;
};

}  // namespace

std::optional<std::size_t> json_fault_at(std::string_view text) {
  return json_checker{text}.check();
}

}  // namespace troupe::http
