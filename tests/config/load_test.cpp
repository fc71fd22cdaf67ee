#include "config/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "config/settings_file.hpp"

using namespace troupe;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

namespace {

class LoadTest : public testing::Test {
protected:
  LoadTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "troupe-load-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      throw std::runtime_error{"mkdtemp"};
    folder_ = pattern;
  }
  ~LoadTest() override { std::filesystem::remove_all(folder_); }

  std::string file_of(const std::string& text) {
    const auto path = folder_ / "troupe.yaml";
    std::ofstream{path} << text;
    return path.string();
  }
  std::string fault_of(const load_options& options) {
    const auto loaded = load(options);
    if (loaded)
      return "no fault";
    EXPECT_EQ(loaded.error().code, errc::bad_setting);
    EXPECT_EQ(loaded.error().what.find('\n'), std::string::npos) << loaded.error().what;
    return loaded.error().what;
  }
  std::string fault_of_file(const std::string& text) { return fault_of({file_of(text), {}, {}}); }

  std::filesystem::path folder_;
};

}  // namespace

TEST_F(LoadTest, WithoutSourcesGivesTheDefaults) {
  const auto loaded = load({});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->edge.http, (std::vector<endpoint>{{"0.0.0.0", 8080}}));
  EXPECT_EQ(to_string(loaded->edge.admin), "127.0.0.1:9001");
  EXPECT_EQ(loaded->edge.max_head_bytes, 10'240u);
  EXPECT_EQ(loaded->drain.announce, milliseconds{2000});
}

TEST_F(LoadTest, FlagsBeatTheEnvironmentWhichBeatsTheFile) {
  const auto file = file_of("name: of-file\nloops: 1\ndata_dir: /of/file\nhttp: ['127.0.0.1:1', '127.0.0.1:2']\n");
  const auto loaded = load({file,
                            {"TROUPE_NAME=of-environment", "TROUPE_LOOPS=2", "HOME=/x",
                             "TROUPE_ADMIN=http://127.0.0.1:9", "TROUPE_HTTP=127.0.0.1:3, [::1]:4"},
                            {{"name", "of-flag"}}});
  ASSERT_TRUE(loaded) << loaded.error().what;
  EXPECT_EQ(loaded->node.name, "of-flag");
  EXPECT_EQ(loaded->node.loops, 2u);
  EXPECT_EQ(loaded->node.data_dir, "/of/file");
  EXPECT_EQ(loaded->edge.http, (std::vector<endpoint>{{"127.0.0.1", 3}, {"::1", 4}}));
  EXPECT_EQ(loaded->edge.admin.port, 9001);
}

TEST_F(LoadTest, AListFlagMayComeSeveralTimesAndOthersMayNot) {
  const auto loaded = load({std::nullopt, {}, {{"http", "127.0.0.1:1"}, {"http", "127.0.0.1:2"}}});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->edge.http.size(), 2u);
  EXPECT_EQ(fault_of({std::nullopt, {}, {{"loops", "1"}, {"loops", "2"}}}),
            "loops = '1, 2' (flag --loops): allowed are 0 to 256, and only once");
}

TEST_F(LoadTest, AFileMayNestItsKeysOrNot) {
  const auto loaded =
      load({file_of("# comment\nedge:\n  max_fields: 50\n  header_timeout: 3s\ndrain.announce: 0\n"
                    "edge.max_body_bytes: 5MB\naws: {account: 000000000007, region: eu-west-1}\n"
                    "native: in-process\nerrors: truthful\ntiming: always\nlog: {level: debug, format: json}\n"
                    "admin_hosts: [a.example]\nhttp: 127.0.0.1:0\n"),
            {},
            {}});
  ASSERT_TRUE(loaded) << loaded.error().what;
  EXPECT_EQ(loaded->edge.max_fields, 50u);
  EXPECT_EQ(loaded->edge.header_timeout, milliseconds{3000});
  EXPECT_EQ(loaded->edge.max_body_bytes, 5'000'000u);
  EXPECT_EQ(loaded->drain.announce, milliseconds{0});
  EXPECT_EQ(loaded->edge.account, "000000000007");
  EXPECT_EQ(loaded->node.native, native_isolation::in_process);
  EXPECT_EQ(loaded->edge.errors, error_statuses::truthful);
  EXPECT_EQ(loaded->edge.timing, timing_mode::always);
  EXPECT_EQ(loaded->log.level, log_level::debug);
  EXPECT_EQ(loaded->log.format, log_format::json);
  EXPECT_EQ(loaded->edge.admin_hosts, std::vector<std::string>{"a.example"});
  EXPECT_EQ(loaded->edge.http.front().port, 0);
  EXPECT_TRUE(load({file_of(""), {}, {}}));
  EXPECT_TRUE(load({file_of("# nothing\n"), {}, {}}));
}

