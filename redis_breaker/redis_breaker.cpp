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

// Counts the threads inside a scope; number() is the position of the one that just entered.
class CountedEntry {
 public:
  explicit CountedEntry(std::atomic<int>& count) : count_(count), number_(++count) {}
  ~CountedEntry() { --count_; }
  CountedEntry(const CountedEntry&) = delete;
  CountedEntry& operator=(const CountedEntry&) = delete;
  int number() const { return number_; }

 private:
  std::atomic<int>& count_;
  const int number_;
};

// Marks the transitions of a local breaker: "local: 3 consecutive failures".
Listener as_local(const Listener& listener) {
  if (!listener) return {};
  return [listener](Event event) {
    const std::string cause = transition_of(event) ? "local: " + std::string(event.cause) : std::string(event.cause);
    event.cause = cause;
    listener(event);
  };
}

}  // namespace

RedisBreakerGroup::RedisBreakerGroup(redis::Client& client, Policy settings, Listener on_event, std::string instance)
    : policy(valid(settings)),
      script(client, policy, std::move(instance)),
      listener(std::move(on_event)),
      local_setup(std::make_shared<const BreakerConfig>(policy, as_local(listener))),
      synchronizer(std::make_unique<Synchronizer>(client, listener)) {}

RedisBreaker::RedisBreaker(redis::Client& client, const std::string& name, const Policy& policy, Listener listener)
    : RedisBreaker(std::make_shared<RedisBreakerGroup>(client, policy, std::move(listener)), {name}) {}

RedisBreaker::RedisBreaker(std::shared_ptr<const RedisBreakerGroup> group, Identity identity)
    : group_(std::move(group)),
      identity_(std::move(identity)),
      name_(identity_.full()),
      times_calls_(group_->policy.slow_call_duration_threshold.count() > 0),
      counts_calls_(group_->policy.keeps_window()),
      view_(group_->synchronizer->push_status(0)) {
  require_valid_name(name_);
  group_->synchronizer->add(*this, identity_.name);
}

RedisBreaker::~RedisBreaker() { group_->synchronizer->remove(*this); }

// --- acquire

Admission RedisBreaker::acquire() {
  const PackedState packed = view_.packed();
  if (!packed.admits_all() || !view_.receives_pushes()) return acquire_slowly();
  return Permit(*this, {packed.generation(), 0}, times_calls_ ? steady_wall_clock() : TimePoint{});
}

Admission RedisBreaker::acquire_slowly() {
  if (const auto verdict = verdict_from_view()) return admission_from(*verdict);
  const CountedEntry entry(permit_requests_);
  // The break is over and thousands of callers want to probe: only as many as there may be probes ask Redis, one after
  // another.
  const bool probe_may_be_due =
      view_.is_usable(group_->synchronizer->availability().period()) && view_.packed().state() != State::closed;
  if (probe_may_be_due && entry.number() > group_->policy.permitted_calls_in_half_open) {
    return reject(view_.packed().state(), {}, steady_wall_clock());
  }
  std::unique_lock lock(permit_request_mutex_);  // with a stale view, the first caller refreshes it for all
  if (const auto verdict = verdict_from_view()) {
    lock.unlock();
    return admission_from(*verdict);
  }
  const auto reply = query_without_notifying(
      [this](const LastKnown& last_known) { return group_->script.acquire(name_, last_known); });
  lock.unlock();
  return admission_from(reply);
}

// Nothing: Redis must be asked, because the view is stale or a probe may be due.
std::optional<RedisBreaker::Verdict> RedisBreaker::verdict_from_view() const {
  using Kind = Verdict::Kind;
  if (!is_available()) return Verdict{.kind = Kind::local};
  if (!view_.is_usable(group_->synchronizer->availability().period())) return std::nullopt;
  const PackedState packed = view_.packed();
  if (packed.state() == State::closed) return Verdict{.kind = Kind::permit, .packed = packed};
  const TimePoint from = view_.admits_from();
  const bool same_generation = view_.packed() == packed;  // otherwise `from` may belong to another generation
  if (!same_generation || steady_wall_clock() >= from) return std::nullopt;
  return Verdict{.kind = Kind::rejection, .packed = packed, .from = from};
}

