#include "load_generator/control_room/browser_tests/process_use.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace load {
namespace {

std::string text_of(pid_t pid, const std::string& file) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/" + file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// "Pss:   1234 kB"
double mib_of(const std::string& text, const std::string& field) {
  const size_t at = text.find("\n" + field + ":");
  if (at == std::string::npos) return 0;
  double kib = 0;
  std::istringstream(text.substr(at + field.size() + 2)) >> kib;
  return kib / 1024;
}

}  // namespace

double pss_mib(pid_t pid) { return mib_of(text_of(pid, "smaps_rollup"), "Pss"); }

double rss_mib(pid_t pid) { return mib_of(text_of(pid, "status"), "VmRSS"); }

std::chrono::duration<double> cpu_time(pid_t pid) {
  const std::string text = text_of(pid, "stat");
  const size_t end_of_name = text.rfind(')');  // the name itself may hold anything
  if (end_of_name == std::string::npos) return {};
  std::istringstream fields(text.substr(end_of_name + 1));
  std::string skipped;
  constexpr int fields_between = 11;  // state to cmajflt, man 5 proc
  for (int i = 0; i < fields_between; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return std::chrono::duration<double>((user + system) / static_cast<double>(sysconf(_SC_CLK_TCK)));
}

std::string command_line(pid_t pid) {
  std::string text = text_of(pid, "cmdline");
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

}  // namespace load
