#include "load_generator/simulation/event_loop.hpp"

#include <algorithm>

namespace simulation {

uint32_t EventLoop::take_slot(Slot what) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  what.use = slots_[slot].use;
  slots_[slot] = std::move(what);
  return slot;
}

void EventLoop::push(TimePoint when, Sleeper what) {
  queue_.push_back({std::max(when, now_), ++scheduled_, what});
  std::push_heap(queue_.begin(), queue_.end());
}

EventLoop::Sleeper EventLoop::park(std::coroutine_handle<> waiting) {
  const uint32_t slot = take_slot({waiting, {}});
  return {slot, slots_[slot].use};
}

void EventLoop::wake_at(TimePoint when, Sleeper sleeper) { push(when, sleeper); }

void EventLoop::run_until(TimePoint end) {
  while (!queue_.empty() && queue_.front().at <= end) {
    const Entry next = queue_.front();
    std::pop_heap(queue_.begin(), queue_.end());
    queue_.pop_back();
    if (slots_[next.what.slot].use != next.what.use) continue;  // it was woken before
    now_ = next.at;
    ++events_;
    run(next.what.slot);
  }
  now_ = std::max(now_, end);
}

void EventLoop::run(uint32_t slot) {
  const auto waiting = std::exchange(slots_[slot].waiting, {});
  const auto action = std::exchange(slots_[slot].action, {});
  ++slots_[slot].use;
  free_slots_.push_back(slot);
  if (waiting) {
    waiting.resume();
  } else {
    action();
  }
}

void EventLoop::clear() {
  queue_.clear();
  for (size_t i = 0; i < slots_.size(); ++i) {  // what ends may schedule more
    if (const auto waiting = std::exchange(slots_[i].waiting, {})) waiting.destroy();
  }
  slots_.clear();
  free_slots_.clear();
  queue_.clear();
}

}  // namespace simulation
