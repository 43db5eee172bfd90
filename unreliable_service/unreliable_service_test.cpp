#include "unreliable_service/unreliable_service.hpp"

#include <doctest/doctest.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "program/http/http_client.hpp"
#include "program/processes/child_process.hpp"
#include "program/processes/fair_stopwatch.hpp"
#include "program/wait_until.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using program::ChildProcess;
using program::HttpReply;
using program::wait_until;
using unreliable::Fault;
using unreliable::FaultPlan;

namespace {

const bool quiet = (spdlog::set_level(spdlog::level::off), true);

const std::string binary = LAB_BIN_DIR "/unreliable_service";

HttpReply send(const std::string& method, const std::string& url, const std::string& body = "") {
  program::HttpRequest request;
  request.method = method;
  request.url = url;
  request.body = body;
  if (!body.empty()) request.headers = {"Content-Type: application/json"};
  request.timeout = 10s;
  return program::send(request);
}

HttpReply get(const std::string& url) { return send("GET", url); }
HttpReply put(const std::string& url, const std::string& body) { return send("PUT", url, body); }

void get_as(const std::string& caller, const std::string& url) {
  program::HttpRequest request;
  request.url = url;
  request.headers = {"X-Caller: " + caller};
  program::send(request);
}

HttpReply get_impatiently(const std::string& url) {
  program::HttpRequest request;
  request.url = url;
  request.timeout = 100ms;
  return program::send(request);
}

json get_json(const std::string& url) { return json::parse(get(url).body, nullptr, false); }

// A service in this process, on a free port.
class Served {
 public:
  explicit Served(const FaultPlan& plan, size_t workers = 8)
      : service_(plan, 42, [this] { return stopping_.load(); }), server_(workers) {
    service_.add_routes(server_);
    url_ = "http://127.0.0.1:" + std::to_string(server_.bind("127.0.0.1", 0));
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }

  ~Served() {
    stopping_ = true;
    server_.stop();
    thread_.join();
  }

  std::string operator/(const std::string& path) const { return url_ + "/" + path; }

 private:
  std::atomic<bool> stopping_{false};
  unreliable::UnreliableService service_;
  program::HttpServer server_;
  std::string url_;
  std::thread thread_;
};

// The binary, on a free port.
class Started {
 public:
  explicit Started(std::vector<std::string> options) : process(command(std::move(options))) {
    const std::string line = process.wait_for_line("listening on ");
    url = line.substr(line.find("http://"));
  }

  ChildProcess process;
  std::string url;

