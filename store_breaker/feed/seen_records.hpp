// SeenRecords is what an instance has seen of each breaker's record, so that its feed announces only what is new. Of
// several breakers with one name in a process an exchange reaches one, the feed all: so only the feed moves on to
// another generation. Thread-safe: every method.
// Bounded, as names may be made up: of more than `most` breakers all are forgotten. That costs each a question.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace cb {

class SeenRecords {
 public:
  static constexpr size_t most = 10'000;

  struct Seen {
    uint64_t version = 0;
    uint64_t generation = 0;  // 0: nothing was seen
  };

  // The feed has reported this. Returns what was seen before.
  Seen reported(const std::string& breaker, const Seen& seen);

  // An exchange has found or written this, for a breaker that knew the other generation. 0: it knew none.
  void exchanged(const std::string& breaker, uint64_t known_generation, const Seen& seen);

  void forget_all();
  size_t size() const;

 private:
  Seen& of(const std::string& breaker);

  mutable std::mutex mutex_;
  std::map<std::string, Seen> seen_;  // guarded by mutex_
};

}  // namespace cb
