#include "actors/code_import.hpp"

#include <filesystem>

#include "functions/native_library.hpp"

namespace troupe::actors {

namespace {

using functions::code_store;

/// Copies one file from this machine unless it is stored. @returns its digest when it is in neither place.
expected<std::vector<digest>> import_file(code_store& code, const digest& blob, const std::string& source) {
  // What is stored already is pinned by that: the commit may follow a collection.
  if (auto absent = code.blobs().confirm({&blob, 1}); !absent || absent->empty())
    return absent;
  const auto copied = source.empty() ? expected<bool>{false} : code.import_file(blob, source);
  return copied.map([&](bool stored) { return stored ? std::vector<digest>{} : std::vector<digest>{blob}; });
}

expected<imported_code> missing_or_error(expected<std::vector<digest>> missing) {
  return std::move(missing).map([](std::vector<digest> blobs) { return imported_code{{}, 0, {}, std::move(blobs)}; });
}

expected<imported_code> import_object(code_store& code, const digest& blob, const std::string& source,
                                      const object_isolation& objects) {
  auto missing = import_file(code, blob, source);
  if (!missing || !missing->empty())
    return missing_or_error(std::move(missing));
  auto path = code.materialize_object(blob);
  if (!path)
    return tl::unexpected{path.error()};
  std::error_code unreadable;
  const auto bytes = std::filesystem::file_size(*path, unreadable);
  if (unreadable)
    return fail(errc::io, path->string() + ": " + unreadable.message());
  if (objects.of(blob) == native_isolation::in_process) {
    const functions::running_mark mark{objects.loader(), blob};
    if (auto loaded = functions::native_library::open(path->string()); !loaded)
      return tl::unexpected{loaded.error()};
  }
  return code.sync_all().map([&] { return imported_code{blob, bytes, {blob}, {}}; });
}

/// Writes the package out, so that it is known to be whole before anybody is told that it is deployed.
expected<imported_code> settle(code_store& code, const functions::manifest& package) {
  imported_code result{package.code(), package.total_bytes(), {}, {}};
  auto folder = code.materialize_folder(result.code);
  if (folder)
    return code.sync_all()
        .and_then([&] {
          return code.blobs_of({result.code, functions::code_form::folder});
        })
        .map([&](std::vector<digest> blobs) {
          result.blobs = std::move(blobs);
          return result;
        });
  if (folder.error().code != errc::corrupt)
    return tl::unexpected{folder.error()};
  // A damaged blob has been removed: the client is asked for it again.
  std::vector<digest> files;
  for (const auto& entry : package.entries())
    if (!entry.is_link())
      files.push_back(entry.sha256);
  auto missing = code.blobs().confirm(files);
  if (!missing || missing->empty())
    return tl::unexpected{folder.error()};
  result.missing = std::move(*missing);
  return result;
}

expected<imported_code> import_archive(code_store& code, const deployment::archive& archive,
                                       const std::string& source) {
  if (archive.bytes)
    if (auto stored = code.blobs().put(*archive.bytes, archive.blob); !stored)
      return tl::unexpected{stored.error()};
  auto missing = import_file(code, archive.blob, source);
  if (!missing || !missing->empty())
    return missing_or_error(std::move(missing));
  return code.import_zip(archive.blob).and_then([&](const functions::manifest& package) {
    return settle(code, package);
  });
}

}  // namespace

expected<imported_code> import_code(code_store& code, const deployment& what, const object_isolation& objects) {
  if (const auto* object = std::get_if<deployment::object>(&what.code))
    return import_object(code, object->blob, what.source, objects);
  if (const auto* archive = std::get_if<deployment::archive>(&what.code))
    return import_archive(code, *archive, what.source);
  if (const auto* package = std::get_if<functions::manifest>(&what.code)) {
    auto missing = code.import_folder(*package, what.source);
    if (!missing || !missing->empty())
      return missing_or_error(std::move(missing));
    return settle(code, *package);
  }
  return imported_code{};
}

}  // namespace troupe::actors
