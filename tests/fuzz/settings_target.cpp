// Settings from a file, the environment and flags: whatever stands there, they load, or each fault is one line that can
// be shown; what is accepted comes back when it is given as `troupe config show` prints it.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "config/load.hpp"
#include "config/text.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;

namespace {

enum outcome : std::size_t { accepted, of_file, of_environment, of_flags, contradicting };

/// Of variables and of flags in their parts of the input: no variable and no flag can hold it.
constexpr char separator = '\0';

std::vector<std::string> entries_of(const std::string& part) {
  std::vector<std::string> entries;
  for (std::size_t begin = 0; begin < part.size();) {
    const auto end = std::min(part.find(separator, begin), part.size());
    entries.push_back(part.substr(begin, end - begin));
    begin = end + 1;
  }
  return entries;
}

std::vector<given_setting> flags_of(const std::string& part) {
  std::vector<given_setting> flags;
  for (const auto& entry : entries_of(part)) {
    const auto equals = std::min(entry.find('='), entry.size());
    const auto key = entry.substr(0, equals);
    flags.push_back({key, equals < entry.size() ? entry.substr(equals + 1) : "", "--set " + key});
  }
  return flags;
}

/// A file in memory, which has a path for as long as the process lives.
std::string file_with(const std::string& text) {
  static const int file = ::memfd_create("settings", MFD_CLOEXEC);
  require(file >= 0 && ::ftruncate(file, 0) == 0 &&
              ::pwrite(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()),
          "there is room for a file");
  return "/proc/self/fd/" + std::to_string(file);
}

/// Aliases of aliases: a short file that would be millions of settings.
std::string laughs() {
  std::string text;
  for (const auto* const name : {"w", "x", "y", "z"}) {
    text += std::string{name} + ": &" + name + " {";
    for (int i = 0; i < 40; ++i)
      text += "k" + std::to_string(i) + ": " +
              (*name == 'w' ? "1" : "*" + std::string(1, static_cast<char>(*name - 1))) + ", ";
    text += "}\n";
  }
  return text;
}

bool is_shown_in_one_line(const std::string& text) {
  if (!is_utf8(text))
    return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    const bool c1 = byte == 0xc2 && static_cast<std::uint8_t>(text[i + 1]) < 0xa0;
    if (byte < 0x20 || byte == 0x7f || c1)
      return false;
  }
  return true;
}

void check_fault(const setting_fault& fault) {
  require(!fault.what.empty() && is_shown_in_one_line(fault.what), "a fault is one line without control characters");
  if (std::all_of(fault.key.begin(), fault.key.end(), [](char c) { return c >= ' ' && c < '\x7f'; }))
    require(fault.what.find(fault.key) != std::string::npos, "a fault names its key");
  require(fault.place.kind != setting_place::kind_type::built_in || !fault.key.empty(), "nobody is blamed for nothing");
  switch (fault.place.kind) {
    case setting_place::kind_type::built_in: return happened(contradicting);
    case setting_place::kind_type::file: return happened(of_file);
    case setting_place::kind_type::environment: return happened(of_environment);
    case setting_place::kind_type::flag: return happened(of_flags);
  }
}

/// The same settings, as `troupe config show` prints them, on a command line.
void check_accepted(const loaded_settings& loaded) {
  load_options again;
  for (std::size_t row = 0; row < all_settings().size(); ++row) {
    const auto& what = all_settings()[row];
    if (loaded.places[row].kind == setting_place::kind_type::built_in) {
      require(what.print(what.rule, loaded.values) == what.print(what.rule, settings{}),
              "what nobody wrote has its default");
      continue;
    }
    happened(accepted);
    auto text = what.print(what.rule, loaded.values);
    if (!what.is_list) {
      again.flags.push_back({std::string{what.key}, std::move(text)});
      continue;
    }
    for (std::size_t begin = 0; begin < text.size();) {
      const auto comma = std::min(text.find(',', begin), text.size());
      again.flags.push_back({std::string{what.key}, text.substr(begin, comma - begin)});
      begin = comma + 1;
    }
  }
  const auto same = load_all(again);
  require(same.faults.empty(), "what is printed is accepted");
  for (const auto& what : all_settings())
    require(what.print(what.rule, same.values) == what.print(what.rule, loaded.values),
            "what is printed means the same");
}

}  // namespace

