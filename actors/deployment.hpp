// What the deployer is asked and what it answers.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cluster/catalog.hpp"
#include "cluster/function_change.hpp"
#include "config/clock.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"
#include "functions/function_spec.hpp"
#include "functions/http_request.hpp"
#include "functions/manifest.hpp"

namespace troupe::actors {

enum class deployment_kind : std::uint8_t {
  replace,  ///< describes the whole function with its routes, whether it is there or not
  create,   ///< only if there is none of that name
  update,   ///< of code, of fields, or of both; only if it is there
  annotate  ///< of fields that no instance sees: the version stays
};

struct deployment {
  /// The code stays as it is.
  struct unchanged {};
  struct archive {
    digest blob;
    std::shared_ptr<const std::string> bytes{};  ///< null: stored already, or on this machine
  };
  struct object {
    digest blob;
  };

  deployment_kind kind = deployment_kind::replace;
  functions::function_spec spec;    ///< name; for `replace` all but id, version and code
  cluster::function_change change;  ///< for all but `replace`
  std::vector<std::string> routes;  ///< route keys, for `replace`
  std::variant<unchanged, functions::manifest, archive, object> code;
  std::string source;  ///< on this machine: the folder of the manifest, or the file; empty when unknown
  std::optional<std::uint64_t> expected_revision;  ///< what the record must be at; of `update` and `annotate`
  std::optional<digest> retry_key{};  ///< equal for the tries of one request: it is applied once, and answered alike
  bool waits_for_start = true;        ///< the answer comes when the first instance runs; else once every loop routes so
};
using deployment_ptr = std::shared_ptr<const deployment>;

struct removal {
  std::string name;
  bool keeps_routes = false;          ///< they answer that there is no such function
  std::optional<digest> retry_key{};  ///< as in `deployment`
};

/// Why a request does not fit what is deployed.
enum class denial : std::uint8_t {
  none,
  exists,   ///< a function of that name is there
  changed,  ///< the record is not at `expected_revision`
  busy      ///< another deployment of the function runs
};

struct deployment_result {
  std::vector<digest> missing;  ///< not empty: nothing was done, these are needed first
  error why{};                  ///< when `failed`
  denial denied = denial::none;
  bool failed = false;
  bool committed = false;  ///< with `failed`: deployed, but its first instance did not start
  unsigned copies = 0;     ///< disks that hold its code; 0: the node has no cluster, or the code stays as it is
  /// Members whose copies of the store are not known to have it; nothing: the node has no cluster.
  std::optional<std::vector<std::string>> laggards{};
  bool fresh = false;  ///< the name was not deployed before
  duration start_took{};
  cluster::function_record record;
  std::vector<cluster::route_record> routes;
};
using deployment_result_ptr = std::shared_ptr<const deployment_result>;

/// What happened to a blob, or which are missing.
struct blobs_result {
  expected<std::vector<digest>> missing;
};
using blobs_result_ptr = std::shared_ptr<const blobs_result>;

struct blob_upload {
  digest blob;
  functions::http_request_ptr request;  ///< its body is the blob
};

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::deployment_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::deployment_result_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::blobs_result_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::blob_upload)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::removal)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<const std::vector<troupe::digest>>)
