#include "store_breaker/reconcile.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "store_breaker/shared_record.hpp"

namespace cb {
namespace {

Snapshot kept_counts(const Snapshot& before) {
  Snapshot snapshot;
  snapshot.counts = before.counts;
  return snapshot;
}

class Reconciler {
 public:
  explicit Reconciler(const ReconcileInput& input)
      : found_(input.found), known_(input.known), policy_(input.policy), now_(input.now), random_(input.random) {
    result_.record = found_.record;
    if (record_.found_empty_at > now_) forget_that_it_was_empty();  // the clock was set back
  }

  Reconciled run(bool only_looks) {
    if (!found_.fault.empty()) {
      repair();
    } else if (found_.version == 0) {
      if (knows() || !only_looks) find_nothing();
    } else {
      find_something();
    }
    if (record_.epoch == 0) record_.epoch = record_.snapshot.generation;
    return std::move(result_);
  }

 private:
  // --- what was found

  void find_nothing() {
    if (!knows()) {
      record_.snapshot = closed_snapshot(now_);
      record_.run = found_.run;
    } else if (is_another_store() || has_expired()) {
      restore_all();
    } else if (found_.was_idle && !is_worth_restoring()) {
      continue_closed();
    } else {
      start_again(first_of_line(known_.generation), "state gone: deleted from the store");
    }
  }

  void find_something() {
    if (was_restored_after_deletion()) {
      forget_that_it_was_empty();
      return start_again(next_generation(), "state gone: deleted from the store");
    }
    if (!knows()) return;
    if (is_another_line() && may_continue() && is_worth_restoring() && (is_another_store() || has_expired())) {
      result_.forgotten = !is_another_store();
      restore(result_.forgotten ? "state lost: the store removed it" : "state lost: this store did not have it");
    } else if (is_another_line()) {
      if (may_continue()) record_.lost = known_.generation;
      if (generation() <= known_.generation) outrank();
    } else if (generation() < known_.generation && began_here_after_a_failover()) {
      outrank();
    } else if (generation() < known_.generation) {
      restore("state lost: it went back to an older one");
    }
  }

  bool knows() const { return known_.generation > 0; }
  uint64_t generation() const { return record_.snapshot.generation; }
  bool is_another_store() const { return known_.run != 0 && found_.run != 0 && known_.run != found_.run; }
  bool is_another_line() const { return known_.epoch > 0 && known_.epoch != record_.epoch; }

  // Anything that happened to a line since it began is newer than what the caller saw.
  bool may_continue() const { return generation() == record_.epoch && known_.generation > record_.lost; }

  bool is_worth_restoring() const {
    return known_.state != State::closed || known_.active_override.mode != Mode::automatic;
  }

  bool has_expired() const {
    return known_.at > TimePoint{} && now_ - known_.at >= lifetime(record_.snapshot, policy_, now_) / 2;
  }

  bool began_here_after_a_failover() const {
    return record_.run != 0 && record_.run != known_.run && record_.run == found_.run;
  }

  // An instance that came from another store found nothing here and restored what it knew. But the caller had seen a
  // state in this very store: it was deleted in between.
  bool was_restored_after_deletion() const {
    return known_.run != 0 && known_.run == found_.run && known_.run == record_.found_empty_on &&
           known_.at > TimePoint{} && known_.at < record_.found_empty_at && !has_expired();
  }

  // --- what follows

  void repair() {
    record_ = {};
    start_again(next_generation(), "repaired: " + found_.fault);
  }

  // Closed. A line that begins so is final: what callers know of another one does not count.
  void start_again(uint64_t generation, std::string cause) {
    const State from = found_.version != 0 && found_.fault.empty() ? record_.snapshot.state : known_.state;
    record_ = {
        .lost = latest_generation, .run = found_.run, .settings = record_.settings, .settings_at = record_.settings_at};
    record_.snapshot.generation = generation;
    result_.transitions.push_back({from, State::closed, generation, std::move(cause), now_});
  }

  void restore_all() {
    const bool elsewhere = is_another_store();
    result_.forgotten = !elsewhere;
    restore(elsewhere ? "state lost: this store did not have it" : "");
    if (!elsewhere) return;
    record_.found_empty_at = now_;
    record_.found_empty_on = found_.run;
  }

  // Continues with what the caller saw. With a cause this is a transition, and begins another line of generations: so
  // no number repeats if the state is lost again, and a caller that saw a later number of the old line may follow.
  // Without a cause the generation is the same. Half-open continues as open: which calls hold the probes is unknown.
  void restore(std::string cause) {
    if (known_.state == State::half_open && cause.empty()) cause = "state lost: the store removed it";
    const State from = generation() == 0 ? known_.state : record_.snapshot.state;
    const uint64_t latest = std::max(generation(), known_.generation);
    restore_snapshot();
    record_.snapshot.generation = latest;
    record_.epoch = known_.epoch;
    record_.run = known_.run;
    if (cause.empty()) return;
    record_.snapshot.generation = record_.epoch = first_of_line(latest);
    record_.lost = known_.epoch == 0 ? known_.generation - 1 : known_.generation;
    result_.transitions.push_back({from, record_.snapshot.state, generation(), std::move(cause), now_});
  }

  // The store evicted it, and nothing has happened to it since.
  void continue_closed() {
    record_.snapshot.generation = known_.generation;
    record_.epoch = known_.epoch;
    record_.run = known_.run;
  }

  void restore_snapshot() {
    Snapshot& s = record_.snapshot;
    const auto before = std::max<std::chrono::microseconds>(s.break_length, policy_.recovery_timeout);
    s = kept_counts(s);
    s.state = known_.state == State::closed ? State::closed : State::open;
    s.counts.failures = known_.failures;
    s.mode = known_.active_override.mode;
    s.mode_length = known_.override_for;
    if (known_.override_for.count() > 0) s.mode_until = now_ + known_.override_for;
    if (s.state == State::open) s.break_length = std::max(before, known_.open_for);
    s.open_until = restored_open_until();
    record_.active_override = known_.active_override;
    record_.failing_since = known_.failures > 0 ? now_ : TimePoint{};
  }

  TimePoint restored_open_until() const {
    if (known_.active_override.mode == Mode::forced_open)
      return known_.override_for.count() > 0 ? now_ + known_.override_for : never;
    return known_.state == State::closed ? TimePoint{} : now_ + known_.open_for;
  }

  // Keeps what is stored, under a number above everything that the caller knows.
  void outrank() {
    const bool is_untouched = generation() == record_.epoch;
    record_.snapshot.generation = first_of_line(known_.generation);
    if (is_untouched) record_.epoch = generation();
    record_.run = found_.run;
  }

  void forget_that_it_was_empty() {
    record_.found_empty_at = {};
    record_.found_empty_on = 0;
  }

  uint64_t next_generation() const {
    const uint64_t latest = std::max(generation(), known_.generation);
    return std::max(latest + 1, closed_snapshot(now_).generation);
  }

  // The number of a line of generations that begins here, above `latest`. If the state is lost again before all callers
  // know of this line, another instance continues from the same number: up to a second makes its number another one.
  uint64_t first_of_line(uint64_t latest) const {
    return std::max(latest + 1, closed_snapshot(now_).generation) + random_ % 1'000'000;
  }

  const Found& found_;
  const LastKnown& known_;
  const Policy& policy_;
  const TimePoint now_;
  const uint64_t random_;
  Reconciled result_{};
  Record& record_ = result_.record;
};

}  // namespace

Reconciled reconcile(const ReconcileInput& input) { return Reconciler(input).run(input.only_looks); }

}  // namespace cb
