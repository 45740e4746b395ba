#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "base/text-escape.h"
#include "config/bundler.h"
#include "config/child-program.h"
#include "config/files.h"
#include "config/module-rules.h"
#include "config/program-source.h"

namespace mayfly::config {
namespace {

namespace fs = std::filesystem;

// Built into the sandbox; with nodejs_compat also without the `node:` prefix.
constexpr kj::StringPtr NODE_MODULES[] = {
    "assert"_kj,       "async_hooks"_kj,
    "buffer"_kj,       "child_process"_kj,
    "cluster"_kj,      "console"_kj,
    "constants"_kj,    "crypto"_kj,
    "dgram"_kj,        "diagnostics_channel"_kj,
    "dns"_kj,          "domain"_kj,
    "events"_kj,       "fs"_kj,
    "http"_kj,         "http2"_kj,
    "https"_kj,        "inspector"_kj,
    "module"_kj,       "net"_kj,
    "os"_kj,           "path"_kj,
    "perf_hooks"_kj,   "process"_kj,
    "punycode"_kj,     "querystring"_kj,
    "readline"_kj,     "repl"_kj,
    "stream"_kj,       "string_decoder"_kj,
    "timers"_kj,       "tls"_kj,
    "trace_events"_kj, "tty"_kj,
    "url"_kj,          "util"_kj,
    "v8"_kj,           "vm"_kj,
    "wasi"_kj,         "worker_threads"_kj,
    "zlib"_kj,
};

// A directory that is gone, with all that is in it, when this is.
class ScratchDirectory final {
public:
  ScratchDirectory() {
    auto pattern = (fs::temp_directory_path() / "mayfly-bundle-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
      OperatorError{
          .code = kj::str("bundle.no-scratch"),
          .what = kj::str("cannot make a directory like ",
                          escapeLine(kj::arrayPtr(pattern.data(), pattern.size()))),
          .why = kj::str("the bundler needs a place for its output"),
          .fix = kj::str("make room there, or point TMPDIR to a directory that can be written"),
      }
          .raise();
    }
    path = kj::str(pattern.c_str());
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    fs::remove_all(path.cStr(), ignored);
  }
  KJ_DISALLOW_COPY_AND_MOVE(ScratchDirectory);

