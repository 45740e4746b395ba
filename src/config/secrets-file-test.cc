#include "config/secrets-file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/temp-directory.h"

namespace mayfly::config {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string parsed(kj::StringPtr text) {
  std::string result;
  for (auto& secret : parseSecrets(text, ".dev.vars"))
    result += kj::str(secret.name, '=', secret.json, '\n').cStr();
  return result;
}

TEST(SecretsFileTest, ReadsTheUsualForms) {
  EXPECT_EQ(parsed("# comment\n\nA=1\n  B = two words  # note\nexport C=x#y\nD=\nE=\"q \\n "
                   "\\\"#\\\" \\d\" # c\nF='lit\\n'\r\n"
                   "G=`a'b\"`\nH=\"two\nlines\"\nexport=5\nA=again"),
            "A=\"again\"\nB=\"two words\"\nC=\"x#y\"\nD=\"\"\nE=\"q \\n \\\"#\\\" "
            "\\\\d\"\nF=\"lit\\\\n\"\nG=\"a'b\\\"\"\n"
            "H=\"two\\nlines\"\nexport=\"5\"\n");
  EXPECT_EQ(parsed(""), "");
  EXPECT_EQ(parsed("A=x=y=z"), "A=\"x=y=z\"\n");
}

TEST(SecretsFileTest, ErrorsNameTheLineButNeverTheValue) {
  for (auto text :
       {"A=1\nTOKEN hunter2\n", "A=1\n=hunter2", "A=1\nB=\"hunter2\n\n", "A=1\nB='hunter2' x"}) {
    auto error = errorOf([&] { parseSecrets(text, ".dev.vars"); });
    EXPECT_THAT(error, HasSubstr(".dev.vars:2")) << text;
    EXPECT_THAT(error, Not(HasSubstr("hunter2"))) << text;
  }
}

}  // namespace
}  // namespace mayfly::config
