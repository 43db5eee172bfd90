// For tests: a ChromeDriver is a chromedriver of our own and one chromium without a window that it drives, by the W3C
// WebDriver protocol (https://www.w3.org/TR/webdriver2/). Profile, cache and sockets of both lie in a temporary folder,
// which is removed. Nothing of them outlives this object, nor this process: not even after kill -9. The browser asks
// nobody for updates and the like. Not thread-safe. Errors: std::runtime_error, with what chromedriver said.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "program/processes/child_process.hpp"
#include "program/processes/temporary_folder.hpp"

namespace load {

enum class Requests { recorded, unrecorded };

class ChromeDriver {
 public:
  explicit ChromeDriver(Requests requests);
  ~ChromeDriver();
  ChromeDriver(const ChromeDriver&) = delete;
  ChromeDriver& operator=(const ChromeDriver&) = delete;

  // The "value" of the answer to METHOD /session/ID/path.
  nlohmann::json get(const std::string& path) const;
  nlohmann::json post(const std::string& path, const nlohmann::json& body) const;

  pid_t pid() const { return driver_.process.pid(); }

 private:
  nlohmann::json command(const std::string& method, const std::string& path, const std::string& body) const;
  void end_session() const;

  struct Driver {
    program::ChildProcess process;
    std::string url;  // http://127.0.0.1:PORT
  };
  static Driver started(const std::filesystem::path& folder);

  program::TemporaryFolder folder_;
  Driver driver_;
  std::string session_;  // /session/ID
};

}  // namespace load
