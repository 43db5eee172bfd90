// A ChaosJudge sees what a simulated fleet does and what its Redis answers, event by event, and knows which harm was
// done. It has few rules, each exact. What a harm has made unknown, such as a count after an eviction, it does not
// judge until it knows it again. Not thread-safe.
//
// Of the script's runs, in the order in which Redis ran them:
//   late       the result of another generation is late and changes nothing; one of this generation is not
//   threshold  the circuit opens with the failure that reaches failure_threshold in a row, and with none before; the
//              count is stored
//   lease      no more probes at once than may be; a probe without an answer opens the circuit when its lease is over
//   break      lasts as long as the settings say, and its end does not move
//   loss       nothing is restored that no server can have lost; absence resets nothing that no person deleted
//   unique     the news never have another state for a generation
// Of the instances:
//   probes     no stay in half-open grants more probes than it may
//   news       no instance admits a call in a generation that is older than the news that it has received
//   stale      nor in one that has been over for longer than a view may be used
//   local      no local breaker admits a call while a break lasts that its instance knows of, or stays open though its
//              instance knows that the circuit has closed
//   in time    no call waits for Redis longer than twice the longest time-out
//   credit     the result of a generation older than the one that its instance knows is late
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "load_generator/record/run_record.hpp"
#include "load_generator/simulation/fleet/simulated_breaker.hpp"
#include "redis_breaker/script/script_call.hpp"

namespace simulation {

class ChaosJudge {
 public:
  // `accuse` is called with what is violated: the rule's name, and the details.
  ChaosJudge(const cb::Policy& policy, size_t instances, std::function<void(const std::string&)> accuse);

  // --- harm

  void episode_begins();
  void fleet_is_disturbed();  // by anything that is not the upstream's doing
  bool is_fleet_well() const { return !done_.disturbance; }
  void server_loses();    // some of its data, now or soon
  void person_deletes();  // the state, or everything
  void person_writes();   // the state
  void clock_is_set();
  void instance_starts(Node instance);
  void instance_stalls(Node instance, TimePoint until);

  // --- what happens

  // At the leader: the script, or the write of a store that can compare-and-set.
  struct Run {
    cb::LastKnown known{};
    std::vector<cb::Event> events{};
    cb::Answer answer{};
  };
  void ran(const std::vector<std::string>& command, const cb::redis::Reply& reply, TimePoint now);
  void ran(const Run& run, TimePoint now);
  void published(const cb::News& news, TimePoint now);
  void received(Node instance, const cb::News& news);
  void admitted(Node instance, const Granted& granted, const cb::CachedView& view, TimePoint now);
  // `known`: the generation that the instance knew when the call ended.
  void settled(Node instance, const Granted& granted, cb::Outcome outcome, uint64_t known, bool is_late, TimePoint now);
  void may_open_locally(Node instance, const cb::CachedView& view);
  void is_local(Node instance, const cb::CachedCore& core, load::State state);  // after a call has asked
  void waited(Node instance, microseconds time, TimePoint now);                 // a call, for the breaker

 private:
  static constexpr uint64_t not_known = UINT64_MAX;  // a generation
  using Leases = std::map<uint64_t, TimePoint>;      // by probe: the deadline, by the server's clock

  // What is stored, as far as it is known.
  struct Stored {
    uint64_t generation = 0;  // 0: unknown
    uint64_t epoch = 0;
    bool is_automatic = false;
    uint64_t timed_out = not_known;  // the generation of a probe that may still close the circuit; 0: there is none
    std::optional<int> failures{};
    std::optional<TimePoint> failed_at{};   // the first of these, by the simulation's clock
    std::optional<TimePoint> success_at{};  // a call ended well since then, and it is not counted yet
    std::optional<microseconds> length{};   // of the break, or of the last one; 0: none since the circuit was closed
    std::optional<TimePoint> ends{};        // the break, by the server's clock
    std::optional<TimePoint> began{};       // the same; before the event that noticed it, if time began it
    std::optional<Leases> leases{};         // while half-open
    TimePoint limit = cb::never;            // of half-open
  };

  TimePoint half_open_ends() const;
  void judge_settle(const cb::Settle& ended, const cb::Reply& reply);
  void judge_time(const cb::Reply& reply, TimePoint now);
  void grant(const cb::PermitId& permit, TimePoint now);
  void count(const cb::Settle& ended, const cb::Reply& reply);
  void enter(const cb::Transition& transition);
  void judge_cause(const cb::Transition& transition);
  void judge_break(const cb::Answer& answer, const cb::Transition* begun);
  void forget_server();

  const cb::Policy policy_;
  const std::function<void(const std::string&)> accuse_;
  const cb::ScriptCaller reader_;
  Stored stored_;
  TimePoint now_{};               // of the run
  std::set<uint64_t> entered_{};  // generations, in all of this life
  uint64_t run_ = 0;              // of the server

  // What was done in an episode. An instance may not have counted it before the quiet, in which it does not look.
  struct Done {
    bool disturbance = false, loss = false, deletion = false, writing = false, clock = false;
  };
  bool has_lost() const { return done_.loss || before_.loss; }
  bool was_deleted() const { return done_.deletion || before_.deletion; }
  Done done_, before_;
  bool clocks_differ_ = false;  // those of two servers, from the first harm to a clock on: a break moves in a failover

  struct Published {
    uint64_t generation;
    TimePoint at;
  };
  std::deque<Published> published_;
  std::map<uint64_t, cb::State> states_;  // by generation: as published
  std::map<uint64_t, int> probes_;        // by generation: granted
  std::vector<uint64_t> received_;        // by instance: the newest generation in the news
  std::vector<uint64_t> opened_in_;       // by instance: the generation in which its local breaker opened
  std::vector<TimePoint> stalled_until_;  // by instance
};

}  // namespace simulation
