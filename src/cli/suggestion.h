// "Did you mean …?"
#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>

namespace mayfly::cli {

// The candidate that looks most like `word`, if any is close enough to have been meant.
std::optional<std::string_view> findSimilar(std::string_view word,
                                            std::initializer_list<std::string_view> candidates);

}  // namespace mayfly::cli