const target& fuzz::this_target() {
  static const target what = [] {
    const std::string nul(1, separator);
    target made{
        .seeds = {join_parts(
                      {"name: a\nedge:\n  max_fields: 50\n  header_timeout: 3s\nhttp: ['127.0.0.1:1', '[::1]:2']\n"
                       "log: {level: debug, format: json}\nadmin_hosts: [a.example]\n",
                       "TROUPE_LOOPS=2" + nul + "TROUPE_HTTP=127.0.0.1:3, [::1]:4" + nul + "HOME=/x",
                       "queue.max_age=2s" + nul + "data_dir=/a b/\xc3\xa4"}),
                  join_parts({"cluster: 127.0.0.1:7000\njoin: [127.0.0.1:7010]\ncluster.advertise: 127.0.0.1:7001\n"
                              "store: {session_ttl: 20s}\ninsecure_cluster: false\n",
                              "TROUPE_CLUSTER_NAME=shop" + nul + "TROUPE_ADMIN=http://127.0.0.1:9",
                              "join=127.0.0.1:7020" + nul + "join=127.0.0.1:7030"}),
                  join_parts({"cluster: 127.0.0.1:7000\ncluster.certificate: /c\ncluster.key: /k\n", "",
                              "cluster.control_port=0"}),
                  join_parts({"a: &x {b: 1}\nc: *x\n? [d]\n: e\n---\nf: \"\\x1b\\n\"\n", "TROUPE_NOTHING=", "nothing"}),
                  join_parts({laughs(), "", ""})},
        .words = {"\n",
                  "\n  ",
                  ": ",
                  "- ",
                  "[",
                  "]",
                  "{",
                  "}",
                  "&x ",
                  "*x",
                  "<<: ",
                  "? ",
                  "---\n",
                  "...\n",
                  "%YAML 1.2\n",
                  "\"\\n\"",
                  "\"\\x1b\"",
                  "\"\\0\"",
                  "'",
                  "\"",
                  "|\n",
                  ">\n",
                  "!!str ",
                  "# ",
                  "~",
                  "null",
                  ",",
                  ", ",
                  "=",
                  nul,
                  "\x1b",
                  "\x7f",
                  "\xc2\x9b",
                  "\xff",
                  "\t",
                  "\r\n",
                  "127.0.0.1:0",
                  "127.0.0.1:65535",
                  "[::1]:1",
                  "0.0.0.0:7000",
                  "localhost:1",
                  "10.0.0.1:7000",
                  "true",
                  "false",
                  "auto",
                  "off",
                  "0",
                  "1",
                  "256",
                  "18446744073709551615",
                  "10ms",
                  "1h",
                  "24h",
                  "64KiB",
                  "1GiB",
                  "16777216TB",
                  "000000000007",
                  ".",
                  "/"},
        .outcomes = {"accepted", "fault of the file", "fault of the environment", "fault of a flag",
                     "fault of what is missing"},
        .parts = 3};
    for (const auto& each : all_settings()) {
      made.words.emplace_back(each.key);
      if (auto name = environment_name(each.key); !name.empty())
        made.words.push_back(std::move(name));
    }
    return made;
  }();
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = take_parts(text_of(data, size), 3);
  const load_options sources{file_with(parts[0]), entries_of(parts[1]), flags_of(parts[2])};
  const auto loaded = load_all(sources);
  require(loaded.places.size() == all_settings().size(), "each setting has a place");
  for (const auto& fault : loaded.faults)
    check_fault(fault);
  const auto values = load(sources);
  require(values.has_value() == loaded.faults.empty(), "a node starts if nothing is wrong");
  if (!values)
    require(values.error().code == errc::bad_setting && values.error().what == loaded.faults.front().what,
            "a node that does not start says the first fault");
  else
    check_accepted(loaded);
  return 0;
}
