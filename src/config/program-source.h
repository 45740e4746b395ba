// The modules of a worker, in memory, and how they get there.
//
// Contract   `mainModule` names one of `modules`; names are unique, relative, with `/` between their parts.
// Errors     OperatorErrors `config.…` for files, `bundle.…` for what esbuild has to say, with file and line.
#pragma once

#include <kj/array.h>
#include <kj/async.h>
#include <kj/string.h>
#include <kj/vector.h>

#include "base/error.h"
#include "config/bundler.h"
#include "config/module-kind.h"
#include "config/worker-config.h"
#include "schema/worker.capnp.h"

namespace mayfly::config {

constexpr size_t MAX_PROGRAM_BYTES = 64 * 1024 * 1024;
constexpr size_t MAX_MODULES = 1'000;

struct ModuleSource {
  kj::String name;
  ModuleKind kind;
  kj::Array<kj::byte> bytes;
};

struct ProgramSource {
  kj::String name;
  kj::String compatibilityDate;
  kj::Array<kj::String> compatibilityFlags;
  kj::String mainModule;
  kj::Vector<ModuleSource> modules;
  kj::Vector<OperatorError> warnings;  // of the bundler
};

// Bundles the worker, or collects its files if it has `no_bundle`. Both must outlive the promise.
// Dropping the promise ends the bundler's process.
kj::Promise<ProgramSource> loadProgram(const WorkerConfig& config, Bundler& bundler);

// The program of `mayfly run FILE` and `mayfly test FILE`: the file as it is, without its imports. Its kind
// follows from its name and, for what has no top-level `import` or `export`, is SNIPPET. Its compatibility date
// is today's.
ProgramSource singleFileProgram(kj::StringPtr path);

// Whether source text has a top-level `import` or `export`. Unsure means yes: a module is the strict reading.
bool looksLikeModule(kj::StringPtr source);

// Fills in all but `env` and `outbound`, which are for the caller to decide.
void fillProgram(schema::Program::Builder program, const ProgramSource& source);

}  // namespace mayfly::config
