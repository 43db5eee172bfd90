// An UnreliableService is the upstream that fails on purpose: GET /data succeeds, fails, hangs or drops its connection,
// depending on the current fault; /fault shows and changes that fault, /ledger counts requests, /health is 503 while
// the plan is down. Callers dropped by name see a broken network, whatever the fault. Thread-safe: the routes. The
// ledger counts a request as soon as its fate is drawn, answered or not. A hanging or slow request holds its worker
// until it is over, its client disconnects (hanging only), or `stopping` returns true.
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
  // Waiting requests poll `stopping` every 20 ms; it must be cheap and thread-safe.
  UnreliableService(FaultPlan plan, uint64_t seed, std::function<bool()> stopping);

  // Before the server starts. The service must outlive it. All routes but /data are answered while all workers hang.
  void add_routes(program::HttpServer& server);

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
  std::jthread log_of_changes_;  // last: it uses the members above
};

}  // namespace unreliable
