// Runs a program of the operator's machine and collects what it prints.
//
// Contract   No shell, an empty standard input, no inherited descriptors and only the given environment. Standard
//            output and error come together; what exceeds the limit is thrown away, the program goes on.
// Ownership  Dropping the promise kills the program and collects it.
// Threads    Belongs to the event loop whose port it was given.
// Errors     OperatorError `process.no-start` if it cannot be started.
#pragma once

#include <kj/array.h>
#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/string.h>

#include <cstddef>

namespace mayfly::config {

struct ProgramCall {
  kj::String path;
  kj::Array<kj::String> arguments;    // without the program itself
  kj::Array<kj::String> environment;  // NAME=value
  kj::String workingDirectory;
  size_t maxOutputBytes = 256 * 1024;
};

struct ProgramResult {
  int waitStatus;  // as from wait(2)
  kj::String output;
  bool cut;  // there was more output
};

kj::Promise<ProgramResult> runProgram(ProgramCall call, kj::LowLevelAsyncIoProvider& io,
                                      kj::UnixEventPort& port);

}  // namespace mayfly::config
