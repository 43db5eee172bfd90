#include "load_generator/load/engine.hpp"

#include <curl/curl.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

#include "load_generator/api/fake_instance.hpp"
#include "load_generator/record/latencies.hpp"
#include "load_generator/record/unreachable.hpp"
#include "load_generator/report/report.hpp"
#include "load_generator/report/run_document.hpp"
#include "load_generator/report/run_file.hpp"
#include "load_generator/tests/scratch_file.hpp"
#include "program/processes/descriptor_limit.hpp"

using namespace load;
using std::chrono::milliseconds;

namespace {

constexpr const char* success = R"({"instance":"Instance-A","status":"success","state":"closed","generation":1})";
constexpr const char* unreachable_url = "http://127.0.0.1:1";

std::string status_with(const std::string& transitions) {
  return R"({"instance":"Instance-A","breaker":{"state":"closed","store":"memory"},"transitions":[)" + transitions +
         "]}";
}

EngineSettings at(double rate, milliseconds duration) {
  EngineSettings settings;
  settings.load.rate = rate;
  settings.load.duration = duration;
  return settings;
}

// Runs a function just before the first call, and keeps the summaries.
class TestObserver : public RunObserver {
 public:
  explicit TestObserver(std::function<void()> at_start = [] {}) : at_start_(std::move(at_start)) {}
  void load_starts() override { at_start_(); }
  void second_ended(const SecondSummary& second) override { seconds.push_back(second); }
  std::vector<SecondSummary> seconds;

 private:
  const std::function<void()> at_start_;
};

Run run(const std::string& url, const EngineSettings& settings, RunObserver&& observer = RunObserver()) {
  const program::StopSignal stop;
  return run_load({{"Instance-A", url}}, settings, stop, observer);
}

}  // namespace

TEST_CASE("a stalled instance does not hide its latency: calls leave on time, and their clocks run from then") {
  FakeInstance instance(1);  // one worker, so that a stall holds up everything behind it
  std::atomic<bool> stalled = true;
  instance.on("/status", status_with(""));
  instance.on("/call", [&](const auto&, auto& response) {
    stalled.wait(true);
    response.set_content(success, "application/json");
  });
  instance.start();
  std::chrono::steady_clock::time_point begun, stalled_until;
  EngineSettings settings = at(50, milliseconds(400));
  settings.actions = {{milliseconds(390), [&] {
                         stalled_until = std::chrono::steady_clock::now();
                         stalled = false;
                         stalled.notify_all();
                       }}};
  const Run result = run(instance.url(), settings, TestObserver([&] { begun = std::chrono::steady_clock::now(); }));
  REQUIRE(result.calls.size() == 20);
  CHECK(result.last_send >= milliseconds(380));
  CHECK(begun + result.last_send <= stalled_until);  // a closed loop would have sent one call by then
  const auto latency = latencies(result, CallStatus::success);
  REQUIRE(latency);
  CHECK(latency->max >= 390);
  CHECK(latency->p50 >= 190);  // a closed loop would report one slow call and 19 fast ones
}

TEST_CASE("answers are counted by kind, and garbage counts as no answer") {
  FakeInstance instance;
  instance.on("/status", status_with(""));
  instance.on("/call", [count = std::make_shared<std::atomic<size_t>>()](const auto&, auto& response) {
    const std::vector<std::string> bodies{
        success,
        R"({"status":"failure","probe":true,"late":true})",
        R"({"status":"exception","upstream_calls":0})",
        R"({"status":"blocked"})",
        R"({"status":"splendid"})",
        "[]",
        "{\"status\":\"succ",
        std::string(2 * 1024 * 1024, ' '),
    };
    response.set_content(bodies.at((*count)++), "application/json");
  });
  instance.start();
  const Run result = run(instance.url(), at(20, milliseconds(400)));
  REQUIRE(result.calls.size() == 8);
  // On a busy machine a call may overtake another one, so the answers may be in any order.
  const auto with = [&](CallStatus status) {
    std::vector<Call> calls;
    std::copy_if(result.calls.begin(), result.calls.end(), std::back_inserter(calls),
                 [status](const Call& call) { return call.status == status; });
    return calls;
  };
  CHECK(with(CallStatus::success).size() == 1);
  REQUIRE(with(CallStatus::failure).size() == 1);
  CHECK(with(CallStatus::failure)[0].probe);
  CHECK(with(CallStatus::failure)[0].late);
  REQUIRE(with(CallStatus::exception).size() == 1);
  CHECK(with(CallStatus::exception)[0].upstream_calls == 0);
  CHECK(with(CallStatus::blocked).size() == 1);
  CHECK(with(CallStatus::unreachable).size() == 4);
}

