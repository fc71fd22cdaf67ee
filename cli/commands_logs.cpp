#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/admin_client.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/following.hpp"

namespace troupe::cli {

namespace {

using json = nlohmann::ordered_json;

/// Prints a function's log and remembers how far.
class log_reader {
public:
  log_reader(const client_options& client, admin_client& node, std::string name)
      : client_{client}, node_{node}, path_{"/v1/functions/" + std::move(name) + "/logs"} {}

  /// Everything kept, as one answer.
  admin_result<json> whole() { return node_.get(path_); }

  /// Prints what came since the last time.
  admin_result<void> step() {
    auto answer = node_.get(path_ + "?from=" + std::to_string(next_));
    if (answer && answer->value("log", "") != log_ && !log_.empty()) {
      // The node or the function started anew, and so did its log.
      next_ = dropped_ = 0;
      answer = node_.get(path_ + "?from=0");
    }
    if (!answer)
      return tl::unexpected{answer.error()};
    print(*answer);
    return {};
  }

  void print(const json& answer) {
    log_ = answer.value("log", "");
    next_ = answer.value("next", std::uint64_t{0});
    say_missing(answer.value("overwritten", std::uint64_t{0}), "overwritten before they could be read");
    for (const auto& line : answer.value("lines", json::array()))
      write_line(line.get<std::string>());
    const auto dropped = answer.value("dropped", std::uint64_t{0});
    if (dropped > dropped_)
      say_missing(dropped - dropped_, "dropped, which came too fast");
    dropped_ = dropped;
    std::fflush(stdout);
  }

private:
  void write_line(const std::string& text) const {
    const auto line = client_.json ? json(text).dump(-1, ' ', false, json::error_handler_t::replace) : text;
    std::fputs((line + "\n").c_str(), stdout);
  }

  void say_missing(std::uint64_t count, const char* what) const {
    if (count == 0)
      return;
    // Between the lines that it concerns: both streams may be the same terminal.
    std::fflush(stdout);
    std::fprintf(stderr, "(%llu %s %s)\n", static_cast<unsigned long long>(count), count == 1 ? "entry" : "entries",
                 what);
  }

  const client_options& client_;
  admin_client& node_;
  std::string path_;
  std::string log_;
  std::uint64_t next_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace

int logs(const client_options& client, const std::string& name, log_mode mode) {
  int code = exit_done;
  if (refuse_name(client, name, code))
    return code;
  const auto bounds = mode == log_mode::follow ? follow_limits() : http::blocking_client::limits{};
  auto node = admin_client::open(client.admin, bounds);
  if (!node)
    return report(client, node.error());
  log_reader reader{client, *node, name};
  if (mode == log_mode::follow)
    return follow(client, [&reader] { return reader.step(); });
  const auto answer = reader.whole();
  if (!answer)
    return report(client, answer.error());
  if (client.json)
    print_json(*answer);
  else
    reader.print(*answer);
  return exit_done;
}

}  // namespace troupe::cli
