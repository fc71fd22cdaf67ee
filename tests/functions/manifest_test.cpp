#include "functions/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::functions;
using testing::HasSubstr;

namespace {

manifest_entry file(std::string path, std::string_view contents = "x") {
  return {std::move(path), file_mode::plain, contents.size(), sha256(contents), {}};
}

manifest_entry link_to(std::string path, std::string target) {
  return {std::move(path), file_mode::plain, 0, {}, std::move(target)};
}

std::string fault_of(std::vector<manifest_entry> entries) {
  const auto made = make_manifest(std::move(entries));
  return made ? "" : made.error().what;
}

std::string parse_fault(std::string_view text) {
  const auto parsed = parse_manifest(text);
  return parsed ? "" : parsed.error().what;
}

const std::string x_digest = to_string(sha256("x"));

std::string file_json(const std::string& path) {
  return R"({"path":")" + path + R"(","mode":"0644","size":1,"sha256":")" + x_digest + R"("})";
}

}  // namespace

TEST(ManifestTest, EncodingIsCanonicalWhateverTheOrderGiven) {
  const auto one = make_manifest({file("b.js"), link_to("a/l", "../b.js"), file("a/\"q\".js")});
  const auto other = make_manifest({file("a/\"q\".js"), file("b.js"), link_to("a/l", "../b.js")});

  ASSERT_TRUE(one && other);
  EXPECT_EQ(one->encode(), other->encode());
  EXPECT_EQ(one->encode(),
            R"([{"path":"a/\"q\".js","mode":"0644","size":1,"sha256":")" + x_digest +
                R"("},{"path":"a/l","link":"../b.js"},{"path":"b.js","mode":"0644","size":1,"sha256":")" + x_digest +
                R"("}])");
  EXPECT_EQ(one->code(), sha256(one->encode()));
  EXPECT_EQ(one->total_bytes(), 2u);
}

TEST(ManifestTest, ParsingGivesBackWhatWasEncoded) {
  auto executable = file("bin/run");
  executable.mode = file_mode::executable;
  const auto made = make_manifest({file("h\xc3\xa9.js"), executable, link_to("l", "bin/run")});
  ASSERT_TRUE(made);

  const auto parsed = parse_manifest(made->encode());

  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->entries(), made->entries());
}

TEST(ManifestTest, RefusesPathsThatLeadElsewhereOrCannotBeFiles) {
  for (const std::string path : {"/etc/passwd", "../x", "a/../x", "a/..", "./x", "a/./x", "a//x", "a/", "", ".", ".."})
    EXPECT_NE(fault_of({file(path)}), "") << path;
  EXPECT_NE(fault_of({file(std::string{"a\0b", 3})}), "");
  EXPECT_NE(fault_of({file("a\nb")}), "");
  EXPECT_NE(fault_of({file("a\x7f")}), "");
  EXPECT_NE(fault_of({file("a\xff")}), "");
  EXPECT_NE(fault_of({file(std::string(256, 'a'))}), "");
  EXPECT_EQ(fault_of({file(std::string(255, 'a'))}), "");
  EXPECT_EQ(fault_of({file("..a/...")}), "");
}

TEST(ManifestTest, LimitsThePathsLength) {
  std::string path;
  while (path.size() < max_package_path)
    path += "1234567/";

  EXPECT_NE(fault_of({file(path + "x")}), "");
  path.back() = 'x';
  EXPECT_EQ(path.size(), max_package_path);
  EXPECT_EQ(fault_of({file(path)}), "");
}

TEST(ManifestTest, RefusesDuplicatesAndFilesThatAreFolders) {
  EXPECT_THAT(fault_of({file("a"), file("a")}), HasSubstr("'a' occurs twice"));
  // Other names sort between a folder's name and what is in it.
  EXPECT_THAT(fault_of({file("a"), file("a-b"), file("a.b"), file("a/x")}), HasSubstr("'a' is a file"));
  EXPECT_THAT(fault_of({link_to("a", "b"), file("a/x"), file("b/x")}), HasSubstr("'a' is a link"));
  EXPECT_EQ(fault_of({file("a-b"), file("a.b"), file("a/x"), file("ab"), file("a/y/z")}), "");
}

TEST(ManifestTest, RefusesOneDigestWithTwoSizes) {
  auto liar = file("b");
  liar.size = 2;

  EXPECT_THAT(fault_of({file("a"), liar}), HasSubstr("another size"));
}

TEST(ManifestTest, LimitsTheSumOfSizesWithoutWrappingAround) {
  auto half = file("a", "1");
  half.size = max_package_bytes;
  auto rest = file("b", "2");
  EXPECT_EQ(make_manifest({half, rest}).error().code, errc::too_big);
  rest.size = UINT64_MAX;
  EXPECT_EQ(make_manifest({half, rest}).error().code, errc::too_big);
  EXPECT_TRUE(make_manifest({half}));
}

