#include "unreliable_service/ledger.hpp"

#include <algorithm>
#include <numeric>

namespace unreliable {
namespace {

constexpr size_t longest_name = 64;
constexpr size_t most_callers = 1000;

std::string plain_name(std::string_view caller) {
  if (caller.empty()) return "(unknown)";
  std::string name(caller.substr(0, longest_name));
  std::replace_if(
      name.begin(), name.end(), [](char letter) { return letter < ' ' || letter > '~'; }, '?');
  return name;
}

}  // namespace

uint64_t Counts::received() const { return std::accumulate(by_fate_.begin(), by_fate_.end(), uint64_t{0}); }

void Ledger::enter(std::string_view caller, Fate fate) {
  const std::string name = plain_name(caller);
  const std::scoped_lock lock(mutex_);
  const bool full = page_.callers.size() >= most_callers && !page_.callers.contains(name);
  page_.callers[full ? "(others)" : name].add(fate);
  page_.total.add(fate);
}

LedgerPage Ledger::page() const {
  const std::scoped_lock lock(mutex_);
  return page_;
}

void Ledger::clear() {
  const std::scoped_lock lock(mutex_);
  page_ = {};
}

}  // namespace unreliable
