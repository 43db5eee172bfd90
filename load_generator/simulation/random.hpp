// Random numbers of a simulation: the same on every machine, with every compiler and library.
// Source: SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>

namespace simulation {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t x = state_ += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // 0 <= unit < 1
  bool chance(double share) { return unit() < share; }
  uint64_t below(uint64_t end) { return static_cast<uint64_t>(unit() * static_cast<double>(end)); }

  std::chrono::microseconds between(std::chrono::microseconds least, std::chrono::microseconds most) {
    return least + std::chrono::microseconds(below(static_cast<uint64_t>((most - least).count()) + 1));
  }
  std::chrono::microseconds exponential(std::chrono::microseconds mean) {
    return std::chrono::microseconds(std::llround(-static_cast<double>(mean.count()) * std::log1p(-unit())));
  }

 private:
  uint64_t state_;
};

}  // namespace simulation
