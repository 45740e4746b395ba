// The version that `mayfly version` prints.
#pragma once

namespace mayfly::cli {

constexpr const char* VERSION = "0.1.0";

}  // namespace mayfly::cli
