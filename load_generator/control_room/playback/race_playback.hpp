// A RacePlayback plays a race and keeps both runs. Many pages follow it: each asks often, and gets what is new to it.
// Thread-safe: every method but play().
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "load_generator/control_room/playback/playback.hpp"
#include "load_generator/race/real_race.hpp"

namespace load {

class RacePlayback final : public Playback {
 public:
  RacePlayback(uint64_t number, const RaceGivens& givens, std::string runs_folder);

  std::string title() const override { return race_.scenario().name; }
  Phase phase() const override;
  std::string play(const program::StopSignal& stop) override;

  // {"number","phase","givens","elapsed_ms","error","runs":[..],
  //  "fleets":[{"variant","instances","calls","transitions"},..],"next"}: with the calls and transitions that were not
  // in the answer that had `from` as its "next". One of another race, or an empty one, gives everything.
  // Throws std::invalid_argument if no answer can have had it.
  nlohmann::ordered_json since(const std::string& from) const;

  // Of no race, with the same fields.
  static nlohmann::ordered_json none(const std::string& from);

 private:
  void hurry() override { race_.end(); }
  std::vector<std::string> runs() const;

  const RaceGivens givens_;
  const std::string runs_folder_;
  RealRace race_;
};

}  // namespace load
