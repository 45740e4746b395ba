// Makes one ES module, and the assets it imports, out of a worker's main file.
//
// Ownership  A bundler may be used for several workers, one after the other or at once.
// Threads    Belongs to the event loop whose port it was given.
// Trust      Sources and bundler are the operator's own; model-written code never gets here.
// Errors     OperatorErrors `bundle.…`, with the file and line that the bundler names.
#pragma once

#include <kj/array.h>
#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/memory.h>
#include <kj/string.h>
#include <kj/vector.h>

#include "config/worker-config.h"

namespace mayfly::config {

struct BundledAsset {
  kj::String name;        // as the bundle imports it, relative to the bundle
  kj::String sourcePath;  // relative to WorkerConfig::baseDir: what `rules` are matched against
  kj::Array<kj::byte> bytes;
};

struct Bundle {
  kj::String mainName;  // `index.js` for a main file index.ts
  kj::Array<kj::byte> main;
  kj::Vector<BundledAsset> assets;
  kj::Vector<kj::String> warnings;
};

class Bundler {
public:
  virtual ~Bundler() noexcept(false) = default;

  // Dropping the promise kills the bundler's process and removes its files.
  virtual kj::Promise<Bundle> bundle(const WorkerConfig& config) = 0;
};

// Runs esbuild's native program at `esbuildPath`, which is absolute.
kj::Own<Bundler> newEsbuildBundler(kj::String esbuildPath, kj::LowLevelAsyncIoProvider& io,
                                   kj::UnixEventPort& port);

// libexec/esbuild beside the running program.
kj::String findInstalledEsbuild();

}  // namespace mayfly::config
