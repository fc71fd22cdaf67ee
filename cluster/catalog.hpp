// The records that nodes agree on: what is deployed and which routes lead to it. Plain values; the store keeps them as
// bytes (cluster/record_codec) and knows only keys and revisions.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cluster/node_record.hpp"
#include "cluster/unknown_fields.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

/// `function/<name>`: the function and its current version.
struct function_record {
  uuid id;
  std::string name;
  std::uint64_t version = 0;
  std::string runtime;
  std::string handler;
  std::string form;  ///< `folder`, `object` or `program`
  digest code;
  std::uint64_t code_bytes = 0;
  std::uint64_t timeout_ms = 3000;
  std::uint64_t memory_mb = 128;
  std::uint64_t concurrency = 1;
  std::map<std::string, std::string> environment;
  std::int64_t modified_unix_ms = 0;
  std::uint64_t min_instances = 0;
  std::uint64_t max_instances = 0;  ///< 0: no bound but memory
  bool idempotent = false;          ///< a call that may have run may be run once more
  // What the Lambda API was told and only tells again:
  std::string role;
  std::string description;
  digest archive;  ///< of the zip that was uploaded; zero when the code came as a folder or an object
  std::uint64_t archive_bytes = 0;
  std::map<std::string, std::string> tags;
  std::string architecture = "x86_64";
  std::uint64_t ephemeral_mb = 512;
  std::string tracing = "PassThrough";

  std::uint64_t revision = 0;  ///< of the commit that last wrote it; guard of the next write. 0: not stored yet
  std::uint64_t schema = 1;    ///< of the form in which it is stored; never lowered by a re-write
  unknown_fields unknown{};    ///< written by newer nodes; kept over a re-write
};

/// `route/<api>/<route key>`: a route of the gateway.
struct route_record {
  std::string api;       ///< `default` until there are several
  std::string key;       ///< `GET /pets/{id}`, `ANY /x/{proxy+}`, `$default`
  std::string function;  ///< name

  std::uint64_t revision = 0;  ///< as in `function_record`
  std::uint64_t schema = 1;
  unknown_fields unknown{};
};

/// An immutable picture of all records at one cursor.
struct catalog_snapshot {
  std::uint64_t cursor = 0;
  std::vector<function_record> functions;  ///< by name
  std::vector<route_record> routes;        ///< by key
  std::vector<node_record> nodes;          ///< registered, by id
  std::map<uuid, uuid> live;               ///< node with a session, its incarnation
};

using catalog_snapshot_ptr = std::shared_ptr<const catalog_snapshot>;

}  // namespace troupe::cluster
