// Why a fetch did not work, told twice: to the operator with all there is, to the guest with what it may know.
//
// Contract   Travels through promises as a kj::Exception whose description begins with the operator's code
//            (`egress.not-allowed: …`), because connections fail deep inside of KJ's HTTP client.
// Trust      `detail` may name addresses and system errors, and never gets into a Failure, except that of
//            MALFORMED, which speaks of the guest's own request.
#pragma once

#include <kj/exception.h>
#include <kj/string.h>

#include <cstdint>

#include "schema/value.capnp.h"

namespace mayfly::egress {

enum class TroubleKind : uint8_t {
  MALFORMED,  // the request itself: TypeError
  BLOCKED,    // not permitted
  NO_SUCH_HOST,
  CONNECT,  // refused, unreachable, closed before the answer
  TLS,
  TIMEOUT,
  PROTOCOL,  // the answer is not acceptable HTTP
  BODY,      // a body broke off, is too large or not as long as announced
  LIMIT,     // too many requests at once
};

struct Trouble {
  TroubleKind kind;
  kj::String detail;

  kj::Exception toException() const;

  // Reads back what toException() made. Whatever else went wrong becomes `otherwise`, or CONNECT if the peer
  // hung up.
  static Trouble from(const kj::Exception& exception, TroubleKind otherwise);
};

// `egress.not-allowed` and so on.
kj::StringPtr operatorCode(TroubleKind kind);

// `host` as normalised by the URL parser; empty if the URL was not readable.
void fillFailure(schema::Failure::Builder failure, const Trouble& trouble, kj::StringPtr host,
                 kj::StringPtr what = "fetch"_kj);

}  // namespace mayfly::egress
