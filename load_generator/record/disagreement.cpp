#include "load_generator/record/disagreement.hpp"

#include <algorithm>
#include <span>

namespace load {
namespace {

struct Change {
  Offset at;
  size_t target;
  State state;
};

}  // namespace

void Disagreement::feed(Offset at, size_t target, State state) {
  --in_state_[static_cast<size_t>(states_.at(target))];
  ++in_state_[static_cast<size_t>(state)];
  states_[target] = state;
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
  const auto known = std::span(in_state_).first(static_cast<size_t>(State::unknown));
  return std::count_if(known.begin(), known.end(), [](size_t targets) { return targets > 0; }) <= 1;
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
