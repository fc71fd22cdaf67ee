#include "functions/spawner.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <sstream>

#include "spawner_fixture.hpp"

namespace troupe::functions::testing {

namespace {

pid_t read_pid(int fd) {
  return static_cast<pid_t>(std::stol("0" + read_line(fd)));
}

/// The value of a `Name:<blanks>value` line.
std::string field(const std::string& text, const std::string& name) {
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name + ":"))
      return line.substr(line.find_first_not_of(" \t", name.size() + 1));
  return "absent";
}

}  // namespace

TEST_F(SpawnerTest, ReportsExitCodeSignalAndUsage) {
  spawn(shell("exit 7"));
  const auto started = next<worker_spawned>();
  const auto ended = next<worker_exited>();
  EXPECT_EQ(started.token, 1U);
  EXPECT_GT(started.pid, 0);
  EXPECT_EQ(ended.token, 1U);
  EXPECT_EQ(ended.pid, started.pid);
  EXPECT_TRUE(WIFEXITED(ended.wait_status));
  EXPECT_EQ(WEXITSTATUS(ended.wait_status), 7);
  EXPECT_GT(ended.max_rss_kb, 100U);

  spawn(shell("kill -SEGV $$"));
  next<worker_spawned>();
  const auto killed = next<worker_exited>();
  EXPECT_TRUE(WIFSIGNALED(killed.wait_status));
  EXPECT_EQ(WTERMSIG(killed.wait_status), SIGSEGV);

  spawn(shell("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"));
  next<worker_spawned>();
  EXPECT_GT(next<worker_exited>().cpu_us, 1000U);
}

TEST_F(SpawnerTest, ReportsAProgramThatCannotRunAndGoesOn) {
  auto request = shell("");
  request.arguments = {"/nowhere/program"};
  spawn(request);
  const auto missing = next<spawn_failed>();
  EXPECT_EQ(missing.token, 1U);
  EXPECT_EQ(missing.error_number, ENOENT);
  EXPECT_EQ(missing.text, "exec /nowhere/program: No such file or directory");

  request = shell("");
  request.directory = "/nowhere";
  spawn(request);
  EXPECT_EQ(next<spawn_failed>().text, "chdir /nowhere: No such file or directory");

  request = shell("");
  request.arguments = {"/etc/passwd"};
  spawn(request);
  EXPECT_EQ(next<spawn_failed>().error_number, EACCES);

  // A failed start has no end of its own: the next events are the next worker's.
  spawn(shell("exit 0"));
  EXPECT_EQ(next<worker_spawned>().token, 4U);
  EXPECT_EQ(next<worker_exited>().token, 4U);
}

TEST_F(SpawnerTest, RefusesRequestsThatMakeNoSense) {
  auto request = shell("");
  request.arguments = {"sh"};
  EXPECT_EQ(send_spawn(spawner.control, request, 0, 1).error().code, errc::bad_usage);
  request.arguments = {};
  EXPECT_EQ(send_spawn(spawner.control, request, 0, 1).error().code, errc::bad_usage);
  request = shell("");
  request.environment.emplace_back("A=\0B", 4);
  EXPECT_EQ(send_spawn(spawner.control, request, 0, 1).error().code, errc::bad_usage);
  request = shell(std::string(max_spawn_request_bytes, 'x'));
  EXPECT_EQ(send_spawn(spawner.control, request, 0, 1).error().code, errc::too_big);
}

