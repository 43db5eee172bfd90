#include "load_generator/record/timeline.hpp"

#include <algorithm>
#include <tuple>

namespace load {
namespace {

constexpr Offset one_millisecond = std::chrono::milliseconds(1);

// A point of a lane, and who said so.
struct Stay {
  Sample sample;
  std::optional<size_t> reporter;  // of the transition; nothing: only polls know
  uint64_t generation = 0;         // 0: not known
};

class Lane {
 public:
  const std::vector<Stay>& stays() const { return stays_; }
  bool is_local() const { return local_; }

  void hear(const Transition& transition) {
    told_ = {{transition.at, transition.to, false}, transition.target, transition.generation};
    heard_since_poll_ = true;
    doubt_.reset();
    if (!stays_.empty()) draw(transition.at);
  }

  void look(const Sample& sample) {
    const bool same_breaker = answers_ && sample.local == local_;
    answers_ = sample.state != State::unknown;
    local_ = sample.local;
    if (!answers_) doubt_.reset();
    if (answers_ && sample.state != told_.sample.state) weigh(sample, same_breaker);
    if (answers_ && sample.state == told_.sample.state) doubt_.reset();
    heard_since_poll_ = false;
    draw(sample.at);
  }

 private:
  // Of a sample that says otherwise than what is known.
  void weigh(const Sample& sample, bool same_breaker) {
    const bool confirmed = doubt_ && doubt_->state == sample.state;
    const bool nothing_to_go_by = !same_breaker && !heard_since_poll_;
    if (confirmed || nothing_to_go_by) {
      told_ = {sample, std::nullopt, 0};
      draw(confirmed ? doubt_->at : sample.at);
    } else {
      doubt_ = sample;
    }
  }

  void draw(Offset at) {
    Stay stay = told_;
    stay.sample = {at, answers_ ? told_.sample.state : State::unknown, local_};
    const bool changes = stays_.empty() || stays_.back().sample.state != stay.sample.state ||
                         stays_.back().sample.local != stay.sample.local;
    if (changes) stays_.push_back(stay);
  }

