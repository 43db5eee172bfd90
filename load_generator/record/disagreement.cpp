#include "load_generator/record/disagreement.hpp"

#include <algorithm>

namespace load {
namespace {

struct Change {
  Offset at;
  size_t target;
  State state;
};

}  // namespace

void Disagreement::feed(Offset at, size_t target, State state) {
  states_.at(target) = state;
  if (agree()) {
    over_ = total(at);
    since_.reset();
  } else if (!since_) {
    since_ = at;
  }
}

std::optional<Offset> Disagreement::present(Offset now) const {
  return since_ ? std::optional(std::max(now - *since_, Offset(0))) : std::nullopt;
}

bool Disagreement::agree() const {
  std::optional<State> first;
  for (const State state : states_) {
    if (state == State::unknown) continue;
    if (first && *first != state) return false;
    first = state;
  }
  return true;
}

Disagreement disagreement_in(const std::vector<std::vector<Sample>>& lanes) {
  std::vector<Change> changes;
  for (size_t target = 0; target < lanes.size(); ++target) {
    for (const Sample& sample : lanes[target]) changes.push_back({sample.at, target, sample.state});
  }
  std::stable_sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) { return a.at < b.at; });
  Disagreement disagreement(lanes.size());
  for (const Change& change : changes) disagreement.feed(change.at, change.target, change.state);
  return disagreement;
}

}  // namespace load
