#include "load_generator/load/load_sender.hpp"

#include <algorithm>
#include <utility>

namespace load {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds call_timeout{10'000};

}  // namespace

LoadSender::LoadSender(std::vector<std::string> urls, uint64_t seed)
    : urls_(std::move(urls)),
      most_at_each_(std::max<size_t>(most_in_flight / std::max<size_t>(urls_.size(), 1), 1)),
      due_(Clock::now()),
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
    loop_.wait_until(due_.next(Clock::now()), wake_fd_.fd());
    wake_fd_.clear();
  }
  loop_.abandon();
}

void LoadSender::send_what_is_due() {
  for (int64_t calls = due_.due(paused_ ? 0 : rate_.load(), Clock::now()); calls > 0; --calls) {
    const size_t to = dice_() % urls_.size();
    if (in_flight_[to] >= most_at_each_) continue;
    in_flight_[to] += 1;
    sent_ += 1;
    loop_.get(urls_[to] + "/call", call_timeout, [this, to](const auto&) { in_flight_[to] -= 1; });
  }
}

}  // namespace load
