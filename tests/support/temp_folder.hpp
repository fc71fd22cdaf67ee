// A folder of one test's own, gone with it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace troupe::tests {

class temp_folder {
public:
  temp_folder() {
    auto name = (std::filesystem::temp_directory_path() / "troupe-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      std::abort();  // without a folder the test could say nothing
    path_ = name;
  }
  ~temp_folder() {
    std::error_code ignored;  // a test that failed may have left nothing to remove
    std::filesystem::remove_all(path_, ignored);
  }
  temp_folder(const temp_folder&) = delete;
  temp_folder& operator=(const temp_folder&) = delete;

  const std::string& path() const noexcept { return path_; }

private:
  std::string path_;
};

}  // namespace troupe::tests
