#include "supervisor/wall-evidence.h"

#include <gtest/gtest.h>

#include <kj/vector.h>

namespace mayfly::supervisor {
namespace {

using zygote::LayerState;

// Every wall stands, except those named.
kj::Array<WallFinding> wallsExcept(std::initializer_list<kj::StringPtr> missing,
                                   LayerState state = LayerState::ABSENT) {
  kj::Vector<WallFinding> walls;
  for (kj::StringPtr name :
       {"system-call filter"_kj, "no new privileges"_kj, "no capabilities"_kj, "user namespace"_kj,
        "mount namespace"_kj, "PID namespace"_kj, "network namespace"_kj, "IPC namespace"_kj,
        "UTS namespace"_kj, "cgroup namespace"_kj, "empty root"_kj, "Landlock"_kj,
        "not dumpable"_kj, "resource limits"_kj, "descriptors"_kj}) {
    bool stands = true;
    for (auto other : missing)
      stands = stands && other != name;
    walls.add(WallFinding{name, stands ? LayerState::ACTIVE : state, kj::str(), ""_kj, ""_kj});
  }
  return walls.releaseAsArray();
}

TEST(WallEvidenceTest, AllWallsEarnTheBestGrade) { EXPECT_EQ(gradeOf(wallsExcept({})), Grade::A); }

TEST(WallEvidenceTest, WithoutOneNamespaceItIsB) {
  EXPECT_EQ(gradeOf(wallsExcept({"network namespace"_kj})), Grade::B);
  EXPECT_EQ(gradeOf(wallsExcept({"empty root"_kj})), Grade::B);
}

TEST(WallEvidenceTest, WithoutLandlockScopesItIsC) {
  EXPECT_EQ(gradeOf(wallsExcept({"Landlock"_kj})), Grade::C);
  EXPECT_EQ(gradeOf(wallsExcept({"Landlock"_kj}, LayerState::PARTIAL)), Grade::C);
}

TEST(WallEvidenceTest, WithoutAMandatoryWallNothingRuns) {
  for (auto wall : {"system-call filter"_kj, "no new privileges"_kj, "no capabilities"_kj,
                    "resource limits"_kj, "descriptors"_kj}) {
    EXPECT_EQ(gradeOf(wallsExcept({wall})), Grade::F) << wall.cStr();
  }
}

TEST(KernelFactsTest, EveryFactHasANameAndAValue) {
  auto facts = readKernelFacts();
  EXPECT_GE(facts.size(), 9u);
  for (auto& fact : facts) {
    EXPECT_GT(fact.name.size(), 0u);
    EXPECT_GT(fact.value.size(), 0u) << fact.name.cStr();
  }
}

}  // namespace
}  // namespace mayfly::supervisor
