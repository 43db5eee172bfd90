#include "redis_breaker/sync/breaker_view.hpp"

#include <algorithm>

#include "simple_breaker/circuit_breaker.hpp"

namespace cb {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// A deletion that follows an eviction within this time looks like one.
constexpr milliseconds between_counts{5000};

bool is_forced_open_for_good(const ScriptReply& reply) {
  return reply.active_override.mode == Mode::forced_open && !reply.override_until;
}

// By this machine's clock.
TimePoint end_of_wait(const ScriptReply& reply) {
  if (reply.state == State::closed) return {};
  if (is_forced_open_for_good(reply)) return never;
  return reply.wait.count() == 0 ? TimePoint{} : steady_wall_clock() + reply.wait;
}

int64_t end_of_override(const ScriptReply& reply) {
  if (!reply.override_until) return 0;
  return coarse_now() + std::chrono::ceil<milliseconds>(*reply.override_until - reply.now).count();
}

PackedState pack(const ScriptReply& reply, bool reports_successes) {
  return {reply.generation, reply.state, reports_successes, reply.active_override.mode != Mode::automatic};
}

std::unique_ptr<const Override> override_in(const ScriptReply& reply) {
  if (reply.active_override.mode == Mode::automatic) return nullptr;
  return std::make_unique<const Override>(reply.active_override);
}

}  // namespace

bool BreakerView::is_usable(uint64_t period) const {
  if (!packed().is_known()) return false;  // no reply yet
  const int64_t now = coarse_now();
  const int64_t look_again_at = override_ends_at_.load(std::memory_order_acquire);
  if (look_again_at != 0 && now >= look_again_at) return false;
  if (receives_pushes()) return true;
  const uint64_t session = session_.load(std::memory_order_acquire);
  const bool is_from_ended_session = session != 0 && session != push_status_.load()->session.load();
  return !is_from_ended_session && fetched_in_period_.load(std::memory_order_acquire) == period &&
         now - fetched_at_.load(std::memory_order_acquire) < longest_view_age.count();
}

std::optional<milliseconds> BreakerView::age() const {
  const int64_t pushed = receives_pushes() ? push_status_.load()->confirmed_at.load() : 0;
  const int64_t known_at = std::max(pushed, fetched_at_.load());
  if (known_at == 0) return std::nullopt;
  return milliseconds(std::max<int64_t>(0, coarse_now() - known_at));
}

BreakerView::RequestStart BreakerView::begin_request() const {
  const PushStatus* const push_status = push_status_;
  return {push_status, push_status->session, invalidations_, coarse_now()};
}

// Of two replies about the same generation the later one counts, by Redis's clock. (After that clock was set back,
// any.)
bool BreakerView::is_outdated(const ScriptReply& reply) const {
  if (reply.generation != latest_.generation) return reply.generation < latest_.generation;
  return reply.now < latest_.now && latest_.now - reply.now < std::chrono::seconds(1);
}

bool BreakerView::apply(const ScriptReply& reply, const PushStatus& push_status, const RequestStart& request,
                        uint64_t period) {
  const std::scoped_lock lock(mutex_);
  const bool same_feed = request.push_status == &push_status;
  if (is_outdated(reply)) return false;
  const bool new_generation = reply.generation != latest_.generation;
  latest_.generation = reply.generation;
  latest_.epoch = reply.epoch;
  const bool another_server = reply.origin.run != latest_.run;
  if (another_server || reply.removals) {
    latest_.removals = reply.removals.value_or(Removals{});
    latest_.counted_at = reply.removals ? coarse_now() : 0;
  }
  latest_.run = reply.origin.run;
  latest_.now = reply.now;
  latest_.failures = reply.failures;
  latest_.state = reply.state;
  latest_.active_override = override_in(reply);
  admits_from_ = end_of_wait(reply);
  override_ends_at_ = end_of_override(reply);
  // The reply may not reflect keys that were written after the request was sent.
  packed_ = pack(reply, reply.failures > 0 || reports_every_success_ || invalidations_ != request.invalidations);
  push_status_ = &push_status;
  session_ = same_feed ? request.session : 0;
  fetched_at_ = std::min(request.at, coarse(reply.verified_at));
  fetched_in_period_ = period;
  ++version_;
  return new_generation;
}

void BreakerView::report_successes() {
  const std::scoped_lock lock(mutex_);
  ++invalidations_;
  packed_ = packed().reporting_successes();
}

void BreakerView::report_every_success() {
  const std::scoped_lock lock(mutex_);
  reports_every_success_ = true;
  packed_ = packed().reporting_successes();
}

void BreakerView::stop_reporting_every_success() {
  const std::scoped_lock lock(mutex_);
  reports_every_success_ = false;
}

LastKnown BreakerView::last_known() const {
  const std::scoped_lock lock(mutex_);
  LastKnown last_known{.generation = latest_.generation,
                       .state = latest_.state,
                       .epoch = latest_.epoch,
                       .run = latest_.run,
                       .at = latest_.now,
                       .removals = latest_.removals,
                       .failures = latest_.failures,
                       .is_count_due = coarse_now() - latest_.counted_at >= between_counts.count()};
  if (latest_.active_override) last_known.active_override = *latest_.active_override;
  if (override_ends_at_ != 0) {
    last_known.override_for = milliseconds(std::max<int64_t>(1, override_ends_at_ - coarse_now()));
  }
  if (latest_.state != State::closed && mode() == Mode::automatic) {
    last_known.open_for = std::max(microseconds(0), microseconds(admits_from() - steady_wall_clock()));
  }
  return last_known;
}

SharedState BreakerView::shared_state() const {
  const std::scoped_lock lock(mutex_);
  return {.snapshot = snapshot(),
          .active_override = latest_.active_override ? *latest_.active_override : Override{},
          .epoch = latest_.epoch,
          .run = latest_.run,
          .version = version_};
}

Snapshot BreakerView::snapshot() const {
  Snapshot snapshot;
  snapshot.state = latest_.state == State::closed ? State::closed : State::open;
  snapshot.generation = latest_.generation;
  snapshot.counts.failures = latest_.failures;
  snapshot.open_until = admits_from();
  snapshot.mode = mode();
  if (override_ends_at_ != 0)
    snapshot.mode_until = steady_wall_clock() + milliseconds(override_ends_at_ - coarse_now());
  return snapshot;
}

}  // namespace cb
