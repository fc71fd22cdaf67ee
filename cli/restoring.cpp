#include "cli/restoring.hpp"

#include <algorithm>

#include "actors/stores/store_disk.hpp"
#include "cli/data_directory.hpp"
#include "cli/present_store.hpp"
#include "cli/restore_survey.hpp"
#include "cluster/store_restore.hpp"
#include "functions/unix_file.hpp"
#include "http/store_backup.hpp"

namespace troupe::cli {

namespace {

constexpr std::uint64_t max_backup_bytes = 1ull << 30;

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
  expected<void> judge(const std::vector<known_place>& places, const std::vector<actors::surveyed_node>& found);
  expected<std::vector<known_place>> places_to_ask() const;
  std::vector<known_place> other_places() const;
  const std::vector<cluster::record>& restored_records() const {
    return backup_ ? backup_->contents.records : present_.records();
  }
  expected<void> put_in_place();
  expected<void> note(const actors::store_disk& disk);
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
  const auto restored = read_backup()
                            .and_then([this] { return open_directory(); })
                            .and_then([this] { return check_leader(); })
                            .and_then([this] { return ask_others(); })
                            .and_then([this] { return put_in_place(); });
  // One that was refused has made files as well.
  if (directory_)
    if (const auto given = directory_->give_to_owner(); !given)
      done_.not_given = given.error().what;
  if (!restored && !done_.not_given.empty())
    return fail(restored.error().code,
                restored.error().what + " (and what it made is root's: " + done_.not_given + ")");
  return restored.map([this] { return std::move(done_); });
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
  auto present = read_present_store(directory_->path());
  if (!present)
    return tl::unexpected{std::move(present.error())};
  present_ = std::move(*present);
  done_.passed_over = present_.unreadable;
  if (!backup_ && present_.damage)
    return tl::unexpected{*present_.damage};
  if (!backup_ && !present_.contents)
    return fail(errc::refused, "what is in data_dir '" + path +
                                   "' was restored from a backup in a directory without a store, and never started: "
                                   "there is no copy to go on from. Start the node");
  return {};
}

expected<void> restoring::check_leader() const {
  if (options_.old_primary_stopped)
    return {};
  const auto& leader = present_.leader;
  if (!leader)
    return fail(errc::refused, "which node is the primary of this store cannot be read (" + leader.error().what +
                                   "). If it is another one, stop it; then say --old-primary-stopped");
  const bool elsewhere = present_.contents ? *leader != uuid{} && *leader != directory_->node_id()
                                           : present_.place && present_.place->role == cluster::store_role::copy;
  if (!elsewhere)
    return {};
  const auto* named = present_.find(*leader);
  return fail(errc::refused,
              "the primary of this store is another node" + (named != nullptr ? ", " + named->name : "") +
                  ": should it run on, two nodes would take deployments that nobody can join again. Stop it, and say "
                  "so with --old-primary-stopped");
}

std::vector<known_place> restoring::other_places() const {
  auto places = present_.places_but(directory_->node_id());
  if (places.empty())
    for (const auto& seed : settings_.cluster.seeds)
      if (seed != settings_.cluster.advertise && seed != settings_.cluster.listen)
        places.push_back({seed, {}});
  return places;
}

/// Without those of which the user says that they are nodes of this cluster no more.
expected<std::vector<known_place>> restoring::places_to_ask() const {
  auto places = other_places();
  for (const auto& text : options_.without) {
    const auto where = parse_endpoint(text);
    if (!where)
      return fail(errc::bad_usage, "--without " + text + ": an address is HOST:PORT");
    if (std::erase_if(places, [&](const known_place& each) { return each.where == *where; }) == 0)
      return fail(errc::bad_usage, "--without " + text + ": no node is asked there");
  }
  return places;
}

expected<void> restoring::ask_others() {
  const auto lacking = code_lacking(directory_->path(), restored_records());
  if (!lacking)
    return tl::unexpected{lacking.error()};
  const auto places = places_to_ask();
  if (!places)
    return tl::unexpected{places.error()};
  cluster::link_hello self;
  self.node = directory_->node_id();
  self.node_name = settings_.node.name;
  if (const auto* registered = present_.find(self.node); self.node_name.empty() && registered != nullptr)
    self.node_name = registered->name;
  self.incarnation = make_uuid();
  if (present_.identity)
    self.store_id = present_.identity->store_id;
  const auto found = survey_cluster(settings_.cluster, std::move(self), *places, *lacking);
  if (!found)
    return tl::unexpected{found.error()};
  for (const auto& [name, blobs] : *lacking)
    (have_all(*found, blobs) ? done_.code_elsewhere : done_.code_missing).push_back(name);
  return judge(*places, *found);
}

/// Another primary that works, or a copy that knows more, is the better way.
expected<void> restoring::judge(const std::vector<known_place>& places,
                                const std::vector<actors::surveyed_node>& found) {
  for (std::size_t i = 0; i < found.size(); ++i)
    if (found[i].reached == actors::survey_reach::not_understood)
      return fail(errc::refused, not_understood(settings_.cluster, places[i], found[i].why_not));
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
  const auto known = std::max(generation_known_, present_.generation_in_place);
  const cluster::restore_request request{directory_->node_id(), make_uuid(), fast_random(), known};
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
  auto disk = actors::store_disk::to_replace(directory_->path());
  // What a restore made that no node has started is of no use to anybody.
  const auto old = present_.unstarted ? actors::old_store::drop : actors::old_store::set_aside;
  return note(disk).and_then([&] { return disk.replace(*made, old); }).map([](const std::string&) {});
}

/// Before the store is there, so that whatever is there at last is known for what it is.
expected<void> restoring::note(const actors::store_disk& disk) {
  auto mark = present_.unstarted.value_or(actors::restore_mark{});
  if (!present_.unstarted) {
    const auto aside = disk.path_aside();
    mark.replaced = aside.substr(aside.rfind('/') + 1);
  }
  if (!mark.replaced.empty())
    done_.set_aside = directory_->path() + "/" + mark.replaced;
  mark.made.push_back(done_.store_id);
  // This counts only should the store be damaged: that of a primary is never loaded from others.
  actors::store_place place{cluster::store_role::primary, done_.store_id, {}};
  for (const auto& each : other_places())
    place.addresses.push_back(to_string(each.where));
  return directory_->write_file(actors::restore_mark_name, text_of(mark)).and_then([&] {
    return actors::write_store_place(directory_->path(), place);
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
