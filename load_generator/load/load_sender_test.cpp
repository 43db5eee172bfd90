#include "load_generator/load/load_sender.hpp"

#include <doctest/doctest.h>

#include <array>
#include <functional>

#include "load_generator/api/fake_instance.hpp"
#include "load_generator/tests/seen_for_test.hpp"

using namespace load;
using std::chrono::milliseconds;

namespace {

// Counts the calls that arrive.
class Counter {
 public:
  Counter() {
    instance.on("/call", [this](const auto&, auto&) { ++calls; });
    instance.start();
  }
  std::atomic<uint64_t> calls = 0;
  FakeInstance instance;
};

}  // namespace

TEST_CASE("calls go to one instance or the other, at the rate that was set, and stop when it is 0") {
  Counter a;
  Counter b;
  LoadSender sender({a.instance.url(), b.instance.url()});
  CHECK(sender.sent() == 0);
  const auto start = std::chrono::steady_clock::now();
  sender.set_rate(100);
  REQUIRE(comes_true([&] { return sender.sent() >= 50; }));
  CHECK(std::chrono::steady_clock::now() - start >= milliseconds(480));
  sender.set_rate(0);
  REQUIRE(comes_true([&] { return a.calls + b.calls == sender.sent(); }));
  CHECK(a.calls >= sender.sent() / 4);
  CHECK(b.calls >= sender.sent() / 4);
}

TEST_CASE("a rate near zero sends next to nothing, and the sender can still be ended") {
  Counter counter;
  LoadSender sender({counter.instance.url()});
  for (const double rate : {1e-11, 1e-300}) {
    sender.set_rate(rate);
    std::this_thread::sleep_for(milliseconds(50));  // in which it would have sent all that may be under way
    CHECK(sender.sent() == 0);
  }
}

TEST_CASE("a rate that begins, is raised or goes on after a pause sends nothing for the time before") {
  Counter counter;
  LoadSender sender({counter.instance.url()});
  const auto check_after = [&](const char* what, const std::function<void()>& change) {
    CAPTURE(what);
    std::this_thread::sleep_for(milliseconds(600));  // in which 120 would be due at the rate to come
    const uint64_t before = sender.sent();
    const auto start = std::chrono::steady_clock::now();
    change();
    REQUIRE(comes_true([&] { return sender.sent() >= before + 60; }));
    CHECK(std::chrono::steady_clock::now() - start >= milliseconds(295));
  };
  check_after("begins", [&] { sender.set_rate(200); });
  sender.set_rate(0.5);
  check_after("is raised", [&] { sender.set_rate(200); });
  sender.pause();
  check_after("goes on", [&] { sender.go_on(); });
}

TEST_CASE("a pause lets nothing out, and leaves the rate as it was") {
  Counter counter;
  LoadSender sender({counter.instance.url()});
  sender.pause();
  sender.set_rate(1000);
  std::this_thread::sleep_for(milliseconds(50));  // in which fifty would go out
  CHECK(sender.sent() == 0);
  CHECK(sender.rate() == 1000);
  sender.go_on();
  CHECK(comes_true([&] { return counter.calls > 10; }));
}

TEST_CASE("an instance that never answers takes nothing from the others") {
  std::atomic<bool> over = false;
  FakeInstance hung;
  hung.on("/call", [&](const auto&, auto&) { comes_true([&] { return over.load(); }); });
  hung.start();
  Counter well;
  LoadSender sender({hung.url(), well.instance.url()});
  sender.set_rate(LoadSender::highest_rate);
  CHECK(comes_true([&] { return well.calls > 4 * LoadSender::most_in_flight; }));
  over = true;
}

TEST_CASE("instances that never answer hold a bounded number of calls") {
  std::atomic<bool> over = false;
  FakeInstance instance;
  instance.on("/call", [&](const auto&, auto&) { comes_true([&] { return over.load(); }); });
  instance.start();
  LoadSender sender({instance.url()});
  sender.set_rate(LoadSender::highest_rate);
  REQUIRE(comes_true([&] { return sender.sent() == LoadSender::most_in_flight; }));
  std::this_thread::sleep_for(milliseconds(100));  // in which a hundred more fall due
  CHECK(sender.sent() == LoadSender::most_in_flight);
  over = true;
}

TEST_CASE("a rate out of bounds is cut") {
  LoadSender sender({"http://127.0.0.1:1"});
  sender.set_rate(1e9);
  CHECK(sender.rate() == LoadSender::highest_rate);
  sender.set_rate(-1);
  CHECK(sender.rate() == 0);
}
