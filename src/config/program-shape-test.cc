#include <gtest/gtest.h>

#include "config/program-source.h"

namespace mayfly::config {
namespace {

TEST(ProgramShapeTest, TopLevelImportOrExportMakesAModule) {
  for (auto source : {
           "export default () => 1",
           "import x from 'y'",
           "import'y'",
           "import * as z from \"y\"; z()",
           "import.meta.url",
           "const a = 1\nexport { a }",
           "#!/usr/bin/env node\nexport default 1",
           "/* c */ export default 1",
           "const f = () => { return 1 }\nexport default f",
           "const re = /`/; export default 1",
           "`a${`b${1}`}`; export {}",
           "a = b / c; export default a / 2",
           "if (x) { y() }\n/re'/.test(z)\nexport {}",
           "x++ / 2; export default '/'",
           "export class A extends B {}",
           "import type { T } from 'x'\nconst a: T = 1",
       }) {
    EXPECT_TRUE(looksLikeModule(source)) << source;
  }
}

TEST(ProgramShapeTest, BareFunctionsAndStatementsAreSnippets) {
  for (auto source : {
           "async () => { return 1 }",
           "async (env) => {\n  const m = await import('x');\n  return m\n}",
           "function f() {}",
           "const x = await env.A.b()\nreturn x",
           "// export default 1\n() => 1",
           "/* import x */ 1",
           "'export default'",
           "`import x`",
           "a.export()",
           "a.import",
           "({ export: 1, import: 2 })",
           "import('x')",
           "import ( 'x' )",
           "/export default/.test(x)",
           "`${'import'} export`",
           "x = /[/]export/",
           "exports.a = 1",
           "important()",
           "$export",
           "",
           "async () => {\n  const re = /\\bexport\\b['\"]/g;\n  return re\n}",
           "return `a ${ {b: `c`}.b } export`",
       }) {
    EXPECT_FALSE(looksLikeModule(source)) << source;
  }
}

TEST(ProgramShapeTest, WhatCannotBeReadCountsAsAModule) {
  for (auto source :
       {"/* never ends", "'open", "`open", "`${open", "(", "}", "([)]", "x = /open"}) {
    EXPECT_TRUE(looksLikeModule(source)) << source;
  }
}

}  // namespace
}  // namespace mayfly::config
