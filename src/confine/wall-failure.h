// The one way in which a step of the confinement fails: it throws this, and the process must not go on.
//
// Contract   Half a wall is no wall: whoever catches a WallFailure reports it and ends the process.
// Errors     Says which wall, which call, the errno and what an operator can do about it.
#pragma once

#include <cerrno>

namespace mayfly::confine {

struct WallFailure {
  const char* wall;    // "empty root"
  const char* call;    // "pivot_root"
  int error;           // errno
  const char* remedy;  // a sentence for the operator

  // Writes `wall: call: Operation not permitted (EPERM)` and, on a second line, `fix` and the remedy into `buffer`,
  // always NUL-terminated. Allocates nothing.
  void describe(char* buffer, unsigned long size) const;
};

// Throws a WallFailure with the current errno if `result`, a system call's, is negative. Gives `result` back.
template <typename T>
T require(T result, const char* wall, const char* call, const char* remedy) {
  if (result < 0) throw WallFailure{wall, call, errno, remedy};
  return result;
}

}  // namespace mayfly::confine
