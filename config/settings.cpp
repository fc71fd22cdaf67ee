#include "config/settings.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

namespace troupe {

namespace {

using kind = value_rule::kind_type;

constexpr value_rule count(std::uint64_t min, std::uint64_t max) {
  return {kind::count, min, max, {}};
}
constexpr value_rule bytes(std::uint64_t min, std::uint64_t max) {
  return {kind::bytes, min, max, {}};
}
constexpr value_rule time(milliseconds min, milliseconds max) {
  return {kind::time, static_cast<std::uint64_t>(min.count()), static_cast<std::uint64_t>(max.count()), {}};
}
constexpr value_rule choice(std::string_view choices) {
  return {kind::choice, 0, 0, choices};
}
constexpr value_rule form(kind of) {
  return {of, 0, 0, {}};
}

bool is_word(std::string_view text, std::string_view extra, std::size_t most) {
  return !text.empty() && text.size() <= most && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || extra.find(c) != extra.npos;
  });
}

constexpr std::string_view capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

bool is_text_of(kind of, const std::string& text) {
  switch (of) {
    case kind::name: return is_word(text, std::string{capitals} + "._-", 64);
    case kind::hosts: return is_word(text, std::string{capitals} + ".-", 253);
    case kind::path: return !text.empty() && text.size() <= 1024 && text.find('\0') == text.npos;
    case kind::region: return is_word(text, "-", 32);
    case kind::account: return text.size() == 12 && text.find_first_not_of("0123456789") == text.npos;
    default: return false;
  }
}

bool read_one(const value_rule& rule, const std::string& text, std::uint64_t& out) {
  const auto value = rule.kind == kind::bytes ? parse_bytes(text) : parse_count(text);
  out = value.value_or(0);
  return value && *value >= rule.min && *value <= rule.max;
}

bool read_one(const value_rule& rule, const std::string& text, milliseconds& out) {
  const auto value = parse_duration(text);
  out = value.value_or(milliseconds{0});
  const auto count = static_cast<std::uint64_t>(out.count());
  return value && count >= rule.min && count <= rule.max;
}

bool read_one(const value_rule& rule, const std::string& text, std::string& out) {
  out = text;
  return is_text_of(rule.kind, text);
}

bool read_one(const value_rule& rule, const std::string& text, endpoint& out) {
  const auto value = parse_endpoint(text);
  out = value.value_or(endpoint{});
  return value && (rule.kind != kind::loopback || is_loopback(*value));
}

template <class Enum>
requires std::is_enum_v<Enum>
bool read_one(const value_rule& rule, const std::string& text, Enum& out) {
  auto rest = rule.choices;
  for (std::uint8_t index = 0; !rest.empty(); ++index) {
    const auto bar = std::min(rest.find('|'), rest.size());
    if (rest.substr(0, bar) == text) {
      out = static_cast<Enum>(index);
      return true;
    }
    rest.remove_prefix(std::min(bar + 1, rest.size()));
  }
  return false;
}

std::string print_one(const value_rule& rule, std::uint64_t value) {
  return rule.kind == kind::bytes ? bytes_text(value) : std::to_string(value);
}
std::string print_one(const value_rule&, milliseconds value) {
  return duration_text(value);
}
std::string print_one(const value_rule&, const std::string& value) {
  return value;
}
std::string print_one(const value_rule&, const endpoint& value) {
  return to_string(value);
}
template <class Enum>
requires std::is_enum_v<Enum> std::string print_one(const value_rule& rule, Enum value) {
  auto rest = rule.choices;
  for (auto index = static_cast<std::uint8_t>(value); index > 0; --index)
    rest.remove_prefix(rest.find('|') + 1);
  return std::string{rest.substr(0, rest.find('|'))};
}

template <class T>
constexpr bool is_vector = false;
template <class T>
constexpr bool is_vector<std::vector<T>> = true;

template <class T>
bool read(const value_rule& rule, const std::vector<std::string>& texts, T& out) {
  if constexpr (is_vector<T>) {
    out.clear();
    if (texts.empty() && rule.kind == kind::address)
      return false;  // a gateway without an address would be one that nobody meant
    return std::all_of(texts.begin(), texts.end(),
                       [&](const std::string& text) { return read_one(rule, text, out.emplace_back()); });
  } else {
    return texts.size() == 1 && read_one(rule, texts.front(), out);
  }
}

template <class T>
std::string print(const value_rule& rule, const T& value) {
  if constexpr (is_vector<T>) {
    std::string text;
    for (const auto& each : value)
      text.append(text.empty() ? "" : ",").append(print_one(rule, each));
    return text;
  } else {
    return print_one(rule, value);
  }
}

