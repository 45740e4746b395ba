#include "supervisor/invocation-books.h"

namespace mayfly::supervisor {

bool InvocationBooks::began(const Limits& limits, kj::Duration cpuUsed, kj::TimePoint now) {
  if (invocations.size() >= MAX_IN_FLIGHT) return false;
  invocations.push_back(
      {cpuUsed, limits.cpuMs * kj::MILLISECONDS, now + limits.wallMs * kj::MILLISECONDS});
  return true;
}

bool InvocationBooks::finished() {
  if (invocations.empty()) return false;
  invocations.pop_front();
  return true;
}

kj::Maybe<kj::Duration> InvocationBooks::cpuDeadline() const {
  if (invocations.empty()) return nullptr;
  kj::Duration deadline = invocations.front().cpuAtBegin;
  for (size_t i = 0; i < kj::min(invocations.size(), MAX_SHARING_CPU); ++i)
    deadline += invocations[i].cpuLimit;
  return deadline;
}

kj::Maybe<kj::TimePoint> InvocationBooks::wallDeadline() const {
  if (invocations.empty()) return nullptr;
  kj::TimePoint earliest = invocations.front().wallDeadline;
  for (auto& invocation : invocations)
    earliest = kj::min(earliest, invocation.wallDeadline);
  return earliest;
}

}  // namespace mayfly::supervisor