Admission RedisBreaker::admission_from(const Verdict& verdict) {
  switch (verdict.kind) {
    case Verdict::Kind::permit:
      return Permit(*this, {verdict.packed.generation(), 0}, steady_wall_clock());
    case Verdict::Kind::rejection:
      return reject(verdict.packed.state(), verdict.from, steady_wall_clock());
    case Verdict::Kind::local:
      break;
  }
  ++local_calls_;
  return local_breaker().acquire();
}

Admission RedisBreaker::admission_from(const std::optional<ScriptReply>& reply) {
  if (!reply) return admission_from(Verdict{.kind = Verdict::Kind::local});
  notify_transitions(*reply, EventKind::transition);
  const TimePoint now = steady_wall_clock();
  if (reply->kind != ScriptReply::Kind::permit) return reject(reply->state, now + reply->wait, now);
  return Permit(*this, {reply->generation, reply->probe}, now);
}

Admission RedisBreaker::reject(State state, TimePoint from, TimePoint now) {
  notify(group_->listener, identity_, EventKind::rejection, {state, view_.packed().generation()}, "not permitted", now);
  return Rejection{state, retry_after(state, from, now, group_->policy)};
}

// --- settle

Settled RedisBreaker::settle(const PermitId& id, TimePoint started, Outcome outcome) {
  const bool changes_nothing = outcome == Outcome::success && !times_calls_ && !counts_calls_ &&
                               view_.packed() == PackedState(id.generation, State::closed, false, false);
  if (changes_nothing) return {};
  return settle_slowly(id, {outcome, times_calls_ ? steady_wall_clock() - started : std::chrono::microseconds(0)});
}

Settled RedisBreaker::settle_slowly(const PermitId& id, const CallResult& result) {
  const PackedState packed = view_.packed();
  const bool nothing_to_record = result.outcome == Outcome::ignored && id.probe == 0;
  if (nothing_to_record) return {packed.state(), false};
  const bool slow = is_slow(result, group_->policy);
  const bool may_close = id.probe != 0 && result.outcome == Outcome::success;  // even after its timeout
  if (id.generation != packed.generation() && !may_close) {                    // late; no need to ask Redis
    if (slow && result.outcome != Outcome::ignored) record_slow_call({packed.state(), id.generation}, result);
    if (result.outcome == Outcome::ignored) return {packed.state(), false};
    record_late_result({packed.state(), id.generation}, result.outcome, 1);
    return {packed.state(), true};
  }
  if (id.probe != 0 || slow || result.outcome == Outcome::failure) return settle_in_redis(id, result);
  if (counts_calls_ || packed.reports_successes()) count_success();
  return {packed.state(), false};
}

void RedisBreaker::count_success() {
  successes_.add_one();
  if (will_report_.load(std::memory_order_relaxed) || will_report_.exchange(true)) return;
  group_->synchronizer->report_soon(*this);
}

Settled RedisBreaker::settle_in_redis(const PermitId& id, const CallResult& result) {
  const auto reply =
      query([&](const LastKnown& last_known) { return group_->script.settle(name_, last_known, id, result); });
  if (!reply) return settle_locally(id, result.outcome);
  const StateGeneration admitted_in{reply->state, id.generation};
  const bool late = reply->kind == ScriptReply::Kind::late;
  if (late) record_late_result(admitted_in, result.outcome, 1);
  if (result.outcome != Outcome::ignored && is_slow(result, group_->policy)) record_slow_call(admitted_in, result);
  if (!reply->would_have_tripped.empty()) {
    ++would_have_tripped_;
    notify(group_->listener, identity_, EventKind::would_have_tripped, admitted_in, reply->would_have_tripped,
           steady_wall_clock());
  }
  return {reply->state, late};
}