TEST_F(SpawnerTest, WorkerSeesNoDescriptorsButItsOwn) {
  // A spawner that was started while a descriptor without close-on-exec was open, as a careless library leaves them.
  stop_spawner(spawner);
  const owned_fd careless{::fcntl(0, F_DUPFD, 57)};
  ASSERT_GE(careless.get(), 57);
  SetUp();

  auto request = shell("");
  request.arguments = {"/bin/ls", "-l", "/proc/self/fd"};
  const auto ends = spawn(request);
  const auto listed = read_to_end(ends.output.get());

  std::vector<std::string> links;
  std::istringstream lines{listed};
  for (std::string line; std::getline(lines, line);)
    if (const auto arrow = line.find(" -> "); arrow != line.npos)
      links.push_back(line.substr(arrow + 4));
  ASSERT_EQ(links.size(), 5U) << listed;  // the last one is the folder that ls reads
  EXPECT_EQ(links[0], "/dev/null");
  EXPECT_TRUE(links[1].starts_with("pipe:")) << listed;
  EXPECT_EQ(links[1], links[2]);
  EXPECT_TRUE(links[3].starts_with("socket:")) << listed;
  EXPECT_TRUE(links[4].ends_with("/fd")) << listed;
}

TEST_F(SpawnerTest, EnvironmentArgumentsAndDirectoryAreExactlyThoseAskedFor) {
  const temporary_folder folder;
  auto request = shell("");
  request.arguments = {"/usr/bin/env"};
  request.environment = {"B=two words", "A=", "EMPTY"};
  const auto ends = spawn(request);
  EXPECT_EQ(read_to_end(ends.output.get()), "B=two words\nA=\nEMPTY\n");

  request = shell("printf '%s|' \"$0\" \"$@\"; pwd");
  request.arguments.insert(request.arguments.end(), {"zero", "", "a b"});
  request.directory = folder.path();
  const auto others = spawn(request);
  EXPECT_EQ(read_to_end(others.output.get()), "zero||a b|" + folder.path().string() + "\n");
}

TEST_F(SpawnerTest, ChannelIsDescriptorThree) {
  const auto ends = spawn(shell("read line <&3; echo \"got $line\" >&3"));
  ASSERT_EQ(::write(ends.channel.get(), "ping\n", 5), 5);
  EXPECT_EQ(read_line(ends.channel.get()), "got ping");
}

TEST_F(SpawnerTest, WorkerStartsWithDefaultSignalsOwnSessionAndLimits) {
  stop_spawner(spawner);
  sigset_t blocked;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGUSR1);
  ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  SetUp();
  std::signal(SIGPIPE, before);
  ::sigprocmask(SIG_UNBLOCK, &blocked, nullptr);

  auto request = shell("");
  request.arguments = {"/bin/cat", "/proc/self/status", "/proc/self/limits", "/proc/self/oom_score_adj",
                       "/proc/self/stat"};
  request.nice = 19;
  request.max_open_files = 333;
  request.oom_score_adjust = 700;
  const auto ends = spawn(request);
  const auto started = next<worker_spawned>();
  const auto told = read_to_end(ends.output.get());

  EXPECT_EQ(field(told, "NoNewPrivs"), "1");
  EXPECT_EQ(field(told, "SigBlk"), "0000000000000000");
  EXPECT_EQ(field(told, "SigIgn"), "0000000000000000");
  EXPECT_NE(told.find("Max open files            333                  333"), told.npos) << told;
  EXPECT_NE(told.find("Max core file size        0                    0"), told.npos) << told;
  EXPECT_NE(told.find("\n700\n"), told.npos) << told;
  std::istringstream stat{told.substr(told.rfind(") ") + 2)};
  std::vector<std::string> fields{std::istream_iterator<std::string>{stat}, {}};
  ASSERT_GT(fields.size(), 16U);
  EXPECT_EQ(fields[2], std::to_string(started.pid));                                         // process group
  EXPECT_EQ(fields[3], std::to_string(started.pid));                                         // session
  EXPECT_EQ(fields[16], std::to_string(std::min(19, ::getpriority(PRIO_PROCESS, 0) + 19)));  // nice
}

