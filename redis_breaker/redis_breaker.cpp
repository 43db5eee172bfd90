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

// A counter must not decrease when Redis recovers.
void add_counters(const DetailedStatus& local, DetailedStatus& status) {
  status.late_results += local.late_results;
  status.slow_calls += local.slow_calls;
  status.would_have_tripped += local.would_have_tripped;
}

// An instance reports all dates by its own clock, not by Redis's.
TimePoint by_own_clock(TimePoint at, const ScriptReply& reply) { return steady_wall_clock() - (reply.now - at); }

}  // namespace

RedisBreakerGroup::RedisBreakerGroup(redis::Client& client, Policy settings, Listener on_notice,
                                     const std::string& instance, Script source)
    : policy(valid(settings)),
      script(client, policy, instance, std::move(source)),
      listener(shared(std::move(on_notice))),
      local_setup(std::make_shared<const BreakerConfig>(policy)),
      losses(std::make_unique<LossMeter>()),
      synchronizer(std::make_unique<Synchronizer>(client, listener)) {}

RedisBreaker::RedisBreaker(redis::Client& client, const std::string& name, const Policy& policy, Listener listener)
    : RedisBreaker(std::make_shared<RedisBreakerGroup>(client, policy, std::move(listener)), {name}) {}

RedisBreaker::RedisBreaker(std::shared_ptr<const RedisBreakerGroup> group, const Identity& identity)
    : group_(std::move(group)),
      name_(identity.key()),
      notices_(group_->listener, identity),
      times_calls_(group_->policy.slow_call_duration_threshold.count() > 0),
      counts_calls_(group_->policy.keeps_window()),
      view_(group_->synchronizer->push_status(0)) {
  require_valid(identity);
  group_->synchronizer->add(*this, identity.name);
}

RedisBreaker::~RedisBreaker() {
  group_->synchronizer->remove(*this);
  notices_.close();
}

// What an operation reports is delivered at its end, when no lock is held: the notices of this breaker, and of the
// store. The listener may destroy the breaker.
class RedisBreaker::Reporting {
 public:
  explicit Reporting(RedisBreaker& breaker)
      : store_(breaker.group_->synchronizer->availability().notices()),
        breaker_(breaker.notices_),
        operation_(breaker.notices_) {}

 private:
  const NoticeQueue::Delivery store_, breaker_;
  const NoticeQueue::Operation operation_;
};

// --- acquire

Admission RedisBreaker::acquire() {
  const PackedState packed = view_.fresh();
  if (!packed.admits_all()) return acquire_slowly();
  return Permit(*this, {packed.generation(), 0}, times_calls_ ? steady_wall_clock() : TimePoint{});
}

Admission RedisBreaker::acquire_slowly() {
  using Kind = Verdict::Kind;
  const Verdict verdict = decide();
  const PermitId id{verdict.where.generation, verdict.probe};
  // A listener's time is not a probe's, whose lease runs: the probe delivers when it ends.
  if (verdict.probe != 0) return Permit(*this, id, steady_wall_clock());
  { const Reporting delivers(*this); }
  if (verdict.kind == Kind::rejection) return Rejection{verdict.where.state, verdict.retry_after};
  if (verdict.kind == Kind::permit) return Permit(*this, id, steady_wall_clock());
  ++local_calls_;
  return local_breaker().acquire();
}

RedisBreaker::Verdict RedisBreaker::decide() {
  const NoticeQueue::Operation operation(notices_);
  auto verdict = verdict_from_view();
  if (!verdict) verdict = verdict_from_redis();
  if (verdict->kind == Verdict::Kind::rejection) report_rejection(*verdict);
  return *verdict;
}

void RedisBreaker::report_rejection(const Verdict& verdict) const {
  if (!notices_.has_listener()) return;
  notices_.add(NoticeKind::rejection, verdict.where, "not permitted", steady_wall_clock());
}