void RedisBreaker::record_slow_call(StateGeneration admitted_in, const CallResult& result) {
  ++slow_calls_;
  notify_slow_call(group_->listener, identity_, admitted_in, result.took, steady_wall_clock());
}

void RedisBreaker::record_late_result(StateGeneration admitted_in, Outcome outcome, uint64_t count) {
  if (count == 0) return;
  late_results_ += count;
  if (!group_->listener) return;
  group_->listener({EventKind::late_result, identity_.name, identity_.context, admitted_in.state, admitted_in.state,
                    admitted_in.generation, to_text(outcome), steady_wall_clock(), count});
}

// --- requests to Redis

// Nothing if Redis is unavailable.
std::optional<ScriptReply> RedisBreaker::query(const Request& request, EventKind kind) {
  auto reply = query_without_notifying(request);
  if (reply) notify_transitions(*reply, kind);
  return reply;
}

std::optional<ScriptReply> RedisBreaker::query_without_notifying(const Request& request) {
  auto result = group_->synchronizer->availability().run([&] { return query_in_order(request); });
  if (auto* reply = std::get_if<ScriptReply>(&result)) return std::move(*reply);
  return std::nullopt;
}

// A request carries the successes that were counted before it, and no later failure may overtake them. So a request
// that carries successes is sent exclusively, and so are the requests that arrive while it waits: if they kept sharing
// the lock, it might never get its turn. Without successes, as in an outage, requests run concurrently.
BreakerScript::Result RedisBreaker::query_in_order(const Request& request) {
  const uint64_t period = group_->synchronizer->availability().period();
  if (successes_.is_empty() && exclusive_requests_ == 0) {
    const std::shared_lock lock(requests_mutex_);
    return query_unless_unavailable(period, request, 0);
  }
  const CountedEntry entry(exclusive_requests_);
  const std::unique_lock lock(requests_mutex_);
  return query_unless_unavailable(period, request, take_successes());
}

// A caller that waited while another request found Redis unavailable does not wait for Redis as well.
BreakerScript::Result RedisBreaker::query_unless_unavailable(uint64_t period, const Request& request,
                                                             uint64_t successes) {
  if (unavailable_in_period_ == period) {
    const std::scoped_lock lock(mutex_);
    return trouble_;
  }
  auto result = query_and_apply(request, successes);
  if (const auto* trouble = std::get_if<StoreTrouble>(&result)) {
    const std::scoped_lock lock(mutex_);
    trouble_ = *trouble;
    unavailable_in_period_ = period;
  }
  return result;
}

uint64_t RedisBreaker::take_successes() {
  will_report_ = false;
  return successes_.take();
}

BreakerScript::Result RedisBreaker::query_and_apply(const Request& request, uint64_t successes) {
  const uint64_t period = group_->synchronizer->availability().period();
  const BreakerView::RequestStart start = view_.begin_request();
  LastKnown last_known = view_.last_known();
  last_known.successes = successes;
  auto result = request(last_known);
  if (auto* reply = std::get_if<ScriptReply>(&result)) {
    const bool new_generation =
        view_.apply(*reply, group_->synchronizer->push_status(reply->origin.node), start, period);
    if (new_generation) reply->late_successes += successes_.take();
  } else {
    ++store_errors_;
  }
  return result;
}

void RedisBreaker::notify_transitions(const ScriptReply& reply, EventKind kind) {
  record_late_result({reply.state, reply.generation}, Outcome::success, reply.late_successes);
  for (const Transition& transition : reply.transitions) notify(group_->listener, identity_, kind, transition);
}

