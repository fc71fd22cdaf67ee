#include "tests/fuzz/failure.hpp"

#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <utility>

// There in programs with sanitizers: they end the process without a signal.
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace troupe::fuzz {

namespace {

// Read by signal handlers. The texts are made before: a handler may not allocate.
std::string program;
std::string file_prefix;
std::string_view input;
const char* file = nullptr;
std::uint64_t seed = 0;
int patience = 0;
volatile std::sig_atomic_t runs = 0;
volatile std::sig_atomic_t reported = 0;

void say(std::string_view text) noexcept {
  // There is nobody to tell when this fails.
  [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
}

void keep_input(std::string_view number) noexcept {
  std::array<char, 4096> path{};
  if (file_prefix.size() + number.size() >= path.size())
    return;
  number.copy(std::copy(file_prefix.begin(), file_prefix.end(), path.data()), number.size());
  const int kept = ::open(path.data(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (kept < 0)
    return say("the input could not be kept\n");
  [[maybe_unused]] const auto written = ::write(kept, input.data(), input.size());
  ::close(kept);
  say("input: ");
  say(path.data());
  say("\n");
}

void report() noexcept {
  if (reported != 0)
    return;
  reported = 1;
  std::array<char, 24> digits{};
  const auto* end = std::to_chars(digits.data(), digits.data() + digits.size(), seed).ptr;
  const std::string_view number{digits.data(), static_cast<std::size_t>(end - digits.data())};
  say("FAILED\n");
  if (file == nullptr)
    keep_input(number);
  say("replay: ");
  say(program);
  say(file == nullptr ? " --seed " : " ");
  say(file == nullptr ? number : std::string_view{file});
  say("\n");
}

void on_signal(int which) {
  report();
  std::signal(which, SIG_DFL);
  std::raise(which);
}

void on_cpu_second(int) {
  static std::sig_atomic_t seen = 0;
  static int seconds = 0;
  seconds = seen == runs ? seconds + 1 : 0;
  seen = runs;
  if (seconds < patience)
    return;
  say("an input takes too long\n");
  on_signal(SIGABRT);
}

void handle(int which, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  ::sigaction(which, &action, nullptr);
}

}  // namespace

void catch_failures(std::string called, int max_cpu_seconds) {
  program = std::move(called);
  patience = max_cpu_seconds;
  std::error_code problem;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", problem);
  file_prefix = self.string() + ".failed-";
  // A stack that is used up leaves none for the handler.
  static std::array<char, 64 * 1024> stack;
  stack_t other{};
  other.ss_sp = stack.data();
  other.ss_size = stack.size();
  ::sigaltstack(&other, nullptr);
  if (__sanitizer_set_death_callback != nullptr)
    __sanitizer_set_death_callback(report);
  else
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL})
      handle(fault, on_signal, SA_ONSTACK);
  handle(SIGABRT, on_signal, SA_ONSTACK);
  handle(SIGPROF, on_cpu_second, SA_RESTART);
  const itimerval each_second{{1, 0}, {1, 0}};
  ::setitimer(ITIMER_PROF, &each_second, nullptr);
  std::set_terminate([] {
    try {
      if (const auto thrown = std::current_exception())
        std::rethrow_exception(thrown);
    } catch (const std::exception& escaped) {
      std::fprintf(stderr, "an exception that nobody caught: %s\n", escaped.what());
    } catch (...) {
      std::fputs("an exception that nobody caught\n", stderr);
    }
    std::abort();
  });
}

void now_runs(std::uint64_t which, std::string_view bytes) noexcept {
  seed = which;
  input = bytes;
  runs = runs + 1;
}

void now_runs_file(const char* path, std::string_view bytes) noexcept {
  file = path;
  input = bytes;
  runs = runs + 1;
}

}  // namespace troupe::fuzz
