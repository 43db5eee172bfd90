#include "redis_breaker/benchmark/redis_monitor.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <utility>

namespace cb {
namespace {

constexpr std::chrono::seconds patience{10};
constexpr size_t event_at = 23;  // EVALSHA, hash, 7, seven keys, thirteen arguments, then the first event

// The character that an escape stands for: \x1f \n \r \t \a \b \" \\; `i` is moved to its end.
char unescaped(std::string_view line, size_t& i) {
  constexpr std::string_view names = "nrtab", values = "\n\r\t\a\b";
  if (line[i] == 'x' && i + 2 < line.size()) {
    i += 2;
    return static_cast<char>(std::stoi(std::string(line.substr(i - 1, 2)), nullptr, 16));
  }
  const size_t name = names.find(line[i]);
  return name == std::string_view::npos ? line[i] : values[name];
}

// 1795260806.089886 [0 127.0.0.1:40000] "SET" "key" "a \"quoted\" value"; in a script: [0 lua]
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  bool inside = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') {
      inside = !inside;
      if (inside) words.emplace_back();
    } else if (inside) {
      const bool is_escape = line[i] == '\\' && i + 1 < line.size();
      words.back() += is_escape ? unescaped(line, ++i) : line[i];
    }
  }
  return words;
}

void record(std::string_view line, ObservedCommands& observed) {
  if (line.find(" lua] ") < line.find('"')) {
    ++observed.in_scripts;
    return;
  }
  std::vector<std::string> words = words_of(line);
  if (words.empty()) return;
  const bool is_table = words.size() > event_at && words[0].rfind("EVAL", 0) == 0;
  ++observed.sent[is_table ? words[0] + " " + words[event_at] : words[0]];
  if (is_table && words[event_at] == "settle") observed.last_settle = std::move(words);
}

}  // namespace

int ObservedCommands::all_sent() const {
  return std::accumulate(sent.begin(), sent.end(), 0, [](int sum, const auto& entry) { return sum + entry.second; });
}

int ObservedCommands::count(const std::string& what) const {
  const auto entry = sent.find(what);
  return entry == sent.end() ? 0 : entry->second;
}

int ObservedCommands::of_checks() const { return count("INFO") + count("HGETALL") + count("PING"); }

std::string ObservedCommands::to_text() const {
  std::string text;
  for (const auto& [what, count] : sent) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  return text.empty() ? "nothing" : text;
}

Monitor::Monitor(redis::Client& client) : connection_(client.connect(0)), marking_(client.connect(0)) {
  const redis::Deadline deadline(patience);
  connection_->send({"MONITOR"}, deadline);
  const std::string error = connection_->receive(deadline).error();
  if (!error.empty()) throw std::runtime_error("MONITOR on " + client.to_text() + ": " + error);
  take();  // discards the commands that made these connections
}

ObservedCommands Monitor::take() {
  const std::string marker = "end of the observed commands " + std::to_string(++markers_);
  const redis::Deadline deadline(patience);
  marking_->send({"ECHO", marker}, deadline);
  marking_->receive(deadline);
  std::optional<ObservedCommands> until_now;
  while (!until_now) {
    const redis::Reply line = connection_->receive(deadline);
    if (!line.error().empty()) throw std::runtime_error("MONITOR: " + line.error());
    const std::string_view text(line->str, line->len);
    if (text.find(marker) == std::string_view::npos) {
      record(text, observed_);
    } else {
      until_now = std::exchange(observed_, {});
    }
  }
  return *std::move(until_now);
}

}  // namespace cb
