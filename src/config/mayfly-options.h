// What only a self-hoster has: the top-level key `mayfly` of the configuration.
//
//   "mayfly": {
//     // Further configuration files, relative to this one, whose workers `services` may name.
//     // Their own `mayfly` keys are ignored, with a warning.
//     "workers": ["../orders/wrangler.jsonc"],
//
//     // Dynamic workers. A worker that asks for nothing gets `default`; one that asks for more gets `max`.
//     "limits": {
//       "cpuMs":    { "default": 1000, "max": 30000 },    // CPU time of one invocation, 1 to 300000
//       "wallMs":   { "default": 30000, "max": 300000 },  // time of one invocation, 1 to 3600000
//       "memoryMb": { "default": 128, "max": 512 },       // MiB of private memory, 16 to 65536
//                                                         // a plain number sets both default and max
//       "subRequests": { "default": 10000, "max": 10000 },// requests one invocation may send out, 0 to 1000000
//       "startupCpuMs": 1000                              // CPU time to compile and evaluate a program, 1 to 300000
//     },
//
//     "pool": {
//       "blank": 8,           // sandboxes forked ahead of need: memory against speed; 0 to 1000
//       "max": 2000,          // sandboxes that programs may have at a time, all workers together; 1 to 100000
//       "maxPerWorker": 1000, // of those, the most that one worker's programs may have
//       "maxWaiting": 1000,   // loads of one worker that may wait for a sandbox; 0 to 100000
//       "waitMs": 10000,      // how long one of them may wait; 1 to 3600000
//       "idleMs": 60000       // how long a dynamic worker that has a name keeps its sandbox without a call; 10 to 86400000
//     },
//
//     // What workers may reach besides the public internet. Nothing private is reachable unless named:
//     //   "127.0.0.1:9000"  one address and port      "10.0.0.0/8"  a range, every port but the blocked ones
//     //   "db.corp:5432"    a name and port, whatever it resolves to
//     //   "private"         10/8, 172.16/12, 192.168/16, fc00::/7     "loopback"  127/8, ::1
//     "egress": {
//       "allow": [],
//       // The name server for all outbound requests, an IPv4 address with or without a port. Without it: the system's.
//       "dns": "127.0.0.1:5353"
//     }
//   }
//
// An unknown key below `mayfly` is an error, because a misspelt limit would be no limit.
#pragma once

#include <kj/string.h>
#include <kj/vector.h>

#include <cstdint>

namespace mayfly::config {

struct LimitRange {
  uint32_t byDefault;
  uint32_t max;
};

struct EgressRule {
  kj::String text;   // as written; egress/address-policy.h reads it
  kj::String where;  // `file:line`
};

struct MayflyOptions {
  LimitRange cpuMs{.byDefault = 1'000, .max = 30'000};
  LimitRange wallMs{.byDefault = 30'000, .max = 300'000};
  LimitRange memoryMb{.byDefault = 128, .max = 512};
  LimitRange subRequests{.byDefault = 10'000, .max = 10'000};
  uint32_t startupCpuMs = 1'000;
  uint32_t blankSandboxes = 8;
  uint32_t maxSandboxes = 2'000;
  uint32_t maxSandboxesPerWorker = 1'000;
  uint32_t maxWaitingLoads = 1'000;
  uint32_t loadWaitMs = 10'000;
  uint32_t idleMs = 60'000;
  kj::Vector<EgressRule> egressAllow;
  kj::Maybe<EgressRule> nameServer;    // egress/resolver.h reads it
  kj::Vector<kj::String> workerFiles;  // absolute
};

}  // namespace mayfly::config
