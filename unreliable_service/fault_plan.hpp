// What is wrong with the upstream, and when. A Fault is what is wrong now; a FaultPlan is a sequence of faults; Dice
// draw the fate of one request from a fault.
// Pure: time and seed are arguments, so the same plan, times and seed give the same fates everywhere. Dice are not
// thread-safe. Errors: std::invalid_argument with one line that names the field or quotes the phase.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace unreliable {

// What happens to one request. hang: no answer, and the connection stays open. drop: no answer, and it is closed.
enum class Fate { success, failure, hang, drop };

// Rates are shares of requests, 0 to 1. Every request hangs, or is dropped, or is answered; failure_rate is the share
// of failures among the answered ones, and `latency` is how long those take. down: /health reports it too.
struct Fault {
  double failure_rate = 0;
  std::chrono::milliseconds latency{0};
  double hang_rate = 0;
  double drop_rate = 0;
  bool down = false;
  bool operator==(const Fault&) const = default;
};

constexpr std::chrono::milliseconds longest_latency{60'000};

// Throws if a rate is not 0 to 1, the latency not 0 to longest_latency, or hang_rate + drop_rate above 1.
void require_valid(const Fault& fault);

// For people: "healthy", "down", "60 % fail, 800ms slow".
std::string to_text(const Fault& fault);

class FaultPlan {
 public:
  // One fault until the end. Throws like require_valid().
  explicit FaultPlan(const Fault& fault);

  // "healthy 4s, down 10s, flaky 0.6 10s, slow 800ms 5s, hang 0.3 5s, drop 0.2 5s, healthy": every phase has a
  // duration except the last, which lasts until the end. At most 1000 characters.
  explicit FaultPlan(const std::string& text);

  const Fault& fault_at(std::chrono::milliseconds elapsed) const;
  const std::string& text() const { return text_; }  // empty if the plan was made from a fault

 private:
  struct Phase {
    Fault fault;
    std::chrono::milliseconds end;  // since the start of the plan; not used for the last phase
  };

  std::string text_;
  std::vector<Phase> phases_;  // never empty
};

class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}

  // Draws two random numbers whatever the fault is, so a change of fault does not change later fates.
  Fate roll(const Fault& fault);

 private:
  double unit();  // 0 <= unit < 1, the same on every platform

  std::mt19937_64 engine_;
};

// A random seed, short enough to retype.
int64_t any_seed();

}  // namespace unreliable
