// The browser that the page's tests use is itself tested, against pages that a test decides.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "load_generator/api/fake_instance.hpp"
#include "load_generator/control_room/browser_tests/browser_for_test.hpp"
#include "load_generator/control_room/browser_tests/family_for_test.hpp"
#include "load_generator/control_room/browser_tests/relay_for_test.hpp"
#include "load_generator/tests/scratch_file.hpp"

namespace load {
namespace {

void serve(FakeInstance& server, const std::string& path, const std::string& html) {
  server.on(path, [html](const httplib::Request&, httplib::Response& response) {
    response.set_content("<!doctype html><title>page</title><link rel=icon href='data:,'>" + html, "text/html");
  });
}

std::string first_bytes(const std::string& file, size_t count) {
  std::ifstream in(file, std::ios::binary);
  std::string bytes(count, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(count));
  return bytes;
}

size_t width_of_png(const std::string& file) {
  const std::string header = first_bytes(file, 24);
  size_t width = 0;
  for (size_t i = 16; i < 20; ++i) width = width * 256 + static_cast<unsigned char>(header[i]);
  return width;
}

// A test that fails leaves nothing either.
struct EndedAtLast {
  std::vector<ProcessId> processes;
  ~EndedAtLast() { end_all(processes); }
};

}  // namespace

TEST_CASE("a browser reads, clicks, types and presses keys as a person does") {
  FakeInstance server;
  serve(server, "/", R"(<button id=first onclick="said.textContent = 'clicked'">one</button>
    <input id=field oninput="said.textContent = this.value"><button onclick="said.textContent = 'by key'">two</button>
    <p id=said data-mark=x></p><p class=many></p><p class=many></p>)");
  server.start();
  Browser browser;
  browser.open(server.url());
  browser.click("#first");
  CHECK(browser.text("#said") == "clicked");
  browser.type("#field", "outage");
  CHECK(browser.text("#said") == "outage");
  browser.press(key::tab);
  browser.press(key::enter);
  CHECK(browser.text("#said") == "by key");
  CHECK(browser.attribute("#said", "data-mark") == "x");
  CHECK(browser.attribute("#said", "data-none").empty());
  CHECK(browser.count(".many") == 2);
  CHECK(browser.run("return arguments[0] + 1", {41}) == 42);
  CHECK_THROWS_WITH(browser.click("#nowhere"), doctest::Contains("#nowhere"));
  CHECK_THROWS_WITH(browser.run("return nothing.at.all"), doctest::Contains("nothing is not defined"));
}

TEST_CASE("a browser waits for what becomes true") {
  FakeInstance server;
  serve(server, "/", "<script>setTimeout(() => { document.title = 'late' }, 300)</script>");
  server.start();
  Browser browser;
  browser.open(server.url());
  browser.until("document.title === 'late'");
  CHECK(browser.run("return document.title") == "late");
}

TEST_CASE("a browser tells what was requested, and what the console complains of") {
  FakeInstance server;
  serve(server, "/",
        "<img src=/picture.png><script>fetch('/data'); console.log('fine'); throw new Error('odd')</script>");
  server.on("/data", "{}");
  server.start();
  Browser browser;
  browser.open(server.url());
  std::vector<std::string> urls, complaints;
  browser.until("both requests and both complaints", [&] {
    for (const auto& url : browser.requested_urls()) urls.push_back(url);
    for (const auto& line : browser.complaints()) complaints.push_back(line);
    return urls.size() >= 3 && complaints.size() >= 2;
  });
  std::sort(urls.begin(), urls.end());
  CHECK(urls == std::vector{server.url() + "/", server.url() + "/data", server.url() + "/picture.png"});
  const auto complains_of = [&](const std::string& text) {
    return std::any_of(complaints.begin(), complaints.end(),
                       [&](const std::string& line) { return line.find(text) != std::string::npos; });
  };
  CHECK(complains_of("odd"));
  CHECK(complains_of("404"));
  CHECK_FALSE(complains_of("fine"));
}

TEST_CASE("a browser shows a page as a phone does, and in the dark, and photographs and prints it") {
  FakeInstance server;
  serve(server, "/", "<meta name=viewport content='width=device-width'><p>words</p>");
  server.start();
  const ScratchFolder folder;
  Browser browser;
  browser.show_as({390, 844, Looks::Device::phone, Looks::Colours::dark});
  browser.open(server.url());
  CHECK(browser.run("return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]").dump() == "[390,true]");
  browser.photograph(folder.path("phone.png"));
  CHECK(first_bytes(folder.path("phone.png"), 4) == "\x89PNG");
  CHECK(width_of_png(folder.path("phone.png")) == 390);
  browser.show_as({1280, 800, Looks::Device::desktop, Looks::Colours::light});
  CHECK(browser.run("return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]").dump() ==
        "[1280,false]");
  CHECK(browser.print().starts_with("%PDF-"));
}

TEST_CASE("a browser has several pages, each for itself") {
  FakeInstance server;
  serve(server, "/", "<p id=said></p>");
  server.start();
  Browser browser;
  browser.open(server.url());
  const std::string first = browser.page();
  const std::string second = browser.open_new_page();
  CHECK(second == browser.page());
  CHECK(second != first);
  browser.open(server.url());
  browser.run("said.textContent = 'second'");
  browser.turn_to(first);
  CHECK(browser.text("#said").empty());
  browser.turn_to(second);
  CHECK(browser.text("#said") == "second");
}

TEST_CASE("a page behind a relay loses what it listens to when that is cut, and hears it again when it is mended") {
  FakeInstance server;
  serve(server, "/", R"(<script>events = new EventSource('/events'); events.onmessage = () => { heard = true };
    events.onerror = () => { lost = true }</script>)");
  server.on("/events", [](const httplib::Request&, httplib::Response& response) {
    response.set_chunked_content_provider("text/event-stream", [](size_t, httplib::DataSink& sink) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      return sink.write("retry: 50\ndata: x\n\n", 19);
    });
  });
  server.start();
  Relay relay(server.url());
  Browser browser;
  browser.open(relay.url());
  browser.until("heard");
  relay.cut();
  browser.until("lost");
  browser.run("heard = false; lost = false");
  browser.until("lost");
  CHECK(browser.run("return heard") == false);
  relay.mend();
  browser.until("heard");
}

TEST_CASE("nothing of a browser is left at its end") {
  std::vector<ProcessId> processes;
  {
    const Browser browser;
    processes = descendants_of(browser.driver_pid());
    CHECK(std::count_if(processes.begin(), processes.end(), runs) >= 2);  // a browser's helper may end at any time
  }
  CHECK(std::none_of(processes.begin(), processes.end(), runs));
}

TEST_CASE("no process of a browser outlives its owner, even one that was killed") {
  const Browser here;  // only to wait with
  const ScratchFolder left_behind;
  const pid_t owner = fork();
  if (owner == 0) {
    setenv("TMPDIR", left_behind.path("").c_str(), 1);
    const Browser browser;
    while (true) pause();
  }
  EndedAtLast theirs;
  here.until("the owner's browser", [&] { return descendants_of(owner).size() >= 5; });
  theirs.processes = descendants_of(owner);
  kill(owner, SIGKILL);
  waitpid(owner, nullptr, 0);
  here.until("the end of all", [&] { return std::none_of(theirs.processes.begin(), theirs.processes.end(), runs); });
}

}  // namespace load
