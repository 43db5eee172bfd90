#include "redis_breaker/sync/delivery_thread.hpp"

#include <doctest/doctest.h>
#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <system_error>
#include <thread>

#include "redis_breaker/tests/eventually_for_test.hpp"

using namespace cb;

namespace {

// While it lives, no thread can be started: the memory for a stack of this size is not to be had.
class NoMoreThreads {
 public:
  NoMoreThreads() {
    pthread_getattr_default_np(&usual_);
    pthread_attr_t huge;
    pthread_attr_init(&huge);
    pthread_attr_setstacksize(&huge, size_t{1} << 62);
    pthread_setattr_default_np(&huge);
    pthread_attr_destroy(&huge);
  }
  ~NoMoreThreads() {
    pthread_setattr_default_np(&usual_);
    pthread_attr_destroy(&usual_);
  }
  NoMoreThreads(const NoMoreThreads&) = delete;
  NoMoreThreads& operator=(const NoMoreThreads&) = delete;

 private:
  pthread_attr_t usual_;
};

}  // namespace

TEST_CASE("where no thread can be started, notices wait for the next one") {
  std::atomic<int> delivered = 0;
  const NoticeQueue notices(shared([&](const Notice&) { ++delivered; }), {"x"});
  DeliveryThread thread;
  const auto add = [&] {
    notices.add(NoticeKind::store_trouble, StateGeneration{}, "away", TimePoint{});
    thread.add(notices);
  };
  {
    const NoMoreThreads none;
    REQUIRE_THROWS_AS(std::jthread([] {}), std::system_error);
    add();
  }
  CHECK(delivered == 0);
  add();
  CHECK(eventually([&] { return delivered == 2; }));
}
