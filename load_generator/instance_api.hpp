// What the instances and the upstream say over HTTP, read with suspicion: an answer that makes no sense is "no answer",
// never an exception, and text from outside is cut and stripped of control characters before it reaches a terminal.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "load_generator/run.hpp"
#include "program/http_client.hpp"

namespace load {

struct ReportedTransition {
  uint64_t generation = 0;
  State from = State::unknown;
  State to = State::unknown;
  std::string cause;
  int64_t at_epoch_ms = 0;
  bool operator==(const ReportedTransition&) const = default;
};

struct InstanceStatus {
  std::string name;
  State state = State::unknown;
  bool shared_breaker = false;  // its store is not its own memory
  bool local = false;           // but for now it goes by a breaker of its own, for want of Redis
  int probes_in_flight = 0;
  std::optional<uint64_t> would_have_tripped;
  std::vector<ReportedTransition> transitions;  // of the common breaker
};

// The answer of GET /call; `target` and times stay for the caller to fill in.
Call read_call(const program::HttpReply& reply);

// The answer of GET /status; nothing where it is no answer.
std::optional<InstanceStatus> read_status(const program::HttpReply& reply);

// The answer of GET /ledger.
std::optional<Ledger> read_ledger(const std::string& body);

// Asks the upstream; nothing where it does not answer.
std::optional<Ledger> fetch_ledger(const std::string& upstream, std::chrono::milliseconds timeout);

// What was received between the two. A ledger that was emptied in between counts from zero.
Ledger difference(const Ledger& before, const Ledger& after);

// Puts a new fault plan into force now. Throws std::runtime_error quoting the upstream's refusal.
void put_plan(const std::string& upstream, const std::string& plan);

// Puts it into force at every instance, or at the first alone where they share a breaker. Throws std::runtime_error
// naming the instance and quoting its refusal.
void put_override(const std::vector<Target>& targets, const ManualOverride& manual_override);

// At most `most` characters of `text`, printable.
std::string printable(const std::string& text, size_t most);

}  // namespace load
