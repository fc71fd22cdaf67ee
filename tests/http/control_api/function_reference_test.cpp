#include "http/control_api/function_reference.hpp"

#include <gtest/gtest.h>

using namespace troupe;
using namespace troupe::http;

namespace {

const lambda_place here{"eu-central-1", "000000000000"};

function_reference read(std::string_view text, const std::optional<std::string>& qualifier = std::nullopt) {
  const auto found = parse_function_reference(text, qualifier, here);
  EXPECT_TRUE(found.has_value()) << text << ": " << (found ? "" : found.error().message);
  return found.value_or(function_reference{});
}

lambda_error fault(std::string_view text, const std::optional<std::string>& qualifier = std::nullopt) {
  const auto found = parse_function_reference(text, qualifier, here);
  EXPECT_FALSE(found.has_value()) << text;
  return found ? lambda_error{} : found.error();
}

}  // namespace

TEST(FunctionReferenceTest, EveryFormNamesTheSameFunction) {
  for (const auto* text :
       {"hello", "function:hello", "000000000000:function:hello", "000000000000:hello",
        "eu-central-1:000000000000:function:hello", "arn:aws:lambda:eu-central-1:000000000000:function:hello",
        "arn:aws-cn:lambda:eu-central-1:000000000000:function:hello"}) {
    EXPECT_EQ(read(text).name, "hello") << text;
    EXPECT_EQ(read(text).qualifier, "") << text;
    EXPECT_EQ(read(std::string{text} + ":$LATEST").name, "hello") << text;
    EXPECT_EQ(read(std::string{text} + ":$LATEST").qualifier, "$LATEST") << text;
  }
}

TEST(FunctionReferenceTest, ANameMayLookLikeAPartOfAnArn) {
  EXPECT_EQ(read("function").name, "function");
  EXPECT_EQ(read("123456789012").name, "123456789012");
  EXPECT_EQ(read("function:function").name, "function");
  EXPECT_EQ(read("arn").name, "arn");
}

TEST(FunctionReferenceTest, TheQueryMayQualifyToo) {
  EXPECT_EQ(read("hello", "$LATEST").qualifier, "$LATEST");
  EXPECT_EQ(read("hello:$LATEST", "$LATEST").qualifier, "$LATEST");
}

TEST(FunctionReferenceTest, TwoQualifiersThatDifferAreRefused) {
  const auto why = fault("hello:prod", "$LATEST");

  EXPECT_EQ(why.status, 400u);
  EXPECT_EQ(why.type, "InvalidParameterValueException");
  EXPECT_EQ(why.message, "The derived qualifier from the function name does not match the specified qualifier.");
}

TEST(FunctionReferenceTest, OtherQualifiersThanLatestAreRefused) {
  for (const auto& why : {fault("hello:prod"), fault("hello", "7")}) {
    EXPECT_EQ(why.status, 400u);
    EXPECT_EQ(why.type, "InvalidParameterValueException");
    EXPECT_NE(why.message.find("$LATEST"), std::string::npos);
  }
}

TEST(FunctionReferenceTest, AnotherRegionIsNotReachable) {
  const auto why = fault("arn:aws:lambda:us-east-1:000000000000:function:hello");

  EXPECT_EQ(why.status, 404u);
  EXPECT_EQ(why.type, "ResourceNotFoundException");
  EXPECT_EQ(why.message, "Functions from 'us-east-1' are not reachable in this region ('eu-central-1')");
}

TEST(FunctionReferenceTest, AnotherAccountHasNoFunctionsHere) {
  EXPECT_EQ(fault("arn:aws:lambda:eu-central-1:111122223333:function:hello").message,
            "Function not found: arn:aws:lambda:eu-central-1:111122223333:function:hello");
}

TEST(FunctionReferenceTest, WhatHasNotTheFormIsAValidationFault) {
  for (const auto* text :
       {"", "a b", "a.b", "a/b", "hello:", "hello:a:b", "arn:aws:lambda:hello", "arn:aws:s3:::bucket:a:b", "ä",
        "arn:aws:lambda:eu-central-1:000000000000:layer:hello", ":hello"}) {
    const auto why = fault(text);
    EXPECT_EQ(why.status, 400u) << text;
    EXPECT_EQ(why.type, "ValidationException") << text;
    EXPECT_NE(why.message.find("1 validation error detected: Value '"), std::string::npos) << text;
  }
  EXPECT_EQ(fault(std::string(65, 'x')).type, "ValidationException");
}
