#include "functions/runtime_trial.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_folder.hpp"

namespace troupe::functions {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class RuntimeTrialTest : public testing::Test {
protected:
  /// Puts a shell script of that name where interpreters are looked for.
  std::string put(const std::string& name, const std::string& script) {
    const auto path = folder.path() + "/" + name;
    std::ofstream{path} << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }
  runtime_programs programs() {
    runtime_programs all;
    all.path = folder.path() + ":/usr/bin:/bin";
    all.python = put("python3", "exit 0");
    all.native_host = "/none";
    return all;
  }
  static std::string refusal(runtime_trial& trial, std::string_view runtime) {
    const auto checked = trial.check(runtime);
    EXPECT_FALSE(checked) << runtime;
    EXPECT_EQ(checked ? errc::bug : checked.error().code, errc::refused);
    return checked ? std::string{} : checked.error().what;
  }

  tests::temp_folder folder;
};

TEST_F(RuntimeTrialTest, WhatStartsIsTriedOnce) {
  runtime_trial trial{programs()};
  put("python3.77", "echo x >> '" + folder.path() + "/starts'; test \"$1\" = --version");

  EXPECT_TRUE(trial.check("python3.77"));
  EXPECT_TRUE(trial.check("python3.77"));
  EXPECT_EQ(std::filesystem::file_size(folder.path() + "/starts"), 2U);
}

TEST_F(RuntimeTrialTest, AWrapperOfNothingIsNotInstalled) {
  runtime_trial trial{programs()};
  const auto path = put("python3.77", "echo not found >&2; exit 127");

  EXPECT_EQ(refusal(trial, "python3.77"), "runtime python3.77 is not installed on this node: " + path +
                                              " cannot be started: it ended with status 127");
  put("python3.77", "exit 0");
  EXPECT_TRUE(trial.check("python3.77")) << "a refusal is not kept";
}

TEST_F(RuntimeTrialTest, AProgramThatDies) {
  runtime_trial trial{programs()};
  put("python3.77", "kill -9 $$");
  EXPECT_THAT(refusal(trial, "python3.77"), HasSubstr("it ended with signal 9"));
}

TEST_F(RuntimeTrialTest, AFileThatIsNoProgram) {
  runtime_trial trial{programs()};
  const auto path = put("python3.77", "");
  std::ofstream{path} << "#!/no/such/interpreter\n";
  EXPECT_THAT(refusal(trial, "python3.77"), HasSubstr("cannot be started: No such file"));
}

TEST_F(RuntimeTrialTest, AProgramThatHangsIsEndedWithItsChildren) {
  runtime_trial trial{programs(), milliseconds{300}};
  put("python3.77", "echo $$ > '" + folder.path() + "/pid'; sleep 600 & wait");
  EXPECT_THAT(refusal(trial, "python3.77"), HasSubstr("says nothing within 300 ms"));
}

TEST_F(RuntimeTrialTest, WhatIsNotThereAtAllIsNamed) {
  runtime_trial trial{programs()};
  EXPECT_THAT(refusal(trial, "nodejs20.x"), AllOf(HasSubstr("nodejs20.x is not installed"), HasSubstr("no `node`")));
  EXPECT_TRUE(trial.check("native"));
  EXPECT_TRUE(trial.check("python3.76")) << "runs on the machine's python3";
}

}  // namespace
}  // namespace troupe::functions
