#include <capnp/message.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/module-rules.h"
#include "config/program-source.h"
#include "config/temp-directory.h"

namespace mayfly::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// Gives what a test says, without running anything.
class FakeBundler final : public Bundler {
public:
  Bundle next;
  kj::Promise<Bundle> bundle(const WorkerConfig&) override { return kj::mv(next); }
};

kj::Array<kj::byte> bytes(kj::StringPtr text) { return kj::heapArray<kj::byte>(text.asBytes()); }

std::vector<std::string> listModules(const ProgramSource& program) {
  std::vector<std::string> result;
  for (auto& module : program.modules) {
    auto line = kj::str(module.name, ' ', static_cast<int>(module.kind), ' ',
                        module.bytes.asPtr().asChars());
    result.emplace_back(line.begin(), line.size());
  }
  return result;
}

struct ProgramLoaderTest : testing::Test {
  ~ProgramLoaderTest() noexcept override {}
  kj::EventLoop loop;
  kj::WaitScope waitScope{loop};
  TempDirectory directory;
  FakeBundler bundler;

  WorkerConfig config(bool noBundle) {
    WorkerConfig result;
    result.name = kj::str("w");
    result.configPath = directory.path("wrangler.jsonc");
    result.mainPath = directory.path("src/index.js");
    result.baseDir = directory.path("src");
    result.compatibilityDate = kj::str("2026-01-02");
    result.noBundle = noBundle;
    result.findAdditionalModules = noBundle;
    addBuiltInRules(result.rules, noBundle);
    return result;
  }
};

TEST_F(ProgramLoaderTest, WithoutBundlingTheFilesAreTakenAsTheyAre) {
  directory.write("src/index.js", "main");
  directory.write("src/lib/a.js", "a");
  directory.write("src/lib/b.cjs", "b");
  directory.write("src/page.html", "h");
  directory.write("src/data.bin", std::string("\x00\xff", 2));
  directory.write("src/notes.md", "no rule");
  directory.write("src/node_modules/x/index.js", "no");
  directory.write("src/.git/x.js", "no");
  directory.write("other.js", "outside");
  auto program = loadProgram(config(true), bundler).wait(waitScope);
  EXPECT_EQ(program.mainModule, "index.js");
  EXPECT_THAT(listModules(program),
              ElementsAre("index.js 0 main", std::string("data.bin 5 \0\xff", 13), "lib/a.js 0 a",
                          "lib/b.cjs 1 b", "page.html 3 h"));
}

TEST_F(ProgramLoaderTest, OtherModulesAreOnlyLookedForIfWanted) {
  directory.write("src/index.js", "main");
  directory.write("src/a.js", "a");
  auto chosen = config(true);
  chosen.findAdditionalModules = false;
  EXPECT_THAT(listModules(loadProgram(chosen, bundler).wait(waitScope)),
              ElementsAre("index.js 0 main"));
}

TEST_F(ProgramLoaderTest, ALinkedDirectoryIsNotFollowed) {
  directory.write("src/index.js", "main");
  std::filesystem::create_directory_symlink(directory.root, directory.root + "/src/loop");
  EXPECT_THAT(listModules(loadProgram(config(true), bundler).wait(waitScope)),
              ElementsAre("index.js 0 main"));
}

TEST_F(ProgramLoaderTest, ATextModuleThatIsNotUtf8IsRefused) {
  directory.write("src/index.js", "main");
  directory.write("src/a.txt", "ok\n\xff");
  EXPECT_THAT(errorOf([&] { loadProgram(config(true), bundler).wait(waitScope); }),
              testing::AllOf(StartsWith("error[config.not-utf8]"), HasSubstr("a.txt:2")));
}

TEST_F(ProgramLoaderTest, TooManyModulesAreRefused) {
  directory.write("src/index.js", "main");
  for (size_t i = 0; i < MAX_MODULES; ++i)
    directory.write("src/m" + std::to_string(i) + ".txt", "");
  EXPECT_THAT(errorOf([&] { loadProgram(config(true), bundler).wait(waitScope); }),
              StartsWith("error[config.program-too-large]"));
}

