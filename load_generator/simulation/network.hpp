// The network of a simulation: how long a message takes, and which ones never arrive. A connection keeps the order of
// its messages; a message that is lost on the way is sent again, so it is late (TCP).
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <utility>

#include "load_generator/simulation/random.hpp"
#include "simple_breaker/breaker.hpp"

namespace simulation {

// A process: an instance by its number, or one of those.
using Node = uint32_t;
constexpr Node upstream_node = 0xffff'ffff;
constexpr Node first_redis_node = 0xffff'0000;  // and the servers after it

struct NetworkSettings {
  std::chrono::microseconds shortest_delay{60};
  std::chrono::microseconds mean_extra_delay{40};  // beyond that, exponentially distributed
  std::chrono::microseconds http{150};             // mean of what HTTP and a scheduler add, likewise
  double lost = 0;                                 // share of the messages
  std::chrono::microseconds sent_again_after{200'000};
};

class Network {
 public:
  Network(const NetworkSettings& settings, uint64_t seed) : settings_(settings), random_(seed) {}

  std::chrono::microseconds delay() {
    auto delay = settings_.shortest_delay + random_.exponential(settings_.mean_extra_delay);
    while (settings_.lost > 0 && random_.chance(settings_.lost)) delay += settings_.sent_again_after;
    return delay;
  }

  std::chrono::microseconds http_delay() {
    const auto first = delay();  // a compiler may evaluate the operands of + in any order
    return first + random_.exponential(settings_.http);
  }

  // One way only.
  void cut(Node from, Node to) { cuts_.emplace(from, to); }
  void heal() { cuts_.clear(); }
  bool is_cut(Node from, Node to) const { return !cuts_.empty() && cuts_.contains({from, to}); }

  // This share of the messages arrives only when it is sent again.
  void lose(double share, std::chrono::microseconds sent_again_after) {
    settings_.lost = share;
    settings_.sent_again_after = sent_again_after;
  }

 private:
  NetworkSettings settings_;
  Random random_;
  std::set<std::pair<Node, Node>> cuts_;
};

}  // namespace simulation
