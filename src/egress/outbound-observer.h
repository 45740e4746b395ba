// Tells the operator what guests tried to reach. The guest never sees what is said here.
#pragma once

#include <kj/string.h>

#include <cstdint>

namespace mayfly::egress {

struct OutboundEvent {
  kj::StringPtr code;    // `egress.not-allowed`, `egress.connect-failed`, …
  kj::StringPtr host;    // as in the URL, normalised; escape before printing
  uint16_t port;         // 0 if the URL was not even readable
  kj::StringPtr detail;  // addresses, system errors
};

class OutboundObserver {
public:
  virtual ~OutboundObserver() noexcept(false) = default;
  virtual void refused(const OutboundEvent& event) = 0;
  virtual void failed(const OutboundEvent& event) = 0;
};

}  // namespace mayfly::egress
