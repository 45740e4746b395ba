#include "supervisor/limits.h"

#include <kj/common.h>

namespace mayfly::supervisor {
namespace {

uint32_t choose(uint32_t wish, uint32_t fallback, uint32_t cap) {
  return kj::min(wish == 0 ? fallback : wish, cap);
}

}  // namespace

Limits LimitPolicy::resolve(schema::Limits::Reader wish, const Limits& fallback) const {
  return {.cpuMs = choose(wish.getCpuMs(), fallback.cpuMs, caps.cpuMs),
          .wallMs = choose(wish.getWallMs(), fallback.wallMs, caps.wallMs),
          .memoryMb = choose(wish.getMemoryMb(), fallback.memoryMb, caps.memoryMb)};
}

Limits LimitPolicy::forInvocation(schema::Limits::Reader wish, const Limits& lease) const {
  auto limits = resolve(wish, lease);
  limits.memoryMb = lease.memoryMb;
  return limits;
}

}  // namespace mayfly::supervisor
