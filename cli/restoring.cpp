#include "cli/restoring.hpp"

#include <algorithm>
#include <map>

#include "actors/stores/store_disk.hpp"
#include "actors/stores/store_place.hpp"
#include "cli/data_directory.hpp"
#include "cli/restore_survey.hpp"
#include "cluster/store_record_codec.hpp"
#include "cluster/store_restore.hpp"
#include "functions/unix_file.hpp"
#include "http/store_backup.hpp"

namespace troupe::cli {

namespace {

using cluster::record;

constexpr std::uint64_t max_backup_bytes = 1ull << 30;

/// The store that is there, as far as it can be read.
struct present_store {
  std::optional<actors::store_disk> disk;         ///< nothing: no file, or a damaged one
  std::optional<cluster::stored_store> contents;  ///< of a file that is whole
  std::optional<error> damage;
  std::optional<cluster::store_identity> identity;
  std::optional<actors::store_place> place;

  bool there() const noexcept { return contents || damage; }
  const std::vector<record>& records() const {
    static const std::vector<record> none;
    return contents ? contents->state.records : none;
  }
  cluster::cursor tip() const {
    return contents && !contents->state.heads.empty() ? contents->state.heads.back().at : cluster::cursor{};
  }
};

expected<void> open_present(const std::string& data_dir, present_store& found) {
  found.place = actors::read_store_place(data_dir);
  auto disk = actors::store_disk::open(data_dir, {}, actors::missing_store::leave);
  if (disk) {
    found.contents = disk->take_found();
    if (found.contents)
      found.identity = found.contents->identity;
    found.disk.emplace(std::move(*disk));
  } else if (disk.error().code == errc::corrupt) {
    found.damage = std::move(disk.error());
    found.identity = actors::peek_store_identity(data_dir);
  } else {
    return tl::unexpected{std::move(disk.error())};
  }
  return {};
}

std::map<uuid, cluster::node_record> nodes_in(const std::vector<record>& records) {
  std::map<uuid, cluster::node_record> nodes;
  for (const auto& each : records)
    if (each.key.starts_with("node/"))
      if (auto node = cluster::decode_node(each))
        nodes.emplace(node->id, std::move(*node));
  return nodes;
}

uuid leader_in(const std::vector<record>& records) {
  for (const auto& each : records)
    if (each.key == cluster::primary_key)
      return cluster::decode_primary(each).value_or(uuid{});
  return {};
}

std::string at_address(const cluster::link_hello& node, const endpoint& where) {
  return node.node_name + " at " + to_string(where);
}

/// One restore, step by step.
class restoring {
public:
  restoring(const restore_options& options, settings from) : options_{options}, settings_{std::move(from)} {}

  expected<restored_store> run();

private:
  expected<void> read_backup();
  expected<void> open_directory();
  expected<void> check_leader() const;
  expected<void> ask_others();
  expected<void> judge(const std::vector<actors::surveyed_node>& found);
  std::vector<endpoint> other_places() const;
  const std::vector<record>& restored_records() const {
    return backup_ ? backup_->contents.records : present_.records();
  }
  expected<void> put_in_place();
  expected<cluster::stored_store> make() const;

