// The control room's HTTP API as pages use it.
#include "load_generator/control_room/http_api.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <list>

#include "load_generator/api/fake_instance.hpp"
#include "load_generator/control_room/tests/page_for_test.hpp"
#include "load_generator/control_room/tests/room_for_test.hpp"
#include "load_generator/page/page_files.hpp"
#include "load_generator/report/run_file.hpp"
#include "load_generator/tests/seen_for_test.hpp"

using namespace load;
using json = nlohmann::ordered_json;
using std::chrono::milliseconds;

namespace {

constexpr const char* unreachable_upstream = "http://127.0.0.1:1";

// An instance whose status a test sets.
class FakeStatus {
 public:
  FakeStatus() {
    fake_.on("/status", [this](const auto&, auto& response) {
      const std::scoped_lock lock(mutex_);
      response.set_content(status_.dump(), "application/json");
    });
    fake_.start();
  }
  void change(const std::function<void(json&)>& change) {
    const std::scoped_lock lock(mutex_);
    change(status_);
  }
  std::vector<Target> targets() const { return {{"", fake_.url()}}; }

 private:
  std::mutex mutex_;
  json status_{{"instance", "Instance-A"},
               {"breaker", {{"name", "unreliable_service"}, {"state", "closed"}, {"store", "memory"}}}};
  FakeInstance fake_;
};

struct OneInstance {
  FakeStatus instance;
  RoomForTest room{{instance.targets(), unreachable_upstream}};
  PageForTest page{room.url()};
  httplib::Client client{room.url().substr(0, room.url().size() - 1)};

  // The status of /events, of which nothing is read.
  int status_of_events(const httplib::Headers& headers) {
    int status = 0;
    const auto take_status = [&status](const httplib::Response& response) {
      status = response.status;
      return false;
    };
    client.Get("/events", headers, take_status, [](const char*, size_t) { return false; });
    return status;
  }
  void check_error(const PageForTest::Answer& answer, int status, const std::string& word = "") {
    const std::string sentence = answer.body.is_object() ? answer.body.value("error", "") : "";
    CAPTURE(sentence);
    CHECK(answer.status == status);
    CHECK_FALSE(sentence.empty());
    CHECK(sentence.find('\n') == std::string::npos);
    CHECK(has(sentence, word));
  }
  void check_error(const std::string& control, const json& body, int status, const std::string& word = "") {
    check_error(page.post("/control/" + control, body), status, word);
  }
};

bool has_an_update(const json&) { return true; }

int64_t epoch_ms() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// A connection to /events that reads nothing until left_unread().
class SilentPage {
 public:
  explicit SilentPage(const std::string& url) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const std::string request = "GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    REQUIRE(send(socket_, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size()));
  }
  ~SilentPage() { close(socket_); }
  SilentPage(const SilentPage&) = delete;
  SilentPage& operator=(const SilentPage&) = delete;

  // Bytes that were sent before the server disconnected it.
  size_t left_unread() const {
    std::array<char, 65536> some{};
    size_t bytes = 0;
    while (true) {
      const ssize_t more = recv(socket_, some.data(), some.size(), 0);
      if (more <= 0) return bytes;
      bytes += static_cast<size_t>(more);
    }
  }

 private:
  int socket_;
};

}  // namespace

TEST_CASE_FIXTURE(OneInstance,
                  "a page gets each new state at once, and its merged updates equal a new page's first one") {
  page.look_on();
  REQUIRE(
      page.sees([](const json& picture) { return picture["now_ms"] > 200; }));  // so that events can date from before
  uint64_t number = 0;
  for (const char* state : {"open", "half_open", "closed", "open"}) {
    instance.change([&](json& status) {
      status["breaker"]["state"] = state;
      status["transitions"].push_back(
          {{"generation", ++number}, {"from", "closed"}, {"to", state}, {"cause", "so"}, {"at_ms", epoch_ms()}});
      status["notable_calls"].push_back({{"number", number},
                                         {"at_ms", epoch_ms() - 50},
                                         {"age_ms", 50},
                                         {"status", "failure"},
                                         {"upstream_calls", 1}});
    });
    REQUIRE(page.sees([&](const json& picture) {
      return picture["instances"][0]["state"] == state && picture["marks"].size() == number;
    }));
  }
  PageForTest newcomer(room.url());
  newcomer.look_on();
  REQUIRE(newcomer.sees(has_an_update));
  const json first = newcomer.first_frame();
  const json merged = page.picture();
  CHECK(first["from_ms"] == 0);
  CHECK(first["transitions"].size() == 4);
  for (const char* field : {"transitions", "marks", "fleet"}) CHECK(merged[field] == first[field]);
}

