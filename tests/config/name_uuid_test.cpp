#include "config/name_uuid.hpp"

#include <gtest/gtest.h>

using namespace troupe;

TEST(NameUuidTest, IsTheOneOfTheStandard) {
  const auto dns = parse_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8");

  EXPECT_EQ(to_string(make_name_uuid(dns, "www.example.com")), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}
