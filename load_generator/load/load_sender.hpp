// A LoadSender sends calls to the instances at a rate that can be changed while it runs. Open loop: a call is sent when
// it is due, whether or not earlier ones were answered (see ChangingRate). It drops the answers; the instances count
// them. At most `most_in_flight` calls are under way, with an equal share at each instance: what falls due beyond that
// is left out, so that an instance that hangs takes no calls from the others.
// Thread-safe: every method. It sends on its own thread, which ends with this object.
#pragma once

#include <atomic>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "load_generator/api/http_loop.hpp"
#include "load_generator/load/changing_rate.hpp"
#include "program/wake_fd.hpp"

namespace load {

class LoadSender {
 public:
  static constexpr double highest_rate = 1000;
  static constexpr size_t most_in_flight = 500;

  // Each call goes to one of the URLs at random, with /call added. (In turn, a broken instance of three that share a
  // breaker would never fail three times in a row.) The same seed makes the same choices.
  explicit LoadSender(std::vector<std::string> urls, uint64_t seed = 1);
  ~LoadSender();
  LoadSender(const LoadSender&) = delete;
  LoadSender& operator=(const LoadSender&) = delete;

  // Calls a second over all instances, cut to 0 to highest_rate; 0 stops.
  void set_rate(double rate);
  double rate() const { return rate_; }
  void pause();  // until go_on(), whatever the rate
  void go_on();
  uint64_t sent() const { return sent_; }

 private:
  using Clock = HttpLoop::Clock;

  void run(const std::stop_token& stop);
  void send_what_is_due();

  const std::vector<std::string> urls_;
  const size_t most_at_each_;
  std::atomic<double> rate_ = 0;
  std::atomic<bool> paused_ = false;
  std::atomic<uint64_t> sent_ = 0;
  program::WakeFd wake_fd_;
  HttpLoop loop_;  // of the thread, as all that follows
  ChangingRate due_;
  std::vector<size_t> in_flight_;  // at each URL
  std::mt19937_64 dice_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace load
