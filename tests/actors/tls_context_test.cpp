#include "actors/tls_context.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "tests/support/tls_files.hpp"

using namespace troupe;
using namespace troupe::actors;
using namespace troupe::tests;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

/// The refusal, which names the file that is at fault.
std::string fault_of(const tls_files& files, const std::string& named) {
  const auto opened = tls_context::open(files);
  if (opened)
    return "no fault";
  EXPECT_EQ(opened.error().code, errc::bad_setting);
  EXPECT_THAT(opened.error().what, AllOf(HasSubstr("'" + named + "'"), testing::Not(HasSubstr("\n"))));
  return opened.error().what;
}

std::string with_passphrase(const std::string& key) {
  const auto no_question = [](char*, int, int, void*) { return -1; };
  const std::unique_ptr<BIO, decltype(&BIO_free)> in{BIO_new_mem_buf(key.data(), static_cast<int>(key.size())),
                                                     &BIO_free};
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> parsed{
      PEM_read_bio_PrivateKey(in.get(), nullptr, no_question, nullptr), &EVP_PKEY_free};
  const std::unique_ptr<BIO, decltype(&BIO_free)> out{BIO_new(BIO_s_mem()), &BIO_free};
  unsigned char phrase[] = "phrase";
  PEM_write_bio_PrivateKey(out.get(), parsed.get(), EVP_aes_128_cbc(), phrase, 6, nullptr, nullptr);
  char* begin = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &begin);
  return {begin, static_cast<std::size_t>(size)};
}

}  // namespace

TEST(TlsContextTest, KnowsTheNamesAndTheEndOfItsCertificate) {
  test_authority authority;
  const auto valid = around_now();
  const auto issued =
      cluster::issue_certificate(authority.pair(), {"a", {"10.0.0.1", "host-a.example"}, valid}).value();

  const auto context = tls_context::open({authority.write("a.pem", issued.certificate),
                                          authority.write("a-key.pem", issued.key), authority.path("authority.pem")})
                           .value();

  EXPECT_THAT(context->names(), ElementsAre("a", "host-a.example"));
  EXPECT_TRUE(context->allows("a"));
  for (const auto* other : {"A", "b", "", "*", "a.example"})
    EXPECT_FALSE(context->allows(other)) << other;
  EXPECT_LE(context->ends_unix_s(), valid.to_unix_s);
  EXPECT_GT(context->ends_unix_s(), valid.from_unix_s);
}

TEST(TlsContextTest, AFileThatCannotBeReadIsNamed) {
  test_authority authority;
  const auto good = authority.issue("a");
  const auto missing = authority.path("missing.pem");
  const auto empty = authority.write("empty.pem", "");
  const auto cut = authority.write("cut.pem", authority.pair().certificate.substr(0, 300));
  const auto large = authority.write("large.pem", std::string(2 << 20, 'x'));

  EXPECT_THAT(fault_of({missing, good.key, good.authority}, missing), HasSubstr("certificate '"));
  EXPECT_THAT(fault_of({good.certificate, missing, good.authority}, missing), HasSubstr("key '"));
  EXPECT_THAT(fault_of({good.certificate, good.key, missing}, missing), HasSubstr("No such file"));
  EXPECT_THAT(fault_of({authority.path(""), good.key, good.authority}, authority.path("")), HasSubstr("directory"));
  for (const auto& bad : {empty, cut, good.key})
    EXPECT_THAT(fault_of({good.certificate, good.key, bad}, bad), HasSubstr("no PEM file")) << bad;
  EXPECT_THAT(fault_of({good.certificate, good.certificate, good.authority}, good.certificate),
              HasSubstr("no PEM file with a private key"));
  EXPECT_THAT(fault_of({large, good.key, good.authority}, large), HasSubstr("larger"));
}

TEST(TlsContextTest, AKeyOfAnotherCertificateOrWithAPassphraseIsRefused) {
  test_authority authority;
  const auto a = authority.issue("a");
  const auto b = authority.issue("b");
  const auto locked = authority.write("locked.pem", with_passphrase(authority.pair().key));

  EXPECT_THAT(fault_of({a.certificate, b.key, a.authority}, b.key), HasSubstr(a.certificate));
  EXPECT_THAT(fault_of({a.certificate, locked, a.authority}, locked), HasSubstr("without a passphrase"));
}

TEST(TlsContextTest, ACertificateThatOtherNodesWouldRefuseIsRefusedAtOnce) {
  test_authority authority;
  test_authority other;
  auto foreign = authority.issue("a");
  foreign.authority = other.path("authority.pem");
  const auto over = authority.issue("b", around_now(std::chrono::hours{-3}));
  const auto early = authority.issue("c", around_now(std::chrono::hours{3}));

  EXPECT_THAT(fault_of(foreign, foreign.certificate), HasSubstr("authority"));
  EXPECT_THAT(fault_of(over, over.certificate), HasSubstr("expired"));
  EXPECT_THAT(fault_of(early, early.certificate), HasSubstr("not yet valid"));
}

TEST(TlsContextTest, AnAuthorityCanBeReplacedWhileBothAreTrusted) {
  test_authority before;
  test_authority after;
  auto files = after.issue("a");
  files.authority = after.write("both.pem", before.pair().certificate + after.pair().certificate);

  EXPECT_TRUE(tls_context::open(files));
}
