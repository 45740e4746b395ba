#include "cli/doctor-report.h"

#include <cstdio>

#include "base/text-escape.h"

namespace mayfly::cli {

using supervisor::Grade;
using supervisor::nameOf;

void printDiagnosis(const Diagnosis& diagnosis) {
  printf("profile %s, V8 %s\n\nWalls\n", escapeLine(diagnosis.profile).cStr(),
         escapeLine(diagnosis.v8Version).cStr());
  for (auto& wall : diagnosis.evidence.walls) {
    printf("  %-8s %-20s %s\n", nameOf(wall.state).cStr(), wall.name.cStr(),
           escapeLine(wall.evidence).cStr());
    if (wall.state == zygote::LayerState::ACTIVE) continue;
    printf("           %-20s   without it: %s\n", "", wall.consequence.cStr());
    printf("           %-20s   fix: %s\n", "", wall.remedy.cStr());
  }
  printf("\nKernel and processor\n");
  for (auto& fact : diagnosis.evidence.kernel) {
    printf("  %-28s %s\n", escapeLine(fact.name).cStr(), escapeLine(fact.value).cStr());
    if (fact.advice != "") printf("  %-28s   advice: %s\n", "", escapeLine(fact.advice).cStr());
  }
  printf("\ngrade %s: %s\n", nameOf(diagnosis.evidence.grade).cStr(),
         meaningOf(diagnosis.evidence.grade).cStr());
}

void printJsonDiagnosis(const Diagnosis& diagnosis) {
  auto walls = KJ_MAP(wall, diagnosis.evidence.walls) {
    return kj::str("{\"name\":", quoteJson(wall.name), ",\"state\":", quoteJson(nameOf(wall.state)),
                   ",\"evidence\":", quoteJson(wall.evidence),
                   ",\"consequence\":", quoteJson(wall.consequence),
                   ",\"remedy\":", quoteJson(wall.remedy), "}");
  };
  auto kernel = KJ_MAP(fact, diagnosis.evidence.kernel) {
    return kj::str("{\"name\":", quoteJson(fact.name), ",\"value\":", quoteJson(fact.value),
                   ",\"advice\":", quoteJson(fact.advice), "}");
  };
  printf("{\"grade\":%s,\"meaning\":%s,\"profile\":%s,\"v8\":%s,\"walls\":[%s],\"kernel\":[%s]}\n",
         quoteJson(nameOf(diagnosis.evidence.grade)).cStr(),
         quoteJson(meaningOf(diagnosis.evidence.grade)).cStr(), quoteJson(diagnosis.profile).cStr(),
         quoteJson(diagnosis.v8Version).cStr(), kj::strArray(walls, ",").cStr(),
         kj::strArray(kernel, ",").cStr());
}

void printFailure(kj::StringPtr why) {
  fprintf(stderr, "%s\n", why.cStr());
  printf("grade %s: %s\n", nameOf(Grade::F).cStr(), meaningOf(Grade::F).cStr());
}

void printJsonFailure(kj::StringPtr why) {
  printf("{\"grade\":%s,\"meaning\":%s,\"error\":%s}\n", quoteJson(nameOf(Grade::F)).cStr(),
         quoteJson(meaningOf(Grade::F)).cStr(), quoteJson(why).cStr());
}

}  // namespace mayfly::cli
