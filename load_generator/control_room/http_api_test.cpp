// The control room's server as pages meet it: who is answered, and what they are told.
#include "load_generator/control_room/http_api.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
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

constexpr const char* nobody = "http://127.0.0.1:1";

// An instance whose status a test sets.
class Instance {
 public:
  explicit Instance(json status = closed()) : status_(std::move(status)) {
    fake_.on("/status", [this](const auto&, auto& response) {
      const std::scoped_lock lock(mutex_);
      response.set_content(status_.dump(), "application/json");
    });
    fake_.start();
  }
  static json closed() {
    return {{"instance", "Instance-A"},
            {"breaker", {{"name", "unreliable_service"}, {"state", "closed"}, {"store", "memory"}}}};
  }
  void change(const std::function<void(json&)>& change) {
    const std::scoped_lock lock(mutex_);
    change(status_);
  }
  WatchedFleet fleet() const { return {{{"", fake_.url()}}, nobody}; }

 private:
  std::mutex mutex_;
  json status_;
  FakeInstance fake_;
};

int64_t epoch_ms() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool is_one_sentence(const PageForTest::Answer& answer) {
  const std::string sentence = answer.body.is_object() ? answer.body.value("error", "") : "";
  return !sentence.empty() && sentence.find('\n') == std::string::npos;
}

// A connection to /events that does not read while it matters, with as much room for what it does not read as the
// system gives to all, or as little as may be.
class Deaf {
 public:
  enum class Room { usual, least };
  explicit Deaf(const std::string& url, Room room = Room::least) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const int least = 4096;
    if (room == Room::least) setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const std::string request = "GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    REQUIRE(send(socket_, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size()));
  }
  ~Deaf() { close(socket_); }

  // Bytes that wait for it, once the server has cut it off.
  size_t left_unread() const {
    std::array<char, 65536> some{};
    size_t bytes = 0;
    while (true) {
      const ssize_t more = recv(socket_, some.data(), some.size(), 0);
      if (more <= 0) return bytes;
      bytes += static_cast<size_t>(more);
    }
  }
  Deaf(const Deaf&) = delete;
  Deaf& operator=(const Deaf&) = delete;

 private:
  int socket_;
};

}  // namespace

