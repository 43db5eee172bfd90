// "Did you mean": finds the known word that a mistyped one is nearest to. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace program {

// How many letters must be inserted, deleted, replaced or swapped with their neighbour to make `b` from `a`.
// Source: optimal string alignment, as in Levenshtein 1965 and Damerau 1964.
size_t edit_distance(const std::string& a, const std::string& b);

// Nothing if none is near: more than a third of the letters differ. The first of several that are equally near.
std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& known);

// "; did you mean outage?", to follow an error message; or nothing.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& known);

}  // namespace program
