// A shared object for tests: one handler that does what the path says.
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <troupe/function.hpp>

namespace {

struct outlives_nothing {
  ~outlives_nothing() {
    if (std::getenv("NATIVE_HANDLER_MAY_EXIT") != nullptr)
      return;  // loaded into a test's own process
    for (;;)
      ::pause();
  }
} hangs_at_exit;

std::string quoted(std::string_view text) {
  return "[" + std::string{text} + "]";
}

/// Everything that a handler can see, so that two ways of running it can be compared.
std::string seen(const troupe::request& request, const troupe::context& context) {
  std::string all = request.is_http() ? "http " : "direct ";
  all += quoted(request.method()) + quoted(request.raw_path()) + quoted(request.raw_query()) +
         quoted(request.route_key()) + quoted(request.source_ip()) + quoted(request.body()) + "\n";
  for (std::size_t i = 0; i < request.raw().header_count; ++i)
    all += quoted(troupe::sdk::view(request.raw().headers[i].name)) +
           quoted(troupe::sdk::view(request.raw().headers[i].value)) + "\n";
  for (std::size_t i = 0; i < request.raw().parameter_count; ++i)
    all += quoted(troupe::sdk::view(request.raw().parameters[i].name)) +
           quoted(troupe::sdk::view(request.raw().parameters[i].value)) + "\n";
  return all + quoted(context.function_name()) + quoted(context.function_version()) + quoted(context.request_id()) +
         quoted(context.invocation_id());
}

unsigned overflow(unsigned depth) {
  volatile char space[4096];
  space[0] = static_cast<char>(depth);
  return overflow(depth + 1) + static_cast<unsigned>(space[0]);
}

/// Returns when as many calls are here as the body says.
void meet(std::size_t wanted) {
  static std::mutex mutex;
  static std::condition_variable changed;
  static std::size_t present = 0;
  std::unique_lock lock{mutex};
  ++present;
  changed.notify_all();
  changed.wait(lock, [&] { return present >= wanted; });
}

troupe::response handler(const troupe::request& request, troupe::context& context) {
  const std::string path{request.raw_path()};
  const std::string body{request.body()};
  if (path == "/throw")
    throw std::runtime_error{"out of \"stock\""};
  if (path == "/throw-other")
    throw 42;
  if (path == "/crash")
    std::raise(SIGSEGV);
  if (path == "/overflow")
    return troupe::response::text(std::to_string(overflow(0)));
  if (path == "/exit")
    ::_exit(5);
  if (path == "/log") {
    context.log(body);
    context.log("second");
  }
  if (path == "/flood")
    for (int i = 0; i < 100'000; ++i)
      context.log(std::string(100, 'x'));
  if (path == "/print")
    std::printf("%s\n", body.c_str());
  if (path == "/large")
    return troupe::response::text(std::string(std::stoul(body), '\xff'));
  if (path == "/meet")
    meet(std::stoul(body));
  if (path == "/environment")
    return troupe::response::text(std::getenv(body.c_str()) == nullptr ? "(none)" : std::getenv(body.c_str()));
  if (path == "/folder") {
    char folder[4096];
    return troupe::response::text(::getcwd(folder, sizeof folder));
  }
  if (path == "/descriptors")
    return troupe::response::text(std::to_string(std::system("test -e /proc/self/fd/3")));
  if (path == "/wait") {
    context.log("started");
    const auto exists = [&] { return std::ifstream{body}.good(); };
    while (!exists())
      ::usleep(1000);
    ::usleep(5000);
  }
  return {201, {{"X-Seen", "1"}, {"x-seen", "\xff"}}, seen(request, context)};
}

}  // namespace

TROUPE_FUNCTION(handler)
