#include "unreliable_service/unreliable_service.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace unreliable {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds poll_interval{20};
constexpr milliseconds longest_hang{30'000};

// Sleeps until `over()`, but not longer than `longest`.
void wait(milliseconds longest, const std::function<bool()>& over) {
  const auto end = std::chrono::steady_clock::now() + longest;
  for (auto now = std::chrono::steady_clock::now(); now < end && !over(); now = std::chrono::steady_clock::now()) {
    std::this_thread::sleep_until(std::min(end, now + poll_interval));
  }
}

// The library cannot close a connection without an answer. But it can announce a body and then fail to provide it: the
// client gets headers, then `before_the_end` runs, then the connection is closed.
void answer_with_half_a_reply(httplib::Response& response, std::function<void()> before_the_end) {
  response.set_content_provider(1, "application/json",
                                [before_the_end = std::move(before_the_end)](size_t, size_t, httplib::DataSink&) {
                                  before_the_end();
                                  return false;
                                });
}

}  // namespace

UnreliableService::UnreliableService(FaultPlan plan, uint64_t seed, std::function<bool()> stopping)
    : stopping_(std::move(stopping)),
      plan_(std::move(plan)),
      started_(Clock::now()),
      dice_(seed),
      log_of_changes_([this](const std::stop_token& stop) { log_changes(stop); }) {}

void UnreliableService::add_routes(program::HttpServer& server) {
  server.reserve_workers_for({"/fault", "/ledger", "/health"});  // a hanging /data holds its worker
  server.Get("/data", [this](const auto& request, auto& response) { get_data(request, response); });
  server.Get("/fault", [this](const auto&, auto& response) { get_fault(response); });
  server.Put("/fault", [this](const auto& request, auto& response) { put_fault(request, response); });
  server.Get("/ledger", [this](const auto&, auto& response) { get_ledger(response); });
  server.Delete("/ledger", [this](const auto&, auto& response) {
    ledger_.clear();
    get_ledger(response);
  });
  server.Get("/health", [this](const auto& request, auto& response) { get_health(request, response); });
}

void UnreliableService::get_data(const httplib::Request& request, httplib::Response& response) {
  std::unique_lock lock(mutex_);
  const Fault fault = present_fault();
  const Fate rolled =
      dice_.roll(fault);  // for every caller, so that dropping one does not change the fates of the others
  const Fate fate = is_dropped(request) ? Fate::drop : rolled;
  ledger_.enter(request.get_header_value("X-Caller"), fate);  // before the answer: a client may disconnect at any time
  lock.unlock();
  if (fate == Fate::hang) return hang(response);
  if (fate == Fate::drop) return answer_with_half_a_reply(response, [] {});
  wait(fault.latency, stopping_);
  if (fate == Fate::failure) return program::answer_json(response, 500, R"({"error":"Service failed"})");
  program::answer_json(response, 200, R"({"message":"Success"})");
}

void UnreliableService::hang(httplib::Response& response) const {
  answer_with_half_a_reply(
      response, [this] { wait(longest_hang, [&] { return stopping_() || program::HttpServer::client_has_left(); }); });
}

void UnreliableService::get_fault(httplib::Response& response) {
  const std::scoped_lock lock(mutex_);
  program::answer_json(response, 200, fault_json(present_fault(), plan_, dropped_callers_));
}

void UnreliableService::put_fault(const httplib::Request& request, httplib::Response& response) {
  try {
    const std::scoped_lock lock(mutex_);
    FaultChange change = read_fault_change(request.body, present_fault());
    if (change.dropped_callers) dropped_callers_ = *std::move(change.dropped_callers);
    if (change.plan) {
      plan_ = *std::move(change.plan);
      started_ = Clock::now();
    }
  } catch (const std::invalid_argument& error) {
    return program::answer_json(response, 400, error_json(error.what()));
  }
  get_fault(response);
}

void UnreliableService::get_ledger(httplib::Response& response) const {
  program::answer_json(response, 200, ledger_json(ledger_.page()));
}

void UnreliableService::get_health(const httplib::Request& request, httplib::Response& response) {
  std::unique_lock lock(mutex_);
  const bool dropped = is_dropped(request);
  const bool down = present_fault().down;
  lock.unlock();
  if (dropped) return answer_with_half_a_reply(response, [] {});
  if (down) return program::answer_json(response, 503, R"({"status":"down"})");
  program::answer_json(response, 200, R"({"status":"up"})");
}

Fault UnreliableService::fault() {
  const std::scoped_lock lock(mutex_);
  return present_fault();
}

const Fault& UnreliableService::present_fault() const {
  return plan_.fault_at(std::chrono::duration_cast<milliseconds>(Clock::now() - started_));
}

bool UnreliableService::is_dropped(const httplib::Request& request) const {
  const std::string caller = request.get_header_value("X-Caller");
  return std::find(dropped_callers_.begin(), dropped_callers_.end(), caller) != dropped_callers_.end();
}

void UnreliableService::log_changes(const std::stop_token& stop) {
  std::string logged;
  while (!stop.stop_requested()) {
    const std::string present = to_text(fault());
    if (present != logged) spdlog::info("fault: {}", present);
    logged = present;
    std::this_thread::sleep_for(poll_interval);
  }
}

}  // namespace unreliable
