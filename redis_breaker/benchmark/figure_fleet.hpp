// Instances of the shared breaker for the benchmark, in this process or in forked processes that share memory.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <new>
#include <string>
#include <system_error>

#include "redis_breaker/benchmark/redis_figures.hpp"
#include "redis_breaker/fallback_breaker.hpp"
#include "redis_breaker/redis_group.hpp"

namespace cb {

// One instance: its connections, synchronizer and cached view.
struct Instance {
  Instance(const std::string& url, const std::string& name, const Policy& policy)
      : client(redis::parse_url(url), redis_patience), breaker(redis_group(client, policy), {name}) {}
  redis::Client client;
  FallbackBreaker breaker;
};

Policy windowed_policy();  // with a failure rate and a slow call rate
Policy never_tripping_policy();

int64_t nanoseconds_now();  // the same clock in all processes
double seconds_since(int64_t nanoseconds);

// Makes one call. Returns true if it was admitted.
inline bool call(Breaker& breaker, Outcome outcome) {
  Admission admission = breaker.acquire();
  auto* permit = std::get_if<Permit>(&admission);
  if (permit != nullptr) permit->settle(outcome);
  return permit != nullptr;
}

// The calls of one thread. pause 0: none; of_which_one_fails 0: none fails.
struct Load {
  std::chrono::microseconds pause{0};
  int of_which_one_fails = 0;
};
void call_for(Breaker& breaker, std::chrono::milliseconds time, const Load& load);

// Both throw std::runtime_error after 20 s.
void wait_until(const std::function<bool()>& condition);  // polls every 20 us: a busy loop would take a core
void wait_for_pushes(FallbackBreaker& breaker);           // its view is kept fresh by pushes

// Closes the circuit for all instances.
void reset(ManagedBreaker& breaker);

// A T of atomics, shared by forked processes.
template <class T>
class SharedMemory {
 public:
  SharedMemory() : memory_(mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    value_ = new (memory_) T{};
  }
  ~SharedMemory() { munmap(memory_, sizeof(T)); }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  T* operator->() const { return value_; }
  T& operator*() const { return *value_; }

 private:
  void* memory_;
  T* value_ = nullptr;
};

// A barrier for `workers`, reusable.
struct Gate {
  std::atomic<int> arrived{0};
  void pass(int workers);
};

// Runs `work` in forked processes, which die with this one, and waits for them. Call it while this process has only one
// thread.
void in_processes(int count, const std::function<void(int)>& work);

}  // namespace cb
