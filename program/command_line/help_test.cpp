// The help text, and what every program says of itself.
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "program/command_line/options.hpp"
#include "program/processes/child_process.hpp"

using namespace program;

namespace {

constexpr std::chrono::seconds patience{20};

struct Ended {
  int exit_code;
  std::string output;
};

Ended run_program(std::vector<std::string> arguments) {
  arguments.front().insert(0, LAB_BIN_DIR "/");
  ChildProcess process(arguments);
  const int exit_code = process.wait(patience).value_or(-1);
  return {exit_code, process.output()};
}

size_t longest_line(const std::string& text) {
  std::istringstream lines(text);
  size_t longest = 0;
  for (std::string line; std::getline(lines, line);) longest = std::max(longest, line.size());
  return longest;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const std::vector<std::string> programs{"simple_breaker", "distributed_breaker", "redis_breaker", "unreliable_service",
                                        "load_generator"};

}  // namespace

TEST_CASE("help is usage, purpose and groups: name, meaning, default, and nothing else") {
  CommandLine app("Counts sheep", "counter");
  int sheep = 3;
  std::string file, colour = "white";
  bool fast = false;
  app.add_option("FILE", file, "Where to write them").required();
  auto number = app.add_option("--sheep", sheep, "How many sheep jump over the fence before one is asleep");
  number.range(1, 9).environment("SHEEP").group("The night");
  app.add_flag("--fast", fast, "Without waiting").excludes(number).group("The night");
  app.add_choice("--colour", colour, {"white", "black"}, "Theirs");
  CHECK(app.help(60) ==
        "Usage: counter FILE [OPTIONS]\n"
        "\n"
        "Counts sheep.\n"
        "\n"
        "Arguments:\n"
        "  FILE  Where to write them\n"
        "\n"
        "The night:\n"
        "  --sheep N  How many sheep jump over the fence before one\n"
        "             is asleep; or SHEEP in the environment;\n"
        "             default: 3\n"
        "  --fast     Without waiting\n"
        "\n"
        "Other:\n"
        "  -h, --help            Print this help\n"
        "  --colour white|black  Theirs; default: white\n");
}

TEST_CASE("a long name has its meaning below it, and commands are listed with theirs") {
  CommandLine app("Demonstrates", "demo");
  int value = 0;
  app.add_option("--a-name-that-takes-all-the-room-there-is", value, "What it means").default_text("");
  app.add_option("--short", value, "Another").default_text("");
  app.add_command("play", "Play it");
  CHECK(app.help(80) ==
        "Usage: demo [OPTIONS]\n"
        "       demo COMMAND [OPTIONS]\n"
        "\n"
        "Demonstrates.\n"
        "\n"
        "Options:\n"
        "  -h, --help  Print this help\n"
        "  --a-name-that-takes-all-the-room-there-is N\n"
        "              What it means\n"
        "  --short N   Another\n"
        "\n"
        "Commands:\n"
        "  play  Play it\n"
        "\n"
        "`demo COMMAND --help` lists a command's options.\n");
}

TEST_CASE("every program's help keeps to 80 columns in a pipe, and has none of the parser's words") {
  std::vector<std::vector<std::string>> commands;
  for (const std::string& program : programs) commands.push_back({program, "--help"});
  for (const char* command : {"scenario", "compare", "chaos", "simulate", "ui", "watch", "override", "reset"}) {
    commands.push_back({"load_generator", command, "--help"});
  }
  for (const auto& command : commands) {
    const Ended help = run_program(command);
    CAPTURE(help.output);
    CHECK(help.exit_code == 0);
    CHECK(help.output.starts_with("Usage: " + command.front()));
    CHECK(longest_line(help.output) <= 80);
    for (const char* noise :
         {"TEXT:", "INT", "FLOAT", "Excludes", "Needs", "REQUIRED", " in [", "OPTION_", "{", "]="}) {
      CHECK_FALSE(has(help.output, noise));
    }
  }
}

TEST_CASE("an instance's options are in the groups of the README") {
  const std::string help = run_program({"redis_breaker", "--help"}).output;
  size_t last = 0;
  for (const char* group : {"When to open:", "How long to stay open:", "How to close:", "Around the call:",
                            "The instance itself:", "Other:"}) {
    const size_t place = help.find("\n" + std::string(group) + "\n");
    REQUIRE(place != std::string::npos);
    CHECK(place > last);
    last = place;
  }
}

TEST_CASE("every program has the version of the project") {
  for (const std::string& program : programs) {
    const Ended version = run_program({program, "--version"});
    CHECK(version.exit_code == 0);
    CHECK(version.output == program + " " LAB_VERSION "\n");
  }
}

TEST_CASE("a value that is refused is one line: the option, the value, and what it may be") {
  const auto fault = [](std::vector<std::string> words) {
    CommandLine line("Counts sheep.", "count_sheep");
    int sheep = 0;
    uint64_t seed = 0;
    double rate = 0;
    std::optional<int> port;
    std::chrono::milliseconds rest{0};
    line.add_option("--sheep", sheep, "");
    line.add_option("--seed", seed, "");
    line.add_option("--rate", rate, "").range(0.1, 10'000.0);
    line.add_option("--port", port, "").range(0, 65535);
    line.add_duration("--rest", rest, "");
    try {
      line.parse(std::move(words));
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(fault({"--sheep", "7", "--seed", "18446744073709551615", "--rate", "0.1", "--port", "0", "--rest", "0"}) == "");
  CHECK(fault({"--sheep", "3x"}) == "--sheep: '3x' is not a whole number");
  CHECK(fault({"--sheep", "99999999999"}) == "--sheep: '99999999999' is not in the range of -2147483648 to 2147483647");
  CHECK(fault({"--seed", "-1"}) == "--seed: '-1' is not a whole number");
  CHECK(fault({"--rate", "nan"}) == "--rate: 'nan' is not a number");
  CHECK(fault({"--rate", "inf"}) == "--rate: 'inf' is not in the range of 0.1 to 10000");
  CHECK(fault({"--port", "010"}) == "--port: '010' begins with a 0: leave it out");
  CHECK(fault({"--port", "0"}) == "");
  CHECK(fault({"--port", "70000"}) == "--port: '70000' is not in the range of 0 to 65535");
  CHECK(fault({"--rest", "5"}) == "--rest: '5' is not a valid duration; write 0, 250ms, 10s, 2m or 1h, up to 8760h");
  CHECK(fault({"--rest"}) == "--rest needs a value");
}

TEST_CASE("a mistyped option or command is one line that suggests the nearest one") {
  const auto line = [](const std::vector<std::string>& arguments) {
    const Ended ended = run_program(arguments);
    CHECK(ended.exit_code == 2);
    return ended.output;
  };
  CHECK(line({"load_generator", "--rte", "5"}) ==
        "load_generator: '--rte' is not an option; did you mean --rate? (load_generator --help lists the options)\n");
  CHECK(line({"load_generator", "scneario", "outage"}) ==
        "load_generator: 'scneario' is not a command; did you mean scenario? (load_generator --help lists the "
        "options)\n");
  CHECK(line({"load_generator", "chaos", "--sed=3"}) ==
        "load_generator chaos: '--sed=3' is not an option; did you mean --seed? (load_generator chaos --help lists the "
        "options)\n");
  CHECK(
      line({"load_generator", "scenario", "--detials"}) ==
      "load_generator scenario: '--detials' is not an option; did you mean --details? (load_generator scenario --help "
      "lists the options)\n");
  CHECK(line({"redis_breaker", "--failure-treshold", "5"}) ==
        "redis_breaker: '--failure-treshold' is not an option; did you mean --failure-threshold? (redis_breaker --help "
        "lists the options)\n");
  CHECK(line({"unreliable_service", "--banana"}) ==
        "unreliable_service: '--banana' is not an option (unreliable_service --help lists the options)\n");
  CHECK(line({"unreliable_service", "banana"}) ==
        "unreliable_service: 'banana' is not expected (unreliable_service --help lists the options)\n");
  CHECK(has(line({"redis_breaker", "--store", "cashed"}),
            "--store: 'cashed' is not one of naive, scripted, cached, atomic; did you mean cached?"));
  CHECK(has(line({"load_generator", "scenario", "outge"}), "; did you mean outage?\n"));
  CHECK(has(line({"load_generator", "simulate", "outage", "--designs", "reds"}), "; did you mean redis?\n"));
  CHECK(has(line({"load_generator", "scenario", "outage", "--stage", "distribted"}), "; did you mean distributed?\n"));
  CHECK(has(line({"load_generator", "override", "force-opne"}), "; did you mean force-open?\n"));
}
