#include "actors/stores/restore_mark.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "functions/unix_file.hpp"

namespace troupe::actors {

namespace {

constexpr const char* first_word = "troupe-restored";
constexpr const char* nothing_replaced = "-";

std::string path_of(const std::string& data_dir) {
  return data_dir + "/" + restore_mark_name;
}

}  // namespace

bool restore_mark::names(const uuid& store) const noexcept {
  return std::find(made.begin(), made.end(), store) != made.end();
}

/// One line `troupe-restored FILE`, then a store's id in each, and a last word that shows it whole.
std::string text_of(const restore_mark& mark) {
  std::string text = first_word;
  text += " " + (mark.replaced.empty() ? nothing_replaced : mark.replaced) + "\n";
  for (const auto& store : mark.made)
    text += to_string(store) + "\n";
  return text + "end\n";
}

std::optional<restore_mark> read_restore_mark(const std::string& data_dir) {
  std::ifstream file{path_of(data_dir)};
  std::string first, word;
  restore_mark mark;
  if (!(file >> first >> mark.replaced) || first != first_word)
    return std::nullopt;
  if (mark.replaced == nothing_replaced)
    mark.replaced.clear();
  while (file >> word && word != "end")
    mark.made.push_back(parse_uuid(word));
  return word == "end" ? std::optional{std::move(mark)} : std::nullopt;
}

expected<void> remove_restore_mark(const std::string& data_dir) {
  const auto path = path_of(data_dir);
  if (::unlink(path.c_str()) != 0) {
    if (errno == ENOENT)
      return {};
    return fail(errc::io, path + ": cannot remove it: " + std::strerror(errno));
  }
  if (const int why = functions::sync_folder(data_dir); why != 0)
    return fail(errc::io, path + ": cannot remove it durably: " + std::strerror(why));
  return {};
}

}  // namespace troupe::actors
