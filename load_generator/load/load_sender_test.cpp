#include "load_generator/load/load_sender.hpp"

#include <doctest/doctest.h>

#include <atomic>

#include "load_generator/api/fake_instance.hpp"
#include "load_generator/tests/seen_for_test.hpp"

using namespace load;
using std::chrono::milliseconds;

namespace {

// Counts the calls that arrive.
struct Counter {
  Counter() {
    instance.on("/call", [this](const auto&, auto&) { ++calls; });
    instance.start();
  }
  std::atomic<uint64_t> calls = 0;
  FakeInstance instance;
};

// Never answers a call, until it is destroyed.
struct Hung {
  Hung() {
    instance.on("/call", [this](const auto&, auto&) { comes_true([this] { return over.load(); }); });
    instance.start();
  }
  ~Hung() { over = true; }
  FakeInstance instance;
  std::atomic<bool> over = false;
};

// For longer than it takes to send some calls.
bool sends_nothing(const LoadSender& sender) {
  const uint64_t before = sender.sent();
  return !program::wait_until([&] { return sender.sent() > before; }, milliseconds(30));
}

}  // namespace

TEST_CASE("calls go to one instance or the other, and stop at rate 0") {
  Counter a;
  Counter b;
  LoadSender sender({a.instance.url(), b.instance.url()});
  CHECK(sender.sent() == 0);
  sender.set_rate(500);
  REQUIRE(comes_true([&] { return sender.sent() >= 50; }));
  sender.set_rate(0);
  REQUIRE(comes_true([&] { return a.calls + b.calls == sender.sent(); }));
  CHECK(sends_nothing(sender));
  CHECK(a.calls >= sender.sent() / 4);
  CHECK(b.calls >= sender.sent() / 4);
}

TEST_CASE("a pause sends nothing, and keeps the rate") {
  Counter counter;
  LoadSender sender({counter.instance.url()});
  sender.pause();
  sender.set_rate(1000);
  CHECK(sends_nothing(sender));
  CHECK(sender.sent() == 0);
  CHECK(sender.rate() == 1000);
  sender.go_on();
  CHECK(comes_true([&] { return counter.calls > 10; }));
}

TEST_CASE("instances that never answer hold a bounded number of calls, and take none from the others") {
  Hung hung;
  Counter well;
  LoadSender sender({hung.instance.url(), well.instance.url()});
  sender.set_rate(LoadSender::highest_rate);
  CHECK(comes_true([&] { return well.calls > LoadSender::most_in_flight; }));
  CHECK(sender.sent() - well.calls <= LoadSender::most_in_flight);
}

TEST_CASE("a rate near zero does not delay the end of the sender") {
  LoadSender sender({"http://127.0.0.1:1"});
  sender.set_rate(1e-300);
  CHECK(sends_nothing(sender));
}

TEST_CASE("a rate out of bounds is cut") {
  LoadSender sender({"http://127.0.0.1:1"});
  sender.set_rate(1e9);
  CHECK(sender.rate() == LoadSender::highest_rate);
  sender.set_rate(-1);
  CHECK(sender.rate() == 0);
}
