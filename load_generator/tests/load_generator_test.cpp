// The program as its users see it: options, exit codes, signals, a pipe.
#include <doctest/doctest.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "load_generator/api/fake_instance.hpp"
#include "load_generator/report/run_document.hpp"
#include "load_generator/report/run_file.hpp"
#include "load_generator/tests/scratch_file.hpp"
#include "load_generator/tests/seen_for_test.hpp"
#include "program/processes/child_process.hpp"
#include "program/processes/fair_stopwatch.hpp"

using namespace load;
using program::ChildProcess;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds program_patience{20'000};

ChildProcess start(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), LAB_BIN_DIR "/load_generator");
  return ChildProcess(arguments);
}

struct Ended {
  int exit_code;
  std::string output;
};

Ended run(const std::vector<std::string>& arguments) {
  ChildProcess process = start(arguments);
  const int exit_code = process.wait(program_patience).value_or(-1);
  return {exit_code, process.output()};
}

// A zombie, which has ended but has not been waited for, is not running.
bool is_running(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(status, text);
  return !text.empty() && text.find(") Z ") == std::string::npos;
}

std::string content_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void answer_as_instance_a(FakeInstance& instance) {
  instance.on("/status", R"({"instance":"Instance-A","breaker":{"state":"open","store":"memory"},"transitions":[]})");
  instance.on("/call", R"({"instance":"Instance-A","status":"blocked","state":"open"})");
}

}  // namespace

TEST_CASE("bad options are one line and exit code 2") {
  const std::vector<std::vector<std::string>> bad{{"--rate", "0"},
                                                  {"--duration", "soon"},
                                                  {"--arrivals", "often"},
                                                  {"--nonsense"},
                                                  {"--targets", "http://127.0.0.1:8001/x"},
                                                  {"--targets", "http://127.0.0.1:8001,file:///etc/passwd"},
                                                  {"--upstream", "nine"},
                                                  {"scenario", "outage", "--out", "x"},
                                                  {"scenario", "outage", "--stage", "fourth"},
                                                  {"scenario", "no-such", "--stage", "redis"},
                                                  {"scenario", "race", "--stage", "simple"},
                                                  {"scenario", "race", "--stage", "\033[31m"},
                                                  {"chaos", "--duration", "1s"},
                                                  {"chaos", "--instances", "27"},
                                                  {"chaos", "--slack", "some"},
                                                  {"compare"},
                                                  {"compare", "/dev/null"}};
  for (const auto& arguments : bad) {
    const Ended ended = run(arguments);
    CAPTURE(ended.output);
    CHECK(ended.exit_code == 2);
    CHECK(is_one_line(ended.output));
  }
}

TEST_CASE("if no instance answers, one line says which, and how to start one") {
  const Ended ended = run({"--targets", "http://127.0.0.1:1", "--duration", "1s"});
  CHECK(ended.exit_code == 1);
  CHECK(is_one_line(ended.output));
  CHECK(ended.output.find("http://127.0.0.1:1") != std::string::npos);
  CHECK(ended.output.find("distributed_breaker --port 1") != std::string::npos);
}

TEST_CASE("more targets than there are letters are one line and exit code 2") {
  std::string targets = "http://127.0.0.1:8001";
  for (int port = 8002; port <= 8027; ++port) targets += ",http://127.0.0.1:" + std::to_string(port);
  const Ended ended = run({"--targets", targets});
  CAPTURE(ended.output);
  CHECK(ended.exit_code == 2);
  CHECK(is_one_line(ended.output));
}

TEST_CASE("Ctrl-C ends the search for targets") {
  std::atomic<bool> asked = false;
  FakeInstance instance;
  std::promise<void> answer;  // never set: its destructor, which runs before the instance's, releases the handler
  instance.on("/status", [&asked, never = answer.get_future().share()](const auto&, auto&) {
    asked = true;
    never.wait();
  });
  instance.start();
  ChildProcess process = start({"--targets", instance.url(), "--upstream", "http://127.0.0.1:1"});
  REQUIRE(comes_true([&] { return asked.load(); }));
  process.send_signal(SIGINT);
  CHECK(process.wait(program_patience) == 130);
}

