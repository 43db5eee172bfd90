#include "redis_breaker/redis_breaker.hpp"

#include <utility>
#include <variant>

namespace cb {
namespace {

using std::chrono::milliseconds;

const Policy& valid(const Policy& policy) {
  require_valid(policy);
  return policy;
}

// Counts those who are at something; the number of the one who has just come.
class Turn {
 public:
  explicit Turn(std::atomic<int>& count) : count_(count), number_(++count) {}
  ~Turn() { --count_; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  int number() const { return number_; }

 private:
  std::atomic<int>& count_;
  const int number_;
};

// What a local breaker does is told as such: "local: 3 consecutive failures".
Listener as_local(const Listener& listener) {
  if (!listener) return {};
  return [listener](Event event) {
    const std::string cause = transition_of(event) ? "local: " + std::string(event.cause) : std::string(event.cause);
    event.cause = cause;
    listener(event);
  };
}

}  // namespace

SharedSetup::SharedSetup(redis::Client& client, Policy settings, Listener told, std::string instance)
    : policy(valid(settings)),
      table(client, policy, std::move(instance)),
      listener(std::move(told)),
      alone(std::make_shared<const Setup>(policy, as_local(listener))),
      link(std::make_unique<Link>(client, listener)) {}

RedisBreaker::RedisBreaker(redis::Client& client, const std::string& name, const Policy& policy, Listener listener)
    : RedisBreaker(std::make_shared<SharedSetup>(client, policy, std::move(listener)), {name}) {}

RedisBreaker::RedisBreaker(std::shared_ptr<const SharedSetup> setup, Identity identity)
    : setup_(std::move(setup)),
      identity_(std::move(identity)),
      name_(identity_.full()),
      times_calls_(setup_->policy.slow_call_duration_threshold.count() > 0),
      counts_calls_(setup_->policy.keeps_window()),
      view_(setup_->link->feed(0)) {
  require_valid_name(name_);
  setup_->link->add(*this, identity_.name);
}

RedisBreaker::~RedisBreaker() { setup_->link->remove(*this); }

// --- acquire

Admission RedisBreaker::acquire() {
  const StayWord word = view_.word();
  if (!word.admits_all() || !view_.is_pushed()) return acquire_slowly();
  return Permit(*this, {word.generation(), 0}, times_calls_ ? steady_wall_clock() : TimePoint{});
}

Admission RedisBreaker::acquire_slowly() {
  if (const auto verdict = verdict_of_view()) return carry_out(*verdict);
  const Turn turn(askers_);
  // A break is over, and thousands want to probe: as many as there may be probes go and ask, one after another.
  const bool there_may_be_a_probe =
      view_.is_usable(setup_->link->guard().era()) && view_.word().state() != State::closed;
  if (there_may_be_a_probe && turn.number() > setup_->policy.permitted_calls_in_half_open) {
    return reject(view_.word().state(), {}, steady_wall_clock());
  }
  std::unique_lock lock(asking_);  // and where the view was too old, whoever asks first asks for all
  if (const auto verdict = verdict_of_view()) {
    lock.unlock();
    return carry_out(*verdict);
  }
  const auto answer = ask_quietly([this](const Seen& seen) { return setup_->table.acquire(name_, seen); });
  lock.unlock();
  return carry_out(answer);
}

// Nothing: Redis has to be asked, for what is known is too old, or as there may be a probe to make.
std::optional<RedisBreaker::Verdict> RedisBreaker::verdict_of_view() const {
  using Kind = Verdict::Kind;
  if (!is_joined()) return Verdict{.kind = Kind::local};
  if (!view_.is_usable(setup_->link->guard().era())) return std::nullopt;
  const StayWord word = view_.word();
  if (word.state() == State::closed) return Verdict{.kind = Kind::permit, .word = word};
  const TimePoint from = view_.admits_from();
  const bool same_stay = view_.word() == word;  // else `from` may be another stay's
  if (!same_stay || steady_wall_clock() >= from) return std::nullopt;
  return Verdict{.kind = Kind::rejection, .word = word, .from = from};
}

Admission RedisBreaker::carry_out(const Verdict& verdict) {
  switch (verdict.kind) {
    case Verdict::Kind::permit:
      return Permit(*this, {verdict.word.generation(), 0}, steady_wall_clock());
    case Verdict::Kind::rejection:
      return reject(verdict.word.state(), verdict.from, steady_wall_clock());
    case Verdict::Kind::local:
      break;
  }
  ++local_calls_;
  return alone().acquire();
}

Admission RedisBreaker::carry_out(const std::optional<SharedAnswer>& answer) {
  if (!answer) return carry_out(Verdict{.kind = Verdict::Kind::local});
  notify_transitions(*answer, EventKind::transition);
  const TimePoint now = steady_wall_clock();
  if (answer->kind != SharedAnswer::Kind::permit) return reject(answer->state, now + answer->wait, now);
  return Permit(*this, {answer->generation, answer->probe}, now);
}

Admission RedisBreaker::reject(State state, TimePoint from, TimePoint now) {
  notify(setup_->listener, identity_, EventKind::rejection, {state, view_.word().generation()}, "not permitted", now);
  return Rejection{state, retry_after(from, now, setup_->policy)};
}

// --- settle

Settled RedisBreaker::settle(const PermitId& id, TimePoint started, Outcome outcome) {
  const bool changes_nothing = outcome == Outcome::success && !times_calls_ && !counts_calls_ &&
                               view_.word() == StayWord(id.generation, State::closed, false, false);
  if (changes_nothing) return {};
  return settle_slowly(id, {outcome, times_calls_ ? steady_wall_clock() - started : std::chrono::microseconds(0)});
}

Settled RedisBreaker::settle_slowly(const PermitId& id, const CallResult& result) {
  const StayWord word = view_.word();
  const bool nothing_to_tell = result.outcome == Outcome::ignored && id.probe == 0;
  if (nothing_to_tell) return {word.state(), false};
  const bool slow = is_slow(result, setup_->policy);
  if (id.generation != word.generation()) {  // the stay is over, and nobody has to be asked to know that
    if (slow && result.outcome != Outcome::ignored) note_slow({word.state(), id.generation}, result);
    if (result.outcome == Outcome::ignored) return {word.state(), false};
    note_late({word.state(), id.generation}, result.outcome, 1);
    return {word.state(), true};
  }
  if (id.probe != 0 || slow || result.outcome == Outcome::failure) return ask_to_settle(id, result);
  if (counts_calls_ || word.attentive()) count_success();
  return {word.state(), false};
}

void RedisBreaker::count_success() {
  successes_.add_one();
  if (will_report_.load(std::memory_order_relaxed) || will_report_.exchange(true)) return;
  setup_->link->report_soon(*this);
}

Settled RedisBreaker::ask_to_settle(const PermitId& id, const CallResult& result) {
  const auto answer = ask([&](const Seen& seen) { return setup_->table.settle(name_, seen, id, result); });
  if (!answer) return settle_alone(id, result.outcome);
  const StateGeneration stay{answer->state, id.generation};
  const bool late = answer->kind == SharedAnswer::Kind::late;
  if (late) note_late(stay, result.outcome, 1);
  if (result.outcome != Outcome::ignored && is_slow(result, setup_->policy)) note_slow(stay, result);
  if (!answer->would_have_tripped.empty()) {
    ++would_have_tripped_;
    notify(setup_->listener, identity_, EventKind::would_have_tripped, stay, answer->would_have_tripped,
           steady_wall_clock());
  }
  return {answer->state, late};
}

void RedisBreaker::note_slow(StateGeneration stay, const CallResult& result) {
  ++slow_calls_;
  notify_slow_call(setup_->listener, identity_, stay, result.took, steady_wall_clock());
}

void RedisBreaker::note_late(StateGeneration stay, Outcome outcome, uint32_t count) {
  if (count == 0) return;
  late_results_ += count;
  if (!setup_->listener) return;
  setup_->listener({EventKind::late_result, identity_.name, identity_.context, stay.state, stay.state, stay.generation,
                    to_text(outcome), steady_wall_clock(), count});
}

// --- asking Redis

// Nothing where there was trouble.
std::optional<SharedAnswer> RedisBreaker::ask(const Question& question, EventKind kind) {
  auto answer = ask_quietly(question);
  if (answer) notify_transitions(*answer, kind);
  return answer;
}

std::optional<SharedAnswer> RedisBreaker::ask_quietly(const Question& question) {
  auto result = setup_->link->guard().run([&] { return learn_in_order(question); });
  if (auto* answer = std::get_if<SharedAnswer>(&result)) return std::move(*answer);
  return std::nullopt;
}

// What is asked may take along the successes that were counted before. No failure after them may overtake them, so who
// takes some asks alone, and whoever comes meanwhile does too: else those who ask together might never let him. Where
// there are none, as in an outage, all ask together.
SharedTable::Result RedisBreaker::learn_in_order(const Question& question) {
  const uint64_t era = setup_->link->guard().era();
  if (successes_.is_empty() && asking_alone_ == 0) {
    const std::shared_lock lock(on_the_way_);
    return learn_unless_away(era, question, 0);
  }
  const Turn turn(asking_alone_);
  const std::unique_lock lock(on_the_way_);
  return learn_unless_away(era, question, take_successes());
}

// Whoever waited for another that found Redis away does not wait for Redis, too.
SharedTable::Result RedisBreaker::learn_unless_away(uint64_t era, const Question& question, uint32_t successes) {
  if (away_in_era_ == era) {
    const std::scoped_lock lock(mutex_);
    return trouble_;
  }
  auto result = learn_from(question, successes);
  if (const auto* trouble = std::get_if<StoreTrouble>(&result)) {
    const std::scoped_lock lock(mutex_);
    trouble_ = *trouble;
    away_in_era_ = era;
  }
  return result;
}

uint32_t RedisBreaker::take_successes() {
  will_report_ = false;
  return successes_.take();
}

SharedTable::Result RedisBreaker::learn_from(const Question& question, uint32_t successes) {
  const uint64_t era = setup_->link->guard().era();
  const SharedView::Sent sent = view_.sending();
  Seen seen = view_.seen();
  seen.successes = successes;
  auto result = question(seen);
  if (auto* answer = std::get_if<SharedAnswer>(&result)) {
    const bool new_stay = view_.learn(*answer, setup_->link->feed(answer->origin.node), sent, era);
    if (new_stay) answer->late_successes += successes_.take();
  } else {
    ++store_errors_;
  }
  return result;
}

void RedisBreaker::notify_transitions(const SharedAnswer& answer, EventKind kind) {
  note_late({answer.state, answer.generation}, Outcome::success, answer.late_successes);
  for (const Transition& transition : answer.transitions) notify(setup_->listener, identity_, kind, transition);
}

std::string RedisBreaker::apply_override(const Override& order, milliseconds lasts) {
  const auto answer = ask([&](const Seen& seen) { return setup_->table.apply_override(name_, seen, order, lasts); },
                          EventKind::override);
  return answer ? "" : "Redis did not take the order; nothing is changed, as far as is known";
}

void RedisBreaker::report_health(Health health) {
  if (!is_joined()) return alone().report_health(health);
  ask([&](const Seen& seen) { return setup_->table.report_health(name_, seen, health); });
}

// --- what the link asks for

void RedisBreaker::refresh() {
  ask([this](const Seen& seen) { return setup_->table.tick(name_, seen); });
}

void RedisBreaker::report() { refresh(); }  // every question brings along what was counted

SharedTable::Result RedisBreaker::join() {
  auto result = learn_from([this](const Seen& seen) { return setup_->table.join(name_, seen); }, take_successes());
  if (const auto* answer = std::get_if<SharedAnswer>(&result)) notify_transitions(*answer, EventKind::transition);
  return result;
}

bool RedisBreaker::on_key_written(std::string_view key) {
  const bool only_counted = key != "state" && view_.word().state() == State::closed;
  if (only_counted) view_.pay_attention();
  return !only_counted;
}

// --- alone, while Redis is away

CircuitBreaker& RedisBreaker::alone() {
  const uint64_t known = setup_->link->guard().era();
  const uint64_t era = known + known % 2;  // the one in which Redis is away, where that is about to begin
  if (alone_era_.load(std::memory_order_acquire) == era) return *alone_;
  const std::scoped_lock lock(mutex_);
  if (alone_era_ == era) return *alone_;
  if (!alone_) alone_ = std::make_unique<CircuitBreaker>(setup_->alone, identity_);
  alone_->resume_from(view_.snapshot(), view_.active_override());
  alone_era_ = era;
  return *alone_;
}

bool RedisBreaker::is_alone() const {
  return !is_joined() && alone_era_.load(std::memory_order_acquire) == setup_->link->guard().era();
}

// A result that Redis could not be told of. The probe that it may be of was the fleet's: it was a good sign, or
// nothing.
Settled RedisBreaker::settle_alone(const PermitId& id, Outcome outcome) {
  CircuitBreaker& local = alone();
  if (id.probe != 0) {
    if (outcome == Outcome::success) local.report_health(Health::up);
  } else if (Admission admission = local.acquire(); auto* permit = std::get_if<Permit>(&admission)) {
    permit->settle(outcome);
  }
  return {local.known_state(), false};
}

State RedisBreaker::known_state() const { return is_alone() ? alone_->known_state() : view_.word().state(); }

// What there is to know is in Redis; but one that is open is not to be looked up there again for each call.
bool RedisBreaker::is_evictable() const {
  if (is_alone() && !alone_->is_evictable()) return false;
  const StayWord word = view_.word();
  if (word.state() == State::closed) return true;
  const TimePoint from = view_.admits_from();
  return from != never && steady_wall_clock() >= from + setup_->policy.recovery_timeout;
}

DetailedStatus RedisBreaker::detailed_status() {
  const auto age = view_.age();
  const auto answer = ask([this](const Seen& seen) { return setup_->table.tick(name_, seen); });
  DetailedStatus status;
  if (answer) {
    status.store.name = "redis";
    status.state = answer->state;
    status.generation = answer->generation;
    status.failures = answer->failures;
    status.recent = answer->recent;
    if (answer->wait.count() > 0) status.retry_after = rounded_up(answer->wait);
    status.active_override = answer->active_override;
    status.override_until = answer->override_until;
  } else {
    status = alone().detailed_status();
    status.store.name = "local";
    status.store.error = setup_->link->guard().trouble();
  }
  status.store.view_age = age;
  status.late_results += late_results_;
  status.slow_calls += slow_calls_;
  status.would_have_tripped += would_have_tripped_;
  status.store.errors = store_errors_;
  status.store.local_calls = local_calls_;
  return status;
}

}  // namespace cb
