#include "config/module-rules.h"

#include <gtest/gtest.h>

namespace mayfly::config {
namespace {

TEST(ModuleRulesTest, GlobsMatchPaths) {
  struct Case {
    const char* glob;
    const char* path;
    bool matches;
  };
  for (auto& [glob, path, matches] : {
           Case{"**/*.txt", "a.txt", true},
           Case{"**/*.txt", "x/y/a.txt", true},
           Case{"**/*.txt", "a.txt.js", false},
           Case{"*.txt", "a.txt", true},
           Case{"*.txt", "x/a.txt", false},
           Case{"x/*.txt", "x/a.txt", true},
           Case{"x/**/*.txt", "x/a.txt", true},
           Case{"x/**/*.txt", "x/y/z/a.txt", true},
           Case{"x/**/*.txt", "yx/a.txt", false},
           Case{"**/b/*.md", "b/c.md", true},
           Case{"**/b/*.md", "ab/c.md", false},
           Case{"**", "a/b/c", true},
           Case{"a?c", "abc", true},
           Case{"a?c", "a/c", false},
           Case{"a\\?c", "abc", false},
           Case{"a\\?c", "a?c", true},
           Case{"*.{md,txt}", "a.md", true},
           Case{"*.{md,txt}", "a.txt", true},
           Case{"*.{md,txt}", "a.js", false},
           Case{"{a,b{c,d}}.x", "bd.x", true},
           Case{"{a,b{c,d}}.x", "b.x", false},
           Case{"a{b", "a{b", true},
           Case{"", "", true},
           Case{"", "a", false},
           Case{"*", "", true},
           Case{"**/*.wasm", ".wasm", true},
       }) {
    EXPECT_EQ(matchesGlob(glob, path), matches) << glob << ' ' << path;
  }
}

TEST(ModuleRulesTest, AGlobMadeToBeSlowIsNot) {
  auto glob = kj::str(kj::strArray(kj::heapArray<kj::StringPtr>(200), "*a"), "b");
  EXPECT_FALSE(matchesGlob(glob, kj::str(kj::repeat('a', 2000))));
  auto choices =
      kj::str(kj::strArray(KJ_MAP(i, kj::zeroTo(40)) { return kj::str("{a,b", i, "}"); }, ""));
  EXPECT_FALSE(matchesGlob(choices, "c"));
}

TEST(ModuleRulesTest, AUserRuleReplacesTheBuiltInOneOfItsKindUnlessItFallsThrough) {
  for (bool fallthrough : {false, true}) {
    kj::Vector<ModuleRule> rules;
    rules.add(ModuleRule{ModuleKind::TEXT, kj::arr(kj::str("**/*.md")), fallthrough, kj::str("x")});
    addBuiltInRules(rules, /*noBundle=*/false);
    EXPECT_TRUE(findKind(rules, "a.md") == ModuleKind::TEXT);
    EXPECT_EQ(findKind(rules, "a.txt") == ModuleKind::TEXT, fallthrough);
    EXPECT_TRUE(findKind(rules, "a.wasm") == ModuleKind::WASM);
    EXPECT_TRUE(findKind(rules, "a.js") == nullptr);
  }
  kj::Vector<ModuleRule> rules;
  addBuiltInRules(rules, /*noBundle=*/true);
  EXPECT_TRUE(findKind(rules, "lib/a.mjs") == ModuleKind::ESM);
  EXPECT_TRUE(findKind(rules, "lib/a.cjs") == ModuleKind::COMMON_JS);
}

}  // namespace
}  // namespace mayfly::config