TEST_F(LoadTest, AFileMayNameTheClusterAndWhatBelongsToIt) {
  const auto loaded = load({file_of("cluster: 127.0.0.1:7000\njoin: [127.0.0.1:7010, 127.0.0.1:7020]\n"
                                    "cluster.advertise: 127.0.0.1:7001\ncluster.suspect_after: 3s\n"
                                    "store: {session_ttl: 20s}\ninsecure_cluster: false\n"),
                            {"TROUPE_JOIN=127.0.0.1:7030", "TROUPE_CLUSTER_NAME=shop"},
                            {}});
  ASSERT_TRUE(loaded) << loaded.error().what;
  EXPECT_EQ(loaded->cluster.listen, (endpoint{"127.0.0.1", 7000}));
  EXPECT_EQ(loaded->cluster.seeds, (std::vector<endpoint>{{"127.0.0.1", 7030}}));
  EXPECT_EQ(loaded->cluster.advertise, (endpoint{"127.0.0.1", 7001}));
  EXPECT_EQ(loaded->cluster.suspect_after, seconds{3});
  EXPECT_EQ(loaded->cluster.session_ttl, seconds{20});
  EXPECT_EQ(loaded->cluster.name, "shop");
}

TEST_F(LoadTest, AValueOutOfRangeIsNamedWithItsPlaceAndWhatIsAllowed) {
  const auto path = file_of("name: a\nedge:\n  header_timeout: 5 parsecs\n");
  EXPECT_EQ(fault_of({path, {}, {}}),
            "edge.header_timeout = '5 parsecs' (" + path + ":3): allowed are 10ms to 15m (as 500ms, 3s, 10m or 1h)");
  EXPECT_EQ(fault_of({std::nullopt, {"TROUPE_LOOPS=many"}, {}}),
            "loops = 'many' (environment TROUPE_LOOPS): allowed are 0 to 256");
  EXPECT_EQ(fault_of({std::nullopt, {}, {{"native", "inprocess"}}}),
            "native = 'inprocess' (flag --native): allowed are process or in-process");
  EXPECT_THAT(fault_of({std::nullopt, {}, {{"http", "127.0.0.1:99999"}}}), HasSubstr("allowed in the list are"));
  EXPECT_THAT(fault_of({std::nullopt, {"TROUPE_HTTP="}, {}}), HasSubstr("http = ''"));
  EXPECT_THAT(fault_of({std::nullopt, {"TROUPE_LOOPS="}, {}}), HasSubstr("loops = ''"));
  EXPECT_THAT(fault_of({std::nullopt, {}, {{"admin", "0.0.0.0:9001"}}}), HasSubstr("no credentials"));
  EXPECT_THAT(fault_of({std::nullopt, {}, {{"edge.max_head_bytes", "65KiB"}}}), HasSubstr("1KiB to 64KiB"));
  EXPECT_THAT(fault_of({std::nullopt, {}, {{"name", "a b"}}}), HasSubstr("1 to 64 of"));
}

