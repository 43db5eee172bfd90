// A PrivatePostgresql is a PostgreSQL server on a free loopback port, in a temporary folder, that ends with this
// object. It never touches the user's PostgreSQL. Its superuser is postgres; every role logs in without a password,
// except for `guarded`. As root it runs as the system's user postgres. It survives a crash of a process, but not of the
// machine: it does not wait for the disk. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "program/processes/child_process.hpp"
#include "program/processes/temporary_folder.hpp"

namespace program {

class PrivatePostgresql {
 public:
  static bool is_installed();

  // `settings`: of postgresql.conf, as "fsync=on". Throws std::runtime_error if PostgreSQL is missing or does not
  // start.
  explicit PrivatePostgresql(std::vector<std::string> settings = {});
  ~PrivatePostgresql();
  PrivatePostgresql(const PrivatePostgresql&) = delete;
  PrivatePostgresql& operator=(const PrivatePostgresql&) = delete;

  int port() const { return port_; }
  std::string url(const std::string& database = "postgres", const std::string& login = "postgres") const;

  // What psql prints for this SQL, without a newline at the end. Throws std::runtime_error with the output if it fails.
  std::string psql(const std::string& sql, const std::string& database = "postgres") const;

  void restart();  // an orderly one: the clients' connections are closed, the data remains
  void kill();     // -9, all its processes; returns when they have ended
  void start();    // again, on the same port, with the same data
  void hang();     // SIGSTOP for all its processes, until resume()
  void resume();

 private:
  void create_data();
  std::vector<std::string> command(const std::string& program) const;
  std::vector<pid_t> processes() const;
  void end(int signal);

  const std::vector<std::string> settings_;
  const TemporaryFolder folder_;
  int port_ = 0;
  std::optional<ChildProcess> process_;
};

}  // namespace program