TEST_CASE("a call's requests to the upstream are those that the answer reports, or follow from its status") {
  const auto requests = [](const std::string& body) {
    program::HttpReply reply;
    reply.status = 200;
    reply.body = body;
    return read_call(reply).upstream_calls;
  };
  CHECK(requests(R"({"status":"success","upstream_calls":3})") == 3);
  CHECK(requests(R"({"status":"blocked","upstream_calls":2})") == 2);
  CHECK(requests(R"({"status":"exception"})") == 1);
  CHECK(requests(R"({"status":"blocked"})") == 0);
  CHECK(requests(R"({"status":"failure","upstream_calls":-1})") == 1);
  CHECK(requests(R"({"status":"failure","upstream_calls":"many"})") == 1);
  CHECK(requests(R"({"status":"failure","upstream_calls":18446744073709551615})") == 1000);
  CHECK(requests("no JSON") == 0);
}

TEST_CASE("a blocked call was blocked by the breaker unless the answer names the bulkhead") {
  const auto refused_by_bulkhead = [](const std::string& body) {
    program::HttpReply reply;
    reply.status = 503;
    reply.body = body;
    return read_call(reply).refused_by_bulkhead;
  };
  CHECK(refused_by_bulkhead(R"({"status":"blocked","blocked_by":"bulkhead"})"));
  CHECK_FALSE(refused_by_bulkhead(R"({"status":"blocked","blocked_by":"breaker"})"));
  CHECK_FALSE(refused_by_bulkhead(R"({"status":"blocked"})"));
  CHECK_FALSE(refused_by_bulkhead(R"({"status":"success","blocked_by":"bulkhead"})"));
}

TEST_CASE("the body gives a call's outcome, whatever the HTTP status: a fallback answers 200") {
  program::HttpReply reply;
  reply.status = 200;
  reply.body = R"({"status":"failure","upstream_calls":1,"fallback":{"message":"yesterday's"}})";
  CHECK(read_call(reply).status == CallStatus::failure);
}

TEST_CASE("an observer gets each call and each transition of the run when it is known, and no others") {
  struct Collector : RunObserver {
    void call_ended(const Call& call) override { calls.push_back(call); }
    void transition_reported(const Transition& transition) override { transitions.push_back(transition); }
    std::vector<Call> calls;
    std::vector<Transition> transitions;
  } collector;
  FakeInstance instance;
  std::atomic<int> answered = 0;
  instance.on("/call", [&](const auto&, auto& response) {
    answered += 1;
    response.set_content(success, "application/json");
  });
  instance.on("/status", [&](const auto&, auto& response) {
    const std::string before = R"({"generation":1,"from":"closed","to":"open","cause":"old","at_ms":1})";
    const std::string later = R"(,{"generation":2,"from":"open","to":"closed","cause":"new","at_ms":2})";
    response.set_content(status_with(before + (answered > 0 ? later : "")), "application/json");
  });
  instance.start();
  const program::StopSignal stop;
  const Run result = run_load({{"Instance-A", instance.url()}}, at(20, milliseconds(300)), stop, collector);
  REQUIRE(collector.calls.size() == 6);
  for (const Call& call : collector.calls) CHECK(call.status == CallStatus::success);
  CHECK(result.calls.back().latency == collector.calls.back().latency);
  REQUIRE(collector.transitions.size() == 1);
  CHECK(collector.transitions[0].cause == "new");
  CHECK(collector.transitions[0].at == result.transitions.at(0).at);
}

