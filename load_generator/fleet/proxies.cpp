#include "load_generator/fleet/proxies.hpp"

#include <arpa/inet.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

#include "load_generator/fleet/fleet.hpp"
#include "program/processes/redis_server.hpp"
#include "program/wait_until.hpp"

namespace load {
namespace {

using Values = std::map<std::string, std::string>;  // by placeholder, without its @

// Empty: it is not installed.
std::string path_of(const std::string& program, const std::string& folders = program_folders()) {
  std::istringstream rest(folders);
  for (std::string folder; std::getline(rest, folder, ':');) {
    std::string file = folder + "/" + program;
    if (!folder.empty() && access(file.c_str(), X_OK) == 0) return file;
  }
  return "";
}

std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string filled_in(std::string text, const Values& values) {
  for (const auto& [name, value] : values) {
    const std::string placeholder = "@" + name + "@";
    for (size_t at = text.find(placeholder); at != std::string::npos; at = text.find(placeholder, at)) {
      text.replace(at, placeholder.size(), value);
      at += value.size();
    }
  }
  return text;
}

bool accepts_connections(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool accepted = connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(socket);
  return accepted;
}

std::vector<std::string> command_for(Proxy::Program program, const std::string& settings, const std::string& name) {
  if (program == Proxy::Program::haproxy) return {path_of("haproxy"), "-L", name, "-f", settings};
  return {path_of("nginx"), "-e", "stderr", "-c", settings};
}

std::string setting(const Variant& variant, const std::string& name) {
  const auto found = variant.breaker.find(name);
  return found == variant.breaker.end() ? "" : found->second;
}

std::string peer_lines(const std::vector<int>& ports) {
  std::string lines;
  for (size_t i = 0; i < ports.size(); ++i) lines += fmt::format("  peer proxy{} 127.0.0.1:{}\n", i, ports[i]);
  return lines;
}

std::string host_of(const std::string& url) { return url.substr(url.find("//") + 2); }

void wait_until_it_listens(program::ChildProcess& process, int port) {
  const auto settled = [&] {
    return process.state() == program::ChildProcess::State::ended || accepts_connections(port);
  };
  program::wait_until(settled, std::chrono::seconds(10));
  if (!accepts_connections(port)) throw std::runtime_error("a proxy does not start: " + process.output());
}

}  // namespace

std::string program_folders() {
  const char* path = std::getenv("PATH");
  return (path == nullptr ? "" : std::string(path)) + ":/usr/local/sbin:/usr/sbin";
}

std::string missing_program(const Variant& variant, const std::string& folders) {
  if (!variant.proxy || variant.proxy->program == Proxy::Program::sidecar) return "";
  const std::string program(to_text(variant.proxy->program));
  if (!path_of(program, folders).empty()) return "";
  return program + " is not installed, so " + variant.name + " is skipped; scripts/dev/setup.sh --peers installs it";
}

Proxies::Proxies(const Scenario& scenario, const Variant& variant, const std::string& upstream) {
  const size_t count = variant.proxy->one_for_all ? 1 : scenario.instances;
  processes_.reserve(count);
  if (variant.proxy->program == Proxy::Program::sidecar) {
    for (size_t i = 0; i < count; ++i) start_sidecar(variant, upstream);
  } else {
    start_configured(scenario, variant, upstream, count);
  }
}

void Proxies::start_sidecar(const Variant& variant, const std::string& upstream) {
  std::vector<std::string> arguments{
      binaries_folder() + "/distributed_breaker", "--port", "0", "--sidecar", "0", "--upstream", upstream};
  for (const std::string& option : options(variant.breaker)) arguments.push_back(option);
  const std::string line = processes_.emplace_back(arguments).wait_for_line("sidecar of ");
  urls_.push_back(line.substr(line.rfind("http://")));
}

void Proxies::start_configured(const Scenario& scenario, const Variant& variant, const std::string& upstream,
                               size_t count) {
  const auto ports = program::free_ports(2 * count);
  const std::vector<int> peer_ports(ports.begin() + static_cast<long>(count), ports.end());
  const auto template_path = std::filesystem::path(scenario.file).parent_path() / variant.proxy->settings;
  for (size_t i = 0; i < count; ++i) {
    const std::string name = "proxy" + std::to_string(i);
    const auto settings = folder_.path() / (name + ".conf");
    const Values values{{"PORT", std::to_string(ports[i])},
                        {"PEER_PORT", std::to_string(peer_ports[i])},
                        {"PEERS", peer_lines(peer_ports)},
                        {"NAME", name},
                        {"UPSTREAM", host_of(upstream)},
                        {"FOLDER", folder_.path().string()},
                        {"THRESHOLD", setting(variant, "failure_threshold")},
                        {"RECOVERY", setting(variant, "recovery_timeout")}};
    std::ofstream(settings) << filled_in(text_of_file(template_path), values);
    processes_.emplace_back(command_for(variant.proxy->program, settings, name));
    urls_.push_back("http://127.0.0.1:" + std::to_string(ports[i]));
  }
  for (size_t i = 0; i < count; ++i) wait_until_it_listens(processes_[i], ports[i]);
}

}  // namespace load