  kj::String path;
};

// The `.ext` that a rule is about. The bundler knows files by extension only.
kj::Maybe<kj::StringPtr> extensionOf(kj::StringPtr glob) {
  size_t dot = KJ_UNWRAP_OR(glob.findLast('.'), return nullptr);
  auto extension = glob.slice(dot);
  if (extension.size() < 2) return nullptr;
  for (char c : extension.slice(1)) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '_' || c == '-';
    if (!plain) return nullptr;
  }
  return extension;
}

bool isScriptExtension(kj::StringPtr extension) {
  for (auto script :
       {".js"_kj, ".mjs"_kj, ".cjs"_kj, ".jsx"_kj, ".ts"_kj, ".mts"_kj, ".cts"_kj, ".tsx"_kj}) {
    if (extension == script) return true;
  }
  return false;
}

void addAssetLoaders(const WorkerConfig& config, kj::Vector<kj::String>& arguments) {
  kj::Vector<kj::StringPtr> known;
  for (auto& rule : config.rules) {
    if (isScript(rule.kind)) continue;  // scripts are bundled
    for (auto& glob : rule.globs) {
      auto extension = extensionOf(glob);
      KJ_IF_MAYBE (found, extension) {
        if (!isScriptExtension(*found)) {
          if (std::find(known.begin(), known.end(), *found) != known.end()) continue;
          known.add(*found);
          arguments.add(kj::str("--loader:", *found, "=copy"));
          continue;
        }
      }
      OperatorError{
          .code = kj::str("config.rule-needs-extension"),
          .what = kj::str("the glob ", quoteJson(glob), " cannot be used while bundling"),
          .where = kj::str(rule.where),
          .why = kj::str("the bundler tells assets from scripts by their extension"),
          .fix = kj::str("end the glob in an extension that only assets have, such as \"**/*.md\", "
                         "or set \"no_bundle\""),
      }
          .raise();
    }
  }
}

kj::Array<kj::String> makeArguments(const WorkerConfig& config, kj::StringPtr scratch,
                                    kj::StringPtr mainName) {
  kj::Vector<kj::String> arguments;
  arguments.add(kj::str(config.mainPath));
  for (auto argument :
       {"--bundle"_kj, "--format=esm"_kj, "--target=es2024"_kj, "--platform=neutral"_kj,
        "--main-fields=browser,module,main"_kj, "--conditions=workerd,worker,browser"_kj,
        "--external:cloudflare:*"_kj, "--external:node:*"_kj, "--external:workerd:*"_kj,
        "--asset-names=[name]-[hash]"_kj, "--sourcemap=inline"_kj, "--charset=utf8"_kj,
        "--log-level=warning"_kj, "--log-limit=20"_kj, "--color=false"_kj}) {
    arguments.add(kj::str(argument));
  }
  arguments.add(kj::str("--outfile=", scratch, "/out/", mainName));
  arguments.add(kj::str("--metafile=", scratch, "/meta.json"));
  addAssetLoaders(config, arguments);

  bool nodeCompat = std::any_of(
      config.compatibilityFlags.begin(), config.compatibilityFlags.end(),
      [](const kj::String& flag) { return flag == "nodejs_compat" || flag == "nodejs_compat_v2"; });
  if (nodeCompat) {
    for (auto name : NODE_MODULES)
      arguments.add(kj::str("--alias:", name, "=node:", name));
  }
  bool definesMode = false;
  for (auto& rule : config.define) {
    definesMode = definesMode || rule.name == "process.env.NODE_ENV";
    arguments.add(kj::str("--define:", rule.name, '=', rule.value));
  }
  if (!definesMode) arguments.add(kj::str("--define:process.env.NODE_ENV=\"production\""));
  for (auto& rule : config.alias)
    arguments.add(kj::str("--alias:", rule.name, '=', rule.value));
  if (config.minify) {
    arguments.add(kj::str("--minify"));
    arguments.add(kj::str("--keep-names"));
  }
  if (config.tsconfigPath.size() > 0) arguments.add(kj::str("--tsconfig=", config.tsconfigPath));
  return arguments.releaseAsArray();
}

std::string trim(const std::string& text) {
  auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

kj::String escapeLines(const std::string& text) {
  kj::Vector<kj::String> lines;
  size_t start = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != '\n') continue;
    lines.add(escapeLine(kj::arrayPtr(text.data() + start, i - start)));
    start = i + 1;
  }
  return kj::strArray(lines, "\n");
}

// esbuild says `✘ [ERROR] message`, an empty line, `    file:line:column:`, and a picture of the place.
OperatorError describeFailure(const WorkerConfig& config, const ProgramResult& result) {
  std::string output(result.output.begin(), result.output.size());
  OperatorError error{
      .code = kj::str("bundle.failed"),
      .what = kj::str("worker ", quoteJson(config.name), " could not be bundled"),
      .where = escapeLine(config.mainPath),
  };
  size_t mark = output.find("[ERROR] ");
  if (mark == std::string::npos) {
    error.why =
        kj::str("esbuild ended with ",
                WIFSIGNALED(result.waitStatus) ? kj::str("signal ", WTERMSIG(result.waitStatus))
                                               : kj::str("status ", WEXITSTATUS(result.waitStatus)),
                output.empty() ? kj::String() : kj::str(":\n", escapeLines(trim(output))));
    return error;
  }
  size_t end = output.find('\n', mark);
  auto message = output.substr(mark + 8, end == std::string::npos ? end : end - mark - 8);
  error.what = kj::str(error.what, ": ", escapeLine(kj::arrayPtr(message.data(), message.size())));
  if (end != std::string::npos) {
    size_t place = output.find_first_not_of(" \n", end);
    size_t placeEnd = place == std::string::npos ? place : output.find(":\n", place);
    if (placeEnd != std::string::npos && output.find('\n', place) == placeEnd + 1) {
      auto where = output.substr(place, placeEnd - place);
      error.where = escapeLine(kj::arrayPtr(where.data(), where.size()));
      end = placeEnd + 1;
    }
    while (end < output.size() && output[end] == '\n')
      ++end;
    auto rest = output.substr(end);
    auto last = rest.find_last_not_of(" \t\r\n");
    error.why = escapeLines(last == std::string::npos ? "" : rest.substr(0, last + 1));
  }
  if (message.starts_with("Could not resolve ")) {
    error.fix = kj::str(
        "install the package, correct the path, or, for a Node.js module, add \"nodejs_compat\" to "
        "\"compatibility_flags\"");
  }
  return error;
}

