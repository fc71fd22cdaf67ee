// What a deployed function is: everything that a node must know to run it. Where it runs is not its business.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "config/clock.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::functions {

enum class runtime_kind : std::uint8_t { native = 1, node, python, provided };

/// @returns the kind of a runtime name (`native`, `nodejs`, `nodejs20.x`, ...), or `errc::bad_usage` saying which
/// exist.
expected<runtime_kind> parse_runtime(const std::string& runtime);

/// How the code of a function lies on the disk.
enum class code_form : std::uint8_t {
  folder = 1,  ///< `code` is the digest of a manifest that names the files
  object,      ///< `code` is the digest of one shared object
  program,     ///< part of an embedding program; no code on the disk
};

struct function_spec {
  uuid id;                    ///< from the catalog; the same over updates of one function
  std::uint64_t version = 0;  ///< rises with each deployment of the function
  std::string name;           ///< `[a-zA-Z0-9-_]{1,64}`
  std::string runtime;        ///< as given by the user, for example `nodejs20.x`
  runtime_kind kind = runtime_kind::node;
  std::string handler;  ///< `file.export`; empty for native
  code_form form = code_form::folder;
  digest code;
  milliseconds timeout{3000};       ///< 1 ms to 900 s
  std::uint32_t memory_mb = 128;    ///< 128 to 10,240
  std::uint32_t concurrency = 1;    ///< calls at a time per instance, 1 to 1,000
  std::uint32_t min_instances = 0;  ///< kept running without calls, 0 to 1,000
  std::uint32_t max_instances = 0;  ///< at a time, 0 to 1,000; 0: as many as memory allows
  bool idempotent = false;          ///< a call that may have run may be run once more
  std::map<std::string, std::string> environment;
};

using function_ref = std::shared_ptr<const function_spec>;

/// Checks name, limits and environment (Lambda's rules: letter first, `[A-Za-z0-9_]`, not reserved, 4 KB in all).
/// @returns the first fault as `errc::bad_usage`.
expected<void> check(const function_spec& spec);

}  // namespace troupe::functions