TEST_CASE("in a pipe a run is plain lines, and its file can be compared") {
  FakeInstance instance;
  answer_as_instance_a(instance);
  instance.start();
  const ScratchFolder folder;
  const std::string out = folder.path("first.json");
  const Ended ended = run({"--targets", instance.url(), "--upstream", "http://127.0.0.1:1", "--duration", "1s",
                           "--rate", "2", "--out", out});
  CAPTURE(ended.output);
  CHECK(ended.exit_code == 0);
  CHECK(ended.output.find('\033') == std::string::npos);
  CHECK(ended.output.find('\r') == std::string::npos);
  CHECK(ended.output.find("     1       2       0       0        2  O") != std::string::npos);
  CHECK(read_run_file(out).measures.at("blocked") == 2);
  uint64_t blocked = 0;
  const auto document = run_document(out);
  for (const auto& count : document.at("traffic").at("blocked")) blocked += count.get<uint64_t>();
  CHECK(blocked == 2);
  CHECK(run({"compare", out, out}).exit_code == 0);
}

TEST_CASE("compare exits with 1 if one prediction of one run did not hold") {
  const ScratchFolder folder;
  const Summary held{"outage", "redis", "How many?", {{"opened", 1}}, {{"opened", 1, 1, "one breaker"}}};
  Summary broken = held;
  broken.measures["opened"] = 2;
  write_run_file(folder.path("held.json"), {{}, {}, held});
  write_run_file(folder.path("broken.json"), {{}, {}, broken});
  CHECK(run({"compare", folder.path("held.json")}).exit_code == 0);
  const Ended ended = run({"compare", folder.path("held.json"), folder.path("broken.json")});
  CHECK(ended.exit_code == 1);
  CHECK(ended.output.find("NOT HELD") != std::string::npos);
}

TEST_CASE("compare writes a report and prints its path, or one line if it cannot") {
  const ScratchFolder folder;
  const Summary held{"outage", "redis", "How many?", {{"opened", 1}}, {{"opened", 1, 1, "one breaker"}}};
  const std::string file = folder.path("held.json"), report = folder.path("reports/held.html");
  write_run_file(file, {{}, {}, held});
  const Ended ended = run({"compare", file, "--html", report});
  CHECK(ended.exit_code == 0);
  CHECK(ended.output.find("How many?") != std::string::npos);
  CHECK(ended.output.ends_with("the report: " + report + "\n"));
  const std::string page = content_of(report);
  CHECK(page.find("one breaker") != std::string::npos);
  CHECK(page.find("__RUNS__") == std::string::npos);

  const Ended refused = run({"compare", file, "--html", file + "/report.html"});
  CHECK(refused.exit_code == 1);
  CHECK(refused.output.ends_with(file + "/report.html: cannot be written\n"));

  const Ended forgotten = run({"compare", "--html", file, file});
  CHECK(forgotten.exit_code == 2);
  CHECK(forgotten.output.find("--html is " + file + ", which would replace a run") != std::string::npos);
  CHECK(run({"compare", file}).exit_code == 0);
  const std::string plain = folder.path("run");
  std::filesystem::copy(file, plain);
  CHECK(run({"compare", "--html", plain, plain}).exit_code == 2);
  CHECK(run({"compare", plain}).exit_code == 0);
}

TEST_CASE("Ctrl-C ends a run within a second, with a report and exit code 130") {
  FakeInstance instance(64);  // enough workers while some of them sleep
  instance.on("/status", R"({"instance":"Instance-A","breaker":{"state":"closed"}})");
  instance.on("/call", [](const auto&, auto&) { std::this_thread::sleep_for(milliseconds(2000)); });
  instance.start();
  ChildProcess process = start({"--targets", instance.url(), "--upstream", "http://127.0.0.1:1"});
  process.wait_for_line("     1 ");
  const program::FairStopwatch stopwatch;
  process.send_signal(SIGINT);
  CHECK(process.wait(program_patience) == 130);
  CHECK(stopwatch.elapsed() < milliseconds(LAB_END_WITHIN_MS));
  CHECK(process.output().find("(interrupted)") != std::string::npos);
  CHECK(process.output().find("Instance-A") != std::string::npos);
}

namespace {

void check_that_it_leaves_nothing_behind(const std::vector<std::string>& arguments, const std::string& once_it_says,
                                         size_t children_expected) {
  for (const int signal : {SIGINT, SIGKILL}) {
    ChildProcess process = start(arguments);
    process.wait_for_line(once_it_says, program_patience);
    const std::vector<pid_t> children = children_of(process);
    CHECK(children.size() == children_expected);
    process.send_signal(signal);
    CHECK(process.wait(milliseconds(3000)) == (signal == SIGINT ? 130 : 128 + SIGKILL));
    // After Ctrl-C they ended before it did; after a kill -9 the kernel ends them.
    for (const pid_t child : children) {
      CHECK((signal == SIGINT ? !is_running(child) : comes_true([&] { return !is_running(child); })));
    }
  }
}

}  // namespace

