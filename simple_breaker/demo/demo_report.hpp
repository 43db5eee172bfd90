// A DemoReport prints a line for each attempt with its transitions below, and a summary; and writes the same as JSON.
// Not thread-safe. Errors: std::runtime_error naming the file that cannot be written.
#pragma once

#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <variant>
#include <vector>

#include "simple_breaker/breaker.hpp"
#include "simple_breaker/policy.hpp"
#include "unreliable_service/fault_plan.hpp"

namespace cb {

struct DemoSettings {
  int attempts = 20;
  std::chrono::milliseconds interval{1000};
  double failure_rate = 0.6;
  std::string plan;  // empty: failure_rate all the time
  int64_t seed = unreliable::any_seed();
  bool fast = false;
  std::string out;  // empty: no file
  Policy policy;
};

struct Attempt {
  std::chrono::milliseconds at{0};  // since the start of the demo
  std::variant<unreliable::Fate, Rejection> answer;
  bool probe = false;
  State state = State::closed;  // after it
  std::vector<Transition> transitions;
};

class DemoReport {
 public:
  // Prints the settings, and opens the file: if that fails, the demo does not start.
  explicit DemoReport(DemoSettings settings);

  void add(const Attempt& attempt);
  void finish();  // prints the summary and writes the file

 private:
  int count(unreliable::Fate fate) const;
  int blocked() const;
  std::vector<Transition> transitions() const;
  std::string json() const;

  const DemoSettings settings_;
  std::ofstream out_;
  std::vector<Attempt> attempts_;
};

}  // namespace cb
