// The zygote's end of the control socket (descriptor 3).
//
// Contract   Blocking. Allocates nothing. Every send is one message; a broken socket ends the process, because a
//            zygote without its supervisor has no purpose.
// Trust      Only the supervisor holds the other end.
#pragma once

#include <cstddef>
#include <cstdint>

#include "zygote/control-protocol.h"

namespace mayfly::zygote {

constexpr int CONTROL_FD = 3;
constexpr int NO_DESCRIPTOR = -1;

struct Request {
  union {
    Kind kind;
    ForkOrder fork;
    Reap reap;
  };
  size_t size = 0;
  int hostSocket = NO_DESCRIPTOR;
  int loaderSocket = NO_DESCRIPTOR;

  Request() : fork() {}
};

// Waits for the next request: a whole FORK with two descriptors or a whole REAP with none. Ends the process when
// the supervisor is gone, and when it sends anything else.
Request receiveRequestOrExit();

void sendOrExit(const ReadyReport& report);
// False if the kernel has too many descriptors in flight for this user; nothing was sent then.
bool sendOrExit(const Forked& forked, int pidfd);
void sendOrExit(const Reaped& reaped);
void sendFailedOrExit(int error, const char* what);

}  // namespace mayfly::zygote
