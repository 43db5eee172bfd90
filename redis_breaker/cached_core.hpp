// A CachedCore is one instance's part of a shared breaker, as a value: no thread, clock, socket or lock. Its caller
// reports what happened and when, and it says what to do. It answers calls from a cached view of the breaker; what only
// the store can decide gets a ticket and waits for the next exchange. Not thread-safe: the caller locks.
// Invariants: one exchange at a time; events reach the store in the order in which they were added; the view's
// generation never decreases; at most permitted_calls_in_half_open callers ask for a probe at once.
// Source: etcd/raft has the same shape: a core without I/O, and a shell that sends what it says.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "redis_breaker/state_store.hpp"
#include "simple_breaker/notice.hpp"
#include "simple_breaker/state_machine.hpp"

namespace cb {

// Whether a node of the store announces what is written to it.
struct Feed {
  size_t node = 0;
  uint64_t session = 0;      // a number for each subscription; 0: nothing is announced
  TimePoint confirmed_at{};  // every announcement up to then has arrived
};

// What an instance knows of the breaker. It may be used while no change can have gone unannounced, or for a second
// after it was fetched.
struct CachedView {
  static constexpr std::chrono::milliseconds longest_age{1000};

  State state = State::closed;
  uint64_t generation = 0;  // 0: nothing is known yet
  bool is_overridden = false;
  bool reports_successes = false;  // the store needs to know of successes
  bool is_asking = false;          // as many callers are asking for a probe as there may be probes
  TimePoint admits_from{};         // before it, every call is rejected
  TimePoint look_again_at{};       // when an override ends; the epoch: never
  TimePoint fetched_at{};
  size_t node = 0;       // that it was fetched from
  uint64_t session = 0;  // of that node's feed: every change since the view was fetched is announced in it
  uint64_t version = 1;  // of the view: counts its changes

  bool is_fresh(const Feed& feed, TimePoint now) const;
  bool is_usable(const Feed& feed, TimePoint now) const;
};

// The shared breaker as an instance knew it at one moment.
struct SharedState {
  Snapshot snapshot{};  // half-open as open: which calls hold the probes is unknown, only until when
  Override active_override{};
  uint64_t epoch = 0;
  uint64_t run = 0;
  uint64_t version = 0;  // of the view
};

class CachedCore {
 public:
  explicit CachedCore(const Policy& policy) : policy_(policy) {}

  // --- a call. The ticket waits for the next exchange.

  using Ticket = uint64_t;
  std::variant<PermitId, Rejection, Ticket> acquire(const Feed& feed, TimePoint now);
  std::variant<Settled, Ticket> settle(const Settle& ended, TimePoint now);

  // What an acquire would answer without asking the store. Nothing: it would ask.
  std::optional<std::variant<PermitId, Rejection>> known_answer(const Feed& feed, TimePoint now) const;

  // Successes that the caller has counted by itself; the next exchange reports them, before all that is added later.
  // `late`: of older generations.
  void add_successes(uint64_t count, uint64_t late, TimePoint now);

  Ticket add(Event event);

  // The outcome, once there is one. StoreTrouble: the store failed, and what became of the event is unknown.
  using Outcome = std::variant<Reply, StoreTrouble>;
  std::optional<Outcome> take(Ticket ticket);

  // --- exchanges with the store

  struct Exchange {
    LastKnown known;
    std::vector<Event> events;
  };
  bool is_exchanging() const { return is_exchanging_; }
  Exchange begin(const Feed& feed, TimePoint now);
  void end(const Answer& answer, const Feed& feed, TimePoint now);  // `feed`: of the node that answered
  void fail(const StoreTrouble& trouble);

  // --- announcements

  // A transition that the view does not know yet takes effect at once, also for a local breaker. The end of an override
  // is no part of the news, so a view with an override is fetched before the next use; and a view that was not of this
  // feed. After the end of a probe the next caller asks whether it may probe.
  void announced(const News& news, const Feed& feed, TimePoint now);

  // A key was written. Returns false if the store need not be asked: the write changes no more than what successes
  // mean, or the news of a transition has just explained it, as it does once for each key. So a fleet of any size asks
  // nothing when one instance opens the circuit.
  bool written(std::string_view key, TimePoint now);
  bool was_written() const { return was_written_; }  // and no exchange has begun since then

  // --- what there is to know

  // The caller has counted successes that the store has not been sent, and now will not be.
  void lose_successes(uint64_t count);

  const CachedView& view() const { return view_; }
  const Answer& latest() const { return latest_; }  // without replies
  SharedState shared_state() const;

  struct Counters {
    uint64_t late_results = 0;
    uint64_t slow_calls = 0;
    uint64_t would_have_tripped = 0;
    uint64_t store_errors = 0;
  };
  const Counters& counters() const { return counters_; }

  // For the listener, in order; once. `admitted_in`: the generation of the call, where that is another one.
  struct Notable {
    NoticeKind kind;
    Transition transition;  // from equals to where nothing changed
    uint64_t admitted_in = 0;
    uint64_t count = 1;
    CountedCalls counted{};
  };
  std::vector<Notable> take_notices();

 private:
  struct Waiting {
    Ticket ticket;
    Event event;
  };
  static constexpr size_t most_events = 100;  // of one exchange

  Rejection reject(TimePoint from, TimePoint now) const;
  void count_asking();
  void explain_writes(TimePoint now);
  bool is_explained(std::string_view key, TimePoint now);
  Settled drop(const Settle& ended, TimePoint now);
  LastKnown last_known(TimePoint now) const;
  void apply(const Answer& answer, const Feed& feed, TimePoint now);
  void conclude(const Waiting& sent, const Reply& reply, const CountedCalls& counted, TimePoint now);
  void answer_from_view(const Feed& feed, TimePoint now);
  void note(NoticeKind kind, std::string cause, TimePoint now, uint64_t admitted_in = 0, uint64_t count = 1);
  void count_late(const Settle& ended, uint64_t count, TimePoint now);
  void count_slow(const Settle& ended, TimePoint now);

  const Policy policy_;
  CachedView view_;
  Answer latest_;
  TimePoint counted_at_{};  // when the store's removals were counted

  std::deque<Waiting> waiting_;
  std::vector<Waiting> sent_;
  std::map<Ticket, Outcome> outcomes_;
  Ticket last_ticket_ = 0;
  bool is_exchanging_ = false;
  bool was_written_ = false;                      // since the last exchange began
  TimePoint explained_at_{};                      // when the last news arrived that are known by now
  std::set<std::string, std::less<>> explained_;  // the keys that were written with them
  uint64_t freed_in_ = 0;  // the generation in which a probe has ended, since the last exchange began
  Feed feed_at_begin_;
  TimePoint begun_at_{};

  State listener_state_ = State::closed;  // as the notices so far have it
  uint64_t listener_generation_ = 0;
  std::vector<Notable> notices_;
  Counters counters_;
};

}  // namespace cb