TEST_CASE_FIXTURE(OneInstance, "a page that reconnects gets everything again, also from the time when it was away") {
  page.look_on();
  REQUIRE(page.sees([](const json& picture) { return picture["instances"][0]["answers"] == true; }));
  page.leave();
  instance.change([](json& status) { status["breaker"]["state"] = "open"; });
  PageForTest other(room.url());
  other.look_on();
  REQUIRE(other.sees([](const json& picture) {
    return !picture["states"]["Instance-A"].empty() && picture["states"]["Instance-A"].back()["state"] == "open";
  }));
  PageForTest again(room.url());
  again.look_on();
  REQUIRE(again.sees(has_an_update));
  CHECK(again.first_frame()["from_ms"] == 0);
  // On a busy machine an answer may be missing in between.
  const std::string states = again.first_frame()["states"]["Instance-A"].dump();
  CHECK(states.find("closed") < states.find("open"));
  CHECK(has(states, "open"));
}

TEST_CASE_FIXTURE(OneInstance, "a page too many is rejected with a sentence, and accepted when another one has left") {
  std::list<PageForTest> pages;
  for (int i = 0; i < HttpApi::most_pages; ++i) pages.emplace_back(room.url()).look_on();
  for (const PageForTest& each : pages) REQUIRE(each.sees(has_an_update));
  check_error(page.get("/events"), 503);
  CHECK(page.get("/runs").status == 200);
  pages.pop_front();
  std::optional<PageForTest> next;
  CHECK(comes_true([&] {
    next.emplace(room.url()).look_on();
    return comes_true([&] { return next->has_ended() || next->frames() > 0; }) && next->answer() == 200;
  }));
}

TEST_CASE("a page that reads nothing delays no other, and is disconnected once some 200 KiB wait for it") {
  FakeStatus instance;
  FakeInstance upstream;  // with so many callers that each update takes 100 KiB
  json callers;
  for (int i = 0; i < 1000; ++i) callers[std::string(60, 'c') + std::to_string(i)] = {{"received", i}};
  upstream.on("/ledger", json{{"callers", callers}}.dump());
  upstream.start();
  RoomForTest room({instance.targets(), upstream.url()}, milliseconds(1000));
  std::list<SilentPage> silent;
  for (int i = 0; i < HttpApi::most_pages - 1; ++i) silent.emplace_back(room.url());
  PageForTest page(room.url());
  page.look_on();
  REQUIRE(comes_true([&] { return room.api().pages() == HttpApi::most_pages; }));
  int changes = 0;
  CHECK(comes_true([&] {
    instance.change([&](json& status) { status["breaker"]["state"] = ++changes % 2 == 0 ? "open" : "closed"; });
    return room.api().pages() == 1;
  }));
  CHECK_FALSE(page.has_ended());
  const size_t frames = page.frames();
  CHECK(comes_true([&] { return page.frames() >= frames + 4; }));
  const size_t unread = silent.front().left_unread();
  CHECK(unread < 512 * 1024);  // some MiB if the system's buffers are not limited
  MESSAGE("disconnected with " << unread / 1024 << " KiB unread");
}

