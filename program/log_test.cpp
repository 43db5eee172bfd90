#include "program/log.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "program/command_line/options.hpp"

using namespace program;
using nlohmann::json;

namespace {

// The output of a process that sets up its log and writes to it, read from a pipe. It exits without flushing.
std::string printed(LogFormat format, const std::function<void()>& write_log) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  std::cout.flush();  // or the child would print it again
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    set_up_log(format);
    write_log();
    _exit(0);
  }
  close(ends[1]);
  std::string output;
  char part[4096];
  for (ssize_t got = 0; (got = read(ends[0], part, sizeof part)) > 0;) output.append(part, static_cast<size_t>(got));
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return output;
}

std::vector<std::string> lines_of(const std::string& output) {
  std::vector<std::string> lines;
  std::istringstream in(output);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string message_of(const std::string& message) {
  const auto lines = lines_of(printed(LogFormat::json, [&] { spdlog::info(message); }));
  REQUIRE(lines.size() == 1);
  return json::parse(lines[0]).at("message");
}

std::optional<int> parse_options(std::vector<std::string> arguments, LogFormat& format) {
  CommandLine app("", "program");
  app.add_log_format(format);
  std::vector<char*> argv;
  arguments.insert(arguments.begin(), "program");
  for (auto& argument : arguments) argv.push_back(argument.data());
  return app.parse(static_cast<int>(argv.size()), argv.data());
}

}  // namespace

TEST_CASE("a text log line is a time of day and a sentence") {
  const std::string output = printed(LogFormat::text, [] { spdlog::warn("probe {}", "failed"); });
  CHECK(std::regex_match(output, std::regex(R"(\d\d:\d\d:\d\d\.\d{3} probe failed\n)")));
}

TEST_CASE("a JSON log line is one object with time, level and message") {
  const auto lines = lines_of(printed(LogFormat::json, [] {
    spdlog::info("Instance-{}: stopped", "A");
    spdlog::warn("odd");
    spdlog::error("bad");
  }));
  REQUIRE(lines.size() == 3);
  const std::string at = R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)";
  CHECK(std::regex_match(lines[0],
                         std::regex(R"(\{"at":")" + at + R"(","level":"info","message":"Instance-A: stopped"\})")));
  CHECK(json::parse(lines[1]).at("level") == "warning");
  CHECK(json::parse(lines[2]).at("level") == "error");
}

TEST_CASE("the time in JSON is UTC in every time zone") {
  const auto before = std::chrono::system_clock::now();
  const std::string output = printed(LogFormat::json, [] {
    setenv("TZ", "XXX-5:30", 1);
    tzset();
    spdlog::info("now");
  });
  const std::string at = json::parse(output).at("at");
  const auto second = [](auto time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    return std::string(text);
  };
  CHECK(at.substr(0, 19) >= second(before));
  CHECK(at.substr(0, 19) <= second(std::chrono::system_clock::now()));
}

TEST_CASE("a message of any bytes becomes one line of valid JSON") {
  for (const std::string& message : {std::string("two\nlines\r\n"), std::string("\"quoted\\\" {}"),
                                     std::string("tab\t"), std::string("zero\0byte", 9), std::string("\x1b[31mred"),
                                     std::string("\u00e9"), std::string(), std::string(100'000, 'x')}) {
    CHECK(message_of(message) == message);
  }
}

TEST_CASE("invalid UTF-8 is replaced, and the rest is kept") {
  CHECK(message_of("before \xff\xc3 after") == "before \ufffd\ufffd after");
}

TEST_CASE("a log without a reader drops lines without waiting, and says how many once it is read again") {
  constexpr size_t logged = 3000;
  int log[2], filled[2], emptied[2];
  for (int* ends : {log, filled, emptied}) REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(log[1], STDOUT_FILENO);
    set_up_log(LogFormat::json);
    for (size_t i = 0; i < logged; ++i) spdlog::info("line {}", i);
    const uint64_t dropped = log_lines_dropped();
    char token = 0;
    const bool synchronized = write(filled[1], &dropped, sizeof dropped) > 0 && read(emptied[0], &token, 1) == 1;
    if (synchronized) spdlog::info("read again");
    _exit(synchronized ? 0 : 1);
  }
  close(log[1]);
  uint64_t dropped = 0;
  pollfd is_filled{filled[0], POLLIN, 0};
  REQUIRE(poll(&is_filled, 1, 60'000) == 1);  // all lines are logged, although none has been read
  REQUIRE(read(filled[0], &dropped, sizeof dropped) == sizeof dropped);
  std::string output(1 << 20, '\0');
  output.resize(static_cast<size_t>(read(log[0], output.data(), output.size())));
  REQUIRE(write(emptied[1], "x", 1) == 1);
  char part[4096];
  for (ssize_t got = 0; (got = read(log[0], part, sizeof part)) > 0;) output.append(part, static_cast<size_t>(got));
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  for (int* ends : {filled, emptied}) close(ends[0]), close(ends[1]);
  close(log[0]);

  const auto lines = lines_of(output);
  CHECK(dropped > 0);
  REQUIRE(lines.size() == logged - dropped + 2);
  CHECK(json::parse(lines[lines.size() - 2]).at("message") ==
        std::to_string(dropped) + " log lines dropped: standard output did not take them");
  CHECK(json::parse(lines.back()).at("message") == "read again");
}

TEST_CASE("a log that cannot be written, to a closed pipe or a full disk, ends no process") {
  for (const bool full : {false, true}) {
    const pid_t child = fork();
    if (child == 0) {
      int ends[2];
      if (pipe(ends) != 0) _exit(1);
      dup2(full ? open("/dev/full", O_WRONLY) : ends[1], STDOUT_FILENO);
      close(ends[0]);
      set_up_log();
      for (int i = 0; i < 3; ++i) spdlog::info("lost");
      _exit(static_cast<int>(log_lines_dropped()));
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 3);
  }
}

TEST_CASE("the log format is text or json, and anything else is a bad option") {
  LogFormat format = LogFormat::text;
  CHECK_FALSE(parse_options({}, format));
  CHECK(format == LogFormat::text);
  CHECK_FALSE(parse_options({"--log-format", "json"}, format));
  CHECK(format == LogFormat::json);
  CHECK_FALSE(parse_options({"--log-format=text"}, format));
  CHECK(format == LogFormat::text);
  for (const char* bad : {"xml", "JSON", "1", ""}) {
    CHECK(parse_options({"--log-format", bad}, format) == 2);
  }
}
