#include "cluster/certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

using namespace troupe;
using namespace troupe::cluster;
using testing::HasSubstr;

namespace {

constexpr std::int64_t day_s = 86'400;
constexpr std::int64_t begin_s = 1'800'000'000;
constexpr validity year{begin_s, begin_s + 365 * day_s};

using certificate_ptr = std::unique_ptr<X509, decltype(&X509_free)>;

certificate_ptr parsed(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                       &BIO_free};
  return {PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr), &X509_free};
}

std::string printed(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out{BIO_new(BIO_s_mem()), &BIO_free};
  X509_print(out.get(), parsed(pem).get());
  char* begin = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &begin);
  return {begin, static_cast<std::size_t>(size)};
}

std::int64_t end_of(const std::string& pem) {
  tm parts{};
  ASN1_TIME_to_tm(X509_get0_notAfter(parsed(pem).get()), &parts);
  return ::timegm(&parts);
}

}  // namespace

TEST(CertificatesTest, AnAuthoritySignsNodesAndNothingThatSignsInTurn) {
  const auto authority = make_authority("shop", year);
  ASSERT_TRUE(authority) << authority.error().what;
  const auto text = printed(authority->certificate);
  EXPECT_THAT(text, HasSubstr("Subject: O=shop, CN=troupe cluster authority"));
  EXPECT_THAT(text, HasSubstr("CA:TRUE, pathlen:0"));
  EXPECT_THAT(text, HasSubstr("Certificate Sign, CRL Sign"));
  EXPECT_THAT(text, HasSubstr("prime256v1"));
  EXPECT_THAT(text, HasSubstr("ecdsa-with-SHA256"));
  EXPECT_EQ(end_of(authority->certificate), year.to_unix_s);
  EXPECT_THAT(authority->key, testing::StartsWith("-----BEGIN PRIVATE KEY-----"));
}

TEST(CertificatesTest, ANodeHasItsNameAndAddressesAndBothUses) {
  const auto authority = make_authority("shop", year).value();
  const auto node = issue_certificate(authority, {"node-1", {"10.0.0.1", "fd00::1", "one.example"}, year});
  ASSERT_TRUE(node) << node.error().what;
  const auto text = printed(node->certificate);
  EXPECT_THAT(text, HasSubstr("DNS:node-1, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1, DNS:one.example"));
  EXPECT_THAT(text, HasSubstr("CA:FALSE"));
  EXPECT_THAT(text, HasSubstr("TLS Web Server Authentication, TLS Web Client Authentication"));
  EXPECT_THAT(text, HasSubstr("O=shop, CN=node-1"));
  EXPECT_EQ(X509_verify(parsed(node->certificate).get(), X509_get0_pubkey(parsed(authority.certificate).get())), 1);
  const auto again = issue_certificate(authority, {"node-1", {}, year}).value();
  EXPECT_NE(ASN1_INTEGER_cmp(X509_get0_serialNumber(parsed(node->certificate).get()),
                             X509_get0_serialNumber(parsed(again.certificate).get())),
            0);
  EXPECT_NE(node->key, again.key);
}

TEST(CertificatesTest, ACertificateEndsWithItsAuthorityAtTheLatest) {
  const auto authority = make_authority("shop", year).value();
  const auto longer = issue_certificate(authority, {"a", {}, {begin_s, year.to_unix_s + day_s}}).value();
  EXPECT_EQ(longer.valid.to_unix_s, year.to_unix_s);
  EXPECT_EQ(end_of(longer.certificate), year.to_unix_s);
  const auto after = issue_certificate(authority, {"a", {}, {year.to_unix_s, year.to_unix_s + day_s}});
  EXPECT_EQ(after.error().code, errc::refused);
  EXPECT_THAT(after.error().what, HasSubstr("has expired"));
}

TEST(CertificatesTest, WhatIsNoNameOrAddressIsRefusedByName) {
  const auto authority = make_authority("shop", year).value();
  for (const auto& bad : std::vector<std::string>{"", "a b", "a,DNS:b", "a\nb", "ä", std::string(65, 'a')}) {
    EXPECT_EQ(make_authority(bad, year).error().code, errc::bad_usage) << bad;
    EXPECT_EQ(issue_certificate(authority, {bad, {}, year}).error().code, errc::bad_usage) << bad;
  }
  for (const std::string bad : {"", "10.0.0.1:7000", "a,DNS:b", "a/b", "*", "[::1]", "a_b"}) {
    const auto issued = issue_certificate(authority, {"a", {bad}, year});
    ASSERT_FALSE(issued) << bad;
    EXPECT_EQ(issued.error().code, errc::bad_usage);
    EXPECT_THAT(issued.error().what, HasSubstr("'" + bad + "'"));
  }
  EXPECT_EQ(issue_certificate(authority, {"a", std::vector<std::string>(33, "b"), year}).error().code, errc::bad_usage);
}

TEST(CertificatesTest, OnlyAnAuthorityWithItsOwnKeyIssues) {
  const auto authority = make_authority("shop", year).value();
  const auto other = make_authority("shop", year).value();
  const auto node = issue_certificate(authority, {"a", {}, year}).value();
  const auto fault_of = [](const certified_key& by) {
    const auto issued = issue_certificate(by, {"b", {}, year});
    EXPECT_TRUE(!issued && issued.error().code == errc::refused);
    return issued ? std::string{} : issued.error().what;
  };
  EXPECT_THAT(fault_of(node), HasSubstr("none that may sign"));
  EXPECT_THAT(fault_of({authority.certificate, other.key, year}), HasSubstr("does not belong"));
  EXPECT_THAT(fault_of({authority.certificate, authority.certificate, year}), HasSubstr("cannot be read"));
  EXPECT_THAT(fault_of({"", authority.key, year}), HasSubstr("none that may sign"));
  EXPECT_THAT(fault_of({"nonsense", authority.key, year}), HasSubstr("none that may sign"));
}
