#include "functions/zip_writer.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <zip.h>

#include <memory>

namespace troupe::functions {

namespace {

/// Fast: who downloads code waits for it, and the files thread has other work.
constexpr zip_uint32_t compression_level = 1;
/// 1980-01-01, the first day of the format: archives of equal packages are equal.
constexpr zip_uint16_t fixed_date = 1 << 5 | 1;

class archive_draft {
public:
  static expected<archive_draft> create(const std::filesystem::path& path) {
    int problem = 0;
    archive_draft draft;
    draft.zip_.reset(::zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &problem));
    if (draft.zip_)
      return draft;
    zip_error_t why;
    ::zip_error_init_with_code(&why, problem);
    auto text = std::string{"cannot write an archive: "} + ::zip_error_strerror(&why);
    ::zip_error_fini(&why);
    return fail(errc::io, std::move(text));
  }

  expected<void> add_file(const std::filesystem::path& file, const std::string& name, unsigned mode) {
    return add(::zip_source_file(zip_.get(), file.c_str(), 0, -1), name, S_IFREG | mode);
  }
  /// `target` must live until `finish`.
  expected<void> add_link(const std::string& name, const std::string& target) {
    return add(::zip_source_buffer(zip_.get(), target.data(), target.size(), 0), name, S_IFLNK | 0777);
  }
  /// Reads and packs everything.
  expected<void> finish() {
    if (::zip_close(zip_.get()) != 0)
      return failed();
    static_cast<void>(zip_.release());  // closed, and freed with that
    return {};
  }

private:
  struct discard {
    void operator()(zip_t* zip) const noexcept { ::zip_discard(zip); }
  };

  tl::unexpected<error> failed() {
    auto* why = ::zip_get_error(zip_.get());
    const bool full = ::zip_error_system_type(why) == ZIP_ET_SYS && ::zip_error_code_system(why) == ENOSPC;
    return fail(full ? errc::full : errc::io, std::string{"cannot write an archive: "} + ::zip_error_strerror(why));
  }

  expected<void> add(zip_source_t* source, const std::string& name, unsigned mode) {
    if (source == nullptr)
      return failed();
    const auto index = ::zip_file_add(zip_.get(), name.c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      ::zip_source_free(source);
      return failed();
    }
    const auto at = static_cast<zip_uint64_t>(index);
    if (::zip_set_file_compression(zip_.get(), at, ZIP_CM_DEFLATE, compression_level) != 0 ||
        ::zip_file_set_dostime(zip_.get(), at, 0, fixed_date, 0) != 0 ||
        ::zip_file_set_external_attributes(zip_.get(), at, 0, ZIP_OPSYS_UNIX, mode << 16) != 0)
      return failed();
    return {};
  }

  std::unique_ptr<zip_t, discard> zip_;
};

/// Packs what `fill` adds into a file that loses its name as soon as it is mapped.
template <class Fill>
expected<mapped_file> pack(work_folder& work, Fill fill) {
  auto file = work.create_file();
  if (!file)
    return tl::unexpected{file.error()};
  auto draft = archive_draft::create(file->place.path());
  if (!draft)
    return tl::unexpected{draft.error()};
  if (auto filled = fill(*draft); !filled)
    return tl::unexpected{filled.error()};
  if (auto finished = draft->finish(); !finished)
    return tl::unexpected{finished.error()};
  return mapped_file::open(file->place.path());
}

}  // namespace

expected<mapped_file> mapped_file::open(const std::filesystem::path& path) {
  auto file = open_regular(path);
  if (!file)
    return tl::unexpected{file.error()};
  struct stat about {};
  if (::fstat(file->get(), &about) != 0)
    return system_failure(path.string());
  mapped_file result;
  result.size_ = static_cast<std::size_t>(about.st_size);
  if (result.size_ == 0)
    return result;
  void* data = ::mmap(nullptr, result.size_, PROT_READ, MAP_PRIVATE, file->get(), 0);
  if (data == MAP_FAILED)
    return system_failure(path.string());
  result.data_ = data;
  return result;
}

mapped_file::~mapped_file() {
  if (data_ != nullptr)
    ::munmap(data_, size_);
}

expected<mapped_file> zip_folder(const manifest& package, const std::filesystem::path& folder, work_folder& work) {
  return pack(work, [&](archive_draft& draft) -> expected<void> {
    for (const auto& entry : package.entries()) {
      const unsigned mode = entry.mode == file_mode::executable ? 0755 : 0644;
      auto added = entry.is_link() ? draft.add_link(entry.path, entry.link)
                                   : draft.add_file(folder / entry.path, entry.path, mode);
      if (!added)
        return added;
    }
    return {};
  });
}

expected<mapped_file> zip_file(const std::filesystem::path& file, const std::string& name, work_folder& work) {
  return pack(work, [&](archive_draft& draft) { return draft.add_file(file, name, 0755); });
}

}  // namespace troupe::functions
