#include "cli/restore_survey.hpp"

#include <algorithm>

#include "actors/tls_cipher.hpp"
#include "cluster/record_codec.hpp"
#include "functions/code_store.hpp"

namespace troupe::cli {

expected<lacking_code> code_lacking(const std::string& data_dir, const std::vector<cluster::record>& records) {
  auto code = functions::code_store::open(data_dir);
  if (!code)
    return tl::unexpected{std::move(code.error())};
  lacking_code lacking;
  for (const auto& each : records) {
    if (!each.key.starts_with("function/"))
      continue;
    const auto function = cluster::decode_function(each);
    if (!function)
      return tl::unexpected{function.error()};
    if (function->form == "program")
      continue;
    const auto form = function->form == "object" ? functions::code_form::object : functions::code_form::folder;
    const auto missing = code->missing_of({function->code, form});
    if (!missing)
      return tl::unexpected{missing.error()};
    for (const auto& blob : missing->blobs)
      lacking[function->name].push_back(blob.sha256);
  }
  return lacking;
}

expected<std::vector<actors::surveyed_node>> survey_cluster(const cluster_settings& with, cluster::link_hello self,
                                                            const std::vector<known_place>& places,
                                                            const lacking_code& lacking) {
  actors::node_survey survey;
  for (const auto& each : places)
    survey.places.push_back(each.where);
  survey.hello = std::move(self);
  survey.hello.cluster = with.name;
  survey.accept = [&with](const cluster::link_hello& peer) -> expected<void> {
    if (peer.cluster != with.name)
      return fail(errc::refused, "it is a node of cluster '" + peer.cluster + "', not of '" + with.name + "'");
    return {};
  };
  if (with.has_certificate()) {
    auto tls = actors::tls_context::open({with.certificate, with.key, with.authority});
    if (!tls)
      return tl::unexpected{std::move(tls.error())};
    survey.make_cipher = [tls = *tls] { return std::make_unique<actors::tls_cipher>(tls, actors::tls_role::client); };
  }
  auto& blobs = survey.blobs;
  for (const auto& [name, missing] : lacking)
    blobs.insert(blobs.end(), missing.begin(), missing.end());
  std::sort(blobs.begin(), blobs.end());
  blobs.erase(std::unique(blobs.begin(), blobs.end()), blobs.end());
  return actors::survey(survey);
}

std::string not_understood(const cluster_settings& with, const known_place& where, const std::string& why) {
  const auto address = to_string(where.where);
  return "somebody answers at " + address + (where.name.empty() ? "" : ", the address of " + where.name + ",") +
         " and cannot be asked what it knows: " + why + ". Give this node's own settings with --config FILE: " +
         (with.has_certificate() ? "cluster.certificate, cluster.key, cluster.authority and cluster.name count; they "
                                   "are set, and not those of that node's cluster"
                                 : "cluster.certificate, cluster.key and cluster.authority, of which none is set here, "
                                   "and cluster.name count") +
         ". Or leave it out with --without " + address + ", when no node of this cluster is there any more";
}

bool have_all(const std::vector<actors::surveyed_node>& nodes, const std::vector<digest>& blobs) {
  return std::all_of(blobs.begin(), blobs.end(), [&](const digest& blob) {
    return std::any_of(nodes.begin(), nodes.end(), [&](const actors::surveyed_node& each) {
      return each.lacks && std::find(each.lacks->begin(), each.lacks->end(), blob) == each.lacks->end();
    });
  });
}

}  // namespace troupe::cli
