// A worker that is Python with the shim.
#pragma once

#include <cstdlib>

#include "functions/shims.hpp"
#include "worker_fixture.hpp"

namespace troupe::functions::testing {

class PythonShimTest : public WorkerTest {
protected:
  using WorkerTest::begin;
  using WorkerTest::load_failure;
  using WorkerTest::serve;

  void begin(const std::string& app) { begin(files{{"app.py", app}}, "app.handler"); }
  void serve(const std::string& app, const nlohmann::json& load = {}) {
    serve(files{{"app.py", app}}, "app.handler", load);
  }
  nlohmann::json load_failure(const std::string& app) { return load_failure(files{{"app.py", app}}, "app.handler"); }

  program prepare(function_spec& function, worker_surroundings&) override {
    function.runtime = "python3";
    const auto* path = std::getenv("PATH");
    const auto python = find_program("python3", path == nullptr ? "/usr/local/bin:/usr/bin" : path);
    if (!python)
      return {};
    shim_folder.write("python.py", std::string{python_shim()});
    return {{*python, "-u", "-s", (shim_folder.path() / "python.py").string()}, "python 3."};
  }
};

}  // namespace troupe::functions::testing
