#include "load_generator/simulation/redis/keyspace.hpp"

#include <algorithm>
#include <tuple>

namespace simulation {

bool Hash::set(std::string_view field, std::string_view value) {
  for (auto& [name, held] : fields_) {
    if (name != field) continue;
    held = value;
    return false;
  }
  fields_.emplace_back(field, value);
  return true;
}

bool Hash::remove(std::string_view field) {
  return std::erase_if(fields_, [field](const auto& held) { return held.first == field; }) > 0;
}

SortedSet::Change SortedSet::set(std::string_view name, double score) {
  const Position old = find(name);
  const bool is_new = old == members_.end();
  if (!is_new && old->score == score) return Change::none;
  if (!is_new) members_.erase(old);
  const auto at = std::find_if(members_.begin(), members_.end(), [&](const Member& each) {
    return std::tie(each.score, each.name) > std::forward_as_tuple(score, name);
  });
  members_.insert(at, {score, std::string(name)});
  return is_new ? Change::added : Change::moved;
}

bool SortedSet::remove(std::string_view name) {
  const Position at = find(name);
  if (at == members_.end()) return false;
  members_.erase(at);
  return true;
}

size_t SortedSet::count(const ScoreBound& from, const ScoreBound& to) const {
  const auto [first, end] = range(from, to);
  return static_cast<size_t>(end - first);
}

size_t SortedSet::remove(const ScoreBound& from, const ScoreBound& to) {
  const auto [first, end] = range(from, to);
  const auto removed = static_cast<size_t>(end - first);
  members_.erase(first, end);
  return removed;
}

size_t SortedSet::remove_ranks(size_t first, size_t count) {
  const auto begin = members_.begin() + static_cast<std::ptrdiff_t>(first);
  members_.erase(begin, begin + static_cast<std::ptrdiff_t>(count));
  return count;
}

SortedSet::Position SortedSet::find(std::string_view name) const {
  return std::find_if(members_.begin(), members_.end(), [name](const Member& each) { return each.name == name; });
}

std::pair<SortedSet::Position, SortedSet::Position> SortedSet::range(const ScoreBound& from,
                                                                     const ScoreBound& to) const {
  const auto is_below = [&](const Member& each) {
    return each.score < from.score || (from.is_exclusive && each.score == from.score);
  };
  const auto is_within = [&](const Member& each) {
    return each.score < to.score || (!to.is_exclusive && each.score == to.score);
  };
  const auto first = std::find_if_not(members_.begin(), members_.end(), is_below);
  return {first, std::find_if_not(first, members_.end(), is_within)};
}

}  // namespace simulation
