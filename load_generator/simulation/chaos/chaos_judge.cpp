#include "load_generator/simulation/chaos/chaos_judge.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <utility>

#include "redis_breaker/redis/round_trips.hpp"
#include "simple_breaker/policies/break_length.hpp"

namespace simulation {
namespace {

using namespace std::chrono_literals;

constexpr auto longest_stale = cb::CachedView::longest_age + 100ms;
constexpr auto longest_push = 50ms;     // until all instances know of a failure, in a fleet that is well
constexpr auto longest_report = 200ms;  // until Redis knows of a success
constexpr auto longest_wait = 2 * cb::redis::longest_timeout + 100ms;
// The same break in two views: an answer may be as late as a time-out allows, and one that restored it, too.
constexpr auto differs_by = 2 * cb::redis::longest_timeout;

// The arguments of the script (see arguments.lua) follow its name, the number of keys and seven keys.
constexpr size_t before_arguments = 9;
constexpr size_t known_generation = before_arguments + 7, known_epoch = before_arguments + 9,
                 known_open_for = before_arguments + 11;
constexpr size_t first_event = before_arguments + 14;

uint64_t number_in(const std::string& text) { return std::stoull(text); }

std::vector<cb::Event> events_in(const std::vector<std::string>& command) {
  std::vector<cb::Event> events(number_in(command[first_event - 1]), cb::Tick{});
  size_t at = first_event;
  for (cb::Event& event : events) {
    const std::string& name = command[at];
    if (name == "settle") {
      const auto outcome = command[at + 3] == "success" ? cb::Outcome::success : cb::Outcome::failure;
      event =
          cb::Settle{{number_in(command[at + 1]), number_in(command[at + 2])}, {outcome}, number_in(command[at + 5])};
    }
    at += name == "settle" ? 6 : name == "apply_override" ? 5 : name == "report_health" ? 2 : 1;
  }
  return events;
}

bool is_of_time(const cb::Transition& each) {
  return each.cause == "probe timed out" || each.cause == "half-open timeout over" || each.cause.ends_with(": expired");
}
bool is_restored(const cb::Transition& each) { return each.cause.starts_with("state lost"); }
bool is_reset(const cb::Transition& each) {
  return each.cause.starts_with("state gone") || each.cause.starts_with("state deleted");
}
bool is_written(const cb::Transition& each) { return each.cause.starts_with("written "); }
bool is_of_person(const cb::Transition& each) { return each.cause.find(" by ") != std::string::npos; }
bool is_of_others(const cb::Transition& each) { return is_restored(each) || is_reset(each) || is_written(each); }

std::string in_seconds(microseconds time) {
  return fmt::format("{:.6f} s", std::chrono::duration<double>(time).count());
}

}  // namespace

ChaosJudge::ChaosJudge(const cb::Policy& policy, size_t instances, std::function<void(const std::string&)> accuse)
    : policy_(policy),
      accuse_(std::move(accuse)),
      reader_(policy, "judge", std::make_shared<cb::Script>()),
      received_(instances),
      opened_in_(instances),
      stalled_until_(instances) {}

// --- harm

void ChaosJudge::episode_begins() {
  before_ = std::exchange(done_, {});
  probes_.clear();
  states_.clear();
  published_.clear();
}

void ChaosJudge::fleet_is_disturbed() { done_.disturbance = true; }

void ChaosJudge::server_loses() {
  done_.loss = true;
  forget_server();
}

// Another server, or this one without its latest data, may grant and publish again what it does not know.
void ChaosJudge::forget_server() {
  stored_ = {};
  probes_.clear();
  published_.clear();
}

void ChaosJudge::person_deletes() {
  done_.deletion = true;
  stored_ = {};
}

void ChaosJudge::person_writes() {
  done_.writing = true;
  stored_ = {};
}

void ChaosJudge::clock_is_set() {
  done_.clock = clocks_differ_ = true;
  stored_ = {};
}

void ChaosJudge::instance_starts(Node instance) { received_[instance] = 0; }

void ChaosJudge::instance_stalls(Node instance, TimePoint until) { stalled_until_[instance] = until; }

// --- the script

void ChaosJudge::ran(const std::vector<std::string>& command, const cb::redis::Reply& reply, TimePoint now) {
  Run run{.events = events_in(command)};
  auto result = reader_.call({}, {}, run.events, cb::StateStore::Writes::if_changed).result_of(reply);
  auto* const answer = std::get_if<cb::Answer>(&result);
  if (answer == nullptr) return;  // it must be sent again
  run.known.generation = number_in(command[known_generation]);
  run.known.epoch = number_in(command[known_epoch]);
  run.known.open_for = microseconds(number_in(command[known_open_for]));
  run.answer = std::move(*answer);
  ran(run, now);
}

void ChaosJudge::ran(const Run& run, TimePoint now) {
  now_ = now;
  const std::vector<cb::Event>& events = run.events;
  const cb::Answer* const answer = &run.answer;
  const bool knows_less =
      run.known.generation <= stored_.generation && (run.known.epoch == 0 || run.known.epoch == stored_.epoch);
  if (answer->forgotten && !has_lost()) accuse_("loss: keys were restored, though no server has lost any");
  if (answer->origin.run != std::exchange(run_, answer->origin.run)) forget_server();
  if (!knows_less || answer->forgotten) stored_ = {};

  const cb::Transition* last = nullptr;
  for (size_t i = 0; i < events.size(); ++i) {
    const cb::Reply& each = answer->replies[i];
    judge_time(each, answer->now);
    auto transition = each.transitions.begin();
    for (; transition != each.transitions.end() && (is_of_time(*transition) || is_of_others(*transition)); ++transition)
      enter(*transition);
    if (const auto* ended = std::get_if<cb::Settle>(&events[i])) judge_settle(*ended, each);
    for (; transition != each.transitions.end(); ++transition) enter(*transition);
    if (each.permit.probe != 0) grant(each.permit, answer->now);
    if (!each.transitions.empty()) last = &each.transitions.back();
  }
  if (last != nullptr && is_restored(*last) && answer->state == cb::State::open && answer->wait != run.known.open_for &&
      answer->active_override.mode == cb::Mode::automatic)
    accuse_(fmt::format("break: restored for {} and not {}", in_seconds(answer->wait), in_seconds(run.known.open_for)));
  if (answer->generation != stored_.generation) stored_ = {};
  if (answer->state == cb::State::closed && stored_.failures && answer->failures != *stored_.failures)
    accuse_(fmt::format("threshold: {} failures are stored, and it was {}", answer->failures, *stored_.failures));
  stored_.generation = answer->generation;
  stored_.epoch = answer->epoch;
  stored_.is_automatic = answer->active_override.mode == cb::Mode::automatic;
  judge_break(*answer, last);
}

TimePoint ChaosJudge::half_open_ends() const {
  TimePoint first = stored_.limit;
  for (const auto& [probe, deadline] : *stored_.leases) first = std::min(first, deadline);
  return first;
}

void ChaosJudge::judge_time(const cb::Reply& reply, TimePoint now) {
  if (stored_.leases && now >= half_open_ends() && reply.transitions.empty())
    accuse_(fmt::format("lease: still half-open {} after its end", in_seconds(now - half_open_ends())));
}

void ChaosJudge::grant(const cb::PermitId& permit, TimePoint now) {
  if (!stored_.leases || permit.generation != stored_.generation) return;
  stored_.leases->emplace(permit.probe, now + policy_.probe_timeout);
  const size_t held = stored_.leases->size();
  if (held > static_cast<size_t>(policy_.permitted_calls_in_half_open)) accuse_(fmt::format("lease: {} at once", held));
}

void ChaosJudge::judge_settle(const cb::Settle& ended, const cb::Reply& reply) {
  if (stored_.leases && ended.permit.generation == stored_.generation) stored_.leases->erase(ended.permit.probe);
  const uint64_t now_in = stored_.generation;
  const bool may_be_the_one = ended.permit.generation == stored_.timed_out || stored_.timed_out == not_known;
  const bool may_come_late = ended.permit.probe != 0 && may_be_the_one;
  if (now_in == 0 || may_come_late) return;
  const bool is_late = reply.kind == cb::Reply::Kind::late;
  const bool is_of_another = ended.permit.generation != now_in;
  const bool may_be_another_now = ended.permit.probe != 0 || has_lost();  // a fresh circuit reports no transition
  if (is_of_another != is_late && (is_of_another || !may_be_another_now))
    accuse_(fmt::format("late: a result of generation {} in {} was {}", ended.permit.generation, now_in,
                        is_late ? "late" : "counted"));
  const bool has_effect =
      !reply.transitions.empty() && !is_of_time(reply.transitions.back()) && !is_of_others(reply.transitions.back());
  if (is_late && has_effect)
    accuse_(fmt::format("late: a late result made it {}: {}", cb::to_text(reply.transitions.back().to),
                        reply.transitions.back().cause));
  if (!is_late && ended.permit.probe == 0) count(ended, reply);
}

void ChaosJudge::count(const cb::Settle& ended, const cb::Reply& reply) {
  const bool has_failed = ended.result.outcome == cb::Outcome::failure;
  if (!has_failed) {
    stored_.failures = 0;
    stored_.failed_at = stored_.success_at = std::nullopt;
  }
  if (!stored_.failures || !has_failed) return;
  if (!stored_.failed_at) stored_.failed_at = now_;
  if (stored_.success_at && now_ > *stored_.success_at + longest_report && is_fleet_well())
    accuse_(fmt::format("threshold: a success {} ago is not counted", in_seconds(now_ - *stored_.success_at)));
  *stored_.failures += static_cast<int>(ended.times);
  const bool has_opened = !reply.transitions.empty() && reply.transitions.back().to == cb::State::open;
  if (!has_opened && *stored_.failures >= policy_.failure_threshold && stored_.is_automatic)
    accuse_(fmt::format("threshold: still closed after {} failures in a row", *stored_.failures));
}

void ChaosJudge::enter(const cb::Transition& transition) {
  judge_cause(transition);
  if (!entered_.insert(transition.generation).second)
    accuse_(fmt::format("unique: generation {} begins twice: {}", transition.generation, transition.cause));
  const bool has_timed_out = transition.cause == "probe timed out";
  const bool ends_break = transition.from == cb::State::open && transition.to == cb::State::half_open;
  const uint64_t before = stored_.generation == 0 ? not_known : stored_.generation;
  stored_.timed_out = has_timed_out ? before : ends_break ? stored_.timed_out : 0;
  stored_.generation = transition.generation;
  const auto due = stored_.leases ? std::optional(half_open_ends()) : std::nullopt;
  stored_.began = is_of_time(transition) ? due : transition.at;
  stored_.ends.reset();
  stored_.leases.reset();
  if (transition.to == cb::State::half_open) stored_.leases = Leases{};
  stored_.limit = policy_.half_open_timeout.count() > 0 ? transition.at + policy_.half_open_timeout : cb::never;
  if (is_of_person(transition)) stored_.is_automatic = false;
  if (is_restored(transition) || is_written(transition) || is_of_person(transition)) {
    stored_.failures.reset();
    stored_.length.reset();
  } else if (transition.to == cb::State::closed) {
    stored_.failures = 0;
    stored_.failed_at = stored_.success_at = std::nullopt;
    stored_.length = 0us;
  } else if (transition.to == cb::State::open && stored_.length) {
    stored_.length = cb::next_break(policy_, *stored_.length);
  }
}

void ChaosJudge::judge_cause(const cb::Transition& transition) {
  const std::string& cause = transition.cause;
  if (is_restored(transition) && !has_lost()) accuse_("loss: no server has lost any data, and yet: " + cause);
  if (is_reset(transition) && !was_deleted()) accuse_("loss: no person has deleted it, and yet: " + cause);
  if (is_written(transition) && !done_.writing && !was_deleted() && !has_lost())
    accuse_("loss: no person has written it, and yet: " + cause);
  const bool counts = cause.find(" consecutive failure") != std::string::npos;
  if (counts && stored_.failures && *stored_.failures != policy_.failure_threshold)
    accuse_(fmt::format("threshold: {}, but it was {}", cause, *stored_.failures));
  if (cause == "recovery timeout over" && stored_.ends && transition.at < *stored_.ends)
    accuse_(fmt::format("break: over {} too soon", in_seconds(*stored_.ends - transition.at)));
}

// `begun`: the last transition of this run.
void ChaosJudge::judge_break(const cb::Answer& answer, const cb::Transition* begun) {
  const bool is_break = answer.state == cb::State::open && stored_.is_automatic;
  const auto before = std::exchange(stored_.ends, std::nullopt);
  if (!is_break) return;
  const bool is_over = answer.wait.count() == 0;
  if (!is_over) stored_.ends = answer.now + answer.wait;
  if (begun != nullptr && stored_.length && stored_.began) {
    const TimePoint end = *stored_.began + cb::jittered(*stored_.length, policy_, answer.generation);
    const microseconds wait = std::max<microseconds>(0us, end - answer.now);
    if (answer.wait != wait)
      accuse_(fmt::format("break: lasts {} more and not {}", in_seconds(answer.wait), in_seconds(wait)));
  }
  if (begun != nullptr || !before) return;
  if (is_over ? answer.now < *before : stored_.ends != before)
    accuse_(fmt::format("break: its end moved by {}", in_seconds(answer.now + answer.wait - *before)));
  if (is_over) stored_.ends = before;
}

// --- the instances

void ChaosJudge::published(const cb::News& news, TimePoint now) {
  published_.push_back({news.generation, now});
  const auto [known, is_new] = states_.emplace(news.generation, news.state);
  if (!is_new && known->second != news.state)
    accuse_(fmt::format("unique: generation {} was {} and is {}", news.generation, cb::to_text(known->second),
                        cb::to_text(news.state)));
}

void ChaosJudge::received(Node instance, const cb::News& news) {
  received_[instance] = std::max(received_[instance], news.generation);
}

void ChaosJudge::admitted(Node instance, const Granted& granted, const cb::CachedView& view, TimePoint now) {
  const std::string name = load::instance_name(instance);
  const bool is_in_break = view.state == cb::State::open && now + differs_by < view.admits_from;
  if (granted.of_memory) {
    if (is_in_break && !clocks_differ_) accuse_(fmt::format("local: {} admitted a call in a break", name));
    return;
  }
  const uint64_t generation = granted.id.generation;
  const bool reads_after_a_stall = now == stalled_until_[instance];  // what it decides in that instant comes first
  if (generation < received_[instance] && !reads_after_a_stall)
    accuse_(fmt::format("news: {} admitted a call in generation {}, and knew of {}", name, generation,
                        received_[instance]));
  const auto next = std::find_if(published_.begin(), published_.end(),
                                 [&](const Published& each) { return each.generation > generation; });
  if (next != published_.end() && now > std::max(next->at, stalled_until_[instance]) + longest_stale)
    accuse_(
        fmt::format("stale: {} admitted a call {} after the end of its generation", name, in_seconds(now - next->at)));
  if (granted.id.probe == 0) return;
  const int most = policy_.permitted_calls_in_half_open + policy_.success_threshold - 1;
  if (++probes_[generation] > most) accuse_(fmt::format("probes: more than {} in generation {}", most, generation));
}

void ChaosJudge::may_open_locally(Node instance, const cb::CachedView& view) { opened_in_[instance] = view.generation; }

void ChaosJudge::is_local(Node instance, const cb::CachedCore& core, load::State state) {
  const cb::CachedView& view = core.view();
  const bool begins_line = view.generation == core.latest().epoch;  // with which a local breaker may go on
  if (view.state == cb::State::closed && state == load::State::open && opened_in_[instance] != view.generation &&
      !begins_line)
    accuse_(
        fmt::format("local: {} is still open, and knows that the circuit is closed", load::instance_name(instance)));
}

void ChaosJudge::waited(Node instance, microseconds time, TimePoint now) {
  const bool stood_still = now - time < stalled_until_[instance] + 1s;
  if (time > longest_wait && !stood_still)
    accuse_(fmt::format("in time: {} waited {} for Redis", load::instance_name(instance), in_seconds(time)));
}

void ChaosJudge::settled(Node instance, const Granted& granted, cb::Outcome outcome, uint64_t known, bool is_late,
                         TimePoint now) {
  const bool is_shared = !granted.of_memory && granted.id.probe == 0;
  if (is_shared && granted.id.generation < known && !is_late)
    accuse_(fmt::format("credit: {} knew of generation {}, and a result of {} was not late",
                        load::instance_name(instance), known, granted.id.generation));
  const bool is_needed = stored_.failed_at && now > *stored_.failed_at + longest_push;
  const bool is_of_now = is_shared && granted.id.generation == stored_.generation;
  if (is_needed && is_of_now && outcome == cb::Outcome::success && !stored_.success_at) stored_.success_at = now;
}

}  // namespace simulation
