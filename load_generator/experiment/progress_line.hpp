// Which scenario and design is being played, and how much of it is over. On a terminal it is one line that is drawn
// over and over, and erased at the end; in a pipe one line at the start.
#pragma once

#include <ostream>
#include <string>

#include "load_generator/experiment/picture.hpp"
#include "load_generator/load/run_observer.hpp"

namespace load {

class ProgressLine final : public RunObserver {
 public:
  // `what`: "outage-10, redis (3 of 3)". `out` outlives this object.
  ProgressLine(std::ostream& out, const Canvas& canvas, std::string what, std::chrono::milliseconds length);
  ~ProgressLine() override;

  void fleet_is_up(const std::vector<Target>& targets, const std::string& upstream) override;
  void tick(Offset now) override;

 private:
  void draw(const std::string& text);

  std::ostream& out_;
  const Canvas canvas_;
  const std::string what_;
  const std::chrono::milliseconds length_;
};

}  // namespace load
