#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/admin_client.hpp"
#include "cli/answer_view.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/following.hpp"

namespace troupe::cli {

namespace {

using json = nlohmann::ordered_json;

/// Prints a function's log and remembers how far.
class log_reader {
public:
  log_reader(const client_options& client, admin_client& node, const logs_options& options)
      : client_{client}, node_{node}, options_{options}, path_{"/v1/functions/" + options.function + "/logs"} {}

  /// Everything kept, as one answer.
  admin_result<json> whole() {
    auto all = next();
    while (all && all->value("more", false)) {
      auto further = next();
      if (!further)
        return further;
      for (auto& line : (*further)["lines"])
        (*all)["lines"].push_back(std::move(line));
      (*further)["lines"] = std::move((*all)["lines"]);
      (*further)["overwritten"] =
          all->value("overwritten", std::uint64_t{0}) + further->value("overwritten", std::uint64_t{0});
      all = std::move(further);
    }
    return all;
  }

  /// Prints what came since the last time.
  admin_result<void> step() {
    for (bool more = true; more;) {
      const auto answer = next();
      if (!answer)
        return tl::unexpected{answer.error()};
      print(*answer);
      more = answer->value("more", false);
    }
    return {};
  }

  void print(const json& answer) {
    say_missing(answer.value("overwritten", std::uint64_t{0}), "overwritten before they could be read");
    for (const auto& line : answer.value("lines", json::array()))
      write_line(line);
    const auto dropped = answer.value("dropped", std::uint64_t{0});
    if (dropped > dropped_)
      say_missing(dropped - dropped_, "dropped, which came too fast");
    dropped_ = dropped;
    say_silent(answer, "lines", silent_);
    std::fflush(stdout);
  }

private:
  admin_result<json> next() {
    auto answer = node_.get(next_.empty() ? path_ : path_ + "?from=" + next_);
    if (answer)
      next_ = text_of(*answer, "next");
    return answer;
  }

  void write_line(const json& line) const {
    auto text = client_.json ? line.dump(-1, ' ', false, json::error_handler_t::replace) : text_of(line, "text");
    if (!client_.json && options_.with_node)
      text = text_or_dash(line, "node") + "\t" + text;
    std::fputs((text + "\n").c_str(), stdout);
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
  const logs_options& options_;
  const std::string path_;
  std::string next_;
  std::string silent_;
  std::uint64_t dropped_ = 0;
};

}  // namespace

int logs(const client_options& client, const logs_options& options) {
  int code = exit_done;
  if (refuse_name(client, options.function, code))
    return code;
  const auto bounds = options.mode == log_mode::follow ? follow_limits() : http::blocking_client::limits{};
  auto node = admin_client::open(client.admin, bounds);
  if (!node)
    return report(client, node.error());
  log_reader reader{client, *node, options};
  if (options.mode == log_mode::follow)
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