TEST_CASE_FIXTURE(OneInstance,
                  "without the page's token, origin and content type nothing is changed, and a sentence says why") {
  const auto post_without = [&](const char* header, int status, const std::string& instead = "") {
    CAPTURE(header);
    httplib::Headers headers = page.own_headers();
    headers.erase(header);
    if (!instead.empty()) headers.emplace(header, instead);
    check_error(page.post("/control/rate", R"({"rate":7})", headers), status);
  };
  post_without("X-Control-Token", 403);
  post_without("X-Control-Token", 403, std::string(32, 'a'));
  post_without("Origin", 403);
  post_without("Origin", 403, "http://evil.example");
  post_without("Host", 403, "evil.example");
  post_without("Content-Type", 415, "text/plain");
  page.look_on();
  REQUIRE(page.sees([](const json& picture) { return picture["load"]["rate"] == 0; }));
  CHECK(page.post("/control/rate", {{"rate", 7}}).status == 200);
  CHECK(page.sees([](const json& picture) { return picture["load"]["rate"] == 7; }));
}

TEST_CASE_FIXTURE(OneInstance, "another site's page gets no updates, and does not count as a page") {
  CHECK(status_of_events({{"Origin", "http://evil.example"}}) == 403);
  CHECK(status_of_events({{"Sec-Fetch-Site", "cross-site"}}) == 403);
  CHECK(room.api().pages() == 0);
}

TEST_CASE_FIXTURE(OneInstance, "a request to another machine's name gets nothing, not even the token") {
  const httplib::Headers rebound{{"Host", "evil.example"}};
  for (const char* path :
       {"/", "/index.html", "/lab", "/experiments", "/styles/style.css", "/scenarios", "/runs", "/runs/outage-redis"}) {
    CAPTURE(path);
    const auto answer = client.Get(path, rebound);
    REQUIRE(answer);
    CHECK(answer->status == 403);
    CHECK_FALSE(has(answer->body, "token"));
  }
  CHECK(status_of_events(rebound) == 403);
  CHECK(client.Get("/", {{"Host", "localhost:1234"}})->status == 200);
}

TEST_CASE_FIXTURE(OneInstance, "every answer makes the browser trust nothing but this server") {
  const auto check = [](const httplib::Headers& headers) {
    const auto value = [&](const char* name) { return headers.count(name) == 1 ? headers.find(name)->second : ""; };
    CHECK(value("Content-Security-Policy").find("default-src 'none'; script-src 'self'; style-src 'self';") == 0);
    CHECK_FALSE(has(value("Content-Security-Policy"), "unsafe"));
    CHECK(value("X-Content-Type-Options") == "nosniff");
    CHECK(value("Referrer-Policy") == "no-referrer");
    CHECK(value("Cache-Control") == "no-store");
    CHECK(headers.count("Access-Control-Allow-Origin") == 0);
  };
  for (const char* path : {"/", "/lab", "/styles/style.css", "/no-such", "/scenarios", "/runs", "/runs/no-such"}) {
    CAPTURE(path);
    check(page.get(path).headers);
  }
  check(page.post("/control/rate", {{"rate", 0}}).headers);
  check(page.post("/control/rate", "{}", {}).headers);
}

TEST_CASE_FIXTURE(OneInstance, "the pages and their files are those in the binary, and each page has the token") {
  for (const PageFile& file : page_files()) {
    CAPTURE(file.name);
    const auto answer = client.Get("/" + std::string(file.name));
    REQUIRE(answer);
    const bool is_report = file.name == "report.html";  // for `compare --html`
    CHECK(answer->status == (is_report ? 404 : 200));
    if (is_report) continue;
    CHECK(answer->get_header_value("Content-Type") == std::string(file.type) + "; charset=utf-8");
    CHECK((file.type == "text/html" || answer->body == file.content));
  }
  for (const auto& page_route : page_routes) {
    CAPTURE(page_route.first);
    const auto shown = client.Get(std::string(page_route.first));
    CHECK(shown->body == client.Get("/" + std::string(page_route.second))->body);
    CHECK_FALSE(has(shown->body, "__TOKEN__"));
  }
}