 private:
  static std::vector<std::string> command(std::vector<std::string> options) {
    options.insert(options.begin(), {binary, "--port", "0"});
    return options;
  }
};

std::vector<int> statuses(const Served& service, int requests) {
  std::vector<int> all;
  for (int i = 0; i < requests; ++i) all.push_back(get(service / "data").status);
  return all;
}

auto line_count(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

}  // namespace

TEST_CASE("a healthy service succeeds, and a failing one answers 500") {
  const Served healthy{FaultPlan(Fault{})};
  CHECK(get(healthy / "data").status == 200);
  CHECK(get_json(healthy / "data") == json{{"message", "Success"}});
  CHECK(get(healthy / "health").status == 200);
  const Served failing{FaultPlan(Fault{.failure_rate = 1})};
  CHECK(get(failing / "data").status == 500);
  CHECK(get_json(failing / "data") == json{{"error", "Service failed"}});
  CHECK(get(failing / "health").status == 200);
}

TEST_CASE("the same seed fails the same requests") {
  const FaultPlan flaky(Fault{.failure_rate = 0.6});
  const Served one(flaky);
  const Served other(flaky);
  const auto expected = statuses(one, 30);
  CHECK(statuses(other, 30) == expected);
  CHECK(std::count(expected.begin(), expected.end(), 500) > 5);
  CHECK(std::count(expected.begin(), expected.end(), 200) > 5);
}

TEST_CASE("a dropped request gets no answer, and its connection is closed at once") {
  const Served service{FaultPlan(Fault{.drop_rate = 1})};
  const HttpReply reply = get(service / "data");
  CHECK(reply.status == 0);
  CHECK(reply.connected);
  CHECK_FALSE(reply.timed_out);
}

TEST_CASE("a slow answer takes the fault's latency") {
  const Served service{FaultPlan(Fault{.latency = 150ms})};
  const auto before = std::chrono::steady_clock::now();
  CHECK(get(service / "data").status == 200);
  CHECK(std::chrono::steady_clock::now() - before >= 150ms);
}

TEST_CASE("a hanging request gets no answer, and frees its worker when the client disconnects") {
  const Served service(FaultPlan(Fault{.hang_rate = 1}), 1);
  const HttpReply reply = get_impatiently(service / "data");
  CHECK(reply.status == 0);
  CHECK(reply.timed_out);
  put(service / "fault", R"({"hang_rate":0})");
  CHECK(get(service / "data").status == 200);  // by the only worker, long before the hang would end
}

TEST_CASE("the ledger counts every request by caller and fate, answered or not") {
  std::jthread hanging;  // until the service ends
  const Served service{FaultPlan(Fault{})};
  get_as("Instance-A", service / "data");
  put(service / "fault", R"({"failure_rate":1})");
  get_as("Instance-A", service / "data");
  put(service / "fault", R"({"drop_rate":1})");
  get_as("Instance-B", service / "data");
  put(service / "fault", R"({"drop_rate":0,"hang_rate":1})");
  hanging = std::jthread([url = service / "data"] { get(url); });
  REQUIRE(wait_until([&] { return get_json(service / "ledger")["total"]["received"] == 4; }, 10s));
  const json none{{"received", 0}, {"success", 0}, {"failure", 0}, {"hang", 0}, {"drop", 0}};
  const json a{{"received", 2}, {"success", 1}, {"failure", 1}, {"hang", 0}, {"drop", 0}};
  const json b{{"received", 1}, {"success", 0}, {"failure", 0}, {"hang", 0}, {"drop", 1}};
  const json unknown{{"received", 1}, {"success", 0}, {"failure", 0}, {"hang", 1}, {"drop", 0}};
  const json total{{"received", 4}, {"success", 1}, {"failure", 1}, {"hang", 1}, {"drop", 1}};
  CHECK(get_json(service / "ledger") ==
        json{{"total", total}, {"callers", {{"Instance-A", a}, {"Instance-B", b}, {"(unknown)", unknown}}}});
  const json empty{{"total", none}, {"callers", json::object()}};
  CHECK(json::parse(send("DELETE", service / "ledger").body) == empty);
  CHECK(get_json(service / "ledger") == empty);
}

TEST_CASE("the fault can be changed while every worker hangs") {
  const Served service(FaultPlan(Fault{.hang_rate = 1}), 1);
  std::jthread hanging([url = service / "data"] { get(url); });
  REQUIRE(wait_until([&] { return get_json(service / "ledger")["total"]["hang"] == 1; }, 10s));
  CHECK(put(service / "fault", R"({"hang_rate":0})").status == 200);
  CHECK(get(service / "health").status == 200);
}

TEST_CASE("a changed fault keeps the fields that the request omits") {
  const Served service{FaultPlan(Fault{.failure_rate = 0.25})};
  const HttpReply reply = put(service / "fault", R"({"latency_ms":5,"drop_rate":0.5})");
  CHECK(reply.status == 200);
  const json expected{{"failure_rate", 0.25}, {"latency_ms", 5}, {"hang_rate", 0.0}, {"drop_rate", 0.5}};
  CHECK(json::parse(reply.body) == expected);
  CHECK(get_json(service / "fault") == expected);
}

TEST_CASE("a plan starts when it is PUT, and then runs by itself") {
  const Served service{FaultPlan(Fault{})};
  CHECK(put(service / "fault", R"({"plan":"down"})").status == 200);
  CHECK(get(service / "health").status == 503);
  CHECK(get_json(service / "fault")["plan"] == "down");
  CHECK(put(service / "fault", R"({"plan":"down 50ms, healthy"})").status == 200);
  REQUIRE(wait_until([&] { return get(service / "health").status == 200; }, 10s));
  CHECK(get_json(service / "fault")["failure_rate"] == 0.0);
}

TEST_CASE("a changed field ends the plan, and only a plan can be down") {
  const Served service{FaultPlan("down")};
  CHECK(put(service / "fault", R"({"latency_ms":1})").status == 200);
  CHECK(get(service / "health").status == 200);
  CHECK(get_json(service / "fault") ==
        json{{"failure_rate", 1.0}, {"latency_ms", 1}, {"hang_rate", 0.0}, {"drop_rate", 0.0}});
}

TEST_CASE("a bad change yields field and value, and changes nothing") {
  const Served service{FaultPlan("flaky 0.25")};
  const json before = get_json(service / "fault");
  const HttpReply too_large = put(service / "fault", std::string(100'000, ' '));
  CHECK(too_large.status == 413);
  CHECK(json::parse(too_large.body) == json{{"error", "the body is too large; the limit is 64 KiB"}});
  const auto refused = [&](const std::string& body, const std::string& part) {
    CAPTURE(body.substr(0, 100));
    const HttpReply reply = put(service / "fault", body);
    CHECK(reply.status == 400);
    const std::string error = json::parse(reply.body).at("error");
    CHECK_MESSAGE(error.find(part) != std::string::npos, error);
    CHECK(error.size() < 300);
    CHECK(get_json(service / "fault") == before);
  };
  refused("{", "JSON");
  refused("banana", "JSON");
  refused(R"({"failure_rate":0.5)", "JSON");
  refused(R"({"failure_rate":1e999})", "JSON");
  refused("{\"plan\":\"\xff\"}", "JSON");
  refused("[1]", "object");
  refused("null", "object");
  refused(R"({"failure_rate":1.5})", "failure_rate is 1.5");
  refused(R"({"failure_rate":-0.1})", "failure_rate is -0.1");
  refused(R"({"failure_rate":"high"})", R"(failure_rate is "high")");
  refused(R"({"hang_rate":true})", "hang_rate is true");
  refused(R"({"drop_rate":null})", "drop_rate is null");
  refused(R"({"drop_rate":{}})", "drop_rate is an object");
  refused(R"({"latency_ms":-1})", "latency_ms is -1");
  refused(R"({"latency_ms":60001})", "latency_ms is 60001");
  refused(R"({"latency_ms":1.5})", "latency_ms is 1.5");
  refused(R"({"latency_ms":18446744073709551615})", "latency_ms is 18446744073709551615");
  refused(R"({"latency_ms":10,"failure_rate":7})", "failure_rate is 7");
  refused(R"({"hang_rate":0.6,"drop_rate":0.6})", "hang_rate + drop_rate is 1.2");
  refused(R"({"failure":1})", R"("failure" with value 1)");
  refused(R"({"down":true})", R"("down")");
  refused("{\"" + std::string(5000, 'x') + "\":\"" + std::string(5000, 'y') + "\"}", "xxx");
  refused("{\"failure_rate\":" + std::string(20000, '[') + std::string(20000, ']') + "}", "failure_rate is an array");
  refused(R"({"plan":7})", "plan is 7");
  refused(R"({"plan":""})", "plan");
  refused(R"({"plan":"down 1s, broken"})", "phase 'broken'");
  refused(R"({"plan":"down","failure_rate":1})", "plan can be combined");
  refused(R"({"plan":"down","failure_rate":1,"dropped_callers":[]})", "plan can be combined");
  refused(R"({"dropped_callers":"Instance-B"})", "dropped_callers is \"Instance-B\"; it must be a list");
  refused(R"({"dropped_callers":null})", "dropped_callers is null");
  refused(R"({"dropped_callers":["a",1]})", "a name in dropped_callers is 1");
  refused(R"({"dropped_callers":[""]})", "a name in dropped_callers is \"\"");
  refused(R"({"dropped_callers":["a\nb"]})", "a name in dropped_callers is");
  refused(R"({"dropped_callers":["\u00e9"]})", "a name in dropped_callers is");
  refused(R"({"dropped_callers":[")" + std::string(65, 'a') + "\"]}", "1 to 64 plain characters");
  refused(R"({"dropped_callers":)" + json(27, "a").dump() + "}", "at most 26 names");
  refused(R"({"dropped_callers":["a"],"failure_rate":7})", "failure_rate is 7");
  refused(R"({"dropped_callers":["a"],"plan":"broken"})", "phase 'broken'");
}

TEST_CASE("only dropped callers get no answer, and the ledger counts that, until they are restored") {
  const Served service{FaultPlan("healthy")};
  const auto status_of = [&](const std::string& caller, const std::string& path) {
    return program::send({.url = service / path, .headers = {"X-Caller: " + caller}}).status;
  };
  CHECK(put(service / "fault", R"({"dropped_callers":["Instance-B","Instance-C"]})").status == 200);
  CHECK(get_json(service / "fault")["dropped_callers"] == json{"Instance-B", "Instance-C"});
  CHECK(status_of("Instance-A", "data") == 200);
  CHECK(status_of("Instance-B", "data") == 0);
  CHECK(status_of("Instance-C", "data") == 0);
  CHECK(get(service / "data").status == 200);
  CHECK(status_of("Instance-A", "health") == 200);
  CHECK(status_of("Instance-B", "health") == 0);
  const json callers = get_json(service / "ledger")["callers"];
  CHECK(callers["Instance-A"]["success"] == 1);
  CHECK(callers["Instance-B"] == json{{"received", 1}, {"success", 0}, {"failure", 0}, {"hang", 0}, {"drop", 1}});
  CHECK(put(service / "fault", R"({"dropped_callers":[]})").status == 200);
  CHECK_FALSE(get_json(service / "fault").contains("dropped_callers"));
  CHECK(status_of("Instance-B", "data") == 200);
}

TEST_CASE("dropped callers and the plan are independent") {
  const Served service{FaultPlan(Fault{})};
  const std::string b = R"("dropped_callers":["Instance-B"])";
  CHECK(put(service / "fault", R"({"plan":"down",)" + b + "}").status == 200);
  CHECK(get_json(service / "fault")["plan"] == "down");
  CHECK(get_json(service / "fault")["dropped_callers"].size() == 1);
  CHECK(get(service / "health").status == 503);
  CHECK(put(service / "fault", R"({"dropped_callers":[]})").status == 200);
  CHECK(get_json(service / "fault")["plan"] == "down");
  CHECK(put(service / "fault", R"({"latency_ms":1,)" + b + "}").status == 200);
  CHECK(get_json(service / "fault")["latency_ms"] == 1);
  CHECK(put(service / "fault", R"({"failure_rate":1})").status == 200);
  CHECK(put(service / "fault", R"({"plan":"healthy"})").status == 200);
  CHECK(get_json(service / "fault")["dropped_callers"] == json{"Instance-B"});
}

TEST_CASE("a plan continues while callers are dropped and restored") {
  const Served service{FaultPlan(Fault{})};
  put(service / "fault", R"({"plan":"down 200ms, healthy"})");
  // If a change restarted the plan, it would never reach its end.
  const auto is_healthy_after_change = [&] {
    put(service / "fault", R"({"dropped_callers":["Instance-B"]})");
    return get(service / "health").status == 200;
  };
  CHECK(wait_until(is_healthy_after_change, 10s));
}

TEST_CASE("dropping a caller does not change the fates of others") {
  const FaultPlan flaky(Fault{.failure_rate = 0.6});
  const Served one(flaky), other(flaky);
  put(other / "fault", R"({"dropped_callers":["Instance-B"]})");
  get_as("Instance-B", one / "data");
  get_as("Instance-B", other / "data");
  CHECK(statuses(other, 20) == statuses(one, 20));
}

TEST_CASE("the program logs the seed, the fault and its changes") {
  Started service({"--seed", "7", "--plan", "healthy 20ms, flaky 0.5"});
  CHECK_NOTHROW(service.process.wait_for_line("seed 7"));
  CHECK_NOTHROW(service.process.wait_for_line("fault: 50 % fail"));
  put(service.url + "/fault", R"({"plan":"down"})");
  CHECK_NOTHROW(service.process.wait_for_line("fault: down"));
}

TEST_CASE("the program stops within a second although a request hangs and another is slow") {
  for (const int signal : {SIGTERM, SIGINT}) {
    Started service({"--failure-rate", "0"});
    put(service.url + "/fault", R"({"hang_rate":1})");
    std::jthread hanging([&] { get(service.url + "/data"); });
    REQUIRE(wait_until([&] { return get_json(service.url + "/ledger")["total"]["received"] == 1; }, 10s));
    put(service.url + "/fault", R"({"hang_rate":0,"latency_ms":60000})");
    std::jthread slow([&] { get(service.url + "/data"); });
    REQUIRE(wait_until([&] { return get_json(service.url + "/ledger")["total"]["received"] == 2; }, 10s));
    const program::FairStopwatch stopwatch;
    service.process.send_signal(signal);
    CHECK(service.process.wait(20s) == 0);
    CHECK(stopwatch.elapsed() < std::chrono::milliseconds(LAB_END_WITHIN_MS));
    CHECK(service.process.output().find("still running") == std::string::npos);
  }
}

TEST_CASE("a port in use yields one line with the address, and exit code 1") {
  const Started first({});
  const std::string address = first.url.substr(std::string("http://").size());
  ChildProcess second({binary, "--port", address.substr(address.find(':') + 1)});
  CHECK(second.wait(10s) == 1);
  CHECK(second.output().find(address) != std::string::npos);
  CHECK(line_count(second.output()) == 1);
}

TEST_CASE("a bad option yields one line that names it, and exit code 2") {
  const auto refused = [](const std::vector<std::string>& options, const std::string& name) {
    CAPTURE(name);
    std::vector<std::string> command{binary, "--port", "0"};
    command.insert(command.end(), options.begin(), options.end());
    ChildProcess process(command);
    CHECK(process.wait(10s) == 2);
    CHECK_MESSAGE(process.output().find(name) != std::string::npos, process.output());
    CHECK_MESSAGE(line_count(process.output()) == 1, process.output());
  };
  refused({"--banana"}, "--banana");
  refused({"--port", "70000"}, "--port");
  refused({"--seed", "-1"}, "--seed");
  refused({"--seed", "many"}, "--seed");
  refused({"--failure-rate", "1.5"}, "failure_rate is 1.5");
  refused({"--failure-rate", "nan"}, "--failure-rate: 'nan'");
  refused({"--latency", "5"}, "'5' is not a valid duration");
  refused({"--latency", "2m"}, "latency is 2m");
  refused({"--plan", "down 10s"}, "phase 'down 10s'");
  refused({"--plan", ""}, "plan");
  refused({"--plan", "down", "--failure-rate", "1"}, "--plan");
}

TEST_CASE("--help lists the options and exits 0") {
  ChildProcess process({binary, "--help"});
  CHECK(process.wait(10s) == 0);
  CHECK(process.output().find("--plan") != std::string::npos);
}
