// https against a server with a certificate that is made for the test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "egress/outbound-fixture.h"

namespace mayfly::egress {
namespace {

using testing::StartsWith;

struct Identity {
  std::string key;          // PEM
  std::string certificate;  // PEM; signed by itself
};

template <typename Write>
std::string toPem(Write&& write) {
  BIO* memory = BIO_new(BIO_s_mem());
  write(memory);
  char* data = nullptr;
  auto size = BIO_get_mem_data(memory, &data);
  std::string result(data, static_cast<size_t>(size));
  BIO_free(memory);
  return result;
}

Identity makeIdentity(const char* host) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  auto name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(host),
                             -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  for (auto [id, value] : {std::pair(NID_subject_alt_name, std::string("DNS:") + host),
                           std::pair(NID_basic_constraints, std::string("critical,CA:TRUE"))}) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(certificate, key, EVP_sha256());
  Identity result{
      toPem([&](BIO* out) {
        PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
      }),
      toPem([&](BIO* out) { PEM_write_bio_X509(out, certificate); }),
  };
  X509_free(certificate);
  EVP_PKEY_free(key);
  return result;
}

class TlsTest : public OutboundFixture {
public:
  ~TlsTest() noexcept override {}

  Identity identity = makeIdentity("secure.example");
  kj::TlsKeypair keypair{kj::TlsPrivateKey(identity.key.c_str()),
                         kj::TlsCertificate(identity.certificate.c_str())};
  kj::Own<kj::TlsContext> serverTls = makeServerTls();
  kj::Own<kj::ConnectionReceiver> listener = serverTls->wrapPort(
      io.provider->getNetwork().parseAddress("127.0.0.1", 0).wait(io.waitScope)->listen());
  kj::Promise<void> serving =
      serve().eagerlyEvaluate([](kj::Exception&&) {});  // a client that does not trust us hangs up

  kj::Own<kj::TlsContext> makeServerTls() {
    kj::TlsContext::Options options;
    options.defaultKeypair = keypair;
    return kj::heap<kj::TlsContext>(kj::mv(options));
  }

  // An entrypoint that trusts the test's own certificate.
  Answer fetchTrusting(kj::StringPtr url) {
    kj::TlsCertificate trusted(identity.certificate.c_str());
    kj::TlsContext::Options options;
    options.useSystemTrustStore = false;
    options.trustedCertificates = kj::arrayPtr(&trusted, 1);
    kj::TlsContext clientTls(kj::mv(options));
    OutboundNetwork outbound{io.provider->getNetwork(), timer, resolver, clientTls, policy, limits};
    auto entrypoint = newNetworkEntrypoint(outbound, kj::heap<RecordingObserver>(events));
    return finish(get(entrypoint, url).send());
  }

  kj::String url(kj::StringPtr host) {
    resolver.names[host.cStr()] = {"127.0.0.1"};
    policy.allow(kj::str("127.0.0.1:", listener->getPort()), "test");
    return kj::str("https://", host, ':', listener->getPort(), "/");
  }

private:
  kj::Promise<void> serve() {
    auto connection = co_await listener->accept();
    char buffer[4096];
    co_await connection->tryRead(buffer, 1, sizeof buffer);
    auto answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret"_kj;
    co_await connection->write(answer.begin(), answer.size());
    co_await kj::Promise<void>(kj::NEVER_DONE);
  }
};

TEST_F(TlsTest, ATrustedServerOfTheRightNameIsSpokenTo) {
  auto answer = fetchTrusting(url("secure.example"));
  EXPECT_EQ(answer.failure, "");
  EXPECT_EQ(answer.body, "secret");
}

TEST_F(TlsTest, ATrailingDotIsNotPartOfTheCertificate) {
  EXPECT_EQ(fetchTrusting(url("secure.example.")).body, "secret");
}

TEST_F(TlsTest, ACertificateForAnotherNameIsRefused) {
  EXPECT_THAT(
      fetchTrusting(url("other.example")).failure,
      StartsWith("Error ERR_OUTBOUND_CONNECT fetch to other.example failed: no trustworthy TLS"));
}

TEST_F(TlsTest, ACertificateThatNobodyVouchesForIsRefused) {
  EXPECT_THAT(
      fetch(url("secure.example")).failure,
      StartsWith("Error ERR_OUTBOUND_CONNECT fetch to secure.example failed: no trustworthy TLS"));
}

}  // namespace
}  // namespace mayfly::egress