TEST_CASE_FIXTURE(OneInstance, "a request that is not valid is answered with a sentence that names the field") {
  const auto check_text = [&](const std::string& control, const std::string& body, const char* word) {
    check_error(page.post("/control/" + control, body, page.own_headers()), 400, word);
  };
  check_text("rate", "", "JSON");
  check_text("rate", "[]", "object");
  check_text("rate", "{}", "rate is missing");
  check_text("rate", R"({"rate":1001})", "rate is 1001");
  check_text("rate", R"({"rate":-1})", "rate is -1");
  check_text("rate", R"({"rate":"fast"})", "rate is \"fast\"");
  check_text("rate", R"({"rate":1,"more":2})", "more is ");
  check_text("fault", R"({"plan":7})", "plan is 7");
  check_text("network", R"({"instance":"Instance-A","broken":"yes"})", "broken is \"yes\"");
  check_text("override", R"({"mode":"reset"})", "mode is \"reset\"");
  check_text("override", R"({"mode":"auto","instance":7})", "instance is 7");
  check_text("instance", R"({"do":"kill"})", "instance is missing");
  check_text("instance", R"({"instance":"Instance-A"})", "do is missing");
  check_text("instance", R"({"instance":"Instance-A","do":"flush"})", "do is \"flush\"");
  check_text("instance", R"({"instance":"Instance-A","do":"kill","signal":9})", "signal is ");
  check_text("redis", R"({"do":"stop"})", "do is \"stop\"");
  check_text("redis", R"({"do":"kill","instance":"Instance-A"})", "instance is ");
  check_text("scenario", R"({"name":"outage"})", "variant is missing");
  check_text("scenario/stop", R"({"now":true})", "now is ");
  check_error("everything", json::object(), 404);
  check_error("fault", {{"plan", std::string(5000, 'x')}}, 413);
}

TEST_CASE_FIXTURE(OneInstance, "a sentence says what instances or upstream did not do, and which names are unknown") {
  page.look_on();
  REQUIRE(page.sees([](const json& picture) { return picture["instances"][0]["answers"] == true; }));
  check_error("fault", {{"plan", "down"}}, 502);
  check_error("override", {{"mode", "forced_open"}}, 502);
  check_error("override", {{"mode", "forced_open"}, {"instance", "Instance-Z"}}, 404);
  check_error("network", {{"instance", "Instance-A"}, {"broken", true}}, 502);
  check_error("network", {{"instance", "Instance-Z"}, {"broken", true}}, 404);
  check_error("scenario", {{"name", "no-such"}, {"variant", "redis"}}, 404);
  check_error("scenario", {{"name", "../scenarios/outage"}, {"variant", "redis"}}, 404);
  check_error("scenario", {{"name", "outage"}, {"variant", "fourth"}}, 404);
  check_error("scenario/stop", json::object(), 409);
}

TEST_CASE_FIXTURE(OneInstance, "finished runs are listed and shown by plain names, and no other file is") {
  Run run;
  run.targets = {{"Instance-A", "http://a"}};
  run.samples = {{{Offset(0), State::closed}}};
  for (const char* file : {"outage-redis.json", "odd name.json", ".hidden.json", "other.txt"}) {
    write_run_file(room.runs.path(file), finish(run, {"outage", "redis", "How many?", {}, {}}));
  }
  room.runs.file("no-timeline.json", R"({"name":"outage"})");
  std::filesystem::create_directory(room.runs.path("folder.json"));
  CHECK(page.get("/runs").body == json::array({"outage-redis"}));
  CHECK(page.get("/runs/outage-redis").body["instances"] == json::array({"Instance-A"}));
  for (const char* path :
       {"/runs/no-such", "/runs/", "/runs/..", "/runs/../../etc/passwd", "/runs/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/runs//etc/passwd", "/runs/.hidden", "/runs/odd%20name", "/runs/folder", "/runs/no-timeline",
        "/runs/outage-redis.json", "/../CMakeLists.txt", "/%2e%2e/CMakeLists.txt"}) {
    CAPTURE(path);
    check_error(page.get(path), 404);
  }
}

