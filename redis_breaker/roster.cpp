#include "redis_breaker/roster.hpp"

#include <algorithm>

namespace cb {
namespace {

// Where a member stands among those of its name.
template <class Entries>
auto find(Entries& entries, const LinkMember& member) {
  const auto [first, last] = entries.equal_range(member.name());
  const auto entry = std::find_if(first, last, [&](const auto& named) { return named.second.member == &member; });
  return entry == last ? entries.end() : entry;
}

}  // namespace

void Roster::add(LinkMember& member) {
  const std::scoped_lock lock(mutex_);
  entries_.emplace(member.name(), Entry{&member});
}

void Roster::remove(LinkMember& member) {
  std::unique_lock lock(mutex_);
  left_alone_.wait(lock, [&] { return busy_with_ != &member; });
  std::erase(to_report_, &member);
  if (const auto entry = find(entries_, member); entry != entries_.end()) entries_.erase(entry);
}

std::vector<LinkMember*> Roster::named(std::string_view name) const {
  const std::scoped_lock lock(mutex_);
  std::vector<LinkMember*> members;
  const auto [first, last] = entries_.equal_range(name);
  for (auto entry = first; entry != last; ++entry) members.push_back(entry->second.member);
  return members;
}

void Roster::with(std::string_view name, const Then& then) {
  for (LinkMember* member : named(name)) call(*member, name, then);
}

// The member is not touched before it is known that it is still there.
void Roster::call(LinkMember& member, std::string_view name, const Then& then) {
  std::unique_lock lock(mutex_);
  const auto [first, last] = entries_.equal_range(name);
  if (std::none_of(first, last, [&](const auto& named) { return named.second.member == &member; })) return;
  busy_with_ = &member;
  lock.unlock();
  then(member);
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
  for (; entry != entries_.end() && names.size() < most; entry = entries_.upper_bound(entry->first)) {
    names.emplace_back(entry->first);
  }
  return names;
}

void Roster::report_soon(LinkMember& member) {
  const std::scoped_lock lock(mutex_);
  if (std::find(to_report_.begin(), to_report_.end(), &member) == to_report_.end()) to_report_.push_back(&member);
}

void Roster::call_reports_due(SteadyClock::time_point now) {
  std::vector<std::string> due;
  {
    const std::scoped_lock lock(mutex_);
    std::erase_if(to_report_, [&](const LinkMember* member) {
      Entry& entry = find(entries_, *member)->second;
      if (entry.may_report_at > now) return false;
      entry.may_report_at = now + between_reports;
      due.emplace_back(member->name());
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
  for (const LinkMember* member : to_report_) next = std::min(next, find(entries_, *member)->second.may_report_at);
  return next;
}

}  // namespace cb
