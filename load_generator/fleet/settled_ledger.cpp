#include "load_generator/fleet/settled_ledger.hpp"

#include <algorithm>
#include <chrono>

#include "load_generator/api/instance_api.hpp"
#include "program/wait_until.hpp"

namespace load {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds ledger_timeout{500};
constexpr milliseconds ledger_patience{3000};

bool settled(const Ledger& ledger) {
  return std::all_of(ledger.begin(), ledger.end(), [](const auto& caller) {
    const LedgerEntry& entry = caller.second;
    return entry.received == entry.success + entry.failure + entry.hang + entry.drop;
  });
}

}  // namespace

std::optional<Ledger> settled_ledger(const std::string& upstream, const program::StopSignal& stop) {
  std::optional<Ledger> ledger;
  const auto enough = [&] {
    ledger = fetch_ledger(upstream, ledger_timeout);
    return stop.requested() || (ledger && settled(*ledger));
  };
  program::wait_until(enough, ledger_patience);
  return ledger;
}

}  // namespace load
