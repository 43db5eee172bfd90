// The races in virtual time that pages ask for. One is simulated at a time, because it takes a core for some tens of
// milliseconds; a few requests wait for their turn. The last answer is kept for pages that ask the same.
// Thread-safe: every method. Errors: RequestError 503 if too many wait, or one waits too long.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include "load_generator/control_room/request_error.hpp"
#include "load_generator/race/race_givens.hpp"

namespace load {

class SimulatedRaces {
 public:
  static constexpr int most_waiting = 4;

  explicit SimulatedRaces(std::chrono::milliseconds patience = std::chrono::seconds(2)) : patience_(patience) {}

  // JSON: {"givens":{..},"runs":[..],"took_ms":12.3}; the runs as GET /runs/NAME answers, `distributed` first.
  std::string answer(const RaceGivens& givens);

  // Waits for the turn, and has it until it is destroyed.
  class Turn {
   public:
    explicit Turn(SimulatedRaces& races);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    SimulatedRaces& races_;
  };

 private:
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable turn_is_over_;
  bool is_busy_ = false;  // guarded by mutex_, as is the next
  int waiting_ = 0;
  std::optional<RaceGivens> last_givens_;  // of the turn's owner, as is the next
  std::string last_answer_;
};

}  // namespace load
