#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/admin_client.hpp"
#include "cli/answer_view.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/deployment_request.hpp"
#include "cli/local_code.hpp"
#include "cli/python_inference.hpp"
#include "functions/package.hpp"

namespace troupe::cli {

namespace {

using json = nlohmann::ordered_json;

/// The node may lose a blob between two requests (a collection, a damaged disk); it will not do so again and again.
constexpr int max_rounds = 3;

admin_failure usage(std::string message) {
  return failure_of(error{errc::bad_usage, std::move(message)});
}

/// Sends one deployment; holds what its steps share.
class deploying {
public:
  deploying(admin_client& node, const deploy_options& options) : node_{node}, options_{options} {}

  admin_result<json> run() {
    auto opened = open_code(options_.path, [this](std::size_t done, std::size_t total) {
      progress_.show("hashing: " + std::to_string(done) + " of " + std::to_string(total) + " files");
    });
    progress_.finish();
    if (!opened)
      return tl::unexpected{failure_of(opened.error())};
    code_ = std::move(*opened);
    auto request = describe_deployment(options_, code_);
    if (!request)
      return tl::unexpected{failure_of(request.error())};
    name_ = std::move(request->name);
    return same_machine(request->body).and_then([&](bool same) { return provide(same); }).and_then([&] {
      return send(request->body);
    });
  }

  const local_code& code() const { return code_; }

private:
  /// Whether the node can read this machine's files itself; then it is told where they are.
  admin_result<bool> same_machine(json& request) {
    return node_.get("/v1/node").map([&](const json& node) {
      const auto here = functions::boot_id();
      const bool same = !here.empty() && node.value("boot_id", "") == here;
      if (same)
        request["source"] = {{"root", code_.root.native()}, {"boot_id", here}};
      return same;
    });
  }

  /// Uploads what the node lacks, unless it will find it on its own disk.
  admin_result<void> provide(bool same_machine) {
    if (same_machine)
      return {};
    json question{{"digests", json::array()}};
    for (const auto& [blob, path] : code_.blobs)
      question["digests"].push_back(to_string(blob));
    const auto answer = node_.post("/v1/blobs/missing", question);
    if (!answer)
      return tl::unexpected{answer.error()};
    std::vector<digest> missing;
    for (const auto& text : answer->value("missing", json::array()))
      if (digest blob; text.is_string() && parse_digest(text.get<std::string>(), blob))
        missing.push_back(blob);
    return upload(missing);
  }

  admin_result<void> upload(const std::vector<digest>& missing) {
    progress_.start();
    for (std::size_t i = 0; i < missing.size(); ++i) {
      const auto bytes = read_blob(code_, missing[i]);
      if (!bytes)
        return tl::unexpected{failure_of(bytes.error())};
      node_.on_wait([&] { show_upload(i, missing.size()); });
      const auto stored = node_.put_bytes("/v1/blobs/" + to_string(missing[i]), *bytes);
      node_.on_wait({});
      if (!stored)
        return tl::unexpected{stored.error()};
      show_upload(i + 1, missing.size());
    }
    progress_.finish();
    return {};
  }

  void show_upload(std::size_t done, std::size_t total) {
    progress_.show("uploading: " + std::to_string(done) + " of " + std::to_string(total) + " files");
  }

  admin_result<json> send(const json& request) {
    for (int round = 1;; ++round) {
      progress_.start();
      node_.on_wait([this] { progress_.show("the node takes in the code and starts the first instance"); });
      auto answer = node_.put("/v1/functions/" + name_, request);
      node_.on_wait({});
      progress_.finish();
      if (answer || answer.error().missing.empty() || round == max_rounds)
        return answer;
      if (auto uploaded = upload(answer.error().missing); !uploaded)
        return tl::unexpected{uploaded.error()};
    }
  }

  admin_client& node_;
  const deploy_options& options_;
  local_code code_;
  std::string name_;
  progress_line progress_;
};

std::string summary(const json& function, const local_code& code) {
  std::string text = function.value("created", true) ? "deployed " : "updated ";
  text += function.value("name", "") + " (version " + std::to_string(function.value("version", 0u)) + ", " +
          function.value("runtime", "");
  if (const auto handler = function.value("handler", ""); !handler.empty())
    text += ", handler " + handler;
  text += "): " + std::to_string(code.file_count) + (code.file_count == 1 ? " file, " : " files, ") +
          human_bytes(code.bytes) + ", first instance ready after " + std::to_string(function.value("start_ms", 0u)) +
          " ms\n";
  for (const auto& route : function.value("routes", json::array()))
    text += "  " + route.get<std::string>() + "\n";
  if (function.value("alone", false))
    text += "note: the code is on this node's disk only; no other node of the cluster was in reach\n";
  return text + laggards_note(function);
}

}  // namespace

int deploy(const client_options& client, const deploy_options& options) {
  if (options.no_route && !options.routes.empty())
    return report(client, usage("--route and --no-route exclude each other"));
  auto node = admin_client::open(client.admin);
  if (!node)
    return report(client, node.error());
  deploying job{*node, options};
  const auto answer = job.run();
  if (!answer)
    return report(client, answer.error());
  if (lacks_requirements(job.code().files))
    std::fputs(
        "note: requirements.txt is not installed by the node; put the packages beside the code: "
        "pip install -r requirements.txt -t FOLDER\n",
        stderr);
  if (client.json)
    print_json(*answer);
  else
    std::fputs(summary(*answer, job.code()).c_str(), stdout);
  return exit_done;
}

}  // namespace troupe::cli
