// Runs the real esbuild, which the build places at $MAYFLY_ESBUILD.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <map>

#include "config/program-source.h"
#include "config/project-reader.h"
#include "config/temp-directory.h"

namespace mayfly::config {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

struct EsbuildBundlerTest : testing::Test {
  ~EsbuildBundlerTest() noexcept override {}
  kj::AsyncIoContext io = kj::setupAsyncIo();
  TempDirectory directory;
  kj::Own<Bundler> bundler;

  void SetUp() override {
    const char* esbuild = getenv("MAYFLY_ESBUILD");
    ASSERT_NE(esbuild, nullptr)
        << "ctest sets MAYFLY_ESBUILD; by hand, point it to esbuild's native program";
    bundler = newEsbuildBundler(kj::str(esbuild), *io.lowLevelProvider, io.unixEventPort);
  }

  ProgramSource load(const std::string& more = "") {
    auto project = readProject(directory.write(
        "wrangler.jsonc",
        "{\"name\": \"w\", \"main\": \"src/index.ts\", \"compatibility_date\": \"2026-01-02\"," +
            more + "}"));
    return loadProgram(project.workers[0], *bundler).wait(io.waitScope);
  }

  static std::string textOf(const ModuleSource& module) {
    return std::string(module.bytes.asPtr().asChars().begin(), module.bytes.size());
  }
};

TEST_F(EsbuildBundlerTest, TypeScriptAndPackagesBecomeOneModule) {
  directory.write(
      "node_modules/left/package.json",
      R"({"name": "left", "main": "cjs.js", "exports": {"workerd": "./workerd.mjs", "default": "./cjs.js"}})");
  directory.write("node_modules/left/workerd.mjs", "export const side: string = 'x'");
  directory.write("node_modules/left/workerd.mjs", "export const side = 'for-workerd'");
  directory.write("src/data.json", "{\"n\": 41}");
  directory.write(
      "src/index.ts",
      "import { WorkerEntrypoint } from 'cloudflare:workers';\nimport fs from 'node:fs';\n"
      "import { side } from 'left';\nimport data from './data.json';\n"
      "export default class extends WorkerEntrypoint { run(x: number): number { return data.n + x "
      "+ side + fs } }");
  auto program = load();
  EXPECT_EQ(program.mainModule, "index.js");
  ASSERT_EQ(program.modules.size(), 1u);
  EXPECT_EQ(program.modules[0].kind, ModuleKind::ESM);
  auto text = textOf(program.modules[0]);
  EXPECT_THAT(text, AllOf(HasSubstr("from \"cloudflare:workers\""), HasSubstr("from \"node:fs\""),
                          HasSubstr("for-workerd"), HasSubstr("n: 41"),
                          HasSubstr("sourceMappingURL=data:application/json;base64,"),
                          Not(HasSubstr("x: number"))));
  EXPECT_EQ(program.warnings.size(), 0u);
}

TEST_F(EsbuildBundlerTest, AssetsBecomeModulesThatTheBundleImports) {
  directory.write("src/a/note.txt", "one");
  directory.write("src/b/note.txt", "two");
  directory.write("src/raw.bin", "raw");
  directory.write("src/code.wasm", std::string("\0asm\1\0\0\0", 8));
  directory.write("src/read.md", "md");
  directory.write(
      "src/index.ts",
      "import a from './a/note.txt'; import b from './b/note.txt'; import raw from './raw.bin';\n"
      "import wasm from './code.wasm'; import md from './read.md'; export default { a, b, raw, "
      "wasm, md };");
  auto program =
      load("\"rules\": [{\"type\": \"Text\", \"globs\": [\"**/*.md\"], \"fallthrough\": true}]");
  std::map<std::string, std::string> assets;
  auto main = textOf(program.modules[0]);
  for (auto& module : program.modules) {
    if (module.name == program.mainModule) continue;
    EXPECT_THAT(main, HasSubstr(kj::str("\"./", module.name, "\"").cStr()));
    assets[textOf(module)] = kj::str(static_cast<int>(module.kind)).cStr();
  }
  std::map<std::string, std::string> expected = {{"one", "3"},
                                                 {"two", "3"},
                                                 {"raw", "5"},
                                                 {"md", "3"},
                                                 {std::string("\0asm\1\0\0\0", 8), "6"}};
  EXPECT_EQ(assets, expected);
}

TEST_F(EsbuildBundlerTest, NodeModulesNeedNoPrefixWithNodejsCompat) {
  directory.write("src/index.ts",
                  "import p from 'path'; import { readFile } from 'fs/promises'; export default { "
                  "p, readFile };");
  EXPECT_THAT(textOf(load("\"compatibility_flags\": [\"nodejs_compat\"]").modules[0]),
              AllOf(HasSubstr("from \"node:path\""), HasSubstr("from \"node:fs/promises\"")));
  EXPECT_THAT(errorOf([&] { load(); }),
              AllOf(StartsWith("error[bundle.failed]"), HasSubstr("nodejs_compat")));
}

TEST_F(EsbuildBundlerTest, DefinesAndAliasesReachTheBundler) {
  directory.write("src/other.ts", "export default 'from-other'");
  directory.write(
      "src/index.ts",
      "import x from 'thing'; export default { x, v: VERSION, m: process.env.NODE_ENV };");
  EXPECT_THAT(
      textOf(load(R"("alias": {"thing": "./src/other.ts"}, "define": {"VERSION": "\"v7\""})")
                 .modules[0]),
      AllOf(HasSubstr("from-other"), HasSubstr("v: \"v7\""), HasSubstr("m: \"production\"")));
}

