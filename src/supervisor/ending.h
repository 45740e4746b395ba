// How a sandbox ended, told from what the kernel reports and from what the supervisor itself did.
//
// Contract   `classifyExit` is a pure function: the whole policy of "what does this exit status mean" is here.
// Trust      A wait status is the kernel's word. Exit statuses are chosen by the sandbox: those with a meaning (out of
//            memory, abortIsolate) can be forged by hostile code, which then merely misnames its own end.
#pragma once

#include <kj/common.h>
#include <kj/string.h>

#include <cstdint>

#include "schema/host.capnp.h"

namespace mayfly::supervisor {

using EndReason = schema::Ending::Reason;

struct Ending {
  EndReason reason;
  kj::String detail;       // for the operator, e.g. `SIGSEGV`
  uint64_t cpuMicros = 0;  // what the sandbox used in all

  Ending clone() const { return {reason, kj::str(detail), cpuMicros}; }
};

struct ExitFacts {
  int waitStatus = 0;  // as from wait(2)
  uint64_t cpuMicros = 0;
  uint64_t maxRssKb = 0;
  kj::Maybe<EndReason> killedFor;   // set if the supervisor sent SIGKILL, and why it did
  bool zygoteDied = false;          // the kernel kills all sandboxes of a dead zygote
  uint32_t cpuBackstopSeconds = 0;  // RLIMIT_CPU of the sandbox; 0: none
  uint64_t memoryBytes = 0;         // its budget
};

Ending classifyExit(const ExitFacts& facts);

// `cpuLimit` and so on, as the schema spells it.
kj::StringPtr nameOf(EndReason reason);

// How the caller of a sandbox that ended hears of it: a stable code, such as `ERR_CPU_LIMIT`, and a sentence.
struct EndingText {
  kj::StringPtr code;
  kj::StringPtr message;
};
EndingText textOf(EndReason reason);

// Whether it ended because it used too much: an exit status of its own in `mayfly run`.
bool isLimit(EndReason reason);

}  // namespace mayfly::supervisor
