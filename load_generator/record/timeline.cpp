#include "load_generator/record/timeline.hpp"

#include <algorithm>
#include <tuple>

namespace load {
namespace {

constexpr size_t most_compared_lanes = 1000;  // each failed call is compared with all of them
constexpr Offset one_millisecond = std::chrono::milliseconds(1);

// A point of a lane, and its source.
struct Point {
  Sample sample;
  std::optional<size_t> reporter;  // of the transition; nothing: only polls show it
  uint64_t generation = 0;         // 0: not known
};

class Lane {
 public:
  const std::vector<Point>& points() const { return points_; }
  bool is_local() const { return local_; }

  void apply(const Transition& transition) {
    believed_ = {{transition.at, transition.to, false}, transition.target, transition.generation};
    transition_since_poll_ = true;
    doubt_.reset();
    if (!points_.empty()) draw(transition.at);
  }

  void apply(const Sample& sample) {
    const bool same_breaker = answers_ && sample.local == local_;
    answers_ = sample.state != State::unknown;
    local_ = sample.local;
    if (answers_ && sample.state != believed_.sample.state) weigh(sample, same_breaker);
    if (!answers_ || sample.state == believed_.sample.state) doubt_.reset();
    transition_since_poll_ = false;
    draw(sample.at);
  }

 private:
  // A sample that contradicts what is believed.
  void weigh(const Sample& sample, bool same_breaker) {
    const bool confirmed = doubt_ && doubt_->state == sample.state;
    const bool no_other_source = !same_breaker && !transition_since_poll_;
    if (confirmed || no_other_source) {
      believed_ = {sample, std::nullopt, 0};
      draw(confirmed ? doubt_->at : sample.at);
    } else {
      doubt_ = sample;
    }
  }

  void draw(Offset at) {
    Point point = believed_;
    point.sample = {at, answers_ ? believed_.sample.state : State::unknown, local_};
    const bool changes = points_.empty() || points_.back().sample.state != point.sample.state ||
                         points_.back().sample.local != point.sample.local;
    if (changes) points_.push_back(point);
  }

  std::vector<Point> points_;
  Point believed_;               // by the last transition, or by polls that outweigh it
  std::optional<Sample> doubt_;  // the last sample, if it contradicted that
  bool transition_since_poll_ = false;
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

void apply(const Run& run, const Transition& transition, std::vector<Lane>& lanes) {
  if (transition.to == State::unknown) return;
  const bool shared = run.shared_breaker && !transition.local;
  if (!shared) return lanes.at(transition.target).apply(transition);
  for (size_t target = 0; target < lanes.size(); ++target) {
    if (target == transition.target || !lanes[target].is_local()) lanes[target].apply(transition);
  }
}

// A transition in the same millisecond as a poll comes before it: the poll may have seen it.
std::vector<Lane> drawn(const Run& run) {
  std::vector<Lane> lanes(run.samples.size());
  const std::vector<const Transition*> transitions = in_order(run.transitions);
  auto next = transitions.begin();
  for (const Poll& poll : polls_in_order(run)) {
    for (; next != transitions.end() && (*next)->at <= poll.at; ++next) apply(run, **next, lanes);
    lanes[poll.target].apply(*poll.sample);
  }
  for (; next != transitions.end(); ++next) apply(run, **next, lanes);
  return lanes;
}

const Point* point_at(const Lane& lane, Offset at) {
  const auto after = std::upper_bound(lane.points().begin(), lane.points().end(), at,
                                      [](Offset time, const Point& point) { return time < point.sample.at; });
  return after == lane.points().begin() ? nullptr : &*std::prev(after);
}

bool failed(const Call& call) { return call.status == CallStatus::failure || call.status == CallStatus::exception; }
bool is_worth_a_mark(const Call& call) { return failed(call) || call.probe || call.late; }
Offset sent(const Call& call) { return call.intended + call.sent_late; }
size_t step_of(const Call& call, Offset step) { return static_cast<size_t>(std::max(sent(call), Offset(0)) / step); }

// A call on the shared breaker, which was open when the call was sent. If a later generation admitted it, it had been
// on its way before that generation started.
bool was_sent_unaware(const Call& call, const Point& open) {
  const bool admitted_before = call.generation == 0 || open.generation == 0 || call.generation < open.generation;
  return !call.probe && open.reporter != call.target && admitted_before;
}

bool was_wasted(const Run& run, const std::vector<Lane>& lanes, const Call& call) {
  if (!failed(call) || call.upstream_calls == 0) return false;
  const Point* own = call.target < lanes.size() ? point_at(lanes[call.target], sent(call)) : nullptr;
  for (size_t other = 0; other < lanes.size(); ++other) {
    const Point* point = other == call.target ? nullptr : point_at(lanes[other], sent(call));
    if (point == nullptr || point->sample.state != State::open) continue;
    if (sent(call) - point->sample.at < one_millisecond) continue;
    const bool one_breaker = run.shared_breaker && !point->sample.local && !(own != nullptr && own->sample.local);
    if (!one_breaker || was_sent_unaware(call, *point)) return true;
  }
  return false;
}

std::vector<std::vector<Sample>> samples_of(const std::vector<Lane>& lanes) {
  std::vector<std::vector<Sample>> result;
  for (const Lane& lane : lanes) {
    result.emplace_back();
    for (const Point& point : lane.points()) result.back().push_back(point.sample);
  }
  return result;
}

std::vector<Mark> marks_of(const Run& run, const std::vector<Lane>& lanes) {
  std::vector<Mark> marks;
  for (const Call& call : run.calls) {
    if (!is_worth_a_mark(call)) continue;
    const bool wasted = lanes.size() <= most_compared_lanes && was_wasted(run, lanes, call);
    marks.push_back({call.target, sent(call), call.status, call.probe, call.late, wasted});
  }
  std::stable_sort(marks.begin(), marks.end(), [](const Mark& a, const Mark& b) { return a.at < b.at; });
  return marks;
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

Timeline timeline(const Run& run) {
  const std::vector<Lane> lanes = drawn(run);
  return {samples_of(lanes), marks_of(run, lanes)};
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
