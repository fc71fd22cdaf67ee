// A program that links troupe: one function as a plain C++ callable, one as a CAF actor of its own.
//
//   build/release/examples/embedding/embedding
//   curl http://127.0.0.1:8080/hello/ada
//   curl http://127.0.0.1:8080/visits
#include <caf/typed_event_based_actor.hpp>
#include <cstdlib>
#include <string>

#include "actors/loop_bound.hpp"
#include "cli/node.hpp"

namespace {

troupe::response hello(const troupe::request& request, troupe::context&) {
  return troupe::response::text("Hello, " + std::string{request.path_parameter("name")} + "!\n");
}

/// Counts the calls that its event loop has passed to it. State needs no lock: an actor handles one message at a time.
class visit_counter final : public troupe::actors::loop_bound<troupe::actors::function_actor::base> {
public:
  using loop_bound::loop_bound;

  behavior_type make_behavior() override {
    return {[this](const troupe::functions::invocation_ptr&) {
      troupe::functions::native_response answer;
      answer.headers = {{"content-type", "text/plain; charset=utf-8"}};
      answer.body = troupe::functions::foreign_bytes{"visit " + std::to_string(++visits_) + " on loop " +
                                                     std::to_string(loop().index()) + "\n"};
      auto result = std::make_shared<troupe::functions::outcome>();
      result->value = std::move(answer);
      return result;
    }};
  }

private:
  unsigned visits_ = 0;
};

std::uint16_t port_of(const char* variable, std::uint16_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : static_cast<std::uint16_t>(std::atoi(text));
}

}  // namespace

int main() {
  troupe::cli::node_options options;
  options.http = {{"127.0.0.1", port_of("PORT", 8080)}};
  options.admin = {"127.0.0.1", port_of("ADMIN_PORT", 9001)};
  const char* data_dir = std::getenv("DATA_DIR");
  options.data_dir = data_dir == nullptr ? "./embedding-data" : data_dir;

  troupe::cli::node node{std::move(options)};
  const auto registered = node.register_function("hello", {}, {"GET /hello/{name}"}, hello).and_then([&] {
    return node.register_actor("visits", {}, {"GET /visits"},
                               [](caf::actor_system& system, troupe::actors::event_loop& loop) {
                                 return troupe::actors::spawn_on<visit_counter>(system, loop);
                               });
  });
  if (!registered) {
    std::fprintf(stderr, "embedding: %s\n", registered.error().what.c_str());
    return 2;
  }
  return node.run();
}
