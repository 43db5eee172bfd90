// Reads what the instances and the upstream send over HTTP, as untrusted input: an invalid answer counts as no answer
// and never throws; text is cut and stripped of control characters before it can reach a terminal.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "load_generator/record/run_record.hpp"
#include "program/http/http_client.hpp"

namespace load {

struct ReportedTransition {
  uint64_t generation = 0;
  State from = State::unknown;
  State to = State::unknown;
  std::string cause;
  int64_t at_epoch_ms = 0;  // by the instance's clock
  int64_t age_ms = 0;       // when the answer was written
};

// The same transition in two answers: its age differs.
bool is_same(const ReportedTransition& a, const ReportedTransition& b);

// A call worth a mark: it failed, probed or came late. The instance keeps its last ones.
struct NotableCall {
  uint64_t number = 0;  // counts up from the instance's start
  int64_t at_epoch_ms = 0;
  Call call;  // without `target` and times
  int64_t age_ms = 0;
};

struct CallCounts {
  uint64_t success = 0;
  uint64_t failure = 0;
  uint64_t exception = 0;
  uint64_t blocked = 0;
};

struct InstanceStatus {
  std::string name;
  State state = State::unknown;
  std::string breaker;      // its name
  std::string store;        // memory, redis, local
  std::string store_error;  // empty: none
  std::optional<uint64_t> view_age_ms;
  uint64_t generation = 0;
  uint64_t failures = 0;
  uint64_t retry_after_ms = 0;
  uint64_t late_results = 0;
  std::string override_mode;    // empty: none
  CallCounts calls;             // since its start
  int64_t at_epoch_ms = 0;      // when it was written, by the instance's clock; 0: it does not say
  bool shared_breaker = false;  // its store is not its own memory
  bool local = false;           // it is on its local breaker while Redis is away
  int probes_in_flight = 0;
  std::optional<uint64_t> would_have_tripped;
  // Of the common breaker, without those of tenants.
  std::vector<ReportedTransition> transitions;
  std::vector<NotableCall> notable_calls;
};

// The fault that the upstream reports.
struct UpstreamFault {
  double failure_rate = 0;
  uint64_t latency_ms = 0;
  double hang_rate = 0;
  double drop_rate = 0;
  std::string plan;                          // empty: none
  std::vector<std::string> dropped_callers;  // whose network to it is broken
  bool operator==(const UpstreamFault&) const = default;
};

// The answer of GET /call, without `target` and times.
Call read_call(const program::HttpReply& reply);

// The answer of GET /status; nothing if it is not valid.
std::optional<InstanceStatus> read_status(const program::HttpReply& reply);

// The answer of GET /ledger.
std::optional<Ledger> read_ledger(const std::string& body);

// The answer of GET /fault; nothing if it is not valid.
std::optional<UpstreamFault> read_fault(const program::HttpReply& reply);

// From the upstream; nothing if it does not answer.
std::optional<Ledger> fetch_ledger(const std::string& upstream, std::chrono::milliseconds timeout);

// What was received between the two. A ledger that was reset in between counts from zero.
Ledger difference(const Ledger& before, const Ledger& after);

// Starts a new fault plan now. Throws std::runtime_error that quotes the upstream's refusal.
void put_plan(const std::string& upstream, const std::string& plan);

// From the upstream; nothing if it does not answer.
std::optional<UpstreamFault> fetch_fault(const std::string& upstream);

// From now on the upstream drops the calls of exactly these callers: their network to it is broken. Throws
// std::runtime_error that quotes the upstream's refusal.
void put_dropped_callers(const std::string& upstream, const std::vector<std::string>& callers);

// Sends the override to every instance; of those that share a breaker, to the first that accepts it. A refusal or a
// missing answer does not stop it: at the end std::runtime_error names and quotes those instances, and says where the
// override is in force.
void put_override(const std::vector<Target>& targets, const ManualOverride& manual_override);

// `text` without the control characters U+0080 to U+009F, and without the marks that change the direction of text: they
// are invisible, but reorder what a page shows after a name.
std::string without_unseen_marks(const std::string& text);

// At most `most` bytes of `text`; unseen marks are removed, other control characters become spaces.
std::string printable(const std::string& text, size_t most);

}  // namespace load
