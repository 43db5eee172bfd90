// For tests: a private dynalite, which answers like DynamoDB but checks no signature, on a free loopback port.
#pragma once

#include <chrono>
#include <string>

#include "program/processes/child_process.hpp"
#include "program/wait_until.hpp"
#include "store_breaker/dynamodb/dynamodb_client.hpp"

namespace cb {

class Dynalite {
 public:
  Dynalite() : process_({LAB_SOURCE_DIR "/scripts/dev/dynalite.sh"}) {
    const std::string line = process_.wait_for_line("listening on", std::chrono::minutes(3));  // npm may install it
    url_ = line.substr(line.find("http://"));
  }

  const std::string& url() const { return url_; }
  void send_signal(int signal) { process_.send_signal(signal); }
  void hang() {  // until SIGCONT
    process_.send_signal(SIGSTOP);
    program::wait_until([&] { return process_.state() == program::ChildProcess::State::stopped; },
                        std::chrono::seconds(10));
  }
  int port() const { return std::stoi(url_.substr(url_.rfind(':') + 1)); }

  DynamodbAddress address(const std::string& table) const {
    return {.region = "lab", .table = table, .endpoint = url_, .is_overridden = true, .create_table = true};
  }

 private:
  program::ChildProcess process_;
  std::string url_;
};

inline DynamodbCredentials any_credentials() { return {.key_id = "AKLAB", .secret_key = "hidden-secret"}; }

}  // namespace cb
