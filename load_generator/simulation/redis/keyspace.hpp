// A Keyspace is what a simulated Redis server stores: a plain value. A copy is a snapshot, or a replica's older state.
// Ordered by key, hashes by insertion: so the same commands always give the same replies.
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

using Hash = std::vector<std::pair<std::string, std::string>>;  // a breaker has some twenty fields

bool set_field(Hash& hash, std::string_view field, std::string_view value);  // true: it is new
bool remove_field(Hash& hash, std::string_view field);

struct Member {
  double score = 0;
  std::string name;
};

// A lower or upper limit, as ZCOUNT has them.
struct ScoreBound {
  double score = 0;
  bool is_exclusive = false;
};

// By score, then by name; a breaker has a few probes and reporters.
class SortedSet {
 public:
  using Position = std::vector<Member>::const_iterator;
  using Range = std::pair<Position, Position>;
  enum class Change { added, moved, none };

  Change set(std::string_view name, double score);
  bool remove(std::string_view name);
  size_t remove(const Range& range);
  Range range(const ScoreBound& from, const ScoreBound& to) const;
  Range all() const { return {members_.begin(), members_.end()}; }
  bool empty() const { return members_.empty(); }

 private:
  Position find(std::string_view name) const;

  std::vector<Member> members_;
};

struct Entry {
  std::variant<std::string, Hash, SortedSet> value;
  std::optional<int64_t> expires_at_ms{};
};

using Keyspace = std::map<std::string, Entry, std::less<>>;

}  // namespace simulation