  const restore_options& options_;
  const settings settings_;
  std::optional<http::store_backup> backup_;
  std::optional<data_directory> directory_;
  present_store present_;
  std::uint64_t generation_known_ = 0;
  restored_store done_;
};

expected<restored_store> restoring::run() {
  return read_backup()
      .and_then([this] { return open_directory(); })
      .and_then([this] { return check_leader(); })
      .and_then([this] { return ask_others(); })
      .and_then([this] { return put_in_place(); })
      .map([this] { return std::move(done_); });
}

/// Before anything is touched.
expected<void> restoring::read_backup() {
  if (!options_.file)
    return {};
  const auto text = functions::read_whole(*options_.file, max_backup_bytes);
  if (!text)
    return tl::unexpected{text.error()};
  auto parsed = http::parse_backup(*text);
  if (!parsed)
    return fail(parsed.error().code, *options_.file + ": " + parsed.error().what);
  backup_ = std::move(*parsed);
  return {};
}

expected<void> restoring::open_directory() {
  const auto& path = settings_.node.data_dir;
  if (!backup_ && !functions::path_exists(path + "/store.db"))
    return fail(errc::refused, "data_dir '" + path +
                                   "' holds no copy of a store: --from-copy is for a node that was in the cluster; "
                                   "`troupe restore FILE` takes a backup");
  auto opened = data_directory::open(path);
  if (!opened)
    return fail(errc::refused, opened.error().what + ": stop the node before its store is restored");
  directory_.emplace(std::move(*opened));
  if (auto read = open_present(directory_->path(), present_); !read)
    return read;
  if (!backup_ && present_.damage)
    return tl::unexpected{*present_.damage};
  return {};
}

expected<void> restoring::check_leader() const {
  if (options_.old_primary_stopped)
    return {};
  const auto leader = leader_in(present_.records());
  const bool elsewhere = present_.contents ? leader != uuid{} && leader != directory_->node_id()
                                           : present_.place && present_.place->role == cluster::store_role::copy;
  if (!elsewhere)
    return {};
  const auto nodes = nodes_in(present_.records());
  const auto named = nodes.find(leader);
  return fail(errc::refused,
              "the primary of this store is another node" + (named != nodes.end() ? ", " + named->second.name : "") +
                  ": should it run on, two nodes would take deployments that nobody can join again. Stop it, and say "
                  "so with --old-primary-stopped");
}

std::vector<endpoint> restoring::other_places() const {
  std::vector<endpoint> places;
  const auto add = [&](const std::string& text) {
    const auto where = parse_endpoint(text);
    if (where && std::find(places.begin(), places.end(), *where) == places.end())
      places.push_back(*where);
  };
  for (const auto& [id, node] : nodes_in(present_.records()))
    if (id != directory_->node_id() && !node.addresses.empty())
      add(node.addresses.front());
  if (places.empty() && present_.place)
    for (const auto& address : present_.place->addresses)
      add(address);
  if (places.empty())
    for (const auto& seed : settings_.cluster.seeds)
      if (seed != settings_.cluster.advertise && seed != settings_.cluster.listen)
        add(to_string(seed));
  return places;
}

expected<void> restoring::ask_others() {
  const auto lacking = code_lacking(directory_->path(), restored_records());
  if (!lacking)
    return tl::unexpected{lacking.error()};
  cluster::link_hello self;
  self.node = directory_->node_id();
  self.node_name = settings_.node.name;
  if (const auto nodes = nodes_in(present_.records()); self.node_name.empty() && nodes.contains(self.node))
    self.node_name = nodes.at(self.node).name;
  self.incarnation = make_uuid();
  if (present_.identity)
    self.store_id = present_.identity->store_id;
  const auto found = survey_cluster(settings_.cluster, std::move(self), other_places(), *lacking);
  if (!found)
    return tl::unexpected{found.error()};
  for (const auto& [name, blobs] : *lacking)
    (have_all(*found, blobs) ? done_.code_elsewhere : done_.code_missing).push_back(name);
  return judge(*found);
}

/// Another primary that works, or a copy that knows more, is the better way.
expected<void> restoring::judge(const std::vector<actors::surveyed_node>& found) {
  for (const auto& each : found) {
    if (!each.hello) {
      done_.not_reached.push_back(to_string(each.where) + ": " + each.why_not);
      continue;
    }
    const auto& peer = *each.hello;
    done_.reached.push_back(peer.node_name);
    generation_known_ = std::max(generation_known_, peer.generation.counter);
    const bool same = present_.identity && peer.store_id == present_.identity->store_id &&
                      peer.generation == present_.identity->generation;
    if (same && peer.primary == peer.node)
      return fail(errc::refused, at_address(peer, each.where) +
                                     ", the primary of this store, answers: stop it first; or, while it works, move "
                                     "the store with `troupe store move --to NODE`");
    if (backup_ && !present_.there() && peer.store_id == backup_->identity.store_id && !options_.old_primary_stopped)
      return fail(errc::refused, at_address(peer, each.where) +
                                     " is of the cluster that this backup is from, and named by `join`: it would go "
                                     "back to the backup. Leave `join` out for a cluster of its own; or stop the "
                                     "primary, and say so with --old-primary-stopped");
    if (same && !backup_ && peer.cursor > present_.tip() && !options_.discard_newer)
      return fail(errc::refused, "the copy of " + at_address(peer, each.where) + " knows more: it has commit " +
                                     std::to_string(peer.cursor.value) + ", this one ends at " +
                                     std::to_string(present_.tip().value) +
                                     ". Restore there, or say --discard-newer to lose what is later");
  }
  return {};
}

expected<cluster::stored_store> restoring::make() const {
  const cluster::restore_request request{directory_->node_id(), make_uuid(), fast_random(), generation_known_};
  if (!backup_)
    return cluster::restore_from_copy(*present_.contents, request);
  if (!present_.identity)
    return cluster::restore_from_backup(*backup_, nullptr, request);
  const cluster::replaced_store old{*present_.identity, present_.records()};
  return cluster::restore_from_backup(*backup_, &old, request);
}

expected<void> restoring::put_in_place() {
  const auto made = make();
  if (!made)
    return tl::unexpected{made.error()};
  done_.path = directory_->path() + "/store.db";
  done_.records = made->state.records.size();
  done_.store_id = made->identity.store_id;
  done_.generation = made->identity.generation.counter;
  done_.cursor = backup_ ? backup_->contents.cursor.value : present_.tip().value;
  done_.parent_store = made->identity.parent_store;
  done_.parent_cursor = made->identity.parent_cursor.value;
  // First what counts only should the store be damaged: that of a primary is never loaded from others.
  actors::store_place place{cluster::store_role::primary, done_.store_id, {}};
  for (const auto& where : other_places())
    place.addresses.push_back(to_string(where));
  if (auto noted = actors::write_store_place(directory_->path(), place); !noted)
    return noted;
  if (!present_.disk)
    present_.disk.emplace(actors::store_disk::to_replace(directory_->path()));
  return present_.disk->replace(*made, actors::old_store::set_aside).map([this](std::string aside) {
    done_.set_aside = std::move(aside);
  });
}

}  // namespace

expected<restored_store> restore_store(const restore_options& options) {
  if (options.from_copy == options.file.has_value())
    return fail(errc::bad_usage, "restore needs a backup, `troupe restore FILE`, or --from-copy");
  if (options.from_copy && !options.old_primary_stopped)
    return fail(errc::bad_usage,
                "--from-copy makes this node the primary of a new history: should the old primary run on, two nodes "
                "would take deployments that nobody can join again. Stop it, and say so with --old-primary-stopped");
  auto from = load_settings(options.node);
  if (!from)
    return fail(errc::bad_usage, from.error().what);
  return restoring{options, std::move(*from)}.run();
}

}  // namespace troupe::cli
