#include "config/project-reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/debug.h>

#include "config/temp-directory.h"

namespace mayfly::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// A directory with a main file, to which a test adds a configuration.
struct ProjectReaderTest : testing::Test {
  TempDirectory directory;
  ProjectReaderTest() { directory.write("src/index.ts", "export default {}"); }

  // A configuration with what every one needs, and `more`, beginning in line 2.
  Project readWith(const std::string& more) {
    return readText("{\"main\": \"src/index.ts\", \"compatibility_date\": \"2026-01-02\",\n" +
                    more + "}");
  }
  Project readText(const std::string& text) {
    return readProject(directory.write("wrangler.jsonc", text));
  }
  std::string errorWith(const std::string& more) {
    return errorOf([&] { readWith(more); });
  }
  static std::vector<std::string> warningsOf(const Project& project) {
    std::vector<std::string> result;
    for (auto& warning : project.warnings)
      result.emplace_back(warning.render("warning").cStr());
    return result;
  }
};

TEST_F(ProjectReaderTest, ReadsTheKeysOfAWorker) {
  auto project = readText(R"({
    // what a Cloudflare project starts with
    "$schema": "node_modules/wrangler/config-schema.json",
    "name": "app", "main": "src/index.ts", "compatibility_date": "2026-01-02", "compatibility_flags": ["nodejs_compat"],
    "vars": {"TEXT": "x\"y", "DEEP": {"a": [1, null]}},
    "worker_loaders": [{"binding": "LOADER"}],
    "services": [{"binding": "SELF", "service": "app", "entrypoint": "Orders", "props": {"tenant": 7}}],
    "limits": {"cpu_ms": 50},
    "rules": [{"type": "Text", "globs": ["**/*.md"], "fallthrough": true}],
    "alias": {"a": "./b"}, "define": {"X": "1"}, "minify": true, "tsconfig": "tsconfig.json",
    "observability": {"enabled": true}, "workers_dev": false,
    "dev": {"ip": "::1", "port": 0},
  })");
  EXPECT_THAT(warningsOf(project), IsEmpty());
  ASSERT_EQ(project.workers.size(), 1u);
  auto& worker = project.workers[0];
  EXPECT_EQ(worker.name, "app");
  EXPECT_EQ(worker.configPath, directory.path("wrangler.jsonc"));
  EXPECT_EQ(worker.mainPath, directory.path("src/index.ts"));
  EXPECT_EQ(worker.baseDir, directory.path("src"));
  EXPECT_EQ(worker.compatibilityDate, "2026-01-02");
  EXPECT_EQ(worker.compatibilityFlags[0], "nodejs_compat");
  EXPECT_EQ(worker.vars[0].json, "\"x\\\"y\"");
  EXPECT_EQ(worker.vars[1].json, "{\"a\":[1,null]}");
  EXPECT_EQ(worker.loaders[0].name, "LOADER");
  EXPECT_EQ(worker.services[0].service, "app");
  EXPECT_EQ(worker.services[0].entrypoint, "Orders");
  EXPECT_EQ(worker.services[0].propsJson, "{\"tenant\":7}");
  EXPECT_TRUE(worker.cpuMs == 50u);
  EXPECT_TRUE(worker.rules[0].kind == ModuleKind::TEXT && worker.rules[0].fallthrough);
  EXPECT_TRUE(worker.minify);
  EXPECT_FALSE(worker.noBundle);
  EXPECT_EQ(KJ_ASSERT_NONNULL(worker.listen), "[::1]:0");
}

TEST_F(ProjectReaderTest, TheTomlFormHasTheSameKeys) {
  auto project = readProject(
      directory.write("wrangler.toml",
                      "name = \"app\"\nmain = \"src/index.ts\"\ncompatibility_date = "
                      "2026-01-02\nno_bundle = true\n[vars]\nA = \"b\"\n"
                      "[[worker_loaders]]\nbinding = \"LOADER\"\n[mayfly.pool]\nblank = 3\n"));
  auto& worker = project.workers[0];
  EXPECT_EQ(worker.compatibilityDate, "2026-01-02");
  EXPECT_TRUE(worker.noBundle);
  EXPECT_TRUE(worker.findAdditionalModules);
  EXPECT_EQ(worker.loaders[0].name, "LOADER");
  EXPECT_EQ(project.mayfly.blankSandboxes, 3u);
}