TEST_CASE_FIXTURE(OneInstance, "the scenarios are listed with their expectations") {
  const auto scenarios = page.get("/scenarios").body;
  const auto outage =
      std::find_if(scenarios.begin(), scenarios.end(), [](const json& each) { return each["name"] == "outage"; });
  REQUIRE(outage != scenarios.end());
  CHECK((*outage)["question"].get<std::string>().find("How many calls") == 0);
  const json& redis = (*outage)["variants"][2];
  CHECK(redis["name"] == "redis");
  CHECK(redis["measure"] == "counted_failures");
  CHECK(redis["expectations"][0]["expected"] == "exactly 3");
}

TEST_CASE_FIXTURE(OneInstance,
                  "a race is simulated with the givens of the query, and the defaults of the first chapter") {
  const json answer = page.get("/simulate").body;
  CHECK(answer["givens"] == json{{"instances", 10},
                                 {"failure_threshold", 5},
                                 {"rate", 50},
                                 {"recovery_timeout_ms", 10'000},
                                 {"fault_at_ms", 1000},
                                 {"length_ms", 3000},
                                 {"seed", 7}});
  CHECK(answer["took_ms"] > 0);
  REQUIRE(answer["runs"].size() == 2);
  CHECK(answer["runs"][0]["variant"] == "distributed");
  CHECK(answer["runs"][0]["measures"]["upstream_failures"] == 50);
  CHECK(answer["runs"][0]["calls"].size() == 150);
  CHECK(answer["runs"][0]["played"]["world"] == "simulated");
  CHECK(answer["runs"][1]["variant"] == "redis");
  CHECK(answer["runs"][1]["expectations"][0]["held"] == true);
  CHECK(page.get("/simulate?instances=10&failure_threshold=5&seed=7").body == answer);  // it is kept
  const json other = page.get("/simulate?instances=3&failure_threshold=2&rate=60&recovery_timeout_ms=5000&seed=8").body;
  CHECK(other["givens"]["seed"] == 8);
  CHECK(other["runs"][0]["measures"]["upstream_failures"] == 6);
}

TEST_CASE_FIXTURE(OneInstance, "a race that cannot be simulated is answered with a sentence that names the field") {
  const auto check_query = [&](const std::string& query, const char* word) {
    check_error(page.get("/simulate?" + query), 400, word);
  };
  check_query("instances=1001", "instances is 1001");
  check_query("instances=ten", "instances is \"ten\"");
  check_query("instances=", "instances is \"\"");
  check_query("instances=[[1]]", "instances is \"[[1]]\"");
  check_query("instances=3&instances=4", "instances is there twice");
  check_query("rate=1e9", "rate is 1000000000.0");
  check_query("seed=-1", "seed is -1");
  check_query("colour=red", "colour is not a known field");
  check_query("instances=1000", "126.50 s, of at most 60.50 s; raise rate");
}

TEST_CASE("one race is simulated at a time, and a request that waits too long is rejected with a sentence") {
  SimulatedRaces races(milliseconds(20));
  {
    const SimulatedRaces::Turn another(races);
    CHECK_THROWS_WITH_AS(races.answer({}), doctest::Contains("still being simulated"), RequestError);
  }
  CHECK(has(races.answer({}), "upstream_failures"));
}

TEST_CASE_FIXTURE(OneInstance, "when the API closes, all pages are disconnected within a second") {
  std::list<PageForTest> pages;
  for (int i = 0; i < 3; ++i) pages.emplace_back(room.url()).look_on();
  for (const PageForTest& each : pages) REQUIRE(each.sees(has_an_update));
  const SilentPage silent(room.url());
  room.api().close();
  CHECK(room.api().has_ended_within(milliseconds(LAB_END_WITHIN_MS)));
  for (const PageForTest& each : pages) CHECK(comes_true([&] { return each.has_ended(); }));
}