std::string RedisBreaker::apply_override(const Override& order, milliseconds lasts) {
  const auto reply =
      query([&](const LastKnown& last_known) { return group_->script.apply_override(name_, last_known, order, lasts); },
            EventKind::override);
  return reply ? "" : "Redis did not accept the override; as far as is known, nothing has changed";
}

void RedisBreaker::report_health(Health health) {
  if (!is_available()) return local_breaker().report_health(health);
  query([&](const LastKnown& last_known) { return group_->script.report_health(name_, last_known, health); });
}

// --- called by the synchronizer

void RedisBreaker::refresh() {
  query([this](const LastKnown& last_known) { return group_->script.tick(name_, last_known); });
}

void RedisBreaker::report() { refresh(); }  // every request carries the counted successes

BreakerScript::Result RedisBreaker::reconnect() {
  auto result = query_and_apply(
      [this](const LastKnown& last_known) { return group_->script.reconnect(name_, last_known); }, take_successes());
  if (const auto* reply = std::get_if<ScriptReply>(&result)) notify_transitions(*reply, EventKind::transition);
  return result;
}

bool RedisBreaker::on_key_written(std::string_view key) {
  const bool only_counted = key != "state" && view_.packed().state() == State::closed;
  if (only_counted) view_.report_successes();
  return !only_counted;
}

// --- the local breaker, while Redis is unavailable

CircuitBreaker& RedisBreaker::local_breaker() {
  const uint64_t current = group_->synchronizer->availability().period();
  const uint64_t period = current + current % 2;  // the unavailable one, even if it is only about to start
  if (local_period_.load(std::memory_order_acquire) == period) return *local_;
  const std::scoped_lock lock(mutex_);
  if (local_period_ == period) return *local_;
  if (!local_) local_ = std::make_unique<CircuitBreaker>(group_->local_setup, identity_);
  local_->resume_from(view_.snapshot(), view_.active_override());
  local_period_ = period;
  return *local_;
}

bool RedisBreaker::is_local() const {
  return !is_available() &&
         local_period_.load(std::memory_order_acquire) == group_->synchronizer->availability().period();
}

// A result that could not be sent to Redis. If it is a probe's, the probe was the fleet's and not the local breaker's:
// its success counts as a healthy upstream, anything else is ignored.
Settled RedisBreaker::settle_locally(const PermitId& id, Outcome outcome) {
  CircuitBreaker& local = local_breaker();
  if (id.probe != 0) {
    if (outcome == Outcome::success) local.report_health(Health::up);
  } else if (Admission admission = local.acquire(); auto* permit = std::get_if<Permit>(&admission)) {
    permit->settle(outcome);
  }
  return {local.known_state(), false};
}

State RedisBreaker::known_state() const { return is_local() ? local_->known_state() : view_.packed().state(); }

// Redis keeps the state. But evicting an open breaker would cost a request for each call that is to be rejected.
bool RedisBreaker::is_evictable() const {
  if (is_local() && !local_->is_evictable()) return false;
  const PackedState packed = view_.packed();
  if (packed.state() == State::closed) return true;
  const TimePoint from = view_.admits_from();
  return from != never && steady_wall_clock() >= from + group_->policy.recovery_timeout;
}

DetailedStatus RedisBreaker::detailed_status() {
  const auto age = view_.age();
  const auto reply = query([this](const LastKnown& last_known) { return group_->script.tick(name_, last_known); });
  DetailedStatus status;
  if (reply) {
    status.store.name = "redis";
    status.state = reply->state;
    status.generation = reply->generation;
    status.failures = reply->failures;
    status.recent = reply->recent;
    const TimePoint now = reply->now;
    if (reply->wait.count() > 0) status.retry_after = retry_after(reply->state, now + reply->wait, now, group_->policy);
    status.active_override = reply->active_override;
    status.override_until = reply->override_until;
  } else {
    status = local_breaker().detailed_status();
    status.store.name = "local";
    status.store.error = group_->synchronizer->availability().error();
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
