#include "spawner_fixture.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>

namespace troupe::functions::testing {

void owned_fd::reset() {
  if (value_ >= 0)
    ::close(value_);
  value_ = -1;
}

bool readable(int fd) {
  pollfd polled{fd, POLLIN, 0};
  return ::poll(&polled, 1, static_cast<int>(std::chrono::milliseconds{patience}.count())) == 1;
}

std::optional<std::chrono::milliseconds> wait_until(const std::function<bool()>& condition) {
  const auto begun = std::chrono::steady_clock::now();
  while (!condition()) {
    if (std::chrono::steady_clock::now() - begun > patience)
      return std::nullopt;
    ::poll(nullptr, 0, 1);
  }
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
}

bool runs(pid_t pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
  std::string stat;
  if (!std::getline(file, stat))
    return false;
  const auto name_end = stat.rfind(") ");
  return name_end != stat.npos && stat[name_end + 2] != 'Z' && stat[name_end + 2] != 'X';
}

std::string read_to_end(int fd) {
  std::string all;
  std::array<char, 4096> piece{};
  while (readable(fd)) {
    const auto got = ::read(fd, piece.data(), piece.size());
    if (got == 0 || (got < 0 && errno != EINTR))
      break;
    if (got > 0)
      all.append(piece.data(), static_cast<std::size_t>(got));
  }
  return all;
}

std::string read_line(int fd) {
  std::string line;
  char byte = 0;
  while (readable(fd) && ::read(fd, &byte, 1) == 1 && byte != '\n')
    line.push_back(byte);
  return line;
}

temporary_folder::temporary_folder() {
  auto pattern = (std::filesystem::temp_directory_path() / "troupe-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    throw std::runtime_error{"mkdtemp failed"};
  path_ = pattern;
}

temporary_folder::~temporary_folder() {
  std::error_code ignored;  // what cannot be removed is a leftover, not a wrong result
  std::filesystem::remove_all(path_, ignored);
}

void temporary_folder::write(const std::string& name, const std::string& contents) const {
  const auto file = path_ / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream{file, std::ios::binary} << contents;
}

void SpawnerTest::SetUp() {
  auto started = start_spawner();
  ASSERT_TRUE(started) << started.error().what;
  spawner = *started;
}

void SpawnerTest::TearDown() {
  stop_spawner(spawner);
}

spawn_request SpawnerTest::shell(const std::string& script) {
  spawn_request request;
  request.arguments = {"/bin/sh", "-c", script};
  request.environment = {"PATH=/usr/local/bin:/usr/bin:/bin"};
  request.directory = "/";
  return request;
}

worker_ends SpawnerTest::spawn(spawn_request request) {
  std::array<int, 2> channel{};
  std::array<int, 2> output{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel.data()), 0);
  EXPECT_EQ(::pipe2(output.data(), O_CLOEXEC), 0);
  const owned_fd their_channel{channel[1]};
  const owned_fd their_output{output[1]};
  request.token = ++last_token;
  for (;;) {
    const auto sent = send_spawn(spawner.control, request, their_channel.get(), their_output.get());
    if (sent)
      break;
    if (sent.error().code != errc::overloaded) {
      ADD_FAILURE() << sent.error().what;
      break;
    }
    pollfd writable{spawner.control, POLLOUT, 0};
    ::poll(&writable, 1, -1);
  }
  return {owned_fd{channel[0]}, owned_fd{output[0]}};
}

std::optional<spawner_event> SpawnerTest::next_event() {
  while (readable(spawner.control)) {
    auto event = read_event(spawner.control);
    if (!event) {
      ADD_FAILURE() << event.error().what;
      return std::nullopt;
    }
    if (*event)
      return std::move(*event);
  }
  ADD_FAILURE() << "no event came";
  return std::nullopt;
}

}  // namespace troupe::functions::testing
