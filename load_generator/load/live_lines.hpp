// One line a second while the load runs, for a person who watches. On a terminal the last line is a progress bar.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "load_generator/load/run_observer.hpp"

namespace load {

enum class Screen { terminal, plain };  // plain: no colours, and no line is drawn over

Screen screen_of_standard_output();

class LiveLines final : public RunObserver {
 public:
  // `out` outlives this object.
  LiveLines(std::ostream& out, Screen screen, std::chrono::milliseconds duration)
      : out_(out), screen_(screen), duration_(duration) {}

  void fleet_is_up(const std::vector<Target>& targets, const std::string& upstream) override;
  void tick(Offset now) override;
  void second_ended(const SecondSummary& second) override;
  void fault_applied(Offset at, const std::string& what) override;
  void load_ended() override;  // removes the bar

 private:
  std::string letters(const std::vector<State>& states) const;

  std::ostream& out_;
  const Screen screen_;
  const std::chrono::milliseconds duration_;
};

}  // namespace load
