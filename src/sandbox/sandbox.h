// A sandbox, from warm zygote to running program: what mayfly-zygote does besides confining itself and forking.
//
// Contract   boot() once in the zygote, before any wall; then forks; in each child openEventLoop() before the
//            last filter is installed and run() after it. No JavaScript runs between boot() and run().
// Threads    One. boot() leaves no other thread behind.
// Trust      boot() sees no guest byte. run() is where the first one is read.
#pragma once

#include <kj/common.h>
#include <kj/memory.h>
#include <kj/string.h>

#include <cstdint>

#include "zygote/control-protocol.h"

namespace mayfly::sandbox {

class Sandbox {
public:
  // Starts V8 with `v8Flags`, evaluates and warms the built-ins. Throws kj::Exception.
  static kj::Own<Sandbox> boot(kj::ArrayPtr<const kj::StringPtr> v8Flags);

  virtual ~Sandbox() noexcept(false) = default;

  // In the child, before the last filter: reseeds what fork duplicated and makes the epoll descriptor.
  // `memoryBytes` is the budget that RLIMIT_DATA enforces; V8's own limit is set a little below it.
  virtual void openEventLoop(zygote::Role role, uint64_t memoryBytes) = 0;

  // In the child: serves descriptors 3 and 4 until the supervisor hangs up. Does not return.
  [[noreturn]] virtual void run() = 0;
};

}  // namespace mayfly::sandbox
