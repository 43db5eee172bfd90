// For tests: what can be observed of a program from outside: its text and its processes.
#pragma once

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "program/processes/child_process.hpp"
#include "program/wait_until.hpp"

namespace load {

// Half a minute is for a busy machine.
template <typename Condition>
bool comes_true(Condition condition) {
  return program::wait_until(condition, std::chrono::seconds(30));
}

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline bool is_one_line(const std::string& text) { return text.find('\n') == text.size() - 1; }

inline size_t longest_line(const std::string& text) {
  std::istringstream lines(text);
  size_t longest = 0;
  for (std::string line; std::getline(lines, line);) longest = std::max(longest, line.size());
  return longest;
}

inline std::vector<pid_t> children_of(const program::ChildProcess& process) {
  const std::string pid = std::to_string(process.pid());
  std::ifstream list("/proc/" + pid + "/task/" + pid + "/children");
  return {std::istream_iterator<pid_t>(list), std::istream_iterator<pid_t>()};
}

}  // namespace load