TEST_F(LoadTest, AnUnknownKeyIsNamedWithItsNeighbor) {
  const auto path = file_of("edge:\n  header_timout: 5s\n");
  EXPECT_EQ(fault_of({path, {}, {}}),
            "edge.header_timout (" + path + ":2) is not a setting; did you mean edge.header_timeout?");
  EXPECT_EQ(fault_of({std::nullopt, {"TROUPE_LOOP=1"}, {}}),
            "environment TROUPE_LOOP is not a setting; did you mean TROUPE_LOOPS?");
  EXPECT_EQ(fault_of({std::nullopt, {"TROUPE_ENTIRELY_DIFFERENT"}, {}}),
            "environment TROUPE_ENTIRELY_DIFFERENT is not a setting");
  EXPECT_THAT(fault_of({std::nullopt, {}, {{"nonsense", "1"}}}),
              HasSubstr("nonsense (flag --nonsense) is not a setting"));
}

TEST_F(LoadTest, AFileOfAnotherFormIsRefusedWithItsLine) {
  EXPECT_THAT(fault_of_file("- a\n- b\n"), HasSubstr("troupe.yaml:1: not a map"));
  EXPECT_THAT(fault_of_file("name: a\nloops: [1\n"), HasSubstr("troupe.yaml:"));
  EXPECT_THAT(fault_of_file("name: a\nname: b\n"), HasSubstr("already set in"));
  EXPECT_THAT(fault_of_file("edge: {max_fields: 9}\nedge.max_fields: 10\n"), HasSubstr("already set in"));
  EXPECT_THAT(fault_of_file("loops:\n"), HasSubstr("loops (" + folder_.string() + "/troupe.yaml:1) has no value"));
  EXPECT_THAT(fault_of_file("http: [[a]]\n"), HasSubstr("not a plain text"));
  EXPECT_THAT(fault_of_file("? [a]\n: b\n"), HasSubstr("not a plain text"));
  EXPECT_THAT(fault_of_file("a: {b: {c: {d: {e: {f: 1}}}}}\n"), HasSubstr("nested too deeply"));
  EXPECT_THAT(fault_of_file("name: a\n---\nname: b\n"), HasSubstr("second document"));
  EXPECT_THAT(fault_of_file(", name: a\n"), HasSubstr("troupe.yaml:1: not a map"));
  EXPECT_THAT(fault_of_file("loops: [1, 2]\n"), HasSubstr("loops = '1, 2'"));
  EXPECT_THAT(fault_of({(folder_ / "missing.yaml").string(), {}, {}}), HasSubstr("No such file"));
  EXPECT_THAT(fault_of({folder_.string(), {}, {}}), HasSubstr("cannot be read"));
}

TEST_F(LoadTest, AliasesThatRepeatEachOtherAreNotFollowedForEver) {
  // 40 names to the fourth power, of a file of two kilobytes.
  std::string text = "w: &w {";
  const auto map_of = [](const std::string& value) {
    std::string map;
    for (int i = 0; i < 40; ++i)
      map += "k" + std::to_string(i) + ": " + value + ", ";
    return map + "}\n";
  };
  text += map_of("1") + "x: &x {" + map_of("*w") + "y: &y {" + map_of("*x") + "z: {" + map_of("*y");

  const auto read = parse_settings(text, "f.yaml");

  EXPECT_TRUE(read.found.empty());
  ASSERT_EQ(read.faults.size(), 1u) << "one line, however much it would have been";
  EXPECT_EQ(read.faults[0].what, "f.yaml:1: more than 4096 values, with those that aliases repeat");
}

TEST_F(LoadTest, AListThatAliasesRepeatCountsEachTime) {
  std::string text = "a: &a [";
  for (int i = 0; i < 100; ++i)
    text += "x, ";
  text += "]\n";
  for (int i = 0; i < 100; ++i)
    text += "b" + std::to_string(i) + ": *a\n";

  const auto read = parse_settings(text, "f.yaml");

  ASSERT_EQ(read.faults.size(), 1u);
  EXPECT_TRUE(read.found.empty());
}