TEST_F(ProjectReaderTest, ADirectoryStandsForTheConfigurationInIt) {
  directory.write("wrangler.toml", "broken");
  readWith("\"name\": \"jsonc-wins\"");
  EXPECT_EQ(readProject(directory.path()).workers[0].name, "jsonc-wins");
  TempDirectory empty;
  EXPECT_THAT(errorOf([&] { readProject(empty.path()); }),
              AllOf(StartsWith("error[config.no-file]: "), HasSubstr("wrangler.toml")));
  EXPECT_THAT(errorOf([&] { readProject(empty.path("nope.jsonc")); }),
              StartsWith("error[config.no-file]: there is no file"));
}

TEST_F(ProjectReaderTest, WhatIsMissingIsNamed) {
  EXPECT_THAT(errorOf([&] { readText("{\"compatibility_date\": \"2026-01-02\"}"); }),
              StartsWith("error[config.missing-key]: \"main\" is missing"));
  EXPECT_THAT(errorOf([&] { readText("{\"main\": \"src/index.ts\"}"); }),
              StartsWith("error[config.missing-key]: \"compatibility_date\" is missing"));
  EXPECT_THAT(errorOf([&] {
                readText("\n{\"main\": \"src/nope.ts\", \"compatibility_date\": \"2026-01-02\"}");
              }),
              AllOf(StartsWith("error[config.no-main]: \"main\" names \"src/nope.ts\""),
                    HasSubstr("wrangler.jsonc:2")));
  EXPECT_EQ(kj::StringPtr(readWith("").workers[0].name),
            std::filesystem::path(directory.root).filename().c_str());
}

TEST_F(ProjectReaderTest, TypeErrorsNameKeyLineExpectationAndFinding) {
  auto error = errorWith("\n\"limits\": {\"cpu_ms\": \"fast\"}");
  EXPECT_THAT(
      error,
      StartsWith(
          "error[config.wrong-type]: \"limits.cpu_ms\" must be a whole number from 1 to 300000"));
  EXPECT_THAT(error, HasSubstr("wrangler.jsonc:3"));
  EXPECT_THAT(error, HasSubstr("it is the string \"fast\""));
  for (auto more :
       {"\"name\": 5", "\"vars\": []", "\"worker_loaders\": {}", "\"worker_loaders\": [\"LOADER\"]",
        "\"services\": [{\"binding\": \"A\", \"service\": \"b\", \"props\": []}]",
        "\"no_bundle\": \"yes\"", "\"compatibility_flags\": [1]", "\"limits\": {\"cpu_ms\": 1.5}",
        "\"limits\": {\"cpu_ms\": -1}", "\"limits\": {\"cpu_ms\": 1e3}",
        "\"dev\": {\"port\": 65536}", "\"define\": {\"a\": 1}", "\"mayfly\": 1"}) {
    EXPECT_THAT(errorWith(more), StartsWith("error[config.wrong-type]: ")) << more;
  }
  EXPECT_THAT(errorOf([&] { readText("[]"); }),
              StartsWith("error[config.wrong-type]: the configuration must be an object"));
  for (auto date : {"2026-1-2", "20260102", "2026-13-01", "2026-00-10", "2026-01-32", "tomorrow!!",
                    " 026-01-01"}) {
    EXPECT_THAT(errorOf([&] {
                  readText(std::string("{\"main\": \"src/index.ts\", \"compatibility_date\": \"") +
                           date + "\"}");
                }),
                StartsWith("error[config.wrong-type]: \"compatibility_date\" must be a date"))
        << date;
  }
}

