#include "confine/wall-failure.h"

#include <cstdio>
#include <cstring>

namespace mayfly::confine {

void WallFailure::describe(char* buffer, unsigned long size) const {
  if (error == 0) {
    snprintf(buffer, size, "%s: %s\n  fix    %s", wall, call, remedy);
    return;
  }
  const char* text = strerrordesc_np(error);
  const char* name = strerrorname_np(error);
  snprintf(buffer, size, "%s: %s: %s (%s)\n  fix    %s", wall, call,
           text == nullptr ? "unknown error" : text, name == nullptr ? "?" : name, remedy);
}

}  // namespace mayfly::confine
