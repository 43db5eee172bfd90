#include "program/processes/postgresql_server.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "program/processes/redis_server.hpp"

namespace program {
namespace {

namespace fs = std::filesystem;

// Debian has the server's programs outside PATH, in a folder for each version. Empty: not installed.
fs::path folder_of_programs() {
  fs::path newest;
  std::error_code ignored;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const fs::path folder = version.path() / "bin";
    if (fs::exists(folder / "initdb", ignored) && folder > newest) newest = folder;
  }
  return newest;
}

std::string output_of(const std::vector<std::string>& command) {
  ChildProcess process(command);
  const auto code = process.wait(std::chrono::seconds(60));
  if (code != 0) throw std::runtime_error(command[0] + " failed:\n" + process.output());
  return process.output();
}

// Or is a zombie: another process has to wait for it.
bool has_ended(pid_t pid) {
  std::string line;
  return !std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/cmdline"), line);
}

// The server refuses to run as root.
void give_to_server(const fs::path& folder) {
  if (geteuid() != 0) return;
  const passwd* user = getpwnam("postgres");
  if (user == nullptr) throw std::runtime_error("the system has no user postgres");
  if (chown(folder.c_str(), user->pw_uid, user->pw_gid) != 0)
    throw std::system_error(errno, std::generic_category(), "chown " + folder.string());
}

}  // namespace

bool PrivatePostgresql::is_installed() { return !folder_of_programs().empty(); }

PrivatePostgresql::PrivatePostgresql(std::vector<std::string> settings) : settings_(std::move(settings)) {
  if (!is_installed()) throw std::runtime_error("PostgreSQL is not installed");
  give_to_server(folder_.path());
  create_data();
  try_ports([this] {
    port_ = free_ports(1)[0];
    start();
  });
}

PrivatePostgresql::~PrivatePostgresql() {
  resume();
  end(SIGQUIT);
}

std::string PrivatePostgresql::url(const std::string& database, const std::string& login) const {
  return "postgresql://" + login + "@127.0.0.1:" + std::to_string(port_) + "/" + database;
}

std::string PrivatePostgresql::psql(const std::string& sql, const std::string& database) const {
  std::string printed = output_of({"psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set",
                                   "ON_ERROR_STOP=1", "--command", sql, url(database)});
  while (printed.ends_with('\n')) printed.pop_back();
  return printed;
}

void PrivatePostgresql::start() {
  auto arguments = command("postgres");
  const std::vector<std::string> always{"port=" + std::to_string(port_),
                                        "listen_addresses=127.0.0.1",
                                        "unix_socket_directories=" + folder_.path().string(),
                                        "fsync=off",
                                        "shared_buffers=16MB",
                                        "dynamic_shared_memory_type=mmap"};
  for (const auto* settings : {&always, &settings_}) {
    for (const auto& setting : *settings) arguments.insert(arguments.end(), {"-c", setting});
  }
  process_.emplace(arguments);
  process_->wait_for_line("database system is ready to accept connections", std::chrono::seconds(30));
}

void PrivatePostgresql::restart() {
  end(SIGINT);
  start();
}

void PrivatePostgresql::kill() { end(SIGKILL); }

void PrivatePostgresql::hang() {
  process_->send_signal(SIGSTOP);  // first, so that it starts no other process
  wait_until("the server stopped", [this] { return process_->state() != ChildProcess::State::running; });
  for (const pid_t pid : processes()) ::kill(pid, SIGSTOP);
}

void PrivatePostgresql::resume() {
  for (const pid_t pid : processes()) ::kill(pid, SIGCONT);
  if (process_) process_->send_signal(SIGCONT);
}

void PrivatePostgresql::create_data() {
  auto arguments = command("initdb");
  arguments.insert(arguments.end(), {"--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale",
                                     "--no-sync", "--no-instructions"});
  output_of(arguments);
  std::ofstream(folder_.path() / "data" / "pg_hba.conf") << "local all all trust\n"
                                                            "host all guarded 127.0.0.1/32 scram-sha-256\n"
                                                            "host all unwelcome 127.0.0.1/32 reject\n"
                                                            "host all all 127.0.0.1/32 trust\n";
}

// setpriv: as another user the server would not end with this process otherwise.
std::vector<std::string> PrivatePostgresql::command(const std::string& program) const {
  std::vector<std::string> words;
  if (geteuid() == 0) words = {"setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=QUIT"};
  words.insert(words.end(), {folder_of_programs() / program, "-D", folder_.path() / "data"});
  return words;
}

// The server's children. Each leads a process group.
std::vector<pid_t> PrivatePostgresql::processes() const {
  std::vector<pid_t> children;
  if (!process_) return children;
  const std::string pid = std::to_string(process_->pid());
  std::ifstream list("/proc/" + pid + "/task/" + pid + "/children");
  for (pid_t child = 0; list >> child;) children.push_back(child);
  return children;
}

void PrivatePostgresql::end(int signal) {
  if (!process_) return;
  const std::vector<pid_t> children = processes();
  process_->send_signal(signal);
  process_->wait(std::chrono::seconds(10));
  for (const pid_t child : children) {
    if (signal == SIGKILL) ::kill(child, SIGKILL);
    wait_until("a process of the server ended", [&] { return has_ended(child); });
  }
  process_.reset();
}

}  // namespace program
