// What the user typed, checked.
//
// Contract   Either one command with all its options, or an exit status because everything that had to be said
//            (help, version, a mistake) has been printed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace mayfly::cli {

struct ServeOptions {
  std::string config = ".";           // a file, or the directory that holds it
  std::optional<std::string> listen;  // else the configuration's, else 127.0.0.1:8787
  uint32_t drainSeconds = 10;
  bool jsonLogs = false;
  std::string requestLog = "auto";  // on, off, or auto: on if standard error is a terminal
};

struct RunOptions {
  std::string file;
  std::string call;  // empty: the worker's own choice
  std::string args = "[]";
  std::string env = "{}";
  uint32_t cpuMs = 0;  // zero: default
  uint32_t wallMs = 0;
  uint32_t memoryMb = 0;
  std::string profile = "standard";
  bool json = false;
};

struct TestOptions {
  std::vector<std::string> targets;  // empty: the configuration in this directory
  std::string filter;
  uint32_t timeoutMs = 60'000;  // of one test
};

struct DoctorOptions {
  bool json = false;
};

struct ExitNow {
  int status;
};

using Command = std::variant<ServeOptions, RunOptions, TestOptions, DoctorOptions, ExitNow>;

Command parseCommandLine(int argc, const char* const* argv);

}  // namespace mayfly::cli
