#include "load_generator/simulation/event_loop.hpp"

#include <algorithm>

namespace simulation {

EventLoop::Sleeper EventLoop::take_slot() {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  return {slot, slots_[slot].use};
}

EventLoop::Sleeper EventLoop::park(std::coroutine_handle<> waiting) {
  const Sleeper sleeper = take_slot();
  slots_[sleeper.slot].waiting = waiting;
  return sleeper;
}

void EventLoop::wake_at(TimePoint when, Sleeper sleeper) { queue_.add({std::max(when, now_), sleeper}); }

void EventLoop::run_until(TimePoint end) {
  while (const auto* next = queue_.next(end)) {
    const auto [slot, use] = next->what;
    if (slots_[slot].use != use) continue;  // it was woken before
    now_ = next->at;
    ++events_;
    run(slot);
  }
  now_ = std::max(now_, end);
}

void EventLoop::run(uint32_t slot) {
  Slot& what = slots_[slot];
  ++what.use;
  free_slots_.push_back(slot);
  if (const auto waiting = std::exchange(what.waiting, {})) return waiting.resume();
  const auto action = std::exchange(what.action, {});
  action();
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