TEST_F(EsbuildBundlerTest, AMissingImportNamesFileAndLine) {
  directory.write("src/index.ts", "const a = 1;\nimport x from './nope';\nexport default x;");
  auto error = errorOf([&] { load(); });
  EXPECT_THAT(
      error,
      StartsWith(
          "error[bundle.failed]: worker \"w\" could not be bundled: Could not resolve \"./nope\""));
  EXPECT_THAT(error, HasSubstr("where  src/index.ts:2:14"));
  EXPECT_THAT(error, HasSubstr("import x from './nope'"));
}

TEST_F(EsbuildBundlerTest, ASyntaxErrorNamesFileAndLine) {
  directory.write("src/index.ts", "\nexport default {");
  EXPECT_THAT(errorOf([&] { load(); }),
              AllOf(StartsWith("error[bundle.failed]"), HasSubstr("where  src/index.ts:2:16")));
}

TEST_F(EsbuildBundlerTest, ARemarkOfTheBundlerIsAWarning) {
  directory.write("src/index.ts", "export default { a: typeof x === 'nul' }; if (-0 === x) {}");
  auto program = load();
  ASSERT_EQ(program.warnings.size(), 1u);
  EXPECT_THAT(program.warnings[0].render("warning").cStr(),
              AllOf(StartsWith("warning[bundle.warning]"), HasSubstr("src/index.ts:1")));
}

TEST_F(EsbuildBundlerTest, AGlobThatTheBundlerCannotFollowIsRefused) {
  directory.write("src/index.ts", "export default 1");
  for (auto glob : {"programs/*", "**/*.js", "**/*.ts", "*.{md,txt}"}) {
    EXPECT_THAT(
        errorOf([&] {
          load(std::string("\"rules\": [{\"type\": \"Text\", \"globs\": [\"") + glob + "\"]}]");
        }),
        StartsWith("error[config.rule-needs-extension]"))
        << glob;
  }
}

TEST_F(EsbuildBundlerTest, NothingIsLeftBehind) {
  TempDirectory scratch;
  setenv("TMPDIR", scratch.root.c_str(), 1);
  directory.write("src/index.ts", "export default 1");
  load();
  directory.write("src/index.ts", "oops(");
  errorOf([&] { load(); });
  unsetenv("TMPDIR");
  EXPECT_TRUE(std::filesystem::is_empty(scratch.root));
}

TEST_F(EsbuildBundlerTest, AnOrdinaryWorkerNeedsNoInstalledBundlerBesideATest) {
  EXPECT_THAT(errorOf([] { findInstalledEsbuild(); }), StartsWith("error[bundle.no-esbuild]"));
}

}  // namespace
}  // namespace mayfly::config
