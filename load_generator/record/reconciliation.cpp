#include "load_generator/record/reconciliation.hpp"

#include <algorithm>

namespace load {
namespace {

Account& account_of(std::vector<Account>& accounts, const std::string& caller) {
  const auto found =
      std::find_if(accounts.begin(), accounts.end(), [&](const Account& a) { return a.caller == caller; });
  return found != accounts.end() ? *found : accounts.emplace_back(Account{caller});
}

void enter(Account& account, const Call& call) {
  account.reported += call.upstream_calls;
  account.uncertain += call.status == CallStatus::unreachable ? 1 : 0;
}

}  // namespace

uint64_t Account::unexplained() const {
  if (reported > received) return reported - received;
  return received - std::min(received, reported + uncertain);
}

std::optional<std::vector<Account>> reconcile(const Run& run) {
  if (!run.ledger) return std::nullopt;
  std::vector<Account> accounts;
  for (const Target& target : run.targets) account_of(accounts, target.caller());
  for (const Call& call : run.calls) enter(account_of(accounts, run.targets.at(call.target).caller()), call);
  for (const auto& [caller, entry] : *run.ledger) account_of(accounts, caller).received = entry.received;
  return accounts;
}

uint64_t unexplained(const std::vector<Account>& accounts) {
  uint64_t sum = 0;
  for (const Account& account : accounts) sum += account.unexplained();
  return sum;
}

}  // namespace load
