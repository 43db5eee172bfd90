// One line a second while the load runs, for a person who watches. On a terminal the last line is a progress bar.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "load_generator/load/engine.hpp"

namespace load {

enum class Screen { terminal, plain };  // plain: no colours, nothing is drawn over

class LiveLines {
 public:
  // `out` outlives this object.
  LiveLines(std::ostream& out, Screen screen, const std::vector<Target>& targets, std::chrono::milliseconds duration);

  void second(const Second& second);
  void event(Offset now, const std::string& what);  // a line of its own
  void tick(Offset now);
  void end();  // takes the bar away

 private:
  std::string letters(const std::vector<State>& states) const;

  std::ostream& out_;
  const Screen screen_;
  const std::chrono::milliseconds duration_;
};

}  // namespace load
