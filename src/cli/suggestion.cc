#include "cli/suggestion.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace mayfly::cli {
namespace {

// Levenshtein's distance, one row at a time. Words are command names: short.
size_t editDistance(std::string_view from, std::string_view to) {
  std::vector<size_t> row(to.size() + 1);
  for (size_t j = 0; j <= to.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= from.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= to.size(); ++j) {
      size_t substitution = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitution});
    }
  }
  return row[to.size()];
}

}  // namespace

std::optional<std::string_view> findSimilar(std::string_view word,
                                            std::initializer_list<std::string_view> candidates) {
  std::optional<std::string_view> best;
  size_t bestDistance = 0;
  for (auto candidate : candidates) {
    size_t distance = editDistance(word, candidate);
    if (!best || distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  if (!best || bestDistance > std::max<size_t>(1, best->size() / 2)) return std::nullopt;
  return best;
}

}  // namespace mayfly::cli