  std::vector<Stay> stays_;
  Stay told_;                    // by the last transition, or by polls that outweigh it
  std::optional<Sample> doubt_;  // the last sample said otherwise
  bool heard_since_poll_ = false;
  bool answers_ = false;
  bool local_ = false;
};

std::vector<const Transition*> in_order(const std::vector<Transition>& transitions) {
  std::vector<const Transition*> ordered;
  ordered.reserve(transitions.size());
  for (const Transition& transition : transitions) ordered.push_back(&transition);
  std::stable_sort(ordered.begin(), ordered.end(), [](const Transition* a, const Transition* b) {
    return std::tie(a->at, a->generation) < std::tie(b->at, b->generation);
  });
  return ordered;
}

struct Poll {
  Offset at;
  size_t target;
  const Sample* sample;
};

std::vector<Poll> polls_in_order(const Run& run) {
  std::vector<Poll> polls;
  for (size_t target = 0; target < run.samples.size(); ++target) {
    for (const Sample& sample : run.samples[target]) polls.push_back({sample.at, target, &sample});
  }
  std::stable_sort(polls.begin(), polls.end(), [](const Poll& a, const Poll& b) { return a.at < b.at; });
  return polls;
}

void tell(const Run& run, const Transition& transition, std::vector<Lane>& lanes) {
  if (transition.to == State::unknown) return;
  const bool shared = run.shared_breaker && !transition.local;
  for (size_t target = 0; target < lanes.size(); ++target) {
    if (target == transition.target || (shared && !lanes[target].is_local())) lanes[target].hear(transition);
  }
}

// What happened in one millisecond happened before the poll that saw it.
std::vector<Lane> drawn(const Run& run) {
  std::vector<Lane> lanes(run.samples.size());
  const std::vector<const Transition*> transitions = in_order(run.transitions);
  auto next = transitions.begin();
  for (const Poll& poll : polls_in_order(run)) {
    for (; next != transitions.end() && (*next)->at <= poll.at; ++next) tell(run, **next, lanes);
    lanes[poll.target].look(*poll.sample);
  }
  for (; next != transitions.end(); ++next) tell(run, **next, lanes);
  return lanes;
}

const Stay* stay_at(const Lane& lane, Offset at) {
  const auto after = std::upper_bound(lane.stays().begin(), lane.stays().end(), at,
                                      [](Offset time, const Stay& stay) { return time < stay.sample.at; });
  return after == lane.stays().begin() ? nullptr : &*std::prev(after);
}

bool failed(const Call& call) { return call.status == CallStatus::failure || call.status == CallStatus::exception; }
bool tells_something(const Call& call) { return failed(call) || call.probe || call.late; }
Offset sent(const Call& call) { return call.intended + call.sent_late; }
size_t step_of(const Call& call, Offset step) { return static_cast<size_t>(std::max(sent(call), Offset(0)) / step); }

// A call of the shared breaker, and that breaker's open stay. A call that a later stay admitted was on its way before
// that began.
bool had_not_heard(const Call& call, const Stay& open) {
  const bool admitted_before = call.generation == 0 || open.generation == 0 || call.generation < open.generation;
  return !call.probe && open.reporter != call.target && admitted_before;
}

bool was_wasted(const Run& run, const std::vector<Lane>& lanes, const Call& call) {
  if (!failed(call) || call.upstream_calls == 0) return false;
  const Stay* own = call.target < lanes.size() ? stay_at(lanes[call.target], sent(call)) : nullptr;
  for (size_t other = 0; other < lanes.size(); ++other) {
    const Stay* stay = other == call.target ? nullptr : stay_at(lanes[other], sent(call));
    if (stay == nullptr || stay->sample.state != State::open) continue;
    if (sent(call) - stay->sample.at < one_millisecond) continue;
    const bool one_breaker = run.shared_breaker && !stay->sample.local && !(own != nullptr && own->sample.local);
    if (!one_breaker || had_not_heard(call, *stay)) return true;
  }
  return false;
}

uint64_t unsuccessful(const Call& call) {
  const bool answered = call.status == CallStatus::success && call.upstream_calls > 0;
  return call.upstream_calls - (answered ? 1 : 0);
}

size_t steps_in(const Run& run, Offset step) {
  auto steps = static_cast<size_t>((std::max(run.length, Offset(0)) + step - Offset(1)) / step);
  for (const Call& call : run.calls) steps = std::max(steps, step_of(call, step) + 1);
  return steps;
}

}  // namespace

std::vector<std::vector<Sample>> lanes(const Run& run) {
  std::vector<std::vector<Sample>> result;
  for (const Lane& lane : drawn(run)) {
    result.emplace_back();
    for (const Stay& stay : lane.stays()) result.back().push_back(stay.sample);
  }
  return result;
}

std::vector<Mark> marks(const Run& run, Offset since) {
  const std::vector<Lane> lanes = drawn(run);
  std::vector<Mark> result;
  for (const Call& call : run.calls) {
    if (!tells_something(call) || sent(call) < since) continue;
    result.push_back({call.target, sent(call), call.status, call.probe, call.late, was_wasted(run, lanes, call)});
  }
  std::stable_sort(result.begin(), result.end(), [](const Mark& a, const Mark& b) { return a.at < b.at; });
  return result;
}

Traffic traffic(const Run& run, Offset step) {
  const std::vector<uint64_t> nothing(steps_in(run, step), 0);
  Traffic traffic{step, nothing, nothing, nothing};
  for (const Call& call : run.calls) {
    const size_t index = step_of(call, step);
    traffic.upstream_calls[index] += call.upstream_calls;
    traffic.upstream_failures[index] += unsuccessful(call);
    traffic.blocked[index] += call.status == CallStatus::blocked ? 1 : 0;
  }
  return traffic;
}

}  // namespace load
