// What one sandbox may use, and how a wish becomes a limit.
//
// Trust      A `schema::Limits` is a parent worker's wish. Zero asks for the operator's default; a wish over the
//            operator's cap is lowered to the cap. There is no value that means "unlimited".
#pragma once

#include <cstdint>

#include "schema/host.capnp.h"

namespace mayfly::supervisor {

struct Limits {
  uint32_t cpuMs;     // CPU time per invocation
  uint32_t wallMs;    // time per invocation
  uint32_t memoryMb;  // private memory beyond the blank sandbox's own

  uint64_t memoryBytes() const { return uint64_t{memoryMb} << 20; }
};

// The start-up of a program: no choice of the program's holder.
struct StartUpLimits {
  uint32_t cpuMs;
  uint32_t wallMs;
};

struct LimitPolicy {
  Limits defaults = {.cpuMs = 1'000, .wallMs = 30'000, .memoryMb = 128};
  Limits caps = {.cpuMs = 30'000, .wallMs = 300'000, .memoryMb = 512};
  uint32_t startUpCpuMs = 1'000;
  // Requests that one invocation may send out. Counted by the sandbox's own runtime, as a courtesy to those it calls.
  uint32_t subrequests = 10'000;
  uint32_t maxSubrequests = 10'000;

  // Compiling and evaluating cannot wait for anything; the time is a bound for a program that makes the process sleep.
  StartUpLimits startUp() const { return {.cpuMs = startUpCpuMs, .wallMs = defaults.wallMs}; }

  // The limits of a lease.
  Limits forLease(schema::Limits::Reader wish) const { return resolve(wish, defaults); }

  // The limits of one invocation under a lease. The memory budget of a sandbox is fixed when it is leased.
  Limits forInvocation(schema::Limits::Reader wish, const Limits& lease) const;

private:
  Limits resolve(schema::Limits::Reader wish, const Limits& fallback) const;
};

}  // namespace mayfly::supervisor
