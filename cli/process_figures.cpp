#include "cli/process_figures.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

namespace troupe::cli {

namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// Seconds since 1970 at which the process began: proc(5), `stat` field 22, in clock ticks since the start of the
/// machine.
double start_time_s() {
  std::ifstream stat{"/proc/self/stat"};
  std::string text;
  std::getline(stat, text);
  // The name of the program may hold anything, but it ends at the last parenthesis, behind which field 3 begins.
  auto at = text.rfind(')');
  if (at == text.npos)
    return 0;
  for (int field = 2; field < 22 && at != text.npos; ++field)
    at = text.find(' ', at + 1);
  std::ifstream uptime{"/proc/uptime"};
  double up_s = 0;
  if (at == text.npos || !(uptime >> up_s))
    return 0;
  const auto ticks = std::strtoull(text.c_str() + at, nullptr, 10);
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  return now - up_s + static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

process_figures read_process_figures() {
  process_figures figures;
  rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) == 0)
    figures.cpu_s = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
  std::ifstream statm{"/proc/self/statm"};
  std::uint64_t pages = 0;
  if (statm >> pages >> pages)
    figures.resident_bytes = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::error_code problem;
  for (std::filesystem::directory_iterator each{"/proc/self/fd", problem}, end; !problem && each != end;
       each.increment(problem))
    ++figures.open_descriptors;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    figures.max_descriptors = limit.rlim_cur;
  // Made of two clocks, so that each reading differs a little: the first one counts.
  static const double started_at_s = start_time_s();
  figures.started_at_s = started_at_s;
  return figures;
}

}  // namespace troupe::cli
