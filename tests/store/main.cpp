// A member of a store for the suites of this folder: README.md.
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "actors/stores/history_store.hpp"
#include "cluster/store_restore.hpp"
#include "config/setting_values.hpp"
#include "http/store_backup.hpp"
#include "tests/store/store_member.hpp"

namespace {

using troupe::tests::member_defect;
using troupe::tests::store_member;
using troupe::tests::store_member_options;

constexpr const char* usage =
    "usage: store_member --name NAME --id UUID --data-dir DIR [--ttl-ms N] [--log-commits N] [--disk memory]\n"
    "                    [--defect stale-reads|acts-without-session|applies-twice|forgets-commits]\n"
    "                    [--listen HOST:PORT [--advertise HOST:PORT] [--join HOST:PORT]...]\n"
    "       store_member restore-from-copy DIR UUID\n"
    "       store_member restore-from-backup DIR UUID FILE\n";

std::optional<member_defect> defect_of(std::string_view name) {
  if (name == "stale-reads")
    return member_defect::stale_reads;
  if (name == "acts-without-session")
    return member_defect::acts_without_session;
  if (name == "applies-twice")
    return member_defect::applies_twice;
  if (name == "forgets-commits")
    return member_defect::forgets_commits;
  return std::nullopt;
}

bool take(store_member_options& options, std::string_view name, const std::string& value) {
  const auto number = troupe::parse_count(value);
  if (name == "--name")
    options.name = value;
  else if (name == "--id")
    options.id = troupe::parse_uuid(value);
  else if (name == "--data-dir")
    options.data_dir = value;
  else if (name == "--listen")
    options.listen = value;
  else if (name == "--advertise")
    options.advertise = value;
  else if (name == "--join")
    options.seeds.push_back(value);
  else if (name == "--ttl-ms" && number)
    options.ttl = troupe::milliseconds{*number};
  else if (name == "--log-commits" && number)
    options.log_commits = static_cast<std::size_t>(*number);
  else if (const auto defect = defect_of(value); name == "--defect" && defect)
    options.defect = *defect;
  else if (name == "--disk" && value == "memory")
    options.memory_disk = true;
  else
    return false;
  return true;
}

troupe::expected<troupe::cluster::stored_store> made_of(const troupe::cluster::stored_store& present,
                                                        const std::string& backup_file, const troupe::uuid& self) {
  const troupe::cluster::restore_request request{self, troupe::make_uuid(), troupe::fast_random(), 0};
  if (backup_file.empty())
    return restore_from_copy(present, request);
  std::ifstream file{backup_file, std::ios::binary};
  return troupe::http::parse_backup(std::string{std::istreambuf_iterator<char>{file}, {}})
      .and_then([&](const troupe::cluster::backed_up_store& backup) {
        const troupe::cluster::replaced_store old{present.identity, present.state.records};
        return restore_from_backup(backup, &old, request);
      });
}

/// Puts a new history, of which the node `self` is the primary, in the place of the copy that it is made of, or that
/// goes back to a backup.
troupe::expected<void> restore(const std::string& data_dir, const troupe::uuid& self, const std::string& backup_file) {
  const auto path = data_dir + "/store.db";
  troupe::cluster::stored_store restored;
  {
    auto file = troupe::actors::history_store::open(path, {});
    auto copy = file.and_then([](auto& open) { return open.read(); });
    if (!copy)
      return tl::unexpected{copy.error()};
    auto made = made_of(*copy, backup_file, self);
    if (!made)
      return tl::unexpected{made.error()};
    restored = std::move(*made);
  }
  std::error_code failed;
  std::filesystem::rename(path, path + ".set-aside", failed);
  if (failed)
    return troupe::fail(troupe::errc::io, path + ": cannot set it aside: " + failed.message());
  auto fresh = troupe::actors::history_store::open(path, {});
  return fresh.and_then([&](auto& open) { return open.fill(restored); });
}

int end_with(const troupe::error& why) {
  std::fprintf(stderr, "store_member: %s\n", why.what.c_str());
  return 2;
}

}  // namespace

int main(int count, char** words) {
  const std::string_view first = count > 1 ? words[1] : "";
  if ((count == 4 && first == "restore-from-copy") || (count == 5 && first == "restore-from-backup")) {
    const auto restored = restore(words[2], troupe::parse_uuid(words[3]), count == 5 ? words[4] : "");
    return restored ? 0 : end_with(restored.error());
  }
  store_member_options options;
  for (int i = 1; i < count; i += 2)
    if (i + 1 == count || !take(options, words[i], words[i + 1])) {
      std::fputs(usage, stderr);
      return 2;
    }
  std::signal(SIGPIPE, SIG_IGN);
  store_member member{std::move(options)};
  if (const auto started = member.start(); !started)
    return end_with(started.error());
  for (std::string line; std::getline(std::cin, line);)
    member.take(line);
  member.stop();
  return 0;
}
