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
//       "memoryMb": { "default": 128, "max": 512 }        // MiB of private memory, 16 to 65536
//     },                                                  // a plain number sets both default and max
//
//     // Sandboxes forked ahead of need: memory against speed. 0 to 1000.
//     "pool": { "blank": 8 },
//
//     // What workers may reach besides the public internet. Nothing private is reachable unless named:
//     //   "127.0.0.1:9000"  one address and port      "10.0.0.0/8"  a range, every port but the blocked ones
//     //   "db.corp:5432"    a name and port, whatever it resolves to
//     //   "private"         10/8, 172.16/12, 192.168/16, fc00::/7     "loopback"  127/8, ::1
//     "egress": { "allow": [] }
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
  uint32_t blankSandboxes = 8;
  kj::Vector<EgressRule> egressAllow;
  kj::Vector<kj::String> workerFiles;  // absolute
};

}  // namespace mayfly::config
