// What the instances and the upstream say over HTTP, read with suspicion: an answer that makes no sense is "no answer",
// never an exception, and text from outside is cut and stripped of control characters before it reaches a terminal.
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
  int64_t at_epoch_ms = 0;
  bool operator==(const ReportedTransition&) const = default;
};

// A call that tells something, as the instance remembers its last ones.
struct NotableCall {
  uint64_t number = 0;  // counts up from the instance's start
  int64_t at_epoch_ms = 0;
  Call call;  // `target` and times stay for the caller to fill in
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
  bool shared_breaker = false;  // its store is not its own memory
  bool local = false;           // but for now it goes by a breaker of its own, for want of Redis
  int probes_in_flight = 0;
  std::optional<uint64_t> would_have_tripped;
  // Of the common breaker, not of tenants'.
  std::vector<ReportedTransition> transitions;
  std::vector<NotableCall> notable_calls;
};

// What is wrong with the upstream, by its own word.
struct UpstreamFault {
  double failure_rate = 0;
  uint64_t latency_ms = 0;
  double hang_rate = 0;
  double drop_rate = 0;
  std::string plan;                          // empty: none
  std::vector<std::string> dropped_callers;  // whose network to it is broken
  bool operator==(const UpstreamFault&) const = default;
};

// The answer of GET /call; `target` and times stay for the caller to fill in.
Call read_call(const program::HttpReply& reply);

// The answer of GET /status; nothing where it is no answer.
std::optional<InstanceStatus> read_status(const program::HttpReply& reply);

// The answer of GET /ledger.
std::optional<Ledger> read_ledger(const std::string& body);

// The answer of GET /fault; nothing where it is no answer.
std::optional<UpstreamFault> read_fault(const program::HttpReply& reply);

// Asks the upstream; nothing where it does not answer.
std::optional<Ledger> fetch_ledger(const std::string& upstream, std::chrono::milliseconds timeout);

// What was received between the two. A ledger that was emptied in between counts from zero.
Ledger difference(const Ledger& before, const Ledger& after);

// Puts a new fault plan into force now. Throws std::runtime_error quoting the upstream's refusal.
void put_plan(const std::string& upstream, const std::string& plan);

// Asks the upstream; nothing where it does not answer.
std::optional<UpstreamFault> fetch_fault(const std::string& upstream);

// From now on the upstream drops the calls of these callers, and of nobody else: their network to it is broken. Throws
// std::runtime_error quoting the upstream's refusal.
void put_dropped_callers(const std::string& upstream, const std::vector<std::string>& callers);

// Puts it into force at every instance; of those that share a breaker, at the first that takes it. One that refuses it
// or gives no answer keeps it from no other: when all have been asked std::runtime_error names those, quotes them, and
// says where it holds.
void put_override(const std::vector<Target>& targets, const ManualOverride& manual_override);

// `text` without the control characters U+0080 to U+009F, and without the marks that turn the direction of the text
// round them: nobody sees them, but a page shows what follows a name in another order.
std::string without_unseen_marks(const std::string& text);

// At most `most` characters of `text`, printable; without unseen marks too.
std::string printable(const std::string& text, size_t most);

}  // namespace load
