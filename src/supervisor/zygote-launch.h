// From the supervisor to the first instruction of mayfly-zygote: a process in namespaces of its own, with a clean
// environment and nothing but the control socket.
#pragma once

#include <kj/array.h>
#include <kj/io.h>
#include <kj/string.h>

#include <sys/types.h>

namespace mayfly::supervisor {

struct LaunchedZygote {
  pid_t pid;
  kj::AutoCloseFd pidfd;
  kj::AutoCloseFd control;  // our end of the control socket, non-blocking
  bool ownNamespaces;
};

struct LaunchOrder {
  kj::StringPtr binary;  // absolute path
  kj::StringPtr profile;
  kj::ArrayPtr<const kj::String> v8Flags;
  bool acceptMissingNamespaces;  // fall back to a plain process where there can be none
};

// Blocks for as long as a clone and two small writes to /proc take. A failure inside the new process arrives on
// the control socket as zygote::Failed. Throws kj::Exception with an operator's message; DISCONNECTED if someone killed
// it meanwhile.
LaunchedZygote launchZygote(const LaunchOrder& order);

}  // namespace mayfly::supervisor
