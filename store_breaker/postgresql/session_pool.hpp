// A SessionPool opens sessions and keeps idle ones for reuse. A server has few connections to give, and each costs it a
// process: at most most_sessions are open, and a caller waits for one until its deadline. After an attempt to connect
// that ran out of time, the next one begins with the next host of the address. Thread-safe: every method.
// Invariant: after distrust(), no session from before it is reused, whether it was idle or taken: what is wrong with
// one connection is wrong with the others of its age.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "store_breaker/postgresql/session.hpp"

namespace cb::postgresql {

constexpr std::chrono::milliseconds fair_wait{50};  // after less, a missing answer says nothing about the server

class SessionPool {
 public:
  static constexpr size_t most_sessions = 4;

  // A session is not used after `longest_life`: the address may lead to another server by then.
  SessionPool(Address address, std::chrono::milliseconds longest_life)
      : address_(std::move(address)), longest_life_(longest_life) {}

  struct Return {
    SessionPool* pool;
    void operator()(Session* session) const { pool->give_back(std::unique_ptr<Session>(session)); }
  };
  using Lease = std::unique_ptr<Session, Return>;

  struct Taken {
    Lease session;  // nothing: trouble
    Trouble trouble{};
  };
  Taken take(StoreDeadline deadline);
  void distrust();

  // A separate session, which does not count.
  Opened open(StoreDeadline deadline);

  uint64_t run() const { return run_; }  // of the server that the newest session leads to; 0: none so far

 private:
  bool is_fresh(const Session& session) const;
  std::unique_ptr<Session> take_idle();
  void give_back(std::unique_ptr<Session> session);  // nothing: none could be opened

  const Address address_;
  const std::chrono::milliseconds longest_life_;
  std::atomic<uint64_t> run_{0};
  std::atomic<size_t> first_host_{0};
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Session>> idle_;  // guarded by mutex_, like all below
  size_t taken_ = 0;
  std::chrono::steady_clock::time_point distrusted_at_{};
};

}  // namespace cb::postgresql
