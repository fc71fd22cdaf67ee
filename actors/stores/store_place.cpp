#include "actors/stores/store_place.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "functions/unix_file.hpp"

namespace troupe::actors {

namespace {

constexpr const char* first_word = "troupe-store";

std::string path_of(const std::string& data_dir) {
  return data_dir + "/store.place";
}

const char* word_of(cluster::store_role role) {
  switch (role) {
    case cluster::store_role::primary: return "primary";
    case cluster::store_role::copy: return "copy";
    case cluster::store_role::empty: break;
  }
  return "empty";
}

std::optional<cluster::store_role> role_of(const std::string& word) {
  for (const auto role : {cluster::store_role::primary, cluster::store_role::copy, cluster::store_role::empty})
    if (word == word_of(role))
      return role;
  return std::nullopt;
}

/// One line `troupe-store ROLE STORE_ID`, then an address in each.
std::string text_of(const store_place& place) {
  std::string text = std::string{first_word} + " " + word_of(place.role) + " " + to_string(place.store_id) + "\n";
  for (const auto& address : place.addresses)
    text += address + "\n";
  return text;
}

bool write_durably(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0)
    return false;
  const bool whole = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  const int why = whole ? 0 : errno;
  ::close(file);
  errno = why;
  return whole;
}

}  // namespace

std::optional<store_place> read_store_place(const std::string& data_dir) {
  std::ifstream file{path_of(data_dir)};
  std::string first, role, store;
  if (!(file >> first >> role >> store) || first != first_word)
    return std::nullopt;
  const auto known = role_of(role);
  if (!known)
    return std::nullopt;
  store_place place{*known, parse_uuid(store), {}};
  for (std::string address; file >> address;)
    place.addresses.push_back(address);
  return place;
}

expected<void> write_store_place(const std::string& data_dir, const store_place& place) {
  const auto path = path_of(data_dir);
  const auto fresh = path + ".new";
  if (write_durably(fresh, text_of(place)) && ::rename(fresh.c_str(), path.c_str()) == 0) {
    const int why = functions::sync_folder(data_dir);
    if (why == 0)
      return {};
    errno = why;
  }
  const int why = errno;
  return fail(why == ENOSPC || why == EDQUOT ? errc::full : errc::io,
              path + ": cannot write it: " + std::strerror(why));
}

}  // namespace troupe::actors