TEST_CASE("transitions from before the load are not part of the run, and none is recorded twice") {
  const std::string old = R"({"generation":1,"from":"closed","to":"open","cause":"old","at_ms":1000,"age_ms":100000})";
  const std::string fresh =
      R"({"generation":2,"from":"open","to":"half_open","cause":"new","at_ms":101000,"age_ms":0})";
  std::atomic<int> polls = 0;
  FakeInstance instance;
  instance.on("/call", success);
  instance.on("/status", [&](const auto&, auto& response) {
    response.set_content(status_with(++polls == 1 ? old : old + "," + fresh), "application/json");
  });
  instance.start();
  const Run result = run(instance.url(), at(10, milliseconds(500)));
  REQUIRE(result.transitions.size() == 1);
  CHECK(result.transitions[0].cause == "new");
  CHECK(result.transitions[0].from == State::open);
  CHECK(polls >= 3);
  CHECK(result.samples.at(0).size() >= 2);
}

namespace {

// At the time of the call.
std::string dated(std::chrono::system_clock::time_point at, milliseconds clock_ahead = milliseconds(0)) {
  const auto date = std::chrono::floor<milliseconds>((at + clock_ahead).time_since_epoch()).count();
  const auto age = std::chrono::floor<milliseconds>(std::chrono::system_clock::now() - at).count();
  return R"("at_ms":)" + std::to_string(date) + R"(,"age_ms":)" + std::to_string(age);
}

// An instance whose clock differs from ours. It has a history, and makes transitions between two polls.
class WithAnotherClock {
 public:
  using system_clock = std::chrono::system_clock;

  explicit WithAnotherClock(milliseconds ahead) : ahead_(ahead) {
    happened_.push_back(system_clock::now() - std::chrono::seconds(100));
    instance_.on("/call", success);
    instance_.on("/status", [this](const auto&, auto& response) {
      const std::scoped_lock lock(mutex_);
      asked_ += 1;
      if (asked_ == 2 || asked_ == 4) happened_.push_back(system_clock::now());
      response.set_content(status_with(transitions()), "application/json");
    });
    instance_.start();
  }
  const std::string& url() const { return instance_.url(); }
  std::vector<system_clock::time_point> happened() const {  // the history first
    const std::scoped_lock lock(mutex_);
    return happened_;
  }

 private:
  std::string transitions() const {
    std::string list;
    for (size_t i = 0; i < happened_.size(); ++i) {
      list += (i == 0 ? "" : ",") + (R"({"from":"closed","to":"open","generation":)" + std::to_string(i + 1)) + "," +
              dated(happened_[i], ahead_) + "}";
    }
    return list;
  }

  const milliseconds ahead_;
  mutable std::mutex mutex_;
  int asked_ = 0;
  std::vector<system_clock::time_point> happened_;
  FakeInstance instance_;  // last: its handler uses the rest
};

void check_transitions_with_a_clock(milliseconds ahead) {
  CAPTURE(ahead.count());
  const WithAnotherClock instance(ahead);
  std::chrono::system_clock::time_point start;
  const Run result =
      run(instance.url(), at(10, milliseconds(900)), TestObserver([&] { start = std::chrono::system_clock::now(); }));
  REQUIRE(instance.happened().size() == 3);
  REQUIRE(result.transitions.size() == 2);
  for (size_t i = 0; i < 2; ++i) {
    const auto happened = std::chrono::floor<milliseconds>(instance.happened()[i + 1] - start);
    CHECK(result.transitions[i].generation == i + 2);
    CHECK(result.transitions[i].at >= happened - milliseconds(10));
    CHECK(result.transitions[i].at <= happened + milliseconds(1500));  // a busy machine; an idle one is 100 ms off
  }
}

}  // namespace

