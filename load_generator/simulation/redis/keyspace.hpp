// A Keyspace is what a simulated Redis server stores: a plain value. A copy is a snapshot, or a replica's older state.
// Ordered by key, hashes in the order of insertion: two runs of the same commands iterate alike.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace simulation {

class Hash {
 public:
  bool set(std::string_view field, std::string_view value);  // true if the field is new
  bool remove(std::string_view field);
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;  // a breaker has some twenty
};

struct Member {
  double score = 0;
  std::string name;
};

// A lower or upper bound of scores, as ZCOUNT has them.
struct ScoreBound {
  double score = 0;
  bool is_exclusive = false;
};

class SortedSet {
 public:
  enum class Change { added, moved, none };
  Change set(std::string_view name, double score);
  bool remove(std::string_view name);
  size_t count(const ScoreBound& from, const ScoreBound& to) const;
  size_t remove(const ScoreBound& from, const ScoreBound& to);
  size_t remove_ranks(size_t first, size_t count);
  const std::vector<Member>& members() const { return members_; }

 private:
  using Position = std::vector<Member>::const_iterator;
  Position find(std::string_view name) const;
  std::pair<Position, Position> range(const ScoreBound& from, const ScoreBound& to) const;

  std::vector<Member> members_;  // by score, then by name
};

struct Entry {
  std::variant<std::string, Hash, SortedSet> value;
  std::optional<int64_t> expires_at_ms{};
};

using Keyspace = std::map<std::string, Entry, std::less<>>;

}  // namespace simulation