TEST_F(ProgramLoaderTest, AssetsOfABundleGetTheKindOfTheirSource) {
  bundler.next.mainName = kj::str("index.js");
  bundler.next.main = bytes("bundled");
  bundler.next.assets.add(BundledAsset{kj::str("a-HASH.wasm"), kj::str("lib/a.wasm"), bytes("w")});
  bundler.next.warnings.add(kj::str("careful"));
  auto program = loadProgram(config(false), bundler).wait(waitScope);
  EXPECT_THAT(listModules(program), ElementsAre("index.js 0 bundled", "a-HASH.wasm 6 w"));
  ASSERT_EQ(program.warnings.size(), 1u);
  EXPECT_EQ(program.warnings[0].why, "careful");

  bundler.next.mainName = kj::str("index.js");
  bundler.next.assets.add(BundledAsset{kj::str("a-HASH.md"), kj::str("lib/a.md"), bytes("m")});
  EXPECT_THAT(errorOf([&] { loadProgram(config(false), bundler).wait(waitScope); }),
              StartsWith("error[config.no-rule]"));
}

TEST_F(ProgramLoaderTest, ASingleFileIsAModuleOrASnippet) {
  auto kindOf = [&](const std::string& name, const std::string& text) {
    auto program = singleFileProgram(directory.write(name, text));
    EXPECT_EQ(program.mainModule, kj::StringPtr(name.c_str()));
    EXPECT_EQ(program.compatibilityDate.size(), 10u);
    return program.modules[0].kind;
  };
  EXPECT_EQ(kindOf("a.js", "export default 1"), ModuleKind::ESM);
  EXPECT_EQ(kindOf("a.ts", "export default 1 as number"), ModuleKind::TYPE_SCRIPT);
  EXPECT_EQ(kindOf("b.js", "async () => 1"), ModuleKind::SNIPPET);
  EXPECT_EQ(kindOf("b.ts", "async (): Promise<number> => 1"), ModuleKind::SNIPPET);
  EXPECT_EQ(kindOf("b.mjs", "globalThis.x = 1"), ModuleKind::ESM);
}

TEST_F(ProgramLoaderTest, AFileThatCannotRunIsRefused) {
  EXPECT_THAT(errorOf([&] { singleFileProgram(directory.write("a.py", "")); }),
              testing::AllOf(StartsWith("error[config.unknown-file-kind]"), HasSubstr("Python")));
  EXPECT_THAT(errorOf([&] { singleFileProgram(directory.write("a.txt", "")); }),
              StartsWith("error[config.unknown-file-kind]"));
  EXPECT_THAT(errorOf([&] { singleFileProgram(directory.path("none.js")); }),
              StartsWith("error[config.no-file]"));
}

TEST_F(ProgramLoaderTest, AProgramGoesIntoItsMessage) {
  ProgramSource source;
  source.name = kj::str("w");
  source.compatibilityDate = kj::str("2026-01-02");
  source.compatibilityFlags = kj::arr(kj::str("f"));
  source.mainModule = kj::str("a");
  int kinds = 0;
  for (auto kind :
       {ModuleKind::ESM, ModuleKind::COMMON_JS, ModuleKind::TYPE_SCRIPT, ModuleKind::TEXT,
        ModuleKind::JSON, ModuleKind::DATA, ModuleKind::WASM, ModuleKind::SNIPPET}) {
    source.modules.add(ModuleSource{kj::str("m", kinds++), kind, bytes("x\0y"_kj)});
  }
  capnp::MallocMessageBuilder message;
  fillProgram(message.initRoot<schema::Program>(), source);
  auto program = message.getRoot<schema::Program>().asReader();
  EXPECT_EQ(program.getMainModule(), "a");
  EXPECT_EQ(program.getCompatibilityFlags()[0], "f");
  auto modules = program.getModules();
  EXPECT_EQ(modules[0].getEsm(), "x\0y"_kj);
  EXPECT_EQ(modules[1].getCommonJs(), "x\0y"_kj);
  EXPECT_EQ(modules[2].getTypeScript(), "x\0y"_kj);
  EXPECT_EQ(modules[3].getText(), "x\0y"_kj);
  EXPECT_EQ(modules[4].getJson(), "x\0y"_kj);
  EXPECT_EQ(modules[5].getData(), "x\0y"_kj.asBytes());
  EXPECT_EQ(modules[6].getWasm(), "x\0y"_kj.asBytes());
  EXPECT_EQ(modules[7].getSnippet(), "x\0y"_kj);
  EXPECT_TRUE(program.getEnv().isNone());
}

}  // namespace
}  // namespace mayfly::config
