// One real worker for one test: its code, its channel, its output, its end. What runs in it is said by the fixtures
// of the runtimes.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "functions/frame.hpp"
#include "functions/worker_payload.hpp"
#include "spawner_fixture.hpp"

namespace troupe::functions::testing {

/// A frame that owns its bytes. Kind `unknown` when the worker closed its channel.
struct received_frame {
  frame_kind kind = frame_kind::unknown;
  std::uint64_t call_id = 0;
  std::uint64_t number = 0;
  std::string payload;
  std::string text;

  nlohmann::json json() const { return nlohmann::json::parse(payload, nullptr, false); }
};

class WorkerTest : public SpawnerTest {
protected:
  using files = std::map<std::string, std::string>;

  /// What differs between runtimes. `spec` has the name `tested` already.
  struct program {
    std::vector<std::string> arguments;
    std::string hello;  ///< what the worker says of itself begins so
    std::uint64_t version = frame_protocol_version;
  };
  virtual program prepare(function_spec& spec, worker_surroundings& around) = 0;

  /// Starts a worker with these files and waits for its hello.
  void start(const files& code, const std::string& handler);
  /// The same, and sends the load frame. @param load  replaces or adds members of it.
  void begin(const files& code, const std::string& handler, const nlohmann::json& load = {});
  /// All that, and waits until the code is loaded.
  void serve(const files& code, const std::string& handler, const nlohmann::json& load = {});

  /// Appends a call to `out`; its id is counted up from 1, its invocation id is `invocation_of(id)`.
  std::uint64_t append_call(buffer& out, const std::string& event, const std::string& client_context = {});
  void send(const buffer& bytes);
  /// One call at once. @returns its id.
  std::uint64_t call(const nlohmann::json& event = nlohmann::json::object());
  /// One call whose frame's payload is `payload`.
  std::uint64_t call_raw(const std::string& payload);
  static std::string invocation_of(std::uint64_t id) { return "invocation-" + std::to_string(id); }

  received_frame receive();
  /// The next answer, error or cancellation of that call; lines on the way go to `logs`, other calls' results are kept.
  received_frame result(std::uint64_t id);
  /// `call` and `result`; expects an answer and gives its JSON text.
  std::string answer(const nlohmann::json& event = nlohmann::json::object());
  /// The same, expecting an error.
  nlohmann::json failure(const nlohmann::json& event = nlohmann::json::object());
  /// What the worker says instead of `loaded`; expects it to end with status 1.
  nlohmann::json load_failure(const files& code, const std::string& handler);

  /// Waits until the worker has ended by itself. @returns its exit status; -1 for a signal.
  int exit_status();

  /// Of a stem cell: a worker of no function yet, elsewhere, with other variables.
  bool starts_generic = false;
  function_spec spec;
  worker_surroundings around;
  temporary_folder folder;
  temporary_folder shim_folder;
  worker_ends worker;
  std::vector<received_frame> logs;
  pid_t pid = 0;

private:
  frame_reader reader_{8U << 20};
  std::vector<received_frame> kept_;
  std::uint64_t last_call_ = 0;
};

}  // namespace troupe::functions::testing