TEST_CASE("a scenario leaves no process behind, neither on Ctrl-C nor when it is killed") {
  check_that_it_leaves_nothing_behind({"scenario", "outage", "--stage", "distributed", "--out", "/dev/null"}, "     1 ",
                                      4);  // the upstream and three instances
}

TEST_CASE("chaos leaves no process behind, not even one that it has restarted") {
  check_that_it_leaves_nothing_behind({"chaos", "--duration", "20s", "--seed", "1", "--out", "/dev/null"},
                                      ": restarted\n", 5);  // upstream, Redis and three instances
}

TEST_CASE(
    "a setting that a program refuses is one line with the file's name and the program's message, and exit code 2") {
  const ScratchFolder folder;
  const auto refused = [&](const std::string& settings, const std::string& stage, const char* words) {
    const std::string scenario = folder.file("odd.json", R"({"name":"odd","question":"Is this so?","instances":2,
      "upstream":{"plan":"healthy"},"load":{"rate":50,"duration_ms":300},)" +
                                                             settings + R"(,"expect":{"simple":[],"distributed":[]}})");
    const Ended ended = run({"scenario", scenario, "--stage", stage, "--out", "/dev/null"});
    CAPTURE(ended.output);
    CHECK(ended.exit_code == 2);
    CHECK(ended.output.find("odd.json, " + stage + ": ") != std::string::npos);
    CHECK(ended.output.find(words) != std::string::npos);
    CHECK(ended.output.find("error: ") == ended.output.rfind("error: "));
  };
  refused(R"("breaker":{"success_threshold":0})", "distributed", "success_threshold is 0");
  refused(R"("breaker":{"success_threshold":0})", "simple", "success_threshold is 0");
  refused(R"("breaker":{"magic":3})", "simple", "--magic=3");
  refused(R"("breaker":{},"instance":{"magic":3})", "distributed", "--magic=3");
}

TEST_CASE("stage simple ignores instance settings") {
  const ScratchFolder folder;
  const std::string scenario = folder.file("calm.json", R"({"name":"calm","question":"Is this so?",
    "upstream":{"plan":"healthy"},"load":{"rate":50,"duration_ms":300},"breaker":{},"instance":{"magic":3},
    "expect":{"simple":[{"measure":"success","at_least":15,"because":"0.3 s x 50 a second"}]}})");
  CHECK(run({"scenario", scenario, "--stage", "simple", "--out", "/dev/null"}).exit_code == 0);
}

TEST_CASE("one sidecar in front of the upstream counts the failures of all callers, and is not simulated") {
  const ScratchFolder folder;
  const std::string scenario = folder.file("beside.json", R"({"name":"beside-in-a-test","question":"Is this so?",
    "instances":2,"upstream":{"plan":"down"},"load":{"rate":20,"duration_ms":500},
    "breaker":{"failure_threshold":3,"recovery_timeout_ms":60000},
    "variants":{"one":{"stage":"distributed","proxy":{"program":"sidecar","one_for":"all"}}},
    "expect":{"one":[{"measure":"upstream_failures","at_least":3,"at_most":4,"because":"3, and one in flight"},
                     {"measure":"failure","at_least":10,"at_most":10,"because":"a caller sees only errors"}]}})");
  const Ended ended = run({"scenario", scenario, "--stage", "one", "--out", "/dev/null"});
  CAPTURE(ended.output);
  CHECK(ended.exit_code == 0);
  const Ended simulated = run({"simulate", scenario});
  CAPTURE(simulated.output);
  CHECK(simulated.exit_code == 0);
  CHECK(has(simulated.output, "beside-in-a-test, one: a proxy cannot be simulated\n"));
}

TEST_CASE("a scenario whose prediction fails exits with 1, and still writes its file") {
  const ScratchFolder folder;
  const std::string scenario = folder.file("wrong.json", R"({"name":"wrong","question":"Is this so?","instances":2,
    "upstream":{"plan":"healthy"},"load":{"rate":50,"duration_ms":300},
    "breaker":{"failure_threshold":3,"recovery_timeout_ms":1000},
    "expect":{"distributed":[{"measure":"opened","at_least":1,"because":"wishful thinking"}]}})");
  const std::string out = folder.path("wrong-run.json");
  const Ended ended = run({"scenario", scenario, "--stage", "distributed", "--out", out});
  CAPTURE(ended.output);
  CHECK(ended.exit_code == 1);
  CHECK(ended.output.find("NOT HELD") != std::string::npos);
  CHECK(ended.output.find("unexplained calls: 0") != std::string::npos);
  CHECK(read_run_file(out).measures.at("upstream_calls") == 15);
  CHECK(run({"compare", out}).exit_code == 1);
}