// Nothing: Redis must be asked, because the view is stale or a probe may be due.
std::optional<RedisBreaker::Verdict> RedisBreaker::verdict_from_view() const {
  if (!is_available()) return Verdict{};
  if (!view_.is_usable(group_->synchronizer->availability().period())) return std::nullopt;
  const PackedState packed = view_.packed();
  if (packed.state() == State::closed) return Verdict{Verdict::Kind::permit, {packed.state(), packed.generation()}};
  const TimePoint from = view_.admits_from();
  const bool same_generation = view_.packed() == packed;  // otherwise `from` may belong to another generation
  const TimePoint now = steady_wall_clock();
  if (!same_generation || now >= from) return std::nullopt;
  return rejection({packed.state(), packed.generation()}, from, now);
}

RedisBreaker::Verdict RedisBreaker::verdict_from_redis() {
  const CountedEntry entry(permit_requests_);
  // The break is over and thousands of callers want to probe: only as many as there may be probes ask Redis, one after
  // another.
  const PackedState packed = view_.packed();
  const bool probe_may_be_due =
      view_.is_usable(group_->synchronizer->availability().period()) && packed.state() != State::closed;
  if (probe_may_be_due && entry.number() > group_->policy.permitted_calls_in_half_open) {
    return rejection({packed.state(), packed.generation()}, {}, steady_wall_clock());
  }
  const std::scoped_lock lock(permit_request_mutex_);  // with a stale view, the first caller refreshes it for all
  if (const auto verdict = verdict_from_view()) return *verdict;
  const auto reply = query([this](const LastKnown& last_known) { return group_->script.acquire(name_, last_known); });
  if (!reply) return {};
  const StateGeneration where{reply->state, reply->generation};
  if (reply->kind == ScriptReply::Kind::permit) return {Verdict::Kind::permit, where, reply->probe};
  const TimePoint now = steady_wall_clock();
  return rejection(where, now + reply->wait, now);
}

RedisBreaker::Verdict RedisBreaker::rejection(StateGeneration where, TimePoint from, TimePoint now) const {
  return {Verdict::Kind::rejection, where, 0, retry_after(where.state, from, now, group_->policy)};
}

std::optional<Rejection> RedisBreaker::early_rejection(milliseconds wait) {
  if (!is_available()) {
    const auto rejection = local_breaker().early_rejection(wait);
    if (rejection) ++local_calls_;
    return rejection;
  }
  if (view_.packed().state() == State::closed) return std::nullopt;
  const Reporting reporting(*this);
  const auto verdict = verdict_from_view();
  if (!verdict || verdict->kind != Verdict::Kind::rejection) return std::nullopt;
  const bool may_end_sooner =
      verdict->where.state == State::half_open && wait.count() > 0;  // with the probes in flight
  if (may_end_sooner || verdict->retry_after <= wait) return std::nullopt;
  report_rejection(*verdict);
  return Rejection{verdict->where.state, verdict->retry_after};
}

// --- settle

Settled RedisBreaker::settle(const PermitId& id, TimePoint started, Outcome outcome) {
  const bool changes_nothing = outcome == Outcome::success && !times_calls_ && !counts_calls_ &&
                               view_.packed() == PackedState(id.generation, State::closed, false, false);
  if (changes_nothing) return {};
  return settle_slowly(id, {outcome, times_calls_ ? steady_wall_clock() - started : std::chrono::microseconds(0)});
}

