// `load_generator watch` as a program with its output in a pipe, and the control sequences for a terminal.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <sstream>

#include "load_generator/api/fake_instance.hpp"
#include "load_generator/terminal/watch_terminal.hpp"
#include "load_generator/tests/seen_for_test.hpp"
#include "program/http/http_client.hpp"
#include "program/processes/child_process.hpp"

using namespace load;
using program::ChildProcess;

namespace {

constexpr std::chrono::seconds watch_patience{20};

std::string url_of(ChildProcess& server) {
  const std::string line = server.wait_for_line("listening on", watch_patience);
  return line.substr(line.find("http://"));
}

ChildProcess start(const std::string& program, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), std::string(LAB_BIN_DIR "/") + program);
  return ChildProcess(arguments);
}

}  // namespace

TEST_CASE("in a pipe, watch prints a line a second and one for each transition, until Ctrl-C") {
  ChildProcess upstream = start("unreliable_service", {"--port", "0", "--failure-rate", "1"});
  const std::string upstream_url = url_of(upstream);
  ChildProcess instance = start("distributed_breaker", {"--port", "0", "--name", "Instance-A", "--upstream",
                                                        upstream_url, "--failure-threshold", "2"});
  const std::string url = url_of(instance);
  // On a busy machine the first answer takes long, and watch waits a second for it.
  for (const std::string& first : {url + "/status", upstream_url + "/fault"}) {
    CHECK(program::send({.url = first, .headers = {}, .body = {}, .timeout = watch_patience}).status == 200);
  }
  ChildProcess watch = start("load_generator", {"watch", "--targets", url, "--upstream", upstream_url});
  watch.wait_for_line("second", watch_patience);
  for (int i = 0; i < 3; ++i)
    program::send({.url = url + "/call", .headers = {}, .body = {}, .timeout = watch_patience});
  CHECK(
      has(watch.wait_for_line("closed -> open", watch_patience), "Instance-A: closed -> open, 2 consecutive failures"));
  watch.wait_for_line("       0       2       1        0  O  1 open", watch_patience);
  CHECK(has(watch.output(), "1 instance of unreliable_service; upstream " + upstream_url + ": fails 100 %\n"));
  watch.send_signal(SIGINT);
  CHECK(watch.wait(watch_patience) == 0);
  CHECK_FALSE(has(watch.output(), "\033"));
  CHECK_FALSE(has(watch.output(), "\r"));
}

TEST_CASE("without an answer, watch says so and continues") {
  ChildProcess watch =
      start("load_generator", {"watch", "--targets", "http://127.0.0.1:1", "--upstream", "http://127.0.0.1:1"});
  CHECK(has(watch.wait_for_line("without an answer", watch_patience), "  ?  1 without an answer"));
  CHECK(has(watch.output(), "upstream http://127.0.0.1:1: no answer"));
  watch.send_signal(SIGTERM);
  CHECK(watch.wait(watch_patience) == 0);
}

TEST_CASE("an instance cannot command the terminal by its answers") {
  FakeInstance instance;
  instance.on("/status",
              R"({"instance":"\u001b[2J\u009b2J","breaker":{"state":"open","name":"\u001b[2J","store":"local",
    "store_error":"\u0007\u001b"},"transitions":[]})");
  instance.start();
  ChildProcess watch = start("load_generator", {"watch", "--targets", instance.url(), "--upstream", instance.url()});
  watch.wait_for_line("1 open", watch_patience);
  const std::string text = watch.output();
  CHECK(std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  CHECK(has(text, "[2J"));
}

TEST_CASE("bad options of watch are one line and exit code 2") {
  for (const auto& arguments : {std::vector<std::string>{"watch", "--targets", "nine"}, {"watch", "--upstream", "x"}}) {
    ChildProcess watch = start("load_generator", arguments);
    CHECK(watch.wait(watch_patience) == 2);
    const std::string text = watch.output();
    CHECK(text.find('\n') == text.size() - 1);
  }
}

TEST_CASE("a terminal is redrawn in place, with the cursor hidden until the end") {
  std::ostringstream out;
  {
    WatchTerminal terminal(out);
    terminal.draw({"one", "two"}, {80, 24});
    terminal.draw({"three"}, {80, 24});
    terminal.draw({"wider"}, {90, 24});
  }
  CHECK(out.str() ==
        "\033[?25l"
        "\033[2Kone\n\033[2Ktwo\n\033[J"
        "\033[2A\r\033[2Kthree\n\033[J"
        "\033[2Kwider\n\033[J"
        "\033[0m\033[?25h");
}