// Reads the asset files that the bundle imports. The metafile says what each was made from.
kj::Vector<BundledAsset> readAssets(const WorkerConfig& config, kj::StringPtr scratch,
                                    kj::StringPtr mainName, kj::StringPtr workingDirectory) {
  kj::Vector<BundledAsset> assets;
  auto metaText = readTextFile(kj::str(scratch, "/meta.json"), MAX_PROGRAM_BYTES,
                               "esbuild's account of the bundle");
  auto meta = nlohmann::json::parse(metaText.begin(), metaText.end());
  auto out = fs::path(scratch.cStr()) / "out";
  for (auto& [outputPath, output] : meta["outputs"].items()) {
    auto absolute = resolvePath(workingDirectory, outputPath.c_str());
    auto name = KJ_UNWRAP_OR(relativeTo(out.c_str(), absolute), continue);
    if (name == mainName || output["inputs"].size() != 1) continue;
    auto input = resolvePath(workingDirectory, output["inputs"].begin().key().c_str());
    auto source = relativeTo(config.baseDir, input).orDefault([&] { return fileNameOf(input); });
    auto bytes = readFile(absolute, MAX_PROGRAM_BYTES, "an asset of the worker");
    assets.add(BundledAsset{kj::mv(name), kj::mv(source), kj::mv(bytes)});
  }
  return assets;
}

class EsbuildBundler final : public Bundler {
public:
  EsbuildBundler(kj::String esbuildPath, kj::LowLevelAsyncIoProvider& ioProvider,
                 kj::UnixEventPort& eventPort)
      : program(kj::mv(esbuildPath)), io(ioProvider), port(eventPort) {}

  kj::Promise<Bundle> bundle(const WorkerConfig& config) override {
    ScratchDirectory scratch;
    auto workingDirectory =
        parentOf(config.configPath.size() > 0 ? config.configPath : config.mainPath);
    Bundle bundle;
    bundle.mainName = kj::str(fs::path(config.mainPath.cStr()).stem().c_str(), ".js");
    ProgramCall call{
        .path = kj::str(program),
        .arguments = makeArguments(config, scratch.path, bundle.mainName),
        .environment = nullptr,
        .workingDirectory = kj::str(workingDirectory),
    };
    auto result = co_await runProgram(kj::mv(call), io, port);
    if (result.waitStatus != 0) describeFailure(config, result).raise();

    bundle.main = readFile(kj::str(scratch.path, "/out/", bundle.mainName), MAX_PROGRAM_BYTES,
                           "the bundled worker");
    bundle.assets = readAssets(config, scratch.path, bundle.mainName, workingDirectory);
    auto said = trim(std::string(result.output.begin(), result.output.size()));
    if (!said.empty()) bundle.warnings.add(escapeLines(said));
    co_return bundle;
  }

private:
  kj::String program;
  kj::LowLevelAsyncIoProvider& io;
  kj::UnixEventPort& port;
};

}  // namespace

kj::Own<Bundler> newEsbuildBundler(kj::String esbuildPath, kj::LowLevelAsyncIoProvider& io,
                                   kj::UnixEventPort& port) {
  return kj::heap<EsbuildBundler>(kj::mv(esbuildPath), io, port);
}

kj::String findInstalledEsbuild() {
  std::error_code error;
  auto self = fs::read_symlink("/proc/self/exe", error);
  auto path = self.parent_path() / "libexec" / "esbuild";
  if (error || access(path.c_str(), X_OK) != 0) {
    OperatorError{
        .code = kj::str("bundle.no-esbuild"),
        .what = kj::str("the bundler is missing"),
        .why = kj::str("there is no program ", path.c_str()),
        .fix = kj::str("run \"make build\" again, or set \"no_bundle\": true in the configuration"),
    }
        .raise();
  }
  return kj::str(path.c_str());
}

}  // namespace mayfly::config