TEST_F(ProjectReaderTest, AKeyWithoutEffectIsNamedInAWarning) {
  auto warnings =
      warningsOf(readWith("\"kv_namespaces\": [],\n\"compatability_date\": 1, \"routes\": []"));
  ASSERT_EQ(warnings.size(), 3u);
  EXPECT_THAT(warnings[0],
              StartsWith("warning[config.unsupported-key]: the key \"routes\" has no effect"));
  EXPECT_THAT(
      warnings[1],
      StartsWith("warning[config.unsupported-key]: the key \"kv_namespaces\" has no effect"));
  EXPECT_THAT(
      warnings[2],
      AllOf(StartsWith("warning[config.unknown-key]: the key \"compatability_date\""),
            HasSubstr("wrangler.jsonc:3"), HasSubstr("did you mean \"compatibility_date\"?")));
  EXPECT_THAT(warningsOf(readWith("\"worker_loaders\": [{\"binding\": \"L\", \"bindng\": 1}]")),
              ElementsAre(HasSubstr("\"worker_loaders[0].bindng\" is unknown")));
}

TEST_F(ProjectReaderTest, ProductsOfTheHostAreRefusedIfUsed) {
  EXPECT_THAT(errorWith("\"ai\": {\"binding\": \"AI\"}"),
              StartsWith("error[config.unsupported-binding]: Mayfly has no \"ai\""));
  EXPECT_THAT(warningsOf(readWith("\"hyperdrive\": [], \"ai\": null")), IsEmpty());
}

TEST_F(ProjectReaderTest, TwoBindingsOfOneNameAreRefused) {
  EXPECT_THAT(errorWith("\"vars\": {\"A\": 1}, \"worker_loaders\": [{\"binding\": \"A\"}]"),
              StartsWith("error[config.duplicate-binding]: two bindings are called \"A\""));
  EXPECT_THAT(errorWith("\"worker_loaders\": [{\"binding\": \"\"}]"),
              StartsWith("error[config.missing-key]"));
}

TEST_F(ProjectReaderTest, SecretsComeFromTheFileBesideIt) {
  directory.write(".dev.vars", "A=secret\nB=2\n");
  directory.write(".env", "C=never\n");
  auto project = readWith("\"vars\": {\"A\": \"public\"}");
  auto& vars = project.workers[0].vars;
  ASSERT_EQ(vars.size(), 2u);
  EXPECT_EQ(vars[0].json, "\"secret\"");
  EXPECT_EQ(vars[1].json, "\"2\"");
  std::filesystem::remove(directory.root + "/.dev.vars");
  EXPECT_EQ(readWith("").workers[0].vars[0].json, "\"never\"");
}

TEST_F(ProjectReaderTest, ServicesNameWorkersOfTheProject) {
  directory.write("orders/o.js", "export default {}");
  directory.write(
      "orders/wrangler.json",
      R"({"name": "orders", "main": "o.js", "compatibility_date": "2026-01-02", "mayfly": {"pool": {"blank": 9}}})");
  auto project =
      readWith(R"("name": "shop", "services": [{"binding": "ORDERS", "service": "orders"}],
                             "mayfly": {"workers": ["orders"]})");
  ASSERT_EQ(project.workers.size(), 2u);
  EXPECT_EQ(project.workers[1].name, "orders");
  EXPECT_EQ(project.mayfly.blankSandboxes, MayflyOptions().blankSandboxes);
  EXPECT_THAT(warningsOf(project), ElementsAre(AllOf(HasSubstr("\"mayfly\" has no effect here"),
                                                     HasSubstr("orders/wrangler.json"))));

  auto error = errorWith(
      "\"name\": \"shop\",\n\"services\": [{\"binding\": \"ORDERS\", \"service\": \"ordres\"}]");
  EXPECT_THAT(error, StartsWith("error[config.unknown-worker]: the service \"ORDERS\" of worker "
                                "\"shop\" names a worker \"ordres\""));
  EXPECT_THAT(error, HasSubstr("wrangler.jsonc:3"));
  EXPECT_THAT(errorWith(R"("name": "orders", "mayfly": {"workers": ["orders"]})"),
              StartsWith("error[config.duplicate-worker]"));
  EXPECT_THAT(errorWith(R"("mayfly": {"workers": ["nope/wrangler.jsonc"]})"),
              StartsWith("error[config.no-file]"));
}