TEST_CASE("a breaker's name and a cause that look like markup reach the page as data") {
  Instance instance;
  instance.change([](json& status) {
    status["breaker"]["name"] = "<script>alert(1)</script>";
    status["transitions"].push_back({{"generation", 1},
                                     {"from", "closed"},
                                     {"to", "open"},
                                     {"cause", "<script>alert(2)</script>"},
                                     {"at_ms", epoch_ms() + 60'000}});
  });
  RoomForTest room(instance.fleet());
  PageForTest page(room.url());
  page.look_on();
  REQUIRE(page.sees([](const json& picture) { return !picture["transitions"].empty(); }));
  CHECK(page.picture()["instances"][0]["breaker"] == "<script>alert(1)</script>");
  CHECK(page.picture()["transitions"][0]["cause"] == "<script>alert(2)</script>");
}

TEST_CASE("a page is told at once when a state changes, and has put together what a new page is told") {
  Instance instance;
  RoomForTest room(instance.fleet());
  PageForTest page(room.url());
  page.look_on();
  REQUIRE(page.sees([](const json& picture) { return picture["now_ms"] > 200; }));  // so that there is a while ago
  uint64_t number = 0;
  for (const char* state : {"open", "half_open", "closed", "open"}) {
    instance.change([&](json& status) {
      status["breaker"]["state"] = state;
      status["transitions"].push_back(
          {{"generation", ++number}, {"from", "closed"}, {"to", state}, {"cause", "so"}, {"at_ms", epoch_ms()}});
      status["notable_calls"].push_back(
          {{"number", number}, {"at_ms", epoch_ms() - 50}, {"status", "failure"}, {"upstream_calls", 1}});
    });
    REQUIRE(page.sees([&](const json& picture) {
      return picture["instances"][0]["state"] == state && picture["marks"].size() == number;
    }));
  }
  PageForTest newcomer(room.url());
  newcomer.look_on();
  REQUIRE(newcomer.sees([](const json&) { return true; }));
  const json told = newcomer.first_frame();
  const json kept = page.picture();
  CHECK(told["from_ms"] == 0);
  CHECK(told["transitions"].size() == 4);
  CHECK(kept["transitions"] == told["transitions"]);
  CHECK(kept["marks"] == told["marks"]);
  CHECK(kept["fleet"] == told["fleet"]);
}

TEST_CASE("a page that comes back is told everything again, also of the time when it was away") {
  Instance instance;
  RoomForTest room(instance.fleet());
  {
    PageForTest page(room.url());
    page.look_on();
    REQUIRE(page.sees([](const json& picture) { return picture["instances"][0]["answers"] == true; }));
  }
  instance.change([](json& status) { status["breaker"]["state"] = "open"; });
  PageForTest other(room.url());
  other.look_on();
  REQUIRE(other.sees([](const json& picture) {
    return !picture["states"]["Instance-A"].empty() && picture["states"]["Instance-A"].back()["state"] == "open";
  }));
  PageForTest again(room.url());
  again.look_on();
  REQUIRE(again.sees([](const json&) { return true; }));
  CHECK(again.first_frame()["from_ms"] == 0);
  // On a busy machine an answer may have been missed in between.
  const std::string states = again.first_frame()["states"]["Instance-A"].dump();
  CHECK(states.find("closed") < states.find("open"));
  CHECK(states.find("open") != std::string::npos);
}

TEST_CASE("the ninth page is refused with a sentence, and let in when another has gone") {
  Instance instance;
  RoomForTest room(instance.fleet());
  std::list<PageForTest> pages;
  for (int i = 0; i < RoomServer::most_pages; ++i) pages.emplace_back(room.url()).look_on();
  for (PageForTest& page : pages) REQUIRE(page.sees([](const json&) { return true; }));
  PageForTest ninth(room.url());
  const auto refused = ninth.get("/events");
  CHECK(refused.status == 503);
  CHECK(is_one_sentence(refused));
  CHECK(ninth.get("/runs").status == 200);
  pages.pop_front();
  std::optional<PageForTest> tenth;
  CHECK(comes_true([&] {
    tenth.emplace(room.url()).look_on();
    return comes_true([&] { return tenth->has_ended() || tenth->frames() > 0; }) && tenth->answer() == 200;
  }));
}

TEST_CASE("a page that does not read keeps no other waiting, and is cut off") {
  Instance instance;
  FakeInstance upstream;  // whose many callers make each frame a large one
  json callers;
  for (int i = 0; i < 1000; ++i) callers[std::string(60, 'c') + std::to_string(i)] = {{"received", i}};
  upstream.on("/ledger", json{{"callers", callers}}.dump());
  upstream.start();
  RoomForTest room({instance.fleet().targets, upstream.url()});
  std::list<Deaf> deaf;
  for (int i = 0; i < RoomServer::most_pages - 1; ++i) deaf.emplace_back(room.url());
  PageForTest page(room.url());
  page.look_on();
  REQUIRE(comes_true([&] { return room.server().pages() == RoomServer::most_pages; }));
  int changes = 0;
  CHECK(comes_true([&] {  // a change at each look: many frames fill what the system holds for those who do not read
    instance.change([&](json& status) { status["breaker"]["state"] = ++changes % 2 == 0 ? "open" : "closed"; });
    std::this_thread::sleep_for(milliseconds(50));
    return room.server().pages() == 1;
  }));
  CHECK_FALSE(page.has_ended());
  const size_t frames = page.frames();
  CHECK(comes_true([&] { return page.frames() >= frames + 8; }));
}

TEST_CASE("a page that never reads loses its place once some 200 KiB wait for it, whatever the system would hold") {
  constexpr int calls = 200;
  Instance instance;
  instance.change([](json& status) {
    for (int i = 0; i < calls; ++i)
      status["notable_calls"].push_back({{"number", i}, {"at_ms", epoch_ms() + 60'000}, {"status", "failure"}});
  });
  RoomForTest room(instance.fleet());
  PageForTest page(room.url());
  page.look_on();
  REQUIRE(page.sees([](const json&) { return true; }));
  const Deaf deaf(room.url(), Deaf::Room::usual);
  REQUIRE(comes_true([&] { return room.server().pages() == 2; }));
  int64_t next = calls;
  CHECK(comes_true([&] {
    instance.change([&](json& status) {
      for (json& call : status["notable_calls"]) call["number"] = next++;
    });
    return room.server().pages() == 1;
  }));
  const size_t unread = deaf.left_unread();
  CHECK(unread < 512 * 1024);  // some MiB where the system holds what it likes
  MESSAGE("cut off with " << unread / 1024 << " KiB unread");
}

TEST_CASE("without the page's token, origin and type of content nothing is changed, and each refusal is a sentence") {
  Instance instance;
  RoomForTest room(instance.fleet());
  const PageForTest page(room.url());
  const auto post_with = [&](const char* header, const std::string& value) {
    httplib::Headers headers = page.own_headers();
    headers.erase(header);
    if (!value.empty()) headers.emplace(header, value);
    const auto answer = page.post("/control/rate", R"({"rate":7})", headers);
    CHECK((answer.status == 200 || is_one_sentence(answer)));
    return answer.status;
  };
  CHECK(post_with("X-Control-Token", "") == 403);
  CHECK(post_with("X-Control-Token", std::string(32, 'a')) == 403);
  CHECK(post_with("Origin", "") == 403);
  CHECK(post_with("Origin", "http://evil.example") == 403);
  CHECK(post_with("Host", "evil.example") == 403);
  CHECK(post_with("Content-Type", "text/plain") == 415);
  PageForTest looker(room.url());
  looker.look_on();
  REQUIRE(looker.sees([](const json& picture) { return picture["load"]["rate"] == 0; }));
  CHECK(page.post("/control/rate", {{"rate", 7}}).status == 200);
  CHECK(looker.sees([](const json& picture) { return picture["load"]["rate"] == 7; }));
}

TEST_CASE("another site's page takes no place, however often it asks") {
  Instance instance;
  RoomForTest room(instance.fleet());
  httplib::Client client(room.url().substr(0, room.url().size() - 1));
  for (const httplib::Headers& of_another :
       {httplib::Headers{{"Origin", "http://evil.example"}}, httplib::Headers{{"Sec-Fetch-Site", "cross-site"}}}) {
    int status = 0;
    client.Get(
        "/events", of_another,
        [&status](const httplib::Response& response) {
          status = response.status;
          return false;  // frames would have no end
        },
        [](const char*, size_t) { return false; });
    CHECK(status == 403);
    CHECK(room.server().pages() == 0);
  }
}

TEST_CASE("who knows the server by a name from elsewhere gets nothing, not even the token") {
  Instance instance;
  RoomForTest room(instance.fleet());
  httplib::Client client(room.url().substr(0, room.url().size() - 1));
  for (const char* path : {"/", "/index.html", "/style.css", "/scenarios", "/runs", "/runs/outage-redis"}) {
    CAPTURE(path);
    const auto answer = client.Get(path, {{"Host", "evil.example"}});
    REQUIRE(answer);
    CHECK(answer->status == 403);
    CHECK(answer->body.find("token") == std::string::npos);
  }
  int status = 0;
  const auto take_status = [&](const httplib::Response& response) {
    status = response.status;
    return false;  // else it would read for ever
  };
  client.Get("/events", {{"Host", "evil.example"}}, take_status, [](const char*, size_t) { return false; });
  CHECK(status == 403);
  CHECK(client.Get("/", {{"Host", "localhost:1234"}})->status == 200);
}

TEST_CASE("every answer tells the browser to trust nothing but this server") {
  Instance instance;
  RoomForTest room(instance.fleet());
  const PageForTest page(room.url());
  const auto check = [](const httplib::Headers& headers) {
    const auto value = [&](const char* name) { return headers.count(name) == 1 ? headers.find(name)->second : ""; };
    CHECK(value("Content-Security-Policy").find("default-src 'none'; script-src 'self'; style-src 'self';") == 0);
    CHECK(value("Content-Security-Policy").find("unsafe") == std::string::npos);
    CHECK(value("X-Content-Type-Options") == "nosniff");
    CHECK(value("Referrer-Policy") == "no-referrer");
    CHECK(value("Cache-Control") == "no-store");
    CHECK(headers.count("Access-Control-Allow-Origin") == 0);
  };
  for (const char* path : {"/", "/style.css", "/no-such", "/scenarios", "/runs", "/runs/no-such"}) {
    CAPTURE(path);
    check(page.get(path).headers);
  }
  check(page.post("/control/rate", {{"rate", 0}}).headers);
  check(page.post("/control/rate", "{}", {}).headers);
}

TEST_CASE("the page and its files are those that the binary carries, and the page holds the token") {
  Instance instance;
  RoomForTest room(instance.fleet());
  httplib::Client client(room.url().substr(0, room.url().size() - 1));
  for (const PageFile& file : page_files()) {
    CAPTURE(file.name);
    const auto answer = client.Get("/" + std::string(file.name));
    REQUIRE(answer);
    const bool is_for_files = file.name == "report.html";  // into which `compare --html` puts runs
    CHECK(answer->status == (is_for_files ? 404 : 200));
    if (is_for_files) continue;
    CHECK(answer->get_header_value("Content-Type") == std::string(file.type) + "; charset=utf-8");
    CHECK((file.type == "text/html" || answer->body == file.content));
  }
  const auto page = client.Get("/");
  CHECK(page->body == client.Get("/index.html")->body);
  CHECK(page->body.find("__TOKEN__") == std::string::npos);
}

TEST_CASE("an order that makes no sense is a sentence that names the field, and changes nothing") {
  Instance instance;
  RoomForTest room(instance.fleet());
  const PageForTest page(room.url());
  const auto refused = [&](const std::string& control, const std::string& body, const char* word) {
    const auto answer = page.post("/control/" + control, body, page.own_headers());
    CAPTURE(answer.body.dump());
    CHECK(answer.status == 400);
    CHECK(is_one_sentence(answer));
    CHECK(answer.body.value("error", "").find(word) != std::string::npos);
  };
  refused("rate", "", "JSON");
  refused("rate", "[]", "object");
  refused("rate", "{}", "rate is missing");
  refused("rate", R"({"rate":1001})", "rate is 1001");
  refused("rate", R"({"rate":-1})", "rate is -1");
  refused("rate", R"({"rate":"fast"})", "rate is \"fast\"");
  refused("rate", R"({"rate":1,"more":2})", "more is no known field");
  refused("fault", R"({"plan":7})", "plan is 7");
  refused("network", R"({"instance":"Instance-A","broken":"yes"})", "broken is \"yes\"");
  refused("override", R"({"mode":"reset"})", "mode is \"reset\"");
  refused("scenario", R"({"name":"outage"})", "variant is missing");
  refused("scenario/stop", R"({"now":true})", "now is no known field");
  CHECK(page.post("/control/everything", json::object()).status == 404);
  const auto large = page.post("/control/fault", {{"plan", std::string(5000, 'x')}});
  CHECK(large.status == 413);
  CHECK(is_one_sentence(large));
}

TEST_CASE("what instances or upstream do not do is said, and so is what nobody knows") {
  Instance instance;
  RoomForTest room(instance.fleet());
  PageForTest page(room.url());
  page.look_on();
  REQUIRE(page.sees([](const json& picture) { return picture["instances"][0]["answers"] == true; }));
  const auto refused = [&](const char* control, const json& body, int status) {
    const auto answer = page.post(std::string("/control/") + control, body);
    CAPTURE(answer.body.dump());
    CHECK(answer.status == status);
    CHECK(is_one_sentence(answer));
  };
  refused("fault", {{"plan", "down"}}, 502);
  refused("override", {{"mode", "forced_open"}}, 502);
  refused("network", {{"instance", "Instance-A"}, {"broken", true}}, 502);
  refused("network", {{"instance", "Instance-Z"}, {"broken", true}}, 404);
  refused("scenario", {{"name", "no-such"}, {"variant", "redis"}}, 404);
  refused("scenario", {{"name", "../scenarios/outage"}, {"variant", "redis"}}, 404);
  refused("scenario", {{"name", "outage"}, {"variant", "fourth"}}, 404);
  refused("scenario/stop", json::object(), 409);
}

TEST_CASE("finished runs are listed and shown by plain names, and nothing else of the disk is") {
  Instance instance;
  RoomForTest room(instance.fleet());
  Run run;
  run.targets = {{"Instance-A", "http://a"}};
  run.samples = {{{Offset(0), State::closed}}};
  write_run_file(room.runs.path("outage-redis.json"), {"outage", "redis", "How many?", {}, {}}, run);
  write_run_file(room.runs.path("odd name.json"), {"outage", "redis", "How many?", {}, {}}, run);
  write_run_file(room.runs.path(".hidden.json"), {"outage", "redis", "How many?", {}, {}}, run);
  write_run_file(room.runs.path("other.txt"), {"outage", "redis", "How many?", {}, {}}, run);
  room.runs.file("no-timeline.json", R"({"name":"outage"})");
  std::filesystem::create_directory(room.runs.path("folder.json"));
  const PageForTest page(room.url());
  CHECK(page.get("/runs").body == json::array({"outage-redis"}));
  CHECK(page.get("/runs/outage-redis").body["instances"] == json::array({"Instance-A"}));
  for (const char* path :
       {"/runs/no-such", "/runs/", "/runs/..", "/runs/../../etc/passwd", "/runs/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/runs//etc/passwd", "/runs/.hidden", "/runs/odd%20name", "/runs/folder", "/runs/no-timeline",
        "/runs/outage-redis.json", "/../CMakeLists.txt", "/%2e%2e/CMakeLists.txt"}) {
    CAPTURE(path);
    const auto answer = page.get(path);
    CHECK(answer.status == 404);
    CHECK(is_one_sentence(answer));
  }
}

TEST_CASE("the scenarios are told with what is expected of them") {
  Instance instance;
  RoomForTest room(instance.fleet());
  const auto scenarios = PageForTest(room.url()).get("/scenarios").body;
  const auto outage =
      std::find_if(scenarios.begin(), scenarios.end(), [](const json& each) { return each["name"] == "outage"; });
  REQUIRE(outage != scenarios.end());
  CHECK((*outage)["question"].get<std::string>().find("How many calls") == 0);
  const json& redis = (*outage)["variants"][2];
  CHECK(redis["name"] == "redis");
  CHECK(redis["measure"] == "counted_failures");
  CHECK(redis["expectations"][0]["expected"] == "exactly 3");
}

TEST_CASE("when the server closes, all pages go within a second") {
  Instance instance;
  RoomForTest room(instance.fleet());
  std::list<PageForTest> pages;
  for (int i = 0; i < 3; ++i) pages.emplace_back(room.url()).look_on();
  for (PageForTest& page : pages) REQUIRE(page.sees([](const json&) { return true; }));
  const Deaf deaf(room.url());
  room.server().close();
  CHECK(room.server().has_ended_within(milliseconds(1000)));
  for (PageForTest& page : pages) CHECK(comes_true([&] { return page.has_ended(); }));
}
