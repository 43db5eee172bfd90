#include "load_generator/control_room/browser_tests/family_for_test.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

namespace load {
namespace {

struct Process {
  ProcessId id;
  pid_t parent = 0;
  char state = '?';
};

// man 5 proc: "pid (name) state ppid ... starttime", where the name may hold anything.
std::optional<Process> process_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(end_of_name + 1));
  Process process;
  process.id.pid = pid;
  fields >> process.state >> process.parent;
  constexpr int fields_up_to_start = 22, fields_read = 4;
  std::string skipped;
  for (int i = fields_read + 1; i < fields_up_to_start; ++i) fields >> skipped;
  fields >> process.id.started_at;
  return fields ? std::optional(process) : std::nullopt;
}

std::vector<Process> all_processes() {
  std::vector<Process> all;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (!std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; })) continue;
    if (const auto process = process_of(std::stoi(name))) all.push_back(*process);
  }
  return all;
}

}  // namespace

std::vector<ProcessId> descendants_of(pid_t ancestor) {
  const std::vector<Process> all = all_processes();
  std::vector<ProcessId> found{{ancestor, 0}};
  for (size_t i = 0; i < found.size(); ++i) {
    for (const Process& each : all) {
      if (each.parent == found[i].pid) found.push_back(each.id);
    }
  }
  found.erase(found.begin());
  return found;
}

bool runs(const ProcessId& process) {
  const auto now = process_of(process.pid);
  return now && now->id == process && now->state != 'Z' && now->state != 'X';
}

void end_all(const std::vector<ProcessId>& processes) {
  for (const ProcessId& each : processes) {
    if (runs(each)) kill(each.pid, SIGKILL);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::any_of(processes.begin(), processes.end(), runs) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace load