TEST_F(ProjectReaderTest, ReadsTheOptionsOfMayfly) {
  auto options =
      readWith(
          R"("mayfly": {"limits": {"cpuMs": 200, "wallMs": {"default": 5, "max": 10}, "memoryMb": {"max": 64}},
      "pool": {"blank": 0, "idleMs": 500},
      "egress": {"allow": ["127.0.0.1:9000", "private"]}})")
          .mayfly;
  EXPECT_EQ(options.cpuMs.byDefault, 200u);
  EXPECT_EQ(options.cpuMs.max, 200u);
  EXPECT_EQ(options.wallMs.byDefault, 5u);
  EXPECT_EQ(options.wallMs.max, 10u);
  EXPECT_EQ(options.memoryMb.byDefault, 64u);
  EXPECT_EQ(options.memoryMb.max, 64u);
  EXPECT_EQ(options.blankSandboxes, 0u);
  EXPECT_EQ(options.idleMs, 500u);
  ASSERT_EQ(options.egressAllow.size(), 2u);
  EXPECT_EQ(options.egressAllow[0].text, "127.0.0.1:9000");
  EXPECT_EQ(options.egressAllow[1].where, kj::str(directory.path("wrangler.jsonc"), ":4"));
}

TEST_F(ProjectReaderTest, AnUnknownOptionIsAnErrorWithASuggestion) {
  EXPECT_THAT(
      errorWith("\"mayfly\": {\n\"limits\": {\"cpuMS\": 5}}"),
      AllOf(StartsWith("error[config.unknown-key]: there is no key \"mayfly.limits.cpuMS\""),
            HasSubstr("wrangler.jsonc:3"), HasSubstr("did you mean \"cpuMs\"?")));
  for (auto more : {"{\"egres\": {}}", "{\"pool\": {\"warm\": 1}}", "{\"egress\": {\"deny\": []}}",
                    "{\"limits\": {\"cpuMs\": {\"dflt\": 1}}}"}) {
    EXPECT_THAT(errorWith(std::string("\"mayfly\": ") + more),
                StartsWith("error[config.unknown-key]: "))
        << more;
  }
  EXPECT_THAT(errorWith("\"mayfly\": {\"limits\": {\"cpuMs\": {\"default\": 9, \"max\": 5}}}"),
              StartsWith("error[config.limit-order]"));
  EXPECT_THAT(errorWith("\"mayfly\": {\"limits\": {\"memoryMb\": 1}}"),
              StartsWith("error[config.wrong-type]"));
}

TEST_F(ProjectReaderTest, FilesThatAreNoConfigurationAreRefused) {
  EXPECT_THAT(errorOf([&] { readText("hello"); }), StartsWith("error[config.syntax]"));
  EXPECT_THAT(errorOf([&] { readText("{\"main\": \"\xff\"}"); }),
              StartsWith("error[config.not-utf8]"));
  EXPECT_THAT(errorOf([&] { readText(std::string(5'000'000, ' ')); }),
              StartsWith("error[config.too-large]"));
  EXPECT_THAT(errorOf([&] { readProject("/dev/zero"); }), StartsWith("error[config.unreadable]"));
  directory.write("outside.ts", "");
  EXPECT_THAT(errorWith("\"base_dir\": \"elsewhere\""), StartsWith("error[config.main-outside]"));
  EXPECT_THAT(errorWith("\"rules\": [{\"type\": \"Pyhton\", \"globs\": []}]"),
              StartsWith("error[config.unknown-module-type]"));
}

}  // namespace
}  // namespace mayfly::config
