#include "load_generator/simulation/redis/keyspace.hpp"

#include <algorithm>

namespace simulation {

bool set_field(Hash& hash, std::string_view field, std::string_view value) {
  const auto held = std::find_if(hash.begin(), hash.end(), [field](const auto& each) { return each.first == field; });
  if (held == hash.end()) return hash.emplace_back(field, value), true;
  held->second = value;
  return false;
}

bool remove_field(Hash& hash, std::string_view field) {
  return std::erase_if(hash, [field](const auto& each) { return each.first == field; }) > 0;
}

SortedSet::Change SortedSet::set(std::string_view name, double score) {
  const Position old = find(name);
  const bool is_new = old == members_.end();
  if (!is_new && old->score == score) return Change::none;
  if (!is_new) members_.erase(old);
  const auto at = std::find_if(members_.begin(), members_.end(), [&](const Member& each) {
    return std::pair(each.score, std::string_view(each.name)) > std::pair(score, name);
  });
  members_.insert(at, {score, std::string(name)});
  return is_new ? Change::added : Change::moved;
}

bool SortedSet::remove(std::string_view name) {
  const Position at = find(name);
  return at != members_.end() && remove({at, at + 1}) > 0;
}

size_t SortedSet::remove(const Range& range) {
  const auto count = static_cast<size_t>(range.second - range.first);
  members_.erase(range.first, range.second);
  return count;
}

SortedSet::Range SortedSet::range(const ScoreBound& from, const ScoreBound& to) const {
  const auto first = std::find_if(members_.begin(), members_.end(), [&](const Member& each) {
    return from.is_exclusive ? each.score > from.score : each.score >= from.score;
  });
  return {first, std::find_if(first, members_.end(), [&](const Member& each) {
            return to.is_exclusive ? each.score >= to.score : each.score > to.score;
          })};
}

SortedSet::Position SortedSet::find(std::string_view name) const {
  return std::find_if(members_.begin(), members_.end(), [name](const Member& each) { return each.name == name; });
}

}  // namespace simulation