template <auto Group, auto Member>
constexpr setting entry(std::string_view key, value_rule rule, std::string_view reason) {
  using value_type = std::remove_cvref_t<decltype((std::declval<settings&>().*Group).*Member)>;
  return {key,
          rule,
          reason,
          is_vector<value_type>,
          [](const value_rule& r, const std::vector<std::string>& texts, settings& out) {
            return read(r, texts, (out.*Group).*Member);
          },
          [](const value_rule& r, const settings& from) { return print(r, (from.*Group).*Member); }};
}

constexpr auto node = &settings::node;
constexpr auto edge = &settings::edge;
constexpr auto calls = &settings::functions;
constexpr auto drain = &settings::drain;
constexpr auto logs = &settings::log;
constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr seconds zero{0};
constexpr milliseconds shortest{10};
constexpr std::chrono::minutes quarter_hour{15};

constexpr std::array table = {
    entry<node, &node_settings::name>(
        "name", form(kind::name), "What other nodes and people call this node; made from the host name if not given."),
    entry<node, &node_settings::data_dir>(
        "data_dir", form(kind::path),
        "Folder of the node's own files: identity, deployments, code. Locked while the node runs."),
    entry<node, &node_settings::loops>("loops", count(0, 256), "Event loops, each a thread; 0 is one per core."),
    entry<node, &node_settings::native>(
        "native", choice("process|in-process"),
        "Where native functions run: in a worker process, or in the node itself, where a fault of one ends the node."),
    entry<edge, &edge_settings::http>("http", form(kind::address), "Addresses of the gateway."),
    entry<edge, &edge_settings::admin>("admin", form(kind::loopback),
                                       "Address of the admin port. Whoever reaches it can run code here."),
    entry<edge, &edge_settings::admin_hosts>("admin_hosts", form(kind::hosts),
                                             "Host names by which the admin port may be called besides localhost, so "
                                             "that no web page can reach it by a name of its own."),
    entry<edge, &edge_settings::errors>("errors", choice("strict|truthful"),
                                        "Statuses of failures: those of API Gateway, or ones that tell the cause."),
    entry<edge, &edge_settings::timing>(
        "timing", choice("header|always"),
        "When answers carry Server-Timing: on requests with x-troupe-timing: 1, or always."),
    entry<edge, &edge_settings::max_head_bytes>("edge.max_head_bytes", bytes(kib, 64 * kib),
                                                "Request line and header fields; more is 431."),
    entry<edge, &edge_settings::max_fields>("edge.max_fields", count(8, 1000),
                                            "Header fields of a request; more is 431."),
    entry<edge, &edge_settings::max_target_bytes>("edge.max_target_bytes", bytes(64, 64 * kib),
                                                  "Path and query; more is 414."),
    entry<edge, &edge_settings::max_body_bytes>("edge.max_body_bytes", bytes(0, 1024 * mib),
                                                "Body of a request to the gateway; more is 413."),
    entry<edge, &edge_settings::max_admin_body_bytes>(
        "edge.max_admin_body_bytes", bytes(kib, 1024 * mib),
        "Body of a request to the admin port; a 50 MB zip in base64 fits into the default."),
    entry<edge, &edge_settings::max_pipeline_bytes>(
        "edge.max_pipeline_bytes", bytes(kib, 64 * kib),
        "Most bytes of one read, and so most that wait behind a running request; the rest stays in the kernel."),
    entry<edge, &edge_settings::max_connections>(
        "edge.max_connections", count(0, 1'000'000),
        "Open client connections; 0 is three quarters of the descriptor limit."),
    entry<edge, &edge_settings::header_timeout>("edge.header_timeout", time(shortest, quarter_hour),
                                                "From the first byte of a request to the end of its head; then 408."),
    entry<edge, &edge_settings::body_progress_timeout>("edge.body_progress_timeout", time(shortest, quarter_hour),
                                                       "Longest pause inside a body; then 408."),
    entry<edge, &edge_settings::body_timeout>("edge.body_timeout", time(shortest, std::chrono::hours{1}),
                                              "A whole body; then 408."),
    entry<edge, &edge_settings::idle_timeout>("edge.idle_timeout", time(shortest, std::chrono::hours{1}),
                                              "A connection without a request; then it is closed."),
    entry<edge, &edge_settings::write_timeout>(
        "edge.write_timeout", time(shortest, quarter_hour),
        "Longest pause of a client in taking its answer; then the connection is closed."),
    entry<edge, &edge_settings::answer_timeout>(
        "edge.answer_timeout", time(shortest, quarter_hour),
        "When an HTTP request gets its answer at the latest; the function runs on to its own timeout."),
    entry<calls, &function_settings::max_payload_bytes>(
        "worker.max_payload_bytes", bytes(kib, 256 * mib),
        "Event to a worker (more is 413) and its answer (more is 500)."),
    entry<calls, &function_settings::max_queued_calls>(
        "queue.max_calls", count(1, 1'000'000),
        "Calls that wait for an instance of one function; more are refused with 503."),
    entry<calls, &function_settings::max_queue_age>(
        "queue.max_age", time(milliseconds{1}, quarter_hour),
        "How long a call waits for an instance before it is refused with 503."),
    entry<calls, &function_settings::idle_timeout>("idle_timeout", time(seconds{1}, std::chrono::hours{24}),
                                                   "How long an instance without calls is kept."),
    entry<calls, &function_settings::instance_memory>(
        "instance_memory", bytes(0, 1024 * 1024 * mib),
        "Memory promised to all instances together; 0 is 60 % of the machine's. Above it idle ones make room."),
    entry<calls, &function_settings::stem_cells>(
        "stem_cells", choice("auto|off"),
        "Whether started workers wait for code, so that a cold start needs no start of a process."),
    entry<drain, &drain_settings::announce>(
        "drain.announce", time(zero, quarter_hour),
        "How long a node that goes down keeps accepting, so that load balancers notice."),
    entry<drain, &drain_settings::timeout>("drain.timeout", time(zero, quarter_hour),
                                           "How long running calls may take when the node goes down; then 503."),
    entry<drain, &drain_settings::idle>(
        "drain.idle", time(zero, quarter_hour),
        "When the node goes down, a connection without a request is closed after this time."),
    entry<edge, &edge_settings::region>("aws.region", form(kind::region),
                                        "Region in ARNs and in the environment of functions."),
    entry<edge, &edge_settings::account>("aws.account", form(kind::account), "Account number in ARNs and events."),
    entry<logs, &log_options::level>("log.level", choice("debug|info|warning|error"),
                                     "The lowest level that is written."),
    entry<logs, &log_options::format>("log.format", choice("auto|human|json"),
                                      "Form of the lines on stderr; auto is human on a terminal, else JSON."),
    entry<logs, &log_options::max_queued_lines>(
        "log.max_queued_lines", count(16, 1'000'000),
        "Lines that wait to be written; more push out the oldest and are counted."),
};

}  // namespace

