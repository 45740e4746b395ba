#include "supervisor/invocation-books.h"

#include <algorithm>

namespace mayfly::supervisor {

void InvocationBooks::startUpBegan(const StartUpLimits& limits, kj::Duration cpuUsed,
                                   kj::TimePoint now) {
  startUp = StartUp{.cpuDeadline = cpuUsed + limits.cpuMs * kj::MILLISECONDS,
                    .wallDeadline = now + limits.wallMs * kj::MILLISECONDS};
}

void InvocationBooks::startUpEnded(kj::Duration cpuUsed) {
  if (startUp == nullptr) return;
  leftOver = cpuDeadline();
  startUp = nullptr;
  for (auto& invocation : invocations) {
    invocation.cpuAtBegin = cpuUsed;
    invocation.cpuCredit = 0 * kj::MILLISECONDS;
  }
}

Admission InvocationBooks::began(uint32_t number, const Limits& limits, kj::Duration cpuUsed,
                                 kj::TimePoint now) {
  if (find(number) != invocations.end()) return Admission::NUMBER_TAKEN;
  if (invocations.size() >= MAX_IN_FLIGHT) return Admission::FULL;
  invocations.push_back({.number = number,
                         .cpuAtBegin = cpuUsed,
                         .cpuLimit = limits.cpuMs * kj::MILLISECONDS,
                         .cpuCredit = 0 * kj::MILLISECONDS,
                         .wallDeadline = now + limits.wallMs * kj::MILLISECONDS});
  return Admission::BEGUN;
}

bool InvocationBooks::finished(uint32_t number, kj::FunctionParam<kj::Duration()> readCpu) {
  auto invocation = find(number);
  if (invocation == invocations.end()) return false;
  if (invocation != invocations.begin()) {
    auto used = kj::min(readCpu() - invocation->cpuAtBegin, invocation->cpuLimit);
    for (auto older = invocations.begin(); older != invocation; ++older) {
      older->cpuCredit = kj::min(older->cpuCredit + used, older->cpuLimit * MAX_CREDITED_LIMITS);
    }
  }
  if (invocations.size() == 1) leftOver = cpuDeadline();
  invocations.erase(invocation);
  return true;
}

kj::Maybe<kj::Duration> InvocationBooks::cpuDeadline() const {
  KJ_IF_MAYBE (starting, startUp) return starting->cpuDeadline;
  if (invocations.empty()) return leftOver;
  kj::Duration deadline = invocations.front().cpuAtBegin + invocations.front().cpuCredit;
  for (size_t i = 0; i < kj::min(invocations.size(), MAX_SHARING_CPU); ++i)
    deadline += invocations[i].cpuLimit;
  return deadline;
}

kj::Maybe<kj::TimePoint> InvocationBooks::wallDeadline() const {
  kj::Maybe<kj::TimePoint> earliest;
  KJ_IF_MAYBE (starting, startUp) earliest = starting->wallDeadline;
  for (auto& invocation : invocations)
    earliest = kj::min(earliest.orDefault(invocation.wallDeadline), invocation.wallDeadline);
  return earliest;
}

std::deque<InvocationBooks::Invocation>::iterator InvocationBooks::find(uint32_t number) {
  return std::ranges::find(invocations, number, &Invocation::number);
}

}  // namespace mayfly::supervisor