TEST_F(SpawnerTest, SignalsReachTheWorkerOrItsWholeGroup) {
  const auto ends = spawn(shell("trap 'echo told' TERM; sleep 1000 & echo $!; while :; do wait; done"));
  const auto started = next<worker_spawned>();
  const auto child = read_pid(ends.output.get());

  ASSERT_TRUE(send_kill(spawner.control, started.pid, SIGTERM, kill_scope::process));
  EXPECT_EQ(read_line(ends.output.get()), "told");
  EXPECT_TRUE(runs(child));

  ASSERT_TRUE(send_kill(spawner.control, started.pid, SIGKILL, kill_scope::process_group));
  EXPECT_EQ(WTERMSIG(next<worker_exited>().wait_status), SIGKILL);
  EXPECT_TRUE(wait_until([&] { return !runs(child); }));
}

TEST_F(SpawnerTest, WhatAWorkerLeavesBehindEndsWithIt) {
  const auto ends = spawn(shell("sleep 1000 & echo $!; setsid sh -c 'echo $$; exec sleep 1000' & read line <&3"));
  next<worker_spawned>();
  const auto child = read_pid(ends.output.get());
  const auto escaped = read_pid(ends.output.get());
  ASSERT_TRUE(runs(child));
  ASSERT_TRUE(runs(escaped));

  ASSERT_EQ(::write(ends.channel.get(), "\n", 1), 1);
  next<worker_exited>();

  EXPECT_TRUE(wait_until([&] { return !runs(child) && !runs(escaped); }));
}

TEST_F(SpawnerTest, DaemonOfARunningWorkerOutlivesOtherWorkers) {
  auto request = shell("(setsid sh -c 'echo $$; exec sleep 1000' &) ; read line <&3");
  request.family_mark = "FAMILY=one";
  request.environment.push_back(request.family_mark);
  const auto ends = spawn(request);
  next<worker_spawned>();
  const auto daemon = read_pid(ends.output.get());

  // Twice: had the first end cost the daemon its life, it would be dead by the second.
  for (int i = 0; i < 2; ++i) {
    auto other = shell("exit 0");
    other.family_mark = "FAMILY=two";
    spawn(other);
    next<worker_spawned>();
    next<worker_exited>();
  }
  EXPECT_TRUE(runs(daemon));

  ASSERT_EQ(::write(ends.channel.get(), "\n", 1), 1);
  next<worker_exited>();
  EXPECT_TRUE(wait_until([&] { return !runs(daemon); }));
}

TEST_F(SpawnerTest, DaemonThatHidesItsFamilyEndsAlthoughOthersRun) {
  auto other = shell("read line <&3");
  other.family_mark = "FAMILY=other";
  const auto others_ends = spawn(other);
  next<worker_spawned>();
  const auto ends = spawn(shell("env -i setsid sleep 1000 & echo $!"));
  next<worker_spawned>();
  const auto daemon = read_pid(ends.output.get());
  next<worker_exited>();
  EXPECT_GT(daemon, 0);
  EXPECT_TRUE(wait_until([&] { return !runs(daemon); }));
}

TEST_F(SpawnerTest, SignalsNobodyButItsOwnWorkers) {
  const pid_t stranger = ::fork();
  if (stranger == 0)
    for (;;)
      ::pause();

  ASSERT_TRUE(send_kill(spawner.control, stranger, SIGKILL, kill_scope::process));
  ASSERT_TRUE(send_kill(spawner.control, stranger, SIGKILL, kill_scope::process_group));
  ASSERT_TRUE(send_kill(spawner.control, -1, SIGKILL, kill_scope::process));
  spawn(shell("exit 0"));
  next<worker_spawned>();
  next<worker_exited>();

  EXPECT_EQ(::waitpid(stranger, nullptr, WNOHANG), 0);
  ::kill(stranger, SIGKILL);
  ::waitpid(stranger, nullptr, 0);
}