TEST_CASE("transitions of an instance with another clock get the time when they happened") {
  for (const int ahead_ms : {0, 30'000, -5'000}) check_transitions_with_a_clock(milliseconds(ahead_ms));
}

namespace {

std::string transition_dated(std::chrono::system_clock::time_point at, const std::string& cause) {
  return R"({"generation":1,"from":"closed","to":"open","cause":")" + cause + "\"," + dated(at) + "}";
}

}  // namespace

TEST_CASE("an instance that hangs while the load begins adds its new transitions to the run, but no old ones") {
  const auto before = std::chrono::system_clock::now() - milliseconds(500);
  std::promise<std::string> continues;
  FakeInstance instance;
  instance.on("/call", success);
  instance.on("/status", [&, later = continues.get_future().share()](const auto&, auto& response) {
    const std::string fresh = later.get();
    response.set_content(status_with(transition_dated(before, "old") + fresh), "application/json");
  });
  instance.start();
  EngineSettings settings = at(10, milliseconds(500));
  settings.actions = {{milliseconds(200),
                       [&] { continues.set_value("," + transition_dated(std::chrono::system_clock::now(), "new")); }}};
  const Run result = run(instance.url(), settings);
  REQUIRE(result.transitions.size() == 1);
  CHECK(result.transitions[0].cause == "new");
  CHECK(result.transitions[0].at >= milliseconds(190));
}

