// A worker that is Node.js with the shim.
#pragma once

#include <cstdlib>

#include "functions/shims.hpp"
#include "worker_fixture.hpp"

namespace troupe::functions::testing {

class NodeShimTest : public WorkerTest {
protected:
  void begin(const files& code, const std::string& handler = "index.handler", const nlohmann::json& load = {}) {
    WorkerTest::begin(code, handler, load);
  }
  void serve(const files& code, const std::string& handler = "index.handler", const nlohmann::json& load = {}) {
    WorkerTest::serve(code, handler, load);
  }
  void serve(const std::string& index_js, const nlohmann::json& load = {}) {
    serve(files{{"index.js", index_js}}, "index.handler", load);
  }
  nlohmann::json load_failure(const files& code, const std::string& handler = "index.handler") {
    return WorkerTest::load_failure(code, handler);
  }

  program prepare(function_spec& function, worker_surroundings&) override {
    function.runtime = "nodejs";
    const auto* path = std::getenv("PATH");
    const auto node = find_program("node", path == nullptr ? "/usr/local/bin:/usr/bin" : path);
    if (!node)
      return {};
    shim_folder.write("node.cjs", std::string{node_shim()});
    return {{*node, (shim_folder.path() / "node.cjs").string()}, "node v", frame_protocol_with_shapes};
  }
};

}  // namespace troupe::functions::testing
