// A cluster authority and certificates of nodes as files in a folder of their own.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>

#include "actors/tls_context.hpp"
#include "cluster/certificates.hpp"
#include "tests/support/temp_folder.hpp"

namespace troupe::tests {

/// Valid from `reach` ago to `reach` from now, moved by `offset`.
inline cluster::validity around_now(std::chrono::hours offset = {}, std::chrono::hours reach = std::chrono::hours{1}) {
  const auto now = std::chrono::system_clock::now() + offset;
  const auto unix_s = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  return {unix_s - std::chrono::seconds{reach}.count(), unix_s + std::chrono::seconds{reach}.count()};
}

class test_authority {
public:
  explicit test_authority()
      : authority_{cluster::make_authority("test", around_now({}, std::chrono::hours{24})).value()} {
    write("authority.pem", authority_.certificate);
  }

  /// Paths of new files for a node.
  actors::tls_files issue(const std::string& node, cluster::validity valid = around_now()) {
    const auto issued = cluster::issue_certificate(authority_, {node, {"127.0.0.1"}, valid}).value();
    return {write(node + ".pem", issued.certificate), write(node + "-key.pem", issued.key), path("authority.pem")};
  }
  std::shared_ptr<const actors::tls_context> context_of(const std::string& node) {
    auto opened = actors::tls_context::open(issue(node));
    EXPECT_TRUE(opened) << opened.error().what;
    return opened.value();
  }
  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream{path(name)} << text;
    return path(name);
  }
  const cluster::certified_key& pair() const { return authority_; }

private:
  temp_folder folder_;
  cluster::certified_key authority_;
};

}  // namespace troupe::tests
