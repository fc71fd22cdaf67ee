#include "cli/local_code.hpp"

#include <memory>
#include <system_error>

#include "functions/blob_store.hpp"
#include "functions/unix_file.hpp"
#include "functions/zip_archive.hpp"

namespace troupe::cli {

namespace {

namespace fs = std::filesystem;

/// What inference reads of a package: package.json, and a module that may be bundled.
constexpr std::uint64_t max_read_bytes = 64ull * 1024 * 1024;

std::optional<std::string> read_file(const fs::path& path) {
  auto bytes = functions::read_whole(path, max_read_bytes);
  return bytes ? std::optional{std::move(*bytes)} : std::nullopt;
}

expected<functions::hashed_bytes> hash_file(const fs::path& path) {
  const auto file = functions::open_regular(path);
  if (!file)
    return tl::unexpected{file.error()};
  return functions::hash_to_end(file->get(), functions::max_package_bytes, path.native());
}

expected<local_code> open_folder(const fs::path& path, const functions::scan_progress& progress) {
  const auto scanned = functions::scan_folder(path, progress);
  if (!scanned)
    return tl::unexpected{scanned.error()};
  local_code result;
  result.kind = code_kind::folder;
  result.root = scanned->root;
  result.stem = scanned->root.filename();
  result.file_count = scanned->manifest.entries().size();
  result.bytes = scanned->manifest.total_bytes();
  // The manifest writes itself: what is deployed and what is stored are the same bytes.
  result.code["manifest"] = nlohmann::ordered_json::parse(scanned->manifest.encode());
  for (const auto& entry : scanned->manifest.entries()) {
    result.files.paths.push_back(entry.path);
    if (!entry.is_link())
      result.blobs.emplace(entry.sha256, scanned->root / entry.path);
  }
  result.files.read = [root = scanned->root](const std::string& file) { return read_file(root / file); };
  return result;
}

/// An archive that is open, with the bytes that it reads from.
struct held_archive {
  std::string bytes;
  std::optional<functions::zip_archive> zip;
};

expected<void> look_into(const fs::path& path, local_code& result) {
  auto bytes = functions::read_whole(path, functions::max_blob_bytes);
  if (!bytes)
    return tl::unexpected{bytes.error()};
  const auto held = std::make_shared<held_archive>();
  held->bytes = std::move(*bytes);
  auto zip = functions::zip_archive::open(held->bytes);
  if (!zip)
    return tl::unexpected{zip.error()};
  held->zip = std::move(*zip);
  for (const auto& member : held->zip->members()) {
    result.files.paths.push_back(member.path);
    result.bytes += member.size;
  }
  result.file_count = held->zip->members().size();
  result.files.read = [held](const std::string& file) -> std::optional<std::string> {
    for (const auto& member : held->zip->members()) {
      if (member.path != file || member.size > max_read_bytes)
        continue;
      std::string text;
      const auto read = held->zip->read(member, [&](std::string_view piece) -> expected<void> {
        text += piece;
        return {};
      });
      return read ? std::optional{std::move(text)} : std::nullopt;
    }
    return std::nullopt;
  };
  return {};
}

/// One Python module is a package of its own: a folder with nothing but it.
expected<local_code> open_module(const fs::path& path) {
  const auto hashed = hash_file(path);
  if (!hashed)
    return tl::unexpected{hashed.error()};
  const auto name = path.filename().native();
  const auto package =
      functions::make_manifest({{name, functions::file_mode::plain, hashed->size, hashed->sha256, {}}});
  if (!package)
    return tl::unexpected{package.error()};
  local_code result;
  result.root = path.parent_path();
  result.stem = path.stem();
  result.file_count = 1;
  result.bytes = hashed->size;
  result.code["manifest"] = nlohmann::ordered_json::parse(package->encode());
  result.blobs.emplace(hashed->sha256, path);
  result.files.paths.push_back(name);
  result.files.read = [path](const std::string&) { return read_file(path); };
  return result;
}

expected<local_code> open_file(const fs::path& path, code_kind kind) {
  local_code result;
  result.kind = kind;
  result.root = path;
  result.stem = path.stem();
  const auto hashed = hash_file(path);
  if (!hashed)
    return tl::unexpected{hashed.error()};
  result.blobs.emplace(hashed->sha256, path);
  result.code[kind == code_kind::archive ? "zip" : "object"] = to_string(hashed->sha256);
  result.file_count = 1;
  result.bytes = hashed->size;
  if (kind == code_kind::archive) {
    result.bytes = 0;
    if (auto looked = look_into(path, result); !looked)
      return tl::unexpected{looked.error()};
  }
  return result;
}

}  // namespace

expected<local_code> open_code(const std::string& path, const functions::scan_progress& progress) {
  std::error_code problem;
  const auto real = fs::canonical(path, problem);
  if (problem)
    return fail(errc::io, "cannot open " + in_quotes(path) + ": " + problem.message());
  if (fs::is_directory(real, problem))
    return open_folder(real, progress);
  if (real.extension() == ".zip")
    return open_file(real, code_kind::archive);
  if (real.extension() == ".so")
    return open_file(real, code_kind::object);
  if (real.extension() == ".py")
    return open_module(real);
  return fail(errc::bad_usage, in_quotes(path) +
                                   " is neither a folder, nor a .zip archive, nor a .so shared object, nor a .py "
                                   "module; any other single file is deployed in a folder of its own");
}

expected<std::string> read_blob(const local_code& code, const digest& blob) {
  const auto found = code.blobs.find(blob);
  if (found == code.blobs.end())
    return fail(errc::bug, "the node asks for blob " + to_string(blob) + ", which is no part of the code");
  auto bytes = functions::read_whole(found->second, functions::max_blob_bytes);
  if (!bytes && bytes.error().code == errc::too_big)
    bytes.error().what += ", the limit of an upload; deploy it on the node's own machine";
  if (bytes && sha256(*bytes) != blob)
    return fail(errc::corrupt, in_quotes(found->second.native()) + " changed meanwhile; deploy again");
  return bytes;
}

}  // namespace troupe::cli
