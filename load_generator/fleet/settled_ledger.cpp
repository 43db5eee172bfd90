#include "load_generator/fleet/settled_ledger.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "load_generator/api/instance_api.hpp"

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
  const auto deadline = std::chrono::steady_clock::now() + ledger_patience;
  while (true) {
    auto ledger = fetch_ledger(upstream, ledger_timeout);
    const bool enough = stop.requested() || std::chrono::steady_clock::now() > deadline;
    if (enough || (ledger && settled(*ledger))) return ledger;
    std::this_thread::sleep_for(milliseconds(20));
  }
}

}  // namespace load
