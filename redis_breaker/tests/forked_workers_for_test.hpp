// For tests: the work of one instance, done by several processes at once, with many threads each.
#pragma once

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <new>
#include <thread>
#include <vector>

namespace cb {

constexpr int processes = 3;
constexpr int threads = 8;
constexpr int workers = processes * threads;

// A T of atomics, shared by forked processes.
template <class T>
class Shared {
 public:
  Shared() : memory_(mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    REQUIRE(memory_ != MAP_FAILED);
    value_ = new (memory_) T{};
  }
  ~Shared() { munmap(memory_, sizeof(T)); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  T* operator->() const { return value_; }
  T& operator*() const { return *value_; }

 private:
  void* memory_;
  T* value_;
};

// Forks `processes` children; each returns what `instance` returns for its number, 0 to 255. Returns their exit codes;
// fails the test if a child is killed.
inline std::vector<int> exit_codes_of(const std::function<int(int)>& instance) {
  std::vector<pid_t> children;
  for (int process = 0; process < processes; ++process) {
    children.push_back(fork());
    REQUIRE(children.back() >= 0);
    if (children.back() == 0) _exit(instance(process));
  }
  std::vector<int> codes;
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    REQUIRE(WIFEXITED(status));
    codes.push_back(WEXITSTATUS(status));
  }
  return codes;
}

// Runs `work` on `threads` threads, numbered from 0; returns when all have finished.
inline void on_all_threads(const std::function<void(int)>& work) {
  std::vector<std::jthread> running;
  for (int thread = 0; thread < threads; ++thread) running.emplace_back([&work, thread] { work(thread); });
}

}  // namespace cb
