#include "cli/present_store.hpp"

#include <algorithm>
#include <utility>

#include "actors/stores/history_store.hpp"
#include "cluster/store_record_codec.hpp"
#include "functions/unix_file.hpp"

namespace troupe::cli {

namespace {

using cluster::record;

std::optional<cluster::store_identity> peek_identity(const std::string& path) {
  if (!functions::path_exists(path))
    return std::nullopt;
  auto file = actors::history_store::open(path, {});
  if (!file)
    return std::nullopt;
  const auto found = file->identity();
  return found ? std::optional{*found} : std::nullopt;
}

expected<void> read_file(const std::string& path, present_store& found) {
  auto contents = actors::history_store::open(path, {}).and_then([](auto file) { return file.read(); });
  if (contents) {
    found.identity = contents->identity;
    found.contents = std::move(*contents);
  } else if (contents.error().code == errc::corrupt) {
    found.damage = std::move(contents.error());
    found.identity = peek_identity(path);
  } else {
    return tl::unexpected{std::move(contents.error())};
  }
  return {};
}

void decode_nodes(present_store& found) {
  for (const auto& each : found.records()) {
    if (each.key.starts_with("node/")) {
      if (auto node = cluster::decode_node(each))
        found.nodes.push_back(std::move(*node));
      else
        found.unreadable.push_back(node.error().what);
    } else if (each.key == cluster::primary_key) {
      found.leader = cluster::decode_primary(each);
    }
  }
}

}  // namespace

const std::vector<record>& present_store::records() const noexcept {
  static const std::vector<record> none;
  return contents ? contents->state.records : none;
}

cluster::cursor present_store::tip() const noexcept {
  return contents && !contents->state.heads.empty() ? contents->state.heads.back().at : cluster::cursor{};
}

const cluster::node_record* present_store::find(const cluster::node_id& node) const noexcept {
  const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const auto& each) { return each.id == node; });
  return found == nodes.end() ? nullptr : &*found;
}

std::vector<known_place> present_store::places_but(const cluster::node_id& self) const {
  std::vector<known_place> places;
  const auto add = [&](const std::string& text, const std::string& name) {
    const auto where = parse_endpoint(text);
    if (where &&
        std::none_of(places.begin(), places.end(), [&](const known_place& each) { return each.where == *where; }))
      places.push_back({*where, name});
  };
  for (const auto& node : nodes)
    if (node.id != self && !node.addresses.empty())
      add(node.addresses.front(), node.name);
  if (places.empty() && place)
    for (const auto& address : place->addresses)
      add(address, {});
  return places;
}

expected<present_store> read_present_store(const std::string& data_dir) {
  present_store found;
  found.place = actors::read_store_place(data_dir);
  auto path = data_dir + "/store.db";
  if (const auto in_place = peek_identity(path)) {
    found.generation_in_place = in_place->generation.counter;
    if (auto mark = actors::read_restore_mark(data_dir); mark && mark->names(in_place->store_id))
      found.unstarted = std::move(mark);
  }
  if (found.unstarted) {
    if (found.unstarted->replaced.empty())
      return found;
    path = data_dir + "/" + found.unstarted->replaced;
    if (!functions::path_exists(path))
      return fail(errc::refused, path +
                                     ", which the last `troupe restore` set aside, is gone, and what it made was "
                                     "never started: start the node before it is restored again");
  }
  if (!functions::path_exists(path))
    return found;
  if (auto read = read_file(path, found); !read)
    return tl::unexpected{std::move(read.error())};
  decode_nodes(found);
  return found;
}

}  // namespace troupe::cli
