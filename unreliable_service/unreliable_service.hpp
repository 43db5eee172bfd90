// An UnreliableService is the upstream that fails on purpose: GET /data succeeds, fails, hangs or loses its connection
// as the present fault says; /fault shows and changes that fault, /ledger shows what was received, /health is 503 while
// the plan says down. Callers may be dropped by name, whatever the fault: to them it is as if their network were
// broken. Thread-safe: the routes. A request is in the ledger from the moment its fate is drawn, answered or not. A
// hanging or slow request holds its worker until it is over, its client has gone (hanging), or `stopping` says so.
#pragma once

#include <httplib.h>

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "program/http/http_server.hpp"
#include "unreliable_service/fault_json.hpp"
#include "unreliable_service/fault_plan.hpp"
#include "unreliable_service/ledger.hpp"

namespace unreliable {

class UnreliableService {
 public:
  // `stopping` is asked every 20 ms by whatever waits; it must be cheap and thread-safe.
  UnreliableService(FaultPlan plan, uint64_t seed, std::function<bool()> stopping);

  void add_routes(program::HttpServer& server);  // the service lives as long as the server serves

 private:
  using Clock = std::chrono::steady_clock;

  void get_data(const httplib::Request& request, httplib::Response& response);
  void hang(httplib::Response& response) const;
  void get_fault(httplib::Response& response);
  void put_fault(const httplib::Request& request, httplib::Response& response);
  void get_ledger(httplib::Response& response) const;
  void get_health(const httplib::Request& request, httplib::Response& response);

  Fault fault();
  const Fault& present_fault() const;                      // with mutex_ held
  bool is_dropped(const httplib::Request& request) const;  // likewise
  void log_changes(const std::stop_token& stop);

  const std::function<bool()> stopping_;
  Ledger ledger_;
  std::mutex mutex_;
  FaultPlan plan_;               // guarded by mutex_
  Clock::time_point started_;    // guarded by mutex_
  Dice dice_;                    // guarded by mutex_
  Callers dropped_callers_;      // guarded by mutex_
  std::jthread log_of_changes_;  // last: it uses the rest
};

}  // namespace unreliable
