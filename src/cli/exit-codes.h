// Exit statuses of `mayfly`. Scripts rely on them.
#pragma once

namespace mayfly::cli {

enum ExitCode : int {
  EXIT_OK = 0,
  EXIT_FAILED = 1,  // the program, a test or the service failed
  EXIT_USAGE = 2,   // the command line, a file or the configuration is wrong
  EXIT_LIMIT = 3,   // the program hit a limit (`run`)
};

}  // namespace mayfly::cli
