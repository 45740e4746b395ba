#include <time.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/text-escape.h"
#include "config/files.h"
#include "config/module-rules.h"
#include "config/program-source.h"

namespace mayfly::config {
namespace {

namespace fs = std::filesystem;

// Counts what goes into a program, so that too much is refused with a name and not by a full memory.
class ProgramBuilder {
public:
  explicit ProgramBuilder(const WorkerConfig& workerConfig) : config(workerConfig) {
    program.name = kj::str(config.name);
    program.compatibilityDate = kj::str(config.compatibilityDate);
    program.compatibilityFlags = KJ_MAP(flag, config.compatibilityFlags) { return kj::str(flag); };
  }

  void add(kj::String name, ModuleKind kind, kj::Array<kj::byte> bytes) {
    totalBytes += bytes.size();
    if (totalBytes > MAX_PROGRAM_BYTES || program.modules.size() >= MAX_MODULES) {
      OperatorError{
          .code = kj::str("config.program-too-large"),
          .what = kj::str("worker ", quoteJson(config.name), " is too large"),
          .where = escapeLine(config.mainPath),
          .why = kj::str("a program has at most ", MAX_PROGRAM_BYTES, " bytes in ", MAX_MODULES,
                         " modules; the limit was "
                         "reached at ",
                         quoteJson(name)),
          .fix = kj::str(
              "narrow \"rules\" or \"base_dir\", or let Mayfly bundle (\"no_bundle\": false)"),
      }
          .raise();
    }
    program.modules.add(ModuleSource{kj::mv(name), kind, kj::mv(bytes)});
  }

  // Adds the files below the base directory that match a rule, but for the main file. Hidden directories and
  // node_modules are left alone, and links to directories are not followed.
  void addMatchingFiles(bool withScripts) {
    kj::Vector<kj::String> found;
    std::error_code error;
    fs::recursive_directory_iterator walk(config.baseDir.cStr(), error);
    for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
      auto name = walk->path().filename().string();
      if (walk->is_directory(error)) {
        if (name.starts_with('.') || name == "node_modules") walk.disable_recursion_pending();
        continue;
      }
      if (walk->is_regular_file(error)) found.add(kj::str(walk->path().c_str()));
    }
    if (error) {
      OperatorError{
          .code = kj::str("config.unreadable"),
          .what = kj::str("cannot list the files below ", escapeLine(config.baseDir)),
          .why = kj::str(error.message().c_str()),
      }
          .raise();
    }
    std::sort(found.begin(), found.end());  // the same program on every machine
    for (auto& path : found) {
      if (path == config.mainPath || path == config.configPath) continue;
      auto name = KJ_UNWRAP_OR(relativeTo(config.baseDir, path), continue);
      auto kind = KJ_UNWRAP_OR(findKind(config.rules, name), continue);
      if (isScript(kind) && !withScripts) continue;
      add(kj::mv(name), kind, readModule(path, kind));
    }
  }

  static kj::Array<kj::byte> readModule(kj::StringPtr path, ModuleKind kind) {
    constexpr kj::StringPtr PURPOSE = "a module of the worker"_kj;
    if (kind == ModuleKind::DATA || kind == ModuleKind::WASM)
      return readFile(path, MAX_PROGRAM_BYTES, PURPOSE);
    auto text = readTextFile(path, MAX_PROGRAM_BYTES, PURPOSE);
    return kj::heapArray<kj::byte>(text.asBytes());
  }

  ProgramSource finish(kj::String mainModule) {
    program.mainModule = kj::mv(mainModule);
    return kj::mv(program);
  }

  void warn(OperatorError warning) { program.warnings.add(kj::mv(warning)); }

private:
  const WorkerConfig& config;
  ProgramSource program;
  size_t totalBytes = 0;
};

bool endsWithAny(kj::StringPtr name, std::initializer_list<kj::StringPtr> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](kj::StringPtr ending) { return name.endsWith(ending); });
}

ProgramSource collectFiles(const WorkerConfig& config) {
  ProgramBuilder builder(config);
  auto mainName = relativeTo(config.baseDir, config.mainPath).orDefault([&] {
    return fileNameOf(config.mainPath);
  });
  auto kind =
      endsWithAny(mainName, {".ts"_kj, ".mts"_kj}) ? ModuleKind::TYPE_SCRIPT : ModuleKind::ESM;
  builder.add(kj::str(mainName), kind, ProgramBuilder::readModule(config.mainPath, kind));
  if (config.findAdditionalModules) builder.addMatchingFiles(/*withScripts=*/true);
  return builder.finish(kj::mv(mainName));
}

ProgramSource assemble(const WorkerConfig& config, Bundle bundle) {
  ProgramBuilder builder(config);
  builder.add(kj::str(bundle.mainName), ModuleKind::ESM, kj::mv(bundle.main));
  for (auto& asset : bundle.assets) {
    auto kind = findKind(config.rules, asset.sourcePath);
    KJ_IF_MAYBE (known, kind) {
      builder.add(kj::mv(asset.name), *known, kj::mv(asset.bytes));
      continue;
    }
    OperatorError{
        .code = kj::str("config.no-rule"),
        .what = kj::str("no rule says what kind of module ", quoteJson(asset.sourcePath), " is"),
        .where = escapeLine(config.configPath),
        .why = kj::str("a rule for its extension exists, but its globs do not match this path"),
        .fix = kj::str("widen the globs under \"rules\""),
    }
        .raise();
  }
  if (config.findAdditionalModules) builder.addMatchingFiles(/*withScripts=*/false);
  for (auto& warning : bundle.warnings) {
    builder.warn(OperatorError{
        .code = kj::str("bundle.warning"),
        .what = kj::str("the bundler has remarks on worker ", quoteJson(config.name)),
        .why = kj::mv(warning),
    });
  }
  return builder.finish(kj::mv(bundle.mainName));
}

kj::String today() {
  time_t now = time(nullptr);
  tm parts{};
  gmtime_r(&now, &parts);
  char text[16];
  strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return kj::heapString(text);
}

}  // namespace

kj::Promise<ProgramSource> loadProgram(const WorkerConfig& config, Bundler& bundler) {
  if (config.noBundle) co_return collectFiles(config);
  co_return assemble(config, co_await bundler.bundle(config));
}

ProgramSource singleFileProgram(kj::StringPtr path) {
  auto fileName = fileNameOf(path);
  bool typed = endsWithAny(fileName, {".ts"_kj, ".mts"_kj});
  if (!typed && !endsWithAny(fileName, {".js"_kj, ".mjs"_kj})) {
    bool python = fileName.endsWith(".py");
    OperatorError{
        .code = kj::str("config.unknown-file-kind"),
        .what = kj::str("cannot run ", escapeLine(path)),
        .why = python ? kj::str("this build of Mayfly has no Python")
                      : kj::str("its name does not say what language it is in"),
        .fix = kj::str("give a file that ends in .js, .mjs, .ts or .mts"),
    }
        .raise();
  }
  auto text = readTextFile(path, MAX_PROGRAM_BYTES, "the program to run");
  bool module = endsWithAny(fileName, {".mjs"_kj, ".mts"_kj}) || looksLikeModule(text);
  auto kind = !module ? ModuleKind::SNIPPET : typed ? ModuleKind::TYPE_SCRIPT : ModuleKind::ESM;

  ProgramSource program;
  program.name = kj::str(fileName);
  program.compatibilityDate = today();
  program.mainModule = kj::str(fileName);
  program.modules.add(
      ModuleSource{kj::mv(fileName), kind, kj::heapArray<kj::byte>(text.asBytes())});
  return program;
}

}  // namespace mayfly::config
