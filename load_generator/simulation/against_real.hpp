// Does a real run agree with the simulation of the same experiment? Judged are the counts: calls, failures, probes,
// transitions. Times belong to the machine; so does the number of scripts, as most are status polls.
// A run that chance made different must pass: see likely() in seed_range.hpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "load_generator/simulation/seed_range.hpp"

namespace simulation {

struct Difference {
  std::string measure;
  std::optional<Interval> simulated;  // nothing: no seed has that measure
  std::optional<double> real;         // nothing: the real run does not have it, but every seed does
};

// What is not simulated, HTTP and schedulers, makes each break begin and end some milliseconds later; then the calls of
// that time, this many, are answered otherwise.
double calls_in_the_balance(const load::LoadSettings& load);

// Failures that count, probes, transitions and the like must lie in likely(); calls may be so many off that.
std::vector<Difference> differences(const Distributions& simulated, const load::Measures& real, double calls);

// What was found, over all experiments. They are named "outage, redis".
class RealityCheck {
 public:
  // Both return the lines to print about this experiment. `noise`: sign that the machine was too busy; empty: none.
  std::string judge(const std::string& experiment, const std::vector<Difference>& found, const std::string& noise);
  std::string without_real_run(const std::string& experiment);

  std::string summary() const;
  bool passed() const { return agreeing_ > 0 && disagreeing_.empty(); }

 private:
  size_t agreeing_ = 0;
  std::vector<std::string> disagreeing_;
  std::vector<std::string> known_;
  std::vector<std::string> disturbed_;
  std::vector<std::string> missing_;
};

}  // namespace simulation
