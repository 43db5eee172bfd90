// One instance without a thread, a socket or Redis: its core, and a store that answers when the test says so.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "redis_breaker/cached_core.hpp"

namespace cb::core_tests {

using namespace std::chrono_literals;
using Kind = Reply::Kind;
using Ticket = CachedCore::Ticket;
using std::chrono::microseconds;

// An instance, and the store that it asks: stage 1's table, with a clock that is an hour ahead.
struct SimulatedInstance {
  explicit SimulatedInstance(const Policy& settings) : policy(settings), core(settings) {
    stored = closed_snapshot(store_time());
    epoch = stored.generation;
  }

  TimePoint store_time() const { return now + 1h; }
  void pass_in_silence(microseconds time) { now += time; }
  void pass(microseconds time) {
    now += time;
    feed.confirmed_at = now;
  }

  // Another instance does something.
  Reply elsewhere(const Event& event) { return apply(stored, policy, event, store_time()); }

  Answer answer_to(const std::vector<Event>& events) {
    Answer answer;
    for (const Event& event : events) {
      if (const auto* order = std::get_if<ApplyOverride>(&event)) last_order = order->override_;
      answer.replies.push_back(elsewhere(event));
    }
    const TimePoint from = admits_from(stored, policy);
    answer.now = store_time();
    answer.verified_at = now;
    answer.state = stored.state;
    answer.generation = stored.generation;
    answer.epoch = epoch;
    answer.failures = stored.counts.failures;
    answer.wait = from == never ? policy.recovery_timeout : std::max(microseconds(0), from - answer.now);
    if (stored.mode != Mode::automatic) answer.active_override = last_order;
    if (stored.mode_until != TimePoint{}) answer.override_until = stored.mode_until;
    answer.removals = removals;
    answer.origin.run = run;
    return answer;
  }

  CachedCore::Exchange begin() { return core.begin(feed, now); }
  void end(const CachedCore::Exchange& exchange) { core.end(answer_to(exchange.events), feed, now); }
  CachedCore::Exchange exchange() {
    CachedCore::Exchange exchange = begin();
    end(exchange);
    return exchange;
  }

  void fail() { core.fail({"no answer"}); }

  // A call asks the store, or is answered at once.
  bool knows() const { return core.known_answer(feed, now).has_value(); }
  Ticket ask() {
    const auto answer = core.acquire(feed, now);
    REQUIRE(std::holds_alternative<Ticket>(answer));
    return std::get<Ticket>(answer);
  }
  PermitId permit() {
    const auto answer = core.acquire(feed, now);
    REQUIRE(std::holds_alternative<PermitId>(answer));
    return std::get<PermitId>(answer);
  }
  Rejection rejection() {
    const auto answer = core.acquire(feed, now);
    REQUIRE(std::holds_alternative<Rejection>(answer));
    return std::get<Rejection>(answer);
  }

  // A result is sent to the store, or is not.
  Ticket send(const PermitId& permit, const CallResult& result) {
    const auto answer = core.settle({permit, result}, now);
    REQUIRE(std::holds_alternative<Ticket>(answer));
    return std::get<Ticket>(answer);
  }
  Settled keep(const PermitId& permit, const CallResult& result) {
    const auto answer = core.settle({permit, result}, now);
    REQUIRE(std::holds_alternative<Settled>(answer));
    return std::get<Settled>(answer);
  }

  Reply reply_to(Ticket ticket) {
    const auto outcome = core.take(ticket);
    REQUIRE(outcome);
    REQUIRE(std::holds_alternative<Reply>(*outcome));
    return std::get<Reply>(*outcome);
  }
  bool has_trouble(Ticket ticket) {
    const auto outcome = core.take(ticket);
    return outcome && std::holds_alternative<StoreTrouble>(*outcome);
  }

  // With the exchange.
  PermitId acquire() {
    const Ticket ticket = ask();
    exchange();
    return reply_to(ticket).permit;
  }
  Reply settle(const PermitId& permit, const CallResult& result) {
    const Ticket ticket = send(permit, result);
    exchange();
    return reply_to(ticket);
  }
  Reply order(const Override& override_, microseconds lasts = {}) {
    const Ticket ticket = core.add(ApplyOverride{override_, lasts});
    exchange();
    return reply_to(ticket);
  }
  PermitId open() {
    const PermitId permit = acquire();
    REQUIRE(settle(permit, {Outcome::failure}).state == State::open);
    return permit;
  }

  const Policy policy;
  TimePoint now{std::chrono::hours(1)};
  Feed feed{.node = 0, .session = 1, .confirmed_at = now};
  Snapshot stored;
  Override last_order;
  uint64_t epoch = 0;
  uint64_t run = 7;
  std::optional<Removals> removals = Removals{};
  CachedCore core;
};

inline const Policy opens_at_once{.failure_threshold = 1, .recovery_timeout = 10s};
inline const Policy two_probes{.failure_threshold = 1, .recovery_timeout = 10s, .permitted_calls_in_half_open = 2};
inline const Policy three_failures{.failure_threshold = 3, .recovery_timeout = 10s};
inline const CallResult success{Outcome::success};
inline const CallResult failure{Outcome::failure};
inline const CallResult ignored{Outcome::ignored};

inline std::vector<NoticeKind> kinds_of(const std::vector<CachedCore::Notable>& notices) {
  std::vector<NoticeKind> kinds;
  for (const auto& each : notices) kinds.push_back(each.kind);
  return kinds;
}

inline Outcome outcome_of(const Event& event) { return std::get<Settle>(event).result.outcome; }

// What the script publishes when another instance makes a transition.
inline News news_of(const SimulatedInstance& instance) {
  const Snapshot& stored = instance.stored;
  const TimePoint from = admits_from(stored, instance.policy), now = instance.store_time();
  return {stored.state,
          stored.generation,
          instance.epoch,
          stored.counts.failures,
          std::max(microseconds(0), from - now),
          stored.mode != Mode::automatic,
          now};
}

// Another instance opens the circuit.
inline News opened_elsewhere(SimulatedInstance& instance) {
  const PermitId permit = instance.elsewhere(Acquire{}).permit;
  REQUIRE(instance.elsewhere(Settle{permit, failure}).state == State::open);
  return news_of(instance);
}

}  // namespace cb::core_tests
