// Randomness from the kernel and digests from OpenSSL.

#include <kj/debug.h>
#include <openssl/evp.h>
#include <sys/random.h>

#include "sandbox/reply.h"

namespace mayfly::sandbox {

namespace {

void randomBytes(Bridge&, const Info& info) {
  KJ_REQUIRE(info[0]->IsUint8Array());
  auto bytes = bytesOf(info[0]);
  auto target = const_cast<kj::byte*>(bytes.begin());
  // getrandom gives at most 256 bytes at once without being interruptible.
  for (size_t done = 0; done < bytes.size();) {
    ssize_t n = getrandom(target + done, kj::min(bytes.size() - done, size_t(256)), 0);
    KJ_REQUIRE(n > 0, "the kernel gave no randomness");
    done += static_cast<size_t>(n);
  }
}

const EVP_MD* algorithm(kj::StringPtr name) {
  if (name == "MD5") return EVP_md5();
  if (name == "SHA-1") return EVP_sha1();
  if (name == "SHA-256") return EVP_sha256();
  if (name == "SHA-384") return EVP_sha384();
  if (name == "SHA-512") return EVP_sha512();
  KJ_FAIL_REQUIRE("unknown digest", name);
}

void digest(Bridge& bridge, const Info& info) {
  auto md = algorithm(engine::utf8(bridge.isolate, info[0]));
  auto bytes = bytesOf(info[1]);
  kj::byte result[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  KJ_REQUIRE(EVP_Digest(bytes.begin(), bytes.size(), result, &size, md, nullptr) == 1,
             "digest failed");
  info.GetReturnValue().Set(newBytes(bridge, kj::arrayPtr(result, size))->Buffer());
}

constexpr Operation OPERATIONS[] = {
    {"randomBytes", operation<randomBytes>},
    {"digest", operation<digest>},
};

}  // namespace

kj::ArrayPtr<const Operation> cryptoOperations() { return OPERATIONS; }

}  // namespace mayfly::sandbox
