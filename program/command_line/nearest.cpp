#include "program/command_line/nearest.hpp"

#include <algorithm>

namespace program {
namespace {

constexpr size_t longest_word = 64;  // no known one is longer, and the effort grows with the square

size_t most_edits(const std::string& word) { return std::max<size_t>(1, word.size() / 3); }

// [i][j]: the edits from the first i letters of one word to the first j of the other.
using Costs = std::vector<std::vector<size_t>>;

size_t cheapest_last_edit(const Costs& cost, const std::string& a, const std::string& b, size_t i, size_t j) {
  const size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
  const size_t least = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replaced});
  const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
  return swapped ? std::min(least, cost[i - 2][j - 2] + 1) : least;
}

}  // namespace

size_t edit_distance(const std::string& a, const std::string& b) {
  Costs cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) cost[i][j] = i == 0 || j == 0 ? i + j : cheapest_last_edit(cost, a, b, i, j);
  }
  return cost[a.size()][b.size()];
}

std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& known) {
  if (word.empty() || word.size() > longest_word) return std::nullopt;
  std::optional<std::string> found;
  size_t fewest = most_edits(word) + 1;
  for (const std::string& each : known) {
    const size_t edits = edit_distance(word, each);
    if (edits < fewest) fewest = edits, found = each;
  }
  return found;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const auto found = nearest(word, known);
  return found ? "; did you mean " + *found + "?" : "";
}

}  // namespace program
