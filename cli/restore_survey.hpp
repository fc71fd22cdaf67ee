// What `troupe restore` asks about: whether the code of restored functions is on this disk, and what the other nodes of
// the cluster know.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "actors/node_survey.hpp"
#include "cli/present_store.hpp"
#include "cluster/catalog_store.hpp"
#include "cluster/link_frame.hpp"
#include "config/cluster_settings.hpp"
#include "config/errc.hpp"

namespace troupe::cli {

/// By function: the blobs that a data directory lacks. Functions whose code is whole are not in it.
using lacking_code = std::map<std::string, std::vector<digest>>;

/// @returns the errors of `functions::code_store`, `errc::corrupt` for records that are none.
expected<lacking_code> code_lacking(const std::string& data_dir, const std::vector<cluster::record>& records);

/// Asks the nodes at `places` who they are, and for `lacking`; those of another cluster count as not understood.
/// @param self  of the node whose directory it is; nil generations and cursors will do.
/// @returns `errc::bad_setting` for certificates that cannot be used.
expected<std::vector<actors::surveyed_node>> survey_cluster(const cluster_settings& with, cluster::link_hello self,
                                                            const std::vector<known_place>& places,
                                                            const lacking_code& lacking);

/// What to tell when somebody answers at `where`, and not as a node of this cluster: which settings to look at.
std::string not_understood(const cluster_settings& with, const known_place& where, const std::string& why);

/// Whether the nodes that answered have all of these blobs between them.
bool have_all(const std::vector<actors::surveyed_node>& nodes, const std::vector<digest>& blobs);

}  // namespace troupe::cli