std::span<const setting> all_settings() noexcept {
  return table;
}

const setting* find_setting(std::string_view key) noexcept {
  const auto found = std::find_if(table.begin(), table.end(), [&](const setting& each) { return each.key == key; });
  return found == table.end() ? nullptr : &*found;
}

std::string allowed_text(const value_rule& rule) {
  switch (rule.kind) {
    case kind::count: return std::to_string(rule.min) + " to " + std::to_string(rule.max);
    case kind::bytes: return bytes_text(rule.min) + " to " + bytes_text(rule.max) + " (as 65536, 64KiB or 10MB)";
    case kind::time:
      return duration_text(milliseconds{static_cast<std::int64_t>(rule.min)}) + " to " +
             duration_text(milliseconds{static_cast<std::int64_t>(rule.max)}) + " (as 500ms, 3s, 10m or 1h)";
    case kind::choice: {
      std::string text{rule.choices};
      for (auto bar = text.find('|'); bar != text.npos; bar = text.find('|'))
        text.replace(bar, 1, text.find('|', bar + 1) == text.npos ? " or " : ", ");
      return text;
    }
    case kind::name: return "1 to 64 of A-Z a-z 0-9 . _ -";
    case kind::path: return "a path of 1 to 1024 bytes";
    case kind::region: return "1 to 32 of a-z 0-9 -";
    case kind::account: return "12 digits";
    case kind::address: return "IPv4:PORT, [IPv6]:PORT or localhost:PORT, port 0 to 65535";
    case kind::loopback:
      return "127.x.x.x:PORT, [::1]:PORT or localhost:PORT, as the admin port has no credentials yet";
    case kind::hosts: return "host names without port";
  }
  return {};
}

std::string environment_name(std::string_view key) {
  if (key == "admin")
    return {};
  std::string name = "TROUPE_";
  for (const char c : key)
    name.push_back(c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
  return name;
}

std::string flag_name(std::string_view key) {
  std::string name = "--";
  for (const char c : key)
    name.push_back(c == '.' || c == '_' ? '-' : c);
  return name;
}

}  // namespace troupe