TEST_F(LoadTest, AFaultIsOneLineWhateverWasWritten) {
  EXPECT_EQ(fault_of({std::nullopt, {"TROUPE_LOOPS=1\n2"}, {}}),
            "loops = '1\\n2' (environment TROUPE_LOOPS): allowed are 0 to 256");
  EXPECT_EQ(fault_of({std::nullopt, {}, {{"native", "\x1b[31m\x7f\xc2\x9b\xe4\\"}}}),
            "native = '\\u001b[31m\\u007f\u00c2\\u009b\u00e4\\' (flag --native): allowed are process or in-process");
  EXPECT_THAT(fault_of_file("\"na\\nme\": 1\n"), HasSubstr("na\\nme ("));
  EXPECT_THAT(fault_of({std::nullopt, {"TROUPE_A\nB=1"}, {}}), HasSubstr("environment TROUPE_A\\nB is not"));
  EXPECT_THAT(fault_of({(folder_ / "missing\n.yaml").string(), {}, {}}), HasSubstr("missing\\n.yaml"));
  EXPECT_THAT(fault_of({std::nullopt, {}, {{"cluster", "127.0.0.1:7000"}, {"cluster.key", "a\nb"}}}),
              HasSubstr("is missing"));
  const auto loaded = load_all({std::nullopt, {"TROUPE_NAME=a\tb"}, {}});
  ASSERT_THAT(loaded.faults, SizeIs(1));
  EXPECT_EQ(loaded.faults[0].value, "a\tb") << "programs get it as it was written";
}

TEST_F(LoadTest, EveryFaultIsFoundInTheOrderOfTheFile) {
  const auto path = file_of(
      "nmae: a\nloops: many\nedge:\n  max_fields: 0\n  max_feilds: 5\nname:\nlog.level: loud\n"
      "join: 127.0.0.1:7000\nname: b\n");
  const auto loaded = load_all({path, {"TROUPE_LOOP=1", "TROUPE_DRAIN_IDLE=soon"}, {{"native", "vm"}}});
  std::vector<std::string> found;
  for (const auto& fault : loaded.faults) {
    EXPECT_EQ(fault.what.find('\n'), std::string::npos);
    EXPECT_THAT(fault.what, HasSubstr(to_string(fault.place)));
    found.push_back(fault.key + " " + fault.value + " " + fault.meant + " " + std::to_string(fault.place.line));
  }
  EXPECT_THAT(found, ElementsAre("nmae a name 1", "loops many  2", "edge.max_fields 0  4",
                                 "edge.max_feilds 5 edge.max_fields 5", "name   6", "log.level loud  7",
                                 "  TROUPE_LOOPS 0", "drain.idle soon  0", "native vm  0", "join 127.0.0.1:7000  8"));
  EXPECT_EQ(loaded.faults[1].allowed, "0 to 256");
  EXPECT_EQ(loaded.values.node.loops, 0u) << "what is wrong has its default";
  EXPECT_EQ(loaded.values.node.name, "b");
}

TEST_F(LoadTest, NeighborsOfAFaultyClusterAreNotBlamed) {
  for (const auto* text : {"cluster: here\njoin: 127.0.0.1:7000\n", "clutser: 127.0.0.1:7000\njoin: 127.0.0.1:7010\n"})
    EXPECT_THAT(load_all({file_of(text), {}, {}}).faults, SizeIs(1)) << text;
  EXPECT_THAT(load_all({file_of("cluster: [1\n"), {}, {{"join", "127.0.0.1:7000"}}}).faults, SizeIs(1));
}

TEST_F(LoadTest, EverySettingKnowsWhereItWasWritten) {
  const auto path = file_of("name: a\nedge:\n  max_fields: 9\n  max_target_bytes: 100\n");
  const auto loaded =
      load_all({path, {"TROUPE_EDGE_MAX_FIELDS=10"}, {{"loops", "1"}, {"log.level", "debug", "--set log.level"}}});
  const auto place_of = [&](std::string_view key) {
    return to_string(loaded.places[static_cast<std::size_t>(find_setting(key) - all_settings().data())]);
  };
  EXPECT_TRUE(loaded.faults.empty());
  EXPECT_EQ(place_of("name"), path + ":1");
  EXPECT_EQ(place_of("edge.max_fields"), "environment TROUPE_EDGE_MAX_FIELDS");
  EXPECT_EQ(place_of("edge.max_target_bytes"), path + ":4");
  EXPECT_EQ(place_of("loops"), "flag --loops");
  EXPECT_EQ(place_of("log.level"), "flag --set log.level");
  EXPECT_EQ(place_of("native"), "default");
}
