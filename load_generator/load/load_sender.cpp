#include "load_generator/load/load_sender.hpp"

#include <algorithm>
#include <utility>

namespace load {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds call_timeout{10'000};
constexpr milliseconds longest_wait{1000};
constexpr double longest_gap = 3600;          // seconds; a rate near zero has one that no clock can count
constexpr milliseconds most_caught_up{1000};  // after a stall of this program; what fell due before is left out

}  // namespace

LoadSender::LoadSender(std::vector<std::string> urls, uint64_t seed)
    : urls_(std::move(urls)),
      most_at_each_(std::max<size_t>(most_in_flight / std::max<size_t>(urls_.size(), 1), 1)),
      last_due_(Clock::now()),
      in_flight_(urls_.size()),
      dice_(seed),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

LoadSender::~LoadSender() {
  thread_.request_stop();
  wake_fd_.notify();
}

void LoadSender::set_rate(double rate) {
  rate_ = std::clamp(rate, 0.0, highest_rate);
  wake_fd_.notify();
}

void LoadSender::pause() { paused_ = true; }

void LoadSender::go_on() {
  paused_ = false;
  wake_fd_.notify();
}

void LoadSender::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    send_what_is_due();
    const auto next = last_gap_ == Clock::duration::zero() ? Clock::now() + longest_wait : last_due_ + last_gap_;
    loop_.wait_until(next, wake_fd_.fd());
    wake_fd_.clear();
  }
  loop_.abandon();
}

void LoadSender::send_what_is_due() {
  const auto now = Clock::now();
  const auto every = gap();
  if (every != last_gap_) last_due_ = now;  // a new rate is for what comes, not for the time when it was another
  last_gap_ = every;
  last_due_ = std::max(last_due_, now - std::max<Clock::duration>(most_caught_up, every));
  for (; every != Clock::duration::zero() && last_due_ + every <= now; last_due_ += every) {
    const size_t to = dice_() % urls_.size();
    if (in_flight_[to] >= most_at_each_) continue;
    in_flight_[to] += 1;
    sent_ += 1;
    loop_.get(urls_[to] + "/call", call_timeout, [this, to](const auto&) { in_flight_[to] -= 1; });
  }
}

LoadSender::Clock::duration LoadSender::gap() const {
  if (paused_ || rate_ <= 0) return Clock::duration::zero();
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::min(1 / rate_, longest_gap)));
}

}  // namespace load
