// What `mayfly doctor` prints: the findings, for people or as one JSON object.
#pragma once

#include <kj/string.h>

#include "supervisor/wall-evidence.h"

namespace mayfly::cli {

struct Diagnosis {
  supervisor::WallEvidence evidence;
  kj::String profile;
  kj::String v8Version;
};

void printDiagnosis(const Diagnosis& diagnosis);
void printJsonDiagnosis(const Diagnosis& diagnosis);

// No zygote starts here: grade F, and why.
void printFailure(kj::StringPtr why);
void printJsonFailure(kj::StringPtr why);

}  // namespace mayfly::cli