TEST_CASE("all designs of a scenario are a picture and what did not hold; the tables come with --details") {
  setenv("LC_ALL", "C", 1);  // which has no squares
  const ScratchFolder folder;
  const std::string scenario =
      folder.file("drawn-in-a-test.json", R"({"name":"drawn-in-a-test","question":"Is this so?",
    "upstream":{"plan":"healthy"},"load":{"rate":50,"duration_ms":300},"breaker":{},
    "expect":{"simple":[{"measure":"success","at_least":15,"because":"0.3 s x 50 a second"},
                        {"measure":"opened","at_least":1,"because":"wishful thinking"}]}})");
  const std::string drawn =
      "drawn-in-a-test: calls that succeeded\n  simple ############### 15  expected at least 15\n\n";
  const Ended brief = run({"scenario", scenario}), detailed = run({"scenario", scenario, "--details"}),
              simulated = run({"simulate", scenario});
  const std::string written = LAB_BIN_DIR "/../runs/drawn-in-a-test-simple";
  CHECK(std::filesystem::remove(written + ".json"));
  CHECK(std::filesystem::remove(written + "-simulated.json"));
  CHECK(brief.exit_code == 1);
  CHECK(brief.output ==
        "Is this so?\n\ndrawn-in-a-test, simple (1 of 1), 0.3 s\n\n" + drawn +
            "drawn-in-a-test, simple:\n  NOT HELD  opened\n            expected at least 1, measured 0\n"
            "            because wishful thinking\n\n1 of 2 expectations did not hold; --details lists all\n\n");
  CHECK(detailed.exit_code == 1);
  CHECK(has(detailed.output, drawn));
  CHECK(has(detailed.output, "  held      success\n"));
  CHECK(has(simulated.output, drawn));
  CHECK_FALSE(has(simulated.output, "  held      success\n"));
}

TEST_CASE("a run whose prediction failed while the machine stalled is played again, and says so") {
  const ScratchFolder folder;
  const std::string scenario = folder.file("stalled.json", R"({"name":"stalled","question":"Is this so?","instances":1,
    "upstream":{"plan":"healthy"},"load":{"rate":50,"duration_ms":1500},"breaker":{},
    "expect":{"distributed":[{"measure":"opened","at_least":1,"because":"wishful thinking"}]}})");
  ChildProcess process = start({"scenario", scenario, "--stage", "distributed", "--out", "/dev/null"});
  process.wait_for_line("     1 ", program_patience);
  process.send_signal(SIGSTOP);
  std::this_thread::sleep_for(milliseconds(100));  // the stall
  process.send_signal(SIGCONT);
  CHECK(process.wait(program_patience) == 1);
  CAPTURE(process.output());
  const auto busy = process.output().find("this machine was too busy: ");
  REQUIRE(busy != std::string::npos);
  CHECK(process.output().find("so it is played again\n\nstalled, distributed\n", busy) != std::string::npos);
  CHECK(process.output().find("NOT HELD") != std::string::npos);
}

TEST_CASE("each fault of a scenario's Redis is printed when it is injected, and a stage without Redis ignores it") {
  const ScratchFolder folder;
  const std::string scenario = folder.file("crash.json", R"({"name":"crash","question":"Is this so?","instances":2,
    "upstream":{"plan":"healthy"},"load":{"rate":50,"duration_ms":900},"breaker":{},
    "faults":[{"at_ms":100,"redis":"kill"},{"at_ms":200,"redis":"restart"}],
    "expect":{"redis":[{"measure":"unreachable","at_most":0,"because":"calls are answered all the time"}],
              "distributed":[]}})");
  const Ended redis = run({"scenario", scenario, "--stage", "redis", "--out", "/dev/null"});
  CAPTURE(redis.output);
  CHECK(redis.exit_code == 0);
  const auto killed = redis.output.find("\n   0.1 redis: killed\n");
  CHECK(killed != std::string::npos);
  CHECK(redis.output.find("\n   0.2 redis: restarted, empty\n") > killed);
  const Ended distributed = run({"scenario", scenario, "--stage", "distributed", "--out", "/dev/null"});
  CHECK(distributed.exit_code == 0);
  CHECK(distributed.output.find("redis: ") == std::string::npos);
}
