// A Segment is a table of texts in memory that the processes of one host share: name -> version and bytes. It appears
// complete, under its final name, or not at all. A process may be killed at any instruction: each row has two slots,
// and a write fills the one that is not in use, then switches; a lock whose holder died is taken over. Thread-safe and
// process-safe: every method. Layout and lock are Linux's: every process must run the same build of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simple_breaker/breaker.hpp"

namespace cb {

class Segment {
 public:
  static constexpr size_t rows = 256;
  static constexpr size_t longest_name = 400;
  static constexpr size_t longest_text = 7'700;

  // The file of `name`, in /dev/shm. Opens the segment, or creates it for this user only. Throws std::runtime_error
  // with one clear line if what is there belongs to another user, or is not such a segment.
  explicit Segment(const std::string& name);
  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  static std::string path_of(const std::string& name);

  uint64_t run() const;     // a random number; another segment of this name has another one
  TimePoint now() const;    // all processes see the same clock; it never goes back
  bool is_current() const;  // false: the file was removed, so new processes do not see this memory

  using Deadline = std::chrono::steady_clock::time_point;
  struct Row {
    uint64_t version = 0;  // 0: there is none
    std::string text{};
    bool is_damaged = false;  // written by something else
  };

  // Nothing: the lock was not free until the deadline.
  std::optional<Row> read(std::string_view name, Deadline deadline);

  enum class Result { written, conflict, too_long, full, locked };
  // When another name may take the row: once it has expired; and if all rows are in use, the idle one that was not
  // written for longest.
  struct Stay {
    TimePoint expires_at;
    bool is_idle = false;
  };
  Result compare_and_set(std::string_view name, uint64_t expected, uint64_t version, std::string_view text,
                         const Stay& stay, Deadline deadline);

  // Changes since `seen`, which moves on. Sleeps until there are any, but returns without some after a quarter of a
  // second at the latest: a writer that is killed right after its write wakes no other process.
  std::vector<std::string> wait_for_changes(uint64_t& seen, Deadline deadline);
  uint64_t changes() const;
  void wake_all();  // each wait returns

 private:
  struct Slot;
  struct RowMemory;
  struct Memory;
  class Locked;
  Memory* memory_ = nullptr;
  uint64_t inode_ = 0;
  const std::string path_;
};

}  // namespace cb
