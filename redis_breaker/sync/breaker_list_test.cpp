#include "redis_breaker/sync/breaker_list.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

using namespace cb;

namespace {

struct NamedX final : SynchronizedBreaker {
  std::string_view name() const override { return "x"; }
  uint64_t known_generation() const override { return 1; }
  void refresh() override {}
  void report() override {}
  StoreResult reconnect() override { return StoreTrouble{}; }
  bool on_key_written(std::string_view) override { return false; }
  void refresh_if_written() override {}
  void on_news(const News&) override {}
};

}  // namespace

TEST_CASE("a breaker is not removed while it is called, also after a call within that call has ended") {
  BreakerList list;
  NamedX breaker;
  list.add(breaker);
  std::atomic<bool> is_removed{false};
  std::jthread remover;
  bool removed_too_early = false;
  list.for_each_named("x", [&](SynchronizedBreaker&) {
    list.for_each_named("x", [](SynchronizedBreaker&) {});
    std::atomic<bool> has_begun{false};
    remover = std::jthread([&] {
      has_begun = true;
      list.remove(breaker);
      is_removed = true;
    });
    while (!has_begun) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // a fault would have shown by then
    removed_too_early = is_removed;
  });
  CHECK_FALSE(removed_too_early);
  remover.join();
  CHECK(is_removed);
}