TEST(ManifestTest, LimitsTheNumberOfEntries) {
  std::vector<manifest_entry> entries;
  for (std::size_t i = 0; i < max_package_entries; ++i)
    entries.push_back(file("f" + std::to_string(i)));
  EXPECT_TRUE(make_manifest(entries));
  entries.push_back(file("one more"));

  EXPECT_EQ(make_manifest(entries).error().code, errc::too_big);
  EXPECT_NE(fault_of({}), "");
}

TEST(ManifestTest, AllowsLinksThatStayInside) {
  EXPECT_EQ(fault_of({link_to("node_modules/.bin/which", "../which/bin/which"), file("node_modules/which/bin/which"),
                      link_to("self", "."), link_to("a/b/root", "../.."), link_to("nowhere", "not/there"),
                      link_to("a/chain", "../node_modules/.bin/which")}),
            "");
}

TEST(ManifestTest, RefusesLinksThatLeadOut) {
  EXPECT_THAT(fault_of({link_to("l", "/etc")}), HasSubstr("absolute"));
  EXPECT_THAT(fault_of({link_to("l", "..")}), HasSubstr("leads out"));
  EXPECT_THAT(fault_of({link_to("a/b/l", "../../..")}), HasSubstr("leads out"));
  EXPECT_THAT(fault_of({link_to("l", "a/../../x")}), HasSubstr("leads out"));
  EXPECT_NE(fault_of({link_to("l", std::string{"a\0b", 3})}), "");
}

TEST(ManifestTest, FollowsLinksThroughLinksAsTheKernelDoes) {
  // Letter by letter `p/q/r/../..` is `p`; through the link `r` it is the folder above the package.
  EXPECT_THAT(fault_of({link_to("p/q/r", "../../t"), file("t/x"), link_to("out", "p/q/r/../..")}),
              HasSubstr("leads out"));
  EXPECT_EQ(fault_of({link_to("p/q/r", "../../t/u/v"), file("t/u/v/x"), link_to("in", "p/q/r/../..")}), "");
}

TEST(ManifestTest, RefusesCirclesAndTangles) {
  EXPECT_THAT(fault_of({link_to("a", "b"), link_to("b", "a")}), HasSubstr("circle"));
  EXPECT_THAT(fault_of({link_to("a", "a")}), HasSubstr("circle"));
  EXPECT_THAT(fault_of({link_to("a", "a/x")}), HasSubstr("circle"));
  std::vector<manifest_entry> chain;
  for (int i = 0; i < 42; ++i)
    chain.push_back(link_to("l" + std::to_string(i), "l" + std::to_string(i + 1)));
  EXPECT_THAT(fault_of(chain), HasSubstr("more than 40"));
}

TEST(ManifestTest, BoundsTheWorkThatLinksCause) {
  // Each link is 40 expansions of 500 segments: 2 billion steps if nobody counted.
  std::vector<manifest_entry> entries;
  std::string target;
  for (int i = 0; i < 500; ++i)
    target += "./";
  for (int i = 0; i < 30; ++i)
    entries.push_back(link_to("l" + std::to_string(i), target + "l" + std::to_string(i + 1)));
  for (int i = 0; i < 90'000; ++i)
    entries.push_back(link_to("m" + std::to_string(i), "l0"));

  EXPECT_THAT(fault_of(entries), HasSubstr("entangled"));
}

TEST(ManifestTest, ParsingNamesWhatIsWrong) {
  EXPECT_EQ(parse_fault("[" + file_json("a") + "]"), "");
  EXPECT_THAT(parse_fault("{"), HasSubstr("not JSON"));
  EXPECT_THAT(parse_fault("[" + file_json("a") + "]" + std::string(1, '\0')), HasSubstr("not JSON"));
  EXPECT_THAT(parse_fault("{}"), HasSubstr("not a list"));
  EXPECT_THAT(parse_fault("[1]"), HasSubstr("entry 0: not an object"));
  EXPECT_THAT(parse_fault("[" + file_json("a") + R"(,{"path":"b"}])"), HasSubstr("entry 1: 'mode' is missing"));
  EXPECT_THAT(parse_fault(R"([{"path":"b","link":"a","size":1}])"), HasSubstr("'size'"));
  EXPECT_THAT(parse_fault(R"([{"path":"b","link":""}])"), HasSubstr("'link' is empty"));
  EXPECT_THAT(parse_fault(R"([{"path":"b","link":7}])"), HasSubstr("'link' is not a string"));
  const auto with = [&](const std::string& mode, const std::string& size, const std::string& hash) {
    return parse_fault(R"([{"path":"a","mode":)" + mode + R"(,"size":)" + size + R"(,"sha256":)" + hash + "}]");
  };
  const auto good = '"' + x_digest + '"';
  EXPECT_EQ(with("\"0755\"", "1", good), "");
  EXPECT_THAT(with("\"4755\"", "1", good), HasSubstr("mode '4755'"));
  EXPECT_THAT(with("\"0644\"", "-1", good), HasSubstr("'size'"));
  EXPECT_THAT(with("\"0644\"", "1.5", good), HasSubstr("'size'"));
  EXPECT_THAT(with("\"0644\"", "1", "\"abc\""), HasSubstr("64 hex digits"));
}