Settled RedisBreaker::settle_slowly(const PermitId& id, const CallResult& result) {
  const PackedState seen = view_.packed();
  const bool is_ordinary_success = result.outcome == Outcome::success && id.probe == 0 &&
                                   id.generation == seen.generation() && !is_slow(result, group_->policy);
  if (is_ordinary_success && is_available()) return settle_success(id, seen);
  const Reporting reporting(*this);
  if (!is_available()) return settle_locally(id, result);
  const PackedState packed = view_.packed();
  const bool nothing_to_record = result.outcome == Outcome::ignored && id.probe == 0;
  if (nothing_to_record) return {packed.state(), false};
  const bool slow = is_slow(result, group_->policy);
  const bool may_close = id.probe != 0 && result.outcome == Outcome::success;  // even after its timeout
  if (id.generation != packed.generation() && !may_close) {                    // late; no need to ask Redis
    if (slow && result.outcome != Outcome::ignored)
      record_slow_call({packed.state(), packed.generation(), id.generation}, result);
    if (result.outcome == Outcome::ignored) return {packed.state(), false};
    record_late_result({packed.state(), packed.generation(), id.generation}, result.outcome, 1);
    return {packed.state(), true};
  }
  if (id.probe != 0 || slow || result.outcome == Outcome::failure) return settle_in_redis(id, result);
  return settle_success(id, packed);
}

Settled RedisBreaker::settle_success(const PermitId& id, PackedState packed) {
  const bool is_reported = counts_calls_ || packed.reports_successes();
  const bool late = is_reported && !count_success({packed.state(), id.generation});
  return {packed.state(), late};
}

// False if the generation that admitted the call has ended meanwhile: the success is late.
bool RedisBreaker::count_success(StateGeneration admitted_in) {
  const auto [counted, older] = successes_.add_one(admitted_in.generation);
  if (older > 0 || !counted) {  // only then is there something to report, which costs more than the count
    const Reporting reporting(*this);
    record_late_result(admitted_in, Outcome::success, older + (counted ? 0 : 1));
  }
  if (!counted) return false;
  if (view_.reports_every_success()) forget_local_failures();
  if (!will_report_.load(std::memory_order_relaxed) && !will_report_.exchange(true)) {
    group_->synchronizer->report_soon(*this);
  }
  return true;
}

void RedisBreaker::forget_local_failures() {
  LocalBreaker* const local = existing_local_breaker();
  if (local != nullptr && local->saw_success(view_.version())) view_.stop_reporting_every_success();
}

Settled RedisBreaker::settle_in_redis(const PermitId& id, const CallResult& result) {
  const auto reply =
      query([&](const LastKnown& last_known) { return group_->script.settle(name_, last_known, id, result); });
  if (!reply) return settle_locally(id, result);
  const StateGeneration where{reply->state, reply->generation, id.generation};
  const bool late = reply->kind == ScriptReply::Kind::late;
  if (late) record_late_result(where, result.outcome, 1);
  if (result.outcome != Outcome::ignored && is_slow(result, group_->policy)) record_slow_call(where, result);
  if (!reply->would_have_tripped.empty()) {
    ++would_have_tripped_;
    notices_.add(NoticeKind::would_have_tripped, where, reply->would_have_tripped, steady_wall_clock());
  }
  return {reply->state, late};
}

void RedisBreaker::record_slow_call(StateGeneration where, const CallResult& result) {
  ++slow_calls_;
  notices_.add_slow_call(where, result.took, steady_wall_clock());
}

void RedisBreaker::record_late_result(StateGeneration where, Outcome outcome, uint64_t count) {
  if (count == 0) return;
  late_results_ += count;
  notices_.add(NoticeKind::late_result, where, to_text(outcome), steady_wall_clock(), count);
}

// --- requests to Redis

// Nothing if Redis is unavailable.
std::optional<ScriptReply> RedisBreaker::query(const Request& request, NoticeKind kind) {
  auto result = group_->synchronizer->availability().run([&] { return query_in_order(request); });
  auto* reply = std::get_if<ScriptReply>(&result);
  if (reply == nullptr) return std::nullopt;
  report_transitions(*reply, kind);
  return std::move(*reply);
}

// A request carries the successes that were counted before it, and no later failure may overtake them. So a request
// that carries successes is sent exclusively, and so are the requests that arrive while it waits: if they kept sharing
// the lock, it might never get its turn. Without successes, as in an outage, requests run concurrently.
BreakerScript::Result RedisBreaker::query_in_order(const Request& request) {
  const uint64_t period = group_->synchronizer->availability().period();
  if (successes_.is_empty() && exclusive_requests_ == 0) {
    const std::shared_lock lock(requests_mutex_);
    return query_unless_unavailable(period, request, Successes::kept);
  }
  const CountedEntry entry(exclusive_requests_);
  const std::unique_lock lock(requests_mutex_);
  return query_unless_unavailable(period, request, Successes::reported);
}

