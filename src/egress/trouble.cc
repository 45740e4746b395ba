#include "egress/trouble.h"

#include <kj/debug.h>

namespace mayfly::egress {
namespace {

struct Wording {
  TroubleKind kind;
  kj::StringPtr operatorCode;
  kj::StringPtr guestCode;
  kj::StringPtr guestText;  // after `⟨fetch⟩ to ⟨host⟩ `
  bool lost = false;        // the platform's text for it comes first: programs look for that
};

constexpr kj::StringPtr LOST = "Network connection lost. "_kj;

const Wording WORDINGS[] = {
    {TroubleKind::MALFORMED, "egress.malformed"_kj, ""_kj, ""_kj},
    {TroubleKind::BLOCKED, "egress.not-allowed"_kj, "ERR_OUTBOUND_BLOCKED"_kj,
     "is not permitted"_kj},
    {TroubleKind::NO_SUCH_HOST, "egress.no-such-host"_kj, "ERR_OUTBOUND_CONNECT"_kj,
     "failed: no such host"_kj},
    {TroubleKind::CONNECT, "egress.connect-failed"_kj, "ERR_OUTBOUND_CONNECT"_kj,
     "failed: no connection, or it was lost before the answer"_kj, /*lost=*/true},
    {TroubleKind::TLS, "egress.tls-failed"_kj, "ERR_OUTBOUND_CONNECT"_kj,
     "failed: no trustworthy TLS connection"_kj},
    {TroubleKind::TIMEOUT, "egress.timeout"_kj, "ERR_OUTBOUND_TIMEOUT"_kj,
     "failed: it took too long"_kj},
    {TroubleKind::PROTOCOL, "egress.bad-answer"_kj, "ERR_OUTBOUND_PROTOCOL"_kj,
     "failed: the answer is not acceptable HTTP"_kj, /*lost=*/true},
    {TroubleKind::BODY, "egress.bad-body"_kj, "ERR_OUTBOUND_BODY"_kj,
     "failed: a body broke off, is too large or not as long as announced"_kj, /*lost=*/true},
    {TroubleKind::LIMIT, "egress.too-many"_kj, "ERR_OUTBOUND_LIMIT"_kj,
     "failed: too many requests at once, read or cancel the bodies of the others"_kj},
};

const Wording& wordingOf(TroubleKind kind) {
  auto& wording = WORDINGS[static_cast<size_t>(kind)];
  KJ_ASSERT(wording.kind == kind);
  return wording;
}

}  // namespace

kj::Exception Trouble::toException() const {
  return kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__,
                       kj::str(operatorCode(kind), ": ", detail));
}

Trouble Trouble::from(const kj::Exception& exception, TroubleKind otherwise) {
  auto description = exception.getDescription();
  for (auto& wording : WORDINGS) {
    auto prefix = kj::str(wording.operatorCode, ": ");
    if (description.startsWith(prefix))
      return {wording.kind, kj::str(description.slice(prefix.size()))};
  }
  bool hungUp = exception.getType() == kj::Exception::Type::DISCONNECTED;
  return {hungUp && otherwise != TroubleKind::BODY ? TroubleKind::CONNECT : otherwise,
          kj::str(description)};
}

kj::StringPtr operatorCode(TroubleKind kind) { return wordingOf(kind).operatorCode; }

void fillFailure(schema::Failure::Builder failure, const Trouble& trouble, kj::StringPtr host,
                 kj::StringPtr what) {
  if (trouble.kind == TroubleKind::MALFORMED) {
    failure.setName("TypeError");
    failure.setMessage(trouble.detail);
    return;
  }
  auto& wording = wordingOf(trouble.kind);
  failure.setName("Error");
  failure.setMessage(kj::str(wording.lost ? LOST : ""_kj, what, " to ",
                             host.size() == 0 ? "this address"_kj : host, ' ', wording.guestText,
                             " (", wording.operatorCode, ')'));
  failure.setCode(wording.guestCode);
}

}  // namespace mayfly::egress
