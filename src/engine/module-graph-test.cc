#include "engine/module-graph.h"

#include <gtest/gtest.h>

namespace mayfly::engine {
namespace {

kj::String resolved(kj::StringPtr specifier, kj::StringPtr referrer) {
  KJ_IF_MAYBE (path, resolvePath(specifier, referrer)) return kj::mv(*path);
  return kj::str("(outside)");
}

TEST(ResolvePathTest, SpecifiersAreRelativeToTheImporter) {
  EXPECT_EQ(resolved("./x.js", "main.js"), "x.js");
  EXPECT_EQ(resolved("x.js", "src/index.js"), "src/x.js");
  EXPECT_EQ(resolved("lib/a.js", "src/index.js"), "src/lib/a.js");
  EXPECT_EQ(resolved("../x.js", "lib/a.js"), "x.js");
  EXPECT_EQ(resolved("./a/../b//./c.js", "main.js"), "b/c.js");
}

TEST(ResolvePathTest, ASlashStartsAtTheRoot) {
  EXPECT_EQ(resolved("/b.js", "src/deep/index.js"), "b.js");
}

TEST(ResolvePathTest, NothingLeadsOutOfTheRoot) {
  EXPECT_EQ(resolved("../x.js", "main.js"), "(outside)");
  EXPECT_EQ(resolved("/../x.js", "src/main.js"), "(outside)");
  EXPECT_EQ(resolved("a/../../../x.js", "src/main.js"), "(outside)");
}

}  // namespace
}  // namespace mayfly::engine