// A caller that waited while another request found Redis unavailable does not wait for Redis as well.
BreakerScript::Result RedisBreaker::query_unless_unavailable(uint64_t period, const Request& request,
                                                             Successes successes) {
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

StripedCounter::Taken RedisBreaker::take_successes(uint64_t generation) {
  will_report_ = false;
  return successes_.take(generation);
}

// Only the successes of the generation that the request names are reported. Those of older ones are late.
BreakerScript::Result RedisBreaker::query_and_apply(const Request& request, Successes successes) {
  const uint64_t period = group_->synchronizer->availability().period();
  const BreakerView::RequestStart start = view_.begin_request();
  LastKnown last_known = view_.last_known();
  StripedCounter::Taken taken;
  if (successes == Successes::reported) taken = take_successes(last_known.generation);
  last_known.successes = taken.count;
  auto result = group_->losses->judge(name_, request(last_known), std::chrono::steady_clock::now());
  if (auto* reply = std::get_if<ScriptReply>(&result)) {
    reply->late_successes += taken.older;
    view_.apply(*reply, group_->synchronizer->push_status_of(reply->origin), start, period);
    const bool is_back = period % 2 == 1;
    if (LocalBreaker* const local = existing_local_breaker(); local != nullptr && is_back) {
      local->returned(view_.version());
    }
  } else {
    late_results_ += taken.older;
    ++store_errors_;
  }
  return result;
}

void RedisBreaker::report_transitions(const ScriptReply& reply, NoticeKind kind) {
  const std::string loss =
      reply.forgotten ? group_->losses->line_about(name_, std::chrono::steady_clock::now()) : std::string();
  if (!loss.empty()) group_->synchronizer->availability().report_problem(loss);
  record_late_result({reply.state, reply.generation}, Outcome::success, reply.late_successes);
  for (Transition transition : reply.transitions) {
    transition.at = by_own_clock(transition.at, reply);
    notices_.add(kind, transition);
  }
  if (!group_->settings_watch.is_news(reply.other_settings, steady_wall_clock())) return;
  group_->synchronizer->availability().report_problem("settings differ: another instance uses the breaker " + name_ +
                                                      " with other settings; compare GET /status of the instances");
}

std::string RedisBreaker::apply_override(const Override& order, milliseconds lasts) {
  const Reporting reporting(*this);
  const auto reply =
      query([&](const LastKnown& last_known) { return group_->script.apply_override(name_, last_known, order, lasts); },
            NoticeKind::override);
  return reply ? "" : "Redis did not accept the override; as far as is known, nothing has changed";
}

void RedisBreaker::report_health(Health health) {
  const Reporting reporting(*this);
  if (!is_available()) return local_breaker().report_health(health);
  query([&](const LastKnown& last_known) { return group_->script.report_health(name_, last_known, health); });
}

// --- called by the synchronizer

void RedisBreaker::refresh() {
  {
    const NoticeQueue::Operation operation(notices_);
    query([this](const LastKnown& last_known) { return group_->script.tick(name_, last_known); });
  }
  group_->synchronizer->deliver(notices_);
}

void RedisBreaker::report() { refresh(); }  // every request carries the counted successes

// Twice: the first run may have needed memory that the next one lacks, for the script or a connection's buffers.
BreakerScript::Result RedisBreaker::reconnect() {
  std::optional<NoticeQueue::Operation> operation(notices_);
  const Request write = [this](const LastKnown& last_known) { return group_->script.reconnect(name_, last_known); };
  auto result = query_and_apply(write, Successes::reported);
  if (const auto* reply = std::get_if<ScriptReply>(&result)) report_transitions(*reply, NoticeKind::transition);
  if (std::holds_alternative<ScriptReply>(result)) result = query_and_apply(write, Successes::kept);
  if (const auto* reply = std::get_if<ScriptReply>(&result)) report_transitions(*reply, NoticeKind::transition);
  operation.reset();
  group_->synchronizer->deliver(notices_);
  return result;
}

bool RedisBreaker::on_key_written(std::string_view key) {
  const bool only_counted = key != "state" && view_.packed().state() == State::closed;
  if (only_counted) view_.report_successes();
  return !only_counted;
}

// --- the local breaker, while Redis is unavailable

// A call that ends after Redis has recovered may change a local breaker that is no longer in use: that is not a
// transition of the instance's breaker.
NoticeQueue RedisBreaker::local_notices() const {
  return notices_.part("local: ", [this](const Notice& notice) {
    const bool is_transition = notice.kind == NoticeKind::transition || notice.kind == NoticeKind::override;
    return !is_transition || !is_available();
  });
}

// A view that has changed since is followed again: nothing that the instance knew when Redis failed is missed.
LocalBreaker& RedisBreaker::local_breaker() {
  if (local_version_.load(std::memory_order_acquire) == view_.version()) return *local_;
  const std::scoped_lock lock(mutex_);
  SharedState shared = view_.shared_state();
  if (local_version_ == shared.version) return *local_;
  const bool saw_success = take_successes(shared.snapshot.generation).count > 0;
  if (saw_success) shared.snapshot.counts.failures = 0;  // Redis never learned of it
  if (!local_) local_ = std::make_unique<LocalBreaker>(group_->local_setup, local_notices());
  local_->follow(shared);
  view_.report_every_success();
  local_version_ = shared.version;
  return *local_;
}

LocalBreaker* RedisBreaker::existing_local_breaker() const {
  return local_version_.load(std::memory_order_acquire) == none ? nullptr : local_.get();
}

bool RedisBreaker::is_local() const {
  return !is_available() && local_version_.load(std::memory_order_acquire) == view_.version();
}

// A result of a call that the shared breaker admitted, and that could not be sent to Redis.
Settled RedisBreaker::settle_locally(const PermitId& id, const CallResult& result) {
  return local_breaker().settle_shared(id, steady_wall_clock() - result.took, result.outcome);
}

State RedisBreaker::known_state() const { return is_local() ? local_->known_state() : view_.packed().state(); }

// Redis keeps the state, but not the successes that it has not received. And evicting a breaker with failures, or an
// open one, costs more than it frees: its tenant's next calls may have to use the common breaker, and count there from
// zero.
bool RedisBreaker::is_evictable(milliseconds idle) const {
  if (is_local()) return local_->is_evictable(idle);
  const PackedState packed = view_.packed();
  if (!is_available() && packed.is_overridden()) return false;
  const bool holds_evidence = !successes_.is_empty() || packed.reports_successes();
  if (packed.state() == State::closed) return idle >= evidence_matters_for || !holds_evidence;
  const TimePoint from = view_.admits_from();
  return from != never && steady_wall_clock() >= from + group_->policy.recovery_timeout;
}

DetailedStatus RedisBreaker::detailed_status() {
  const Reporting reporting(*this);
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
    if (reply->override_until) status.override_until = by_own_clock(*reply->override_until, *reply);
    if (LocalBreaker* const local = existing_local_breaker()) add_counters(local->detailed_status(), status);
  } else {
    status = local_breaker().detailed_status();
    status.store.name = "local";
    status.store.error = group_->synchronizer->availability().error();
  }
  status.store.view_age = age;
  status.late_results += late_results_;
  status.slow_calls += slow_calls_;
  status.would_have_tripped += would_have_tripped_;
  status.listener_errors = notices_.listener_errors();
  status.store.errors = store_errors_;
  status.store.local_calls = local_calls_;
  return status;
}

}  // namespace cb
