#include "redis_breaker/sync/breaker_list.hpp"

#include <algorithm>

#include "simple_breaker/uncancelled_thread.hpp"

namespace cb {
namespace {

constexpr size_t most_reports = 50;

// The entry of this breaker among those of its name.
template <class Entries>
auto find(Entries& entries, const SynchronizedBreaker& breaker) {
  const auto [first, last] = entries.equal_range(breaker.name());
  const auto entry = std::find_if(first, last, [&](const auto& named) { return named.second.breaker == &breaker; });
  return entry == last ? entries.end() : entry;
}

}  // namespace

void BreakerList::add(SynchronizedBreaker& breaker) {
  const std::scoped_lock lock(mutex_);
  entries_.emplace(breaker.name(), Entry{&breaker});
}

void BreakerList::remove(SynchronizedBreaker& breaker) {
  const UncancelledThread uncancelled;  // a destructor calls this
  std::unique_lock lock(mutex_);
  call_finished_.wait(
      lock, [&] { return std::find(being_called_.begin(), being_called_.end(), &breaker) == being_called_.end(); });
  const auto entry = find(entries_, breaker);
  to_report_.erase({entry->second.may_report_at, &breaker});
  entries_.erase(entry);
}

std::vector<SynchronizedBreaker*> BreakerList::named(std::string_view name) const {
  const std::scoped_lock lock(mutex_);
  std::vector<SynchronizedBreaker*> breakers;
  const auto [first, last] = entries_.equal_range(name);
  for (auto entry = first; entry != last; ++entry) breakers.push_back(entry->second.breaker);
  return breakers;
}

void BreakerList::for_each_named(std::string_view name, const Action& action) {
  for (SynchronizedBreaker* breaker : named(name)) call(*breaker, name, action);
}

// Must not touch the breaker before it is known to be still in the list.
void BreakerList::call(SynchronizedBreaker& breaker, std::string_view name, const Action& action) {
  std::unique_lock lock(mutex_);
  const auto [first, last] = entries_.equal_range(name);
  if (std::none_of(first, last, [&](const auto& named) { return named.second.breaker == &breaker; })) return;
  being_called_.push_back(&breaker);
  lock.unlock();
  action(breaker);
  lock.lock();
  being_called_.pop_back();
  lock.unlock();
  call_finished_.notify_all();
}

std::vector<std::string> BreakerList::names(size_t most, const std::string& after) const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> names;
  auto entry = entries_.upper_bound(after);
  if (entry == entries_.end()) entry = entries_.begin();
  for (; entry != entries_.end() && names.size() < most; entry = entries_.upper_bound(entry->first)) {
    names.emplace_back(entry->first);
  }
  return names;
}

BreakerList::Known BreakerList::any_known() const {
  const std::scoped_lock lock(mutex_);
  for (const auto& [name, entry] : entries_) {
    const uint64_t generation = entry.breaker->known_generation();
    if (generation != 0) return {std::string(name), generation};
  }
  return {};
}

void BreakerList::report_soon(SynchronizedBreaker& breaker) {
  const std::scoped_lock lock(mutex_);
  to_report_.emplace(find(entries_, breaker)->second.may_report_at, &breaker);
}

void BreakerList::call_reports_due(SteadyClock::time_point now) {
  for (size_t called = 0; called < most_reports; ++called) {
    std::unique_lock lock(mutex_);
    if (to_report_.empty() || to_report_.begin()->first > now) return;
    SynchronizedBreaker* const breaker = to_report_.begin()->second;
    to_report_.erase(to_report_.begin());
    const auto pause = std::max(between_reports, std::chrono::milliseconds(to_report_.size()));
    find(entries_, *breaker)->second.may_report_at = now + pause;
    const std::string name(breaker->name());
    lock.unlock();
    call(*breaker, name, [](SynchronizedBreaker& due) { due.report(); });
  }
}

BreakerList::SteadyClock::time_point BreakerList::next_report_due() const {
  const std::scoped_lock lock(mutex_);
  return to_report_.empty() ? SteadyClock::time_point::max() : to_report_.begin()->first;
}

}  // namespace cb
