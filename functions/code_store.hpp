// The code of functions on this node's disk: taken in as folders, archives and objects, kept as blobs, written out
// where instances run it. Plain and single-threaded: it runs on the files thread. What is deployed is told to
// `collect`.
//
//   <data_dir>/blobs        functions/blob_store
//   <data_dir>/parts       functions/blob_parts
//   <data_dir>/code         <sha256> the folder of a manifest, <sha256>.pycache what Python compiled of it, <sha256>.so
//   a
//                           shared object
//   <data_dir>/tmp          what is not finished
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "config/errc.hpp"
#include "config/ids.hpp"
#include "functions/blob_parts.hpp"
#include "functions/blob_store.hpp"
#include "functions/function_spec.hpp"
#include "functions/manifest.hpp"
#include "functions/package.hpp"
#include "functions/zip_writer.hpp"

namespace troupe::functions {

struct code_ref {
  digest code;
  code_form form = code_form::folder;
};

/// What this disk lacks of some code.
struct missing_code {
  struct blob {
    digest sha256;
    std::uint64_t stored = 0;  ///< bytes that have come already
  };
  std::vector<blob> blobs;  ///< each once; empty: all of it is here. Only the manifest's as long as that is missing
};

struct collected_code {
  std::size_t blobs = 0;
  std::uint64_t blob_bytes = 0;
  std::size_t places = 0;  ///< folders and objects that were written out
};

/// Every call blocks and may return `errc::io` or `errc::full` beside what it names.
class code_store {
public:
  /// Opens the store below an existing, writable directory that no other process uses.
  static expected<code_store> open(const std::filesystem::path& data_dir);

  blob_store& blobs() noexcept { return blobs_; }

  /// Stores the manifest itself, and of its files those that lie unchanged below `root` (empty: none).
  /// @returns the digests that are still missing, each once.
  expected<std::vector<digest>> import_folder(const manifest& package, const std::filesystem::path& root);
  /// Stores one file, an archive or an object, if it lies unchanged at `path`. @returns whether it is stored now.
  expected<bool> import_file(const digest& blob, const std::filesystem::path& path);
  /// Unpacks a stored archive into blobs and stores the manifest.
  /// @returns the errors of `unpack_zip` and `blob_store::read`.
  expected<manifest> import_zip(const digest& archive, const zip_limits& limits = {});
  expected<manifest> read_manifest(const digest& code);

  /// What must come from elsewhere before the code can be written out. What is here is kept from being collected as
  /// young; a manifest that is damaged is removed and missing.
  expected<missing_code> missing_of(const code_ref& ref);
  /// The blobs that the code consists of, the manifest first, each once; `errc::corrupt` without the manifest.
  expected<std::vector<digest>> blobs_of(const code_ref& ref);
  /// `blob_parts::append`.
  expected<blob_progress> append(const digest& blob, std::uint64_t offset, std::uint64_t total,
                                 std::string_view bytes) {
    return parts_.append(blobs_, blob, offset, total, bytes);
  }
  /// Forgets what has come of a blob that is not whole.
  expected<void> drop_part(const digest& blob) { return parts_.drop(blob); }

  /// The folder that the manifest describes, written out unless it is there. Files are read-only copies, never shared
  /// inodes. The path stays valid until `collect` is told that nobody refers to it.
  /// @returns `errc::corrupt` when a blob is missing or damaged; `confirm` then names it.
  expected<std::filesystem::path> materialize_folder(const digest& code);
  /// The one path under which this shared object is loaded; the same errors.
  expected<std::filesystem::path> materialize_object(const digest& code);

  /// The code as an archive that can be deployed anew. @param name  of a shared object within it.
  expected<mapped_file> archive_of(const code_ref& ref, const std::string& name);

  /// Everything stored so far survives a loss of power once this returns: call it before the commit that refers to it.
  expected<void> sync_all() { return blobs_.sync_all(); }
  /// Removes what earlier processes left unfinished. May take long; the store works without.
  expected<void> sweep() { return blobs_.work().sweep(); }

  /// Removes what no code refers to and nobody stored, confirmed or asked for within `min_age`. Removes nothing when a
  /// referenced manifest cannot be read.
  expected<collected_code> collect(std::span<const code_ref> referenced, std::chrono::seconds min_age,
                                   std::chrono::system_clock::time_point now);

private:
  code_store(blob_store blobs, blob_parts parts) : blobs_{std::move(blobs)}, parts_{std::move(parts)} {}
  expected<void> drop_earlier_boots();
  expected<void> write_out(const manifest& package, const std::filesystem::path& folder);
  expected<std::size_t> collect_places(std::span<const code_ref> referenced, std::int64_t before);

  blob_store blobs_;
  blob_parts parts_;
  std::filesystem::path code_;
};

}  // namespace troupe::functions
