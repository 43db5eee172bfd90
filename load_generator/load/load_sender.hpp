// A LoadSender sends calls to the instances at a rate that can be changed while it runs. Open loop: a call goes out
// when it is due, whether or not earlier ones have been answered. What comes back is thrown away: who wants to know
// what became of the calls asks the instances. At most `most_in_flight` calls are under way, and at each instance its
// share of them; where that many wait for an answer, those that fall due are left out, so that one that hangs takes
// nothing from the others. What a stall of this program held up for less than a second is sent afterwards; a new rate,
// or the end of a pause, holds from then on, and sends nothing for the time before. Thread-safe: every method. It sends
// from a thread of its own, which ends with this object.
#pragma once

#include <atomic>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "load_generator/api/http_loop.hpp"
#include "program/wake_fd.hpp"

namespace load {

class LoadSender {
 public:
  static constexpr double highest_rate = 1000;
  static constexpr size_t most_in_flight = 500;

  // Each call goes to one of the URLs, at random, with /call added. (In turn, one broken instance of three would never
  // be seen to fail three times in a row.) The same seed makes the same choices.
  explicit LoadSender(std::vector<std::string> urls, uint64_t seed = 1);
  ~LoadSender();
  LoadSender(const LoadSender&) = delete;
  LoadSender& operator=(const LoadSender&) = delete;

  // Calls a second over all, from now on; 0 stops. What is outside 0 to highest_rate is cut; what is above 0 sends at
  // least a call an hour.
  void set_rate(double rate);
  double rate() const { return rate_; }
  void pause();  // until go_on(), whatever the rate
  void go_on();
  uint64_t sent() const { return sent_; }

 private:
  using Clock = HttpLoop::Clock;

  void run(const std::stop_token& stop);
  void send_what_is_due();
  Clock::duration gap() const;  // between two calls; zero: none is due

  const std::vector<std::string> urls_;
  const size_t most_at_each_;
  std::atomic<double> rate_ = 0;
  std::atomic<bool> paused_ = false;
  std::atomic<uint64_t> sent_ = 0;
  program::WakeFd wake_fd_;
  HttpLoop loop_;  // of the thread, as all that follows
  Clock::time_point last_due_;
  Clock::duration last_gap_{0};
  std::vector<size_t> in_flight_;  // at each URL
  std::mt19937_64 dice_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace load
