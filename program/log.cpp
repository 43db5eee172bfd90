#include "program/log.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <spdlog/fmt/chrono.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace program {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// For a line that is longer than a pipe takes at once. Shorter ones are written as a whole or not at all.
constexpr milliseconds longest_wait_within_line{100};

std::atomic<uint64_t> dropped_lines{0};

std::string utc(spdlog::log_clock::time_point at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  const auto ms = std::chrono::floor<milliseconds>(at - seconds);
  const std::tm parts = fmt::gmtime(std::chrono::system_clock::to_time_t(seconds));
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", parts, ms.count());
}

class JsonLines final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& out) override {
    const auto text = [](spdlog::string_view_t view) { return std::string(view.data(), view.size()); };
    const nlohmann::ordered_json object{{"at", utc(line.time)},
                                        {"level", text(spdlog::level::to_string_view(line.level))},
                                        {"message", text(line.payload)}};
    const std::string json = object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    out.append(json.data(), json.data() + json.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonLines>(); }
};

// Standard output, opened once more: O_NONBLOCK on the descriptor itself would change it for every process that shares
// it. Where that is not possible (a socket, another user's pipe), only poll() is left, which calls a pipe full a little
// early, and cannot see that another process fills it just after. A file is always ready.
int open_without_blocking() {
  struct stat status {};
  const bool can_block = fstat(STDOUT_FILENO, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode));
  const int fd = can_block ? open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
  return fd < 0 ? STDOUT_FILENO : fd;
}

std::string_view colour_of(spdlog::level::level_enum level) {
  if (level >= spdlog::level::err) return "\033[31m\033[1m";
  return level == spdlog::level::warn ? "\033[33m\033[1m" : "\033[32m";
}

class StandardOutput final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit StandardOutput(bool coloured) : coloured_(coloured) {}

 private:
  void sink_it_(const spdlog::details::log_msg& line) override {
    if (!announce_dropped() || !put(text_of(line))) ++dropped_lines;
  }
  void flush_() override {}

  bool announce_dropped() {
    const uint64_t missing = dropped_lines - announced_;
    if (missing == 0) return true;
    const std::string message = fmt::format("{} log {} dropped: standard output did not take {}", missing,
                                            missing == 1 ? "line" : "lines", missing == 1 ? "it" : "them");
    if (!put(text_of({"", spdlog::level::warn, message}))) return false;
    announced_ += missing;
    return true;
  }

  std::string text_of(const spdlog::details::log_msg& line) {
    spdlog::memory_buf_t formatted;
    formatter_->format(line, formatted);
    std::string text(formatted.data(), formatted.size());
    if (!coloured_ || line.color_range_end <= line.color_range_start) return text;
    text.insert(line.color_range_end, "\033[m");
    return text.insert(line.color_range_start, colour_of(line.level));
  }

  // False: nothing was written. What is left of a line that was written in part comes first the next time.
  bool put(const std::string& text) {
    rest_.erase(0, write(rest_));
    const size_t written = rest_.empty() ? write(text) : 0;
    if (written > 0) rest_ = text.substr(written);
    return written > 0;
  }

  // How much of it standard output took.
  size_t write(std::string_view text) const {
    size_t written = 0;
    auto deadline = steady_clock::now();
    while (written < text.size()) {
      const bool may_block = fd_ == STDOUT_FILENO || written > 0;
      if (may_block && !is_ready(deadline)) break;
      const ssize_t more = ::write(fd_, text.data() + written, std::min<size_t>(text.size() - written, PIPE_BUF));
      if (more == 0 || (more < 0 && errno != EINTR)) break;
      if (written == 0) deadline += longest_wait_within_line;
      written += static_cast<size_t>(std::max<ssize_t>(more, 0));
    }
    return written;
  }

  bool is_ready(steady_clock::time_point deadline) const {
    pollfd descriptor{fd_, POLLOUT, 0};
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    return poll(&descriptor, 1, static_cast<int>(std::max<int64_t>(left, 0))) == 1;
  }

  const bool coloured_;
  const int fd_ = open_without_blocking();
  std::string rest_;
  uint64_t announced_ = 0;  // of the dropped lines
};

}  // namespace

void set_up_log(LogFormat format) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that is gone ends no process
  const bool coloured = format == LogFormat::text && supports_colours();
  auto logger = std::make_shared<spdlog::logger>("", std::make_shared<StandardOutput>(coloured));
  if (format == LogFormat::json) {
    logger->set_formatter(std::make_unique<JsonLines>());
  } else {
    logger->set_pattern("%H:%M:%S.%e %^%v%$");
  }
  spdlog::set_default_logger(std::move(logger));
}

uint64_t log_lines_dropped() { return dropped_lines; }

bool supports_colours(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && isatty(descriptor) == 1;
}

}  // namespace program
