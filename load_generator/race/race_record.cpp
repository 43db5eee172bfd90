#include "load_generator/race/race_record.hpp"

namespace load {
namespace {

template <typename Entry>
std::vector<Entry> from(const std::vector<Entry>& entries, size_t first) {
  return {entries.begin() + static_cast<std::ptrdiff_t>(first), entries.end()};
}

}  // namespace

void RaceRecord::add(size_t fleet, const Call& call) {
  const std::scoped_lock lock(mutex_);
  fleets_.at(fleet).calls.push_back(call);
}

void RaceRecord::add(size_t fleet, const Transition& transition) {
  const std::scoped_lock lock(mutex_);
  fleets_.at(fleet).transitions.push_back(transition);
}

std::optional<std::array<RaceRecord::News, RaceRecord::fleets>> RaceRecord::since(const Cursor& cursor) const {
  const std::scoped_lock lock(mutex_);
  std::array<News, fleets> news;
  for (size_t i = 0; i < fleets; ++i) {
    const Fleet& fleet = fleets_[i];
    const Seen& seen = cursor[i];
    if (seen.calls > fleet.calls.size() || seen.transitions > fleet.transitions.size()) return std::nullopt;
    news[i] = {from(fleet.calls, seen.calls),
               from(fleet.transitions, seen.transitions),
               {fleet.calls.size(), fleet.transitions.size()}};
  }
  return news;
}

}  // namespace load
