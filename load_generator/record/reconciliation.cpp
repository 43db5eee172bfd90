#include "load_generator/record/reconciliation.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace load {
namespace {

class Accounts {
 public:
  Account& of(const std::string& caller) {
    const auto [place, is_new] = places_.emplace(caller, accounts_.size());
    return is_new ? accounts_.emplace_back(Account{caller}) : accounts_[place->second];
  }
  std::vector<Account> take() { return std::move(accounts_); }

 private:
  std::vector<Account> accounts_;
  std::map<std::string, size_t> places_;
};

// A call that never reached its instance would excuse an entry of the ledger that has another cause.
bool may_be_in_ledger(const Call& call) { return call.status == CallStatus::unreachable && call.may_have_arrived; }

void enter(Account& account, const Call& call) {
  account.reported += call.upstream_calls;
  account.uncertain += may_be_in_ledger(call) ? 1 : 0;
}

}  // namespace

uint64_t Account::unexplained() const {
  if (reported > received) return reported - received;
  return received - std::min(received, reported + uncertain);
}

std::optional<std::vector<Account>> reconcile(const Run& run) {
  if (!run.ledger) return std::nullopt;
  Accounts accounts;
  for (const Target& target : run.targets) accounts.of(target.caller());
  for (const Call& call : run.calls) enter(accounts.of(run.targets.at(call.target).caller()), call);
  for (const auto& [caller, entry] : *run.ledger) accounts.of(caller).received = entry.received;
  return accounts.take();
}

uint64_t unexplained(const std::vector<Account>& accounts) {
  uint64_t sum = 0;
  for (const Account& account : accounts) sum += account.unexplained();
  return sum;
}

}  // namespace load
