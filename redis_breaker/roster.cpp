#include "redis_breaker/roster.hpp"

#include <algorithm>

namespace cb {

void Roster::add(LinkMember& member) {
  const std::scoped_lock lock(mutex_);
  entries_.emplace(member.name(), Entry{&member});
}

void Roster::remove(LinkMember& member) {
  std::unique_lock lock(mutex_);
  left_alone_.wait(lock, [&] { return busy_with_ != &member; });
  const auto entry = entries_.find(member.name());
  if (entry == entries_.end() || entry->second.member != &member) return;
  to_report_.erase(&entry->second);
  entries_.erase(entry);
}

void Roster::with(std::string_view name, const Then& then) {
  std::unique_lock lock(mutex_);
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) return;
  busy_with_ = entry->second.member;
  lock.unlock();
  then(*busy_with_);  // nobody else writes it
  lock.lock();
  busy_with_ = nullptr;
  lock.unlock();
  left_alone_.notify_all();
}

std::vector<std::string> Roster::names(size_t most, const std::string& after) const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> names;
  auto entry = entries_.upper_bound(after);
  if (entry == entries_.end()) entry = entries_.begin();
  for (; entry != entries_.end() && names.size() < most; ++entry) names.emplace_back(entry->first);
  return names;
}

void Roster::report_soon(LinkMember& member) {
  const std::scoped_lock lock(mutex_);
  const auto entry = entries_.find(member.name());
  if (entry != entries_.end()) to_report_.insert(&entry->second);
}

void Roster::call_reports_due(SteadyClock::time_point now) {
  std::vector<std::string> due;
  {
    const std::scoped_lock lock(mutex_);
    const auto pause = std::max(between_reports, std::chrono::milliseconds(to_report_.size()));
    std::erase_if(to_report_, [&](Entry* entry) {
      if (entry->may_report_at > now) return false;
      entry->may_report_at = now + pause;
      due.emplace_back(entry->member->name());
      return true;
    });
  }
  for (const std::string& name : due) {
    with(name, [](LinkMember& member) { member.report(); });
  }
}

Roster::SteadyClock::time_point Roster::next_report_due() const {
  const std::scoped_lock lock(mutex_);
  auto next = SteadyClock::time_point::max();
  for (const Entry* entry : to_report_) next = std::min(next, entry->may_report_at);
  return next;
}

}  // namespace cb
