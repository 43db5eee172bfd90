// A RaceRecord holds what a race has shown so far: each call that ended and each transition that was reported, by
// fleet, in that order. Readers take what is new to them, so that many can follow a race often.
// Thread-safe: every method.
#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <vector>

#include "load_generator/record/run_record.hpp"

namespace load {

class RaceRecord {
 public:
  static constexpr size_t fleets = 2;

  struct Seen {
    size_t calls = 0;
    size_t transitions = 0;
  };
  using Cursor = std::array<Seen, fleets>;  // what a reader has

  struct News {
    std::vector<Call> calls;
    std::vector<Transition> transitions;
    Seen seen;  // with these
  };

  void add(size_t fleet, const Call& call);
  void add(size_t fleet, const Transition& transition);

  // By fleet; nothing if the cursor has more than there is.
  std::optional<std::array<News, fleets>> since(const Cursor& cursor) const;

 private:
  struct Fleet {
    std::vector<Call> calls;
    std::vector<Transition> transitions;
  };

  mutable std::mutex mutex_;
  std::array<Fleet, fleets> fleets_;  // guarded by mutex_
};

}  // namespace load
