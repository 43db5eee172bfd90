#include "redis_breaker/sync/breaker_list.hpp"

#include <algorithm>

namespace cb {
namespace {

constexpr size_t most_reports = 50;

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
  const auto entry = find(entries_, member);
  to_report_.erase({entry->second.may_report_at, &member});
  entries_.erase(entry);
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
  to_report_.emplace(find(entries_, member)->second.may_report_at, &member);
}

void Roster::call_reports_due(SteadyClock::time_point now) {
  for (size_t called = 0; called < most_reports; ++called) {
    std::unique_lock lock(mutex_);
    if (to_report_.empty() || to_report_.begin()->first > now) return;
    LinkMember* const member = to_report_.begin()->second;
    to_report_.erase(to_report_.begin());
    const auto pause = std::max(between_reports, std::chrono::milliseconds(to_report_.size()));
    find(entries_, *member)->second.may_report_at = now + pause;
    const std::string name(member->name());
    lock.unlock();
    call(*member, name, [](LinkMember& due) { due.report(); });
  }
}

Roster::SteadyClock::time_point Roster::next_report_due() const {
  const std::scoped_lock lock(mutex_);
  return to_report_.empty() ? SteadyClock::time_point::max() : to_report_.begin()->first;
}

}  // namespace cb