TEST_CASE("what an observer does before the first call is part of the run, however long it takes") {
  std::mutex mutex;
  std::optional<std::chrono::system_clock::time_point> overridden;
  FakeInstance instance;
  instance.on("/call", success);
  instance.on("/status", [&](const auto&, auto& response) {
    const std::scoped_lock lock(mutex);
    response.set_content(status_with(overridden ? transition_dated(*overridden, "override") : ""), "application/json");
  });
  instance.start();
  const auto at_start = [&] {
    const std::scoped_lock lock(mutex);
    overridden = std::chrono::system_clock::now();
    std::this_thread::sleep_for(milliseconds(1200));  // as a busy machine does
  };
  const Run result = run(instance.url(), at(10, milliseconds(300)), TestObserver(at_start));
  REQUIRE(result.transitions.size() == 1);
  CHECK(result.transitions[0].at <= milliseconds(-1190));
  CHECK(result.transitions[0].at >= milliseconds(-10'000));
}

TEST_CASE("a tenant's transitions are not those of the breaker that the load meets") {
  program::HttpReply reply;
  reply.status = 200;
  reply.body = status_with(R"({"context":"acme","from":"closed","to":"open"},{"from":"closed","to":"half_open"})");
  const auto status = read_status(reply);
  REQUIRE(status);
  REQUIRE(status->transitions.size() == 1);
  CHECK(status->transitions[0].to == State::half_open);
}

TEST_CASE("would-be trips count from the start of the load to its last status") {
  std::atomic<int> trips = 5;
  FakeInstance instance;
  instance.on("/call", success);
  instance.on("/status", [&](const auto&, auto& response) {
    response.set_content(
        R"({"instance":"A","breaker":{"state":"closed","would_have_tripped":)" + std::to_string(trips) + "}}",
        "application/json");
  });
  instance.start();
  const Run result = run(instance.url(), at(10, milliseconds(500)), TestObserver([&] { trips = 11; }));
  CHECK(result.would_have_tripped == std::vector{std::optional<uint64_t>(6)});
}

TEST_CASE("every second is reported once, and the counts add up") {
  FakeInstance instance;
  instance.on("/call", success);
  instance.on("/status", status_with(""));
  instance.start();
  TestObserver observer;
  const program::StopSignal stop;
  run_load({{"Instance-A", instance.url()}}, at(20, milliseconds(1500)), stop, observer);
  const auto& seconds = observer.seconds;
  REQUIRE(seconds.size() == 2);
  CHECK(seconds[0].number == 1);
  CHECK(seconds[0].sent + seconds[1].sent == 30);
  CHECK(seconds[0].ok + seconds[1].ok == 30);
  CHECK(seconds[1].states == std::vector{State::closed});
}

TEST_CASE("timed actions run in order, once and not before their time, while the load continues") {
  FakeInstance instance;
  instance.on("/call", success);
  instance.on("/status", status_with(""));
  instance.start();
  std::vector<int> run_at;
  std::chrono::steady_clock::time_point begun;
  EngineSettings settings = at(20, milliseconds(400));
  for (const int ms : {0, 55, 55, 333}) {
    settings.actions.push_back({milliseconds(ms), [&run_at, &begun, ms] {
                                  CHECK(std::chrono::steady_clock::now() - begun >= milliseconds(ms));
                                  run_at.push_back(ms);
                                }});
  }
  const Run result = run(instance.url(), settings, TestObserver([&] { begun = std::chrono::steady_clock::now(); }));
  CHECK(run_at == std::vector{0, 55, 55, 333});
  CHECK(result.calls.size() == 8);
}

TEST_CASE("the load lasts until the last timed action has run, even if every call was answered before") {
  FakeInstance instance;
  instance.on("/call", success);
  instance.on("/status", status_with(""));
  instance.start();
  bool has_run = false;
  EngineSettings settings = at(20, milliseconds(100));
  settings.actions = {{milliseconds(300), [&has_run] { has_run = true; }}};
  const Run result = run(instance.url(), settings);
  CHECK(has_run);
  CHECK(result.length >= milliseconds(300));
  CHECK(result.calls.size() == 2);
}

TEST_CASE("samples and transitions of a local breaker are marked as local") {
  const std::string own = R"({"generation":2,"from":"closed","to":"open","cause":"local: 3 failures","at_ms":1})";
  const std::string shared = R"({"generation":3,"from":"open","to":"closed","cause":"3 local: failures","at_ms":2})";
  std::atomic<int> polls = 0;
  FakeInstance instance;
  instance.on("/call", success);
  instance.on("/status", [&](const auto&, auto& response) {
    response.set_content(R"({"instance":"Instance-A","breaker":{"state":"open","store":"local"},"transitions":[)" +
                             (++polls == 1 ? "" : own + "," + shared) + "]}",
                         "application/json");
  });
  instance.start();
  const Run polled = run(instance.url(), at(10, milliseconds(300)));
  CHECK(polled.shared_breaker);
  REQUIRE_FALSE(polled.samples.at(0).empty());
  for (const Sample& sample : polled.samples[0]) CHECK(sample.local);
  REQUIRE(polled.transitions.size() == 2);
  CHECK(polled.transitions[0].local);
  CHECK_FALSE(polled.transitions[1].local);
}

TEST_CASE("a stop signal ends the load at once, and calls without an answer stay in the run as unreachable") {
  FakeInstance instance;
  instance.on("/status", status_with(""));
  instance.on("/call", [](const auto&, auto& response) {
    std::this_thread::sleep_for(milliseconds(1500));
    response.set_content(success, "application/json");
  });
  instance.start();
  struct Interrupter : RunObserver {
    void tick(Offset now) override {
      if (now > milliseconds(250)) raise(SIGINT);
    }
  };
  const Run result = run(instance.url(), at(20, milliseconds(10'000)), Interrupter());
  CHECK(result.interrupted);
  CHECK(result.length < milliseconds(1000));
  REQUIRE(result.calls.size() > 4);
  for (const Call& call : result.calls) {
    CHECK(call.status == CallStatus::unreachable);
    CHECK(call.may_have_arrived);
  }
}

TEST_CASE("calls to an instance that does not listen are unreachable, have not arrived, and its state is unknown") {
  const Run result = run(unreachable_url, at(20, milliseconds(200)));
  REQUIRE(result.calls.size() == 4);
  for (const Call& call : result.calls) {
    CHECK(call.status == CallStatus::unreachable);
    CHECK_FALSE(call.may_have_arrived);
  }
  for (const Sample& sample : result.samples.at(0)) CHECK(sample.state == State::unknown);
}

TEST_CASE("a call that is unreachable says why, in the record, the report and the file") {
  FakeInstance instance;
  instance.on("/status", status_with(""));
  instance.on("/call", R"({"status":"splendid"})");
  instance.start();
  CHECK(
      unreachable_calls(run(instance.url(), at(20, milliseconds(100)))).at({0, "HTTP 200 without a call's outcome"}) ==
      2);
  const std::string refused =
      std::string(curl_easy_strerror(CURLE_COULDNT_CONNECT)) + ": Connection refused (ECONNREFUSED)";
  CHECK(unreachable_calls(run(unreachable_url, at(20, milliseconds(100)))).at({0, refused}) == 2);

  std::optional<program::DescriptorLimit> none;
  const Run result = run(unreachable_url, at(20, milliseconds(100)), TestObserver([&none] { none.emplace(); }));
  none.reset();
  const std::string no_descriptor = "Too many open files (EMFILE)";
  CHECK(unreachable_calls(result).at({0, no_descriptor}) == 2);
  CHECK(report(result).find("Instance-A                 2  " + no_descriptor + "\n") != std::string::npos);
  const ScratchFolder folder;
  write_run_file(folder.path("run.json"), finish(result, {"descriptors", "by hand", "Why?", {}, {}}));
  const auto file = read_json_file(folder.path("run.json"));
  REQUIRE(file["unreachable"].size() == 1);
  CHECK(file["unreachable"][0].dump() == R"({"instance":"Instance-A","error":")" + no_descriptor + R"(","calls":2})");
}

TEST_CASE("an answer that is not the status of an instance does not make it one") {
  FakeInstance other;
  other.on("/status", "I am another program");
  other.start();
  FakeInstance none;
  none.start();
  CHECK_THROWS_WITH_AS(find_targets({other.url()}, program::StopSignal()), doctest::Contains("HTTP 200, but not"),
                       std::runtime_error);
  CHECK_THROWS_WITH_AS(find_targets({none.url()}, program::StopSignal()), doctest::Contains("HTTP 404, but not"),
                       std::runtime_error);
}

TEST_CASE("targets have the names that their instances report; without any answer there is one clear line") {
  FakeInstance named;
  named.on("/status", status_with(""));
  named.start();
  FakeInstance nameless;
  nameless.start();
  const auto targets = find_targets({unreachable_url, named.url(), nameless.url()}, program::StopSignal());
  CHECK(targets.at(0).name == unreachable_url);
  CHECK(targets.at(1).name == "Instance-A");
  CHECK(targets.at(2).name == nameless.url());
  CHECK_THROWS_WITH_AS(find_targets({unreachable_url}, program::StopSignal()),
                       doctest::Contains("no instance answers at http://127.0.0.1:1"), std::runtime_error);
}

TEST_CASE("of two targets with one name, one also has its URL, in a run's file too, and they share an account") {
  FakeInstance first, second;
  for (FakeInstance* instance : {&first, &second}) {
    instance->on("/status", status_with(""));
    instance->on("/call", success);
    instance->start();
  }
  const auto targets = find_targets({first.url(), second.url(), second.url()}, program::StopSignal());
  const std::string other = "Instance-A (" + second.url() + ")";
  CHECK(targets.at(0).name == "Instance-A");
  CHECK(targets.at(1).name == other);
  CHECK(targets.at(2).name == other + " (" + second.url() + ")");
  const program::StopSignal stop;
  RunObserver observer;
  Run result = run_load({targets[0], targets[1]}, at(20, milliseconds(200)), stop, observer);
  result.ledger = Ledger{{"Instance-A", {4, 4, 0, 0, 0}}};
  const FinishedRun finished = finish(result, {"twins", "by hand", "Who is who?", {}, {}});
  CHECK(finished.summary.measures.at("unexplained") == 0);
  const ScratchFolder folder;
  write_run_file(folder.path("run.json"), finished);
  const auto document = run_document(folder.path("run.json"));
  CHECK(document["instances"] == nlohmann::ordered_json{"Instance-A", other});
  CHECK(document["states"].size() == 2);
}

namespace {

// An instance that records the overrides that it receives, and answers with `http_status`.
class Overridable {
 public:
  Overridable(const std::string& store, int http_status, const std::string& breaker = "x") {
    instance_.on("/status", R"({"instance":"x","breaker":{"state":"closed","name":")" + breaker + R"(","store":")" +
                                store + R"("}})");
    instance_.on_put("/breaker/override", [this, http_status](const auto& request, auto& response) {
      received_.push_back(request.body);
      response.status = http_status;
      response.set_content(R"({"error":"not by you"})", "application/json");
    });
    instance_.start();
  }
  const std::string& url() const { return instance_.url(); }
  const std::vector<std::string>& received() const { return received_; }

 private:
  std::vector<std::string> received_;
  FakeInstance instance_;  // last: its handler uses the list
};

const ManualOverride metrics_only{"metrics_only", "scenario", "to see what it would do"};

}  // namespace

TEST_CASE("an override is sent to every instance that has its own breaker") {
  const Overridable a("memory", 200), b("memory", 200);
  put_override({{"a", a.url()}, {"b", b.url()}}, metrics_only);
  const std::string body = R"({"actor":"scenario","mode":"metrics_only","reason":"to see what it would do"})";
  CHECK(a.received() == std::vector{body});
  CHECK(b.received() == std::vector{body});
}

TEST_CASE("an override is sent once to each shared breaker, and to every instance that shares none") {
  const Overridable a("redis", 200), b("redis", 200), unshared("memory", 200), other("redis", 200, "y");
  put_override({{"a", a.url()}, {"b", b.url()}, {"unshared", unshared.url()}, {"other", other.url()}}, metrics_only);
  CHECK(a.received().size() == 1);
  CHECK(b.received().empty());
  CHECK(unshared.received().size() == 1);
  CHECK(other.received().size() == 1);
}

TEST_CASE("if an instance refuses an override or does not answer, the others get it, and one line says which have it") {
  const Overridable a("memory", 400), b("memory", 200);
  CHECK_THROWS_WITH_AS(put_override({{"a", a.url()}, {"b", b.url()}}, metrics_only),
                       "a refuses the override: not by you; it is in force at b", std::runtime_error);
  CHECK(b.received().size() == 1);
  CHECK_THROWS_WITH_AS(put_override({{"c", unreachable_url}, {"a", a.url()}}, metrics_only),
                       doctest::Contains("c gives no answer ("), std::runtime_error);
  CHECK(a.received().size() == 2);
}

TEST_CASE("text from outside loses its control characters, and is cut") {
  CHECK(printable("a\033[31mb\n", 100) == "a [31mb ");
  CHECK(printable("abcdefgh", 6) == "abc...");
  CHECK(printable("a\xc2\x9b"
                  "31m \xe2\x80\xaex\xe2\x81\xa9\xd8\x9c.\xe2\x80\x8f",
                  100) == "a31m x.");
  const std::string seen = "\u00e9 \u2026 \u05d0\u0628 \xc2 \xe2\x80";  // letters of all directions, and halves of some
  CHECK(printable(seen, 100) == seen);
}