TEST_F(SpawnerTest, LosesNoEventWhenTheNodeReadsNone) {
  // Two events each: more than the socket's buffer holds.
  constexpr std::uint64_t workers = 200;
  for (std::uint64_t i = 0; i < workers; ++i)
    spawn(shell("exit 3"));
  std::uint64_t started = 0;
  std::uint64_t ended = 0;
  while (ended < workers) {
    const auto event = next_event();
    ASSERT_TRUE(event);
    if (std::holds_alternative<worker_spawned>(*event))
      ++started;
    else if (const auto* end = std::get_if<worker_exited>(&*event);
             end != nullptr && WEXITSTATUS(end->wait_status) == 3)
      ++ended;
    else
      FAIL() << "event " << event->index();
  }
  EXPECT_EQ(started, workers);
}

TEST_F(SpawnerTest, TerminalSignalsAreTheNodesAffair) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE})
    ASSERT_EQ(::kill(spawner.pid, signal), 0);
  spawn(shell("exit 0"));
  next<worker_spawned>();
  next<worker_exited>();
  EXPECT_EQ(::getsid(spawner.pid), spawner.pid);
}

TEST_F(SpawnerTest, EndOfTheSpawnerIsSeenAndTakesItsWorkersAlong) {
  const auto ends = spawn(shell("while :; do :; done"));
  const auto started = next<worker_spawned>();

  ::kill(spawner.pid, SIGKILL);

  ASSERT_TRUE(readable(spawner.control));
  EXPECT_EQ(read_event(spawner.control).error().code, errc::unavailable);
  EXPECT_EQ(send_kill(spawner.control, started.pid, SIGTERM, kill_scope::process).error().code, errc::unavailable);
  EXPECT_TRUE(wait_until([&] { return !runs(started.pid); }));
}

TEST_F(SpawnerTest, NothingOutlivesANodeThatIsKilled) {
  std::array<int, 2> pids{};
  ASSERT_EQ(::pipe2(pids.data(), O_CLOEXEC), 0);
  owned_fd told{pids[0]};
  owned_fd telling{pids[1]};
  const pid_t node = ::fork();
  if (node == 0) {
    ::close(spawner.control);
    auto own = start_spawner();
    // Busy loops, a child in the group, one in a session of its own, and a daemon.
    const auto script =
        "echo $$; sh -c 'echo $$; while :; do :; done' & setsid sh -c 'echo $$; exec sleep 1000' & "
        "(setsid sh -c 'echo $$; exec sleep 1000' &); while :; do :; done";
    std::array<int, 2> channel{};
    if (!own || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel.data()) != 0 ||
        !send_spawn(own->control, shell(script), channel[1], telling.get()))
      ::_exit(1);
    for (;;)
      ::pause();
  }
  telling.reset();
  std::vector<pid_t> family;
  for (int i = 0; i < 4; ++i)
    family.push_back(read_pid(told.get()));
  for (const auto pid : family)
    ASSERT_TRUE(runs(pid)) << pid;

  ::kill(node, SIGKILL);
  ::waitpid(node, nullptr, 0);

  const auto took = wait_until([&] { return std::none_of(family.begin(), family.end(), runs); });
  ASSERT_TRUE(took);
  EXPECT_LT(took->count(), 500);
}

TEST(FindProgramTest, TakesTheFirstExecutableOfThePath) {
  const temporary_folder folder;
  folder.write("a/tool", "no program");
  folder.write("b/tool", "#!/bin/sh\n");
  std::filesystem::permissions(folder.path() / "b/tool", std::filesystem::perms::owner_all);
  const auto path = folder.path().string();

  EXPECT_EQ(find_program("tool", "relative::" + path + "/a:" + path + "/b"), path + "/b/tool");
  EXPECT_EQ(find_program("tool", path + "/a"), std::nullopt);
  EXPECT_EQ(find_program("tool", ""), std::nullopt);
  EXPECT_EQ(find_program(path + "/b/tool", ""), path + "/b/tool");
  EXPECT_EQ(find_program(path + "/a/tool", ""), std::nullopt);
  EXPECT_EQ(find_program(path, ""), std::nullopt);
}

}  // namespace troupe::functions::testing
