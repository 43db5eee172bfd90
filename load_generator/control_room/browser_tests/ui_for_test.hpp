// For tests: a control room of our own (`load_generator ui` on a free port), what it says to whoever asks, and what a
// page of it must always be: without complaints in the console, and content with its own server.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "load_generator/control_room/browser_tests/browser_for_test.hpp"
#include "program/processes/child_process.hpp"

namespace load {

class Ui {
 public:
  explicit Ui(std::vector<std::string> arguments);  // of `load_generator ui`, but for --port

  const std::string& url() const { return url_; }  // http://127.0.0.1:PORT, without a slash
  pid_t pid() const { return server_.pid(); }

 private:
  program::ChildProcess server_;
  const std::string url_;
};

// A body that is JSON. Throws std::runtime_error where there is none.
nlohmann::json get_json(const std::string& url);
void put(const std::string& url, const std::string& body);

// Opens the page, and waits until it is connected and shows so many lanes.
void open_ui(Browser& browser, const std::string& url, int lanes, const Looks& looks = {});

// Shows a frame that is made up: these fields, and the last real frame's others. No real one is shown from now on.
void show_frame(const Browser& browser, const nlohmann::json& fields);

// Of all pages since the last time: nothing in the console, and no request to anybody else.
void check_manners(const Browser& browser, const std::string& url);

// A script's expression: the whole number that an element shows.
std::string number_in(const std::string& css);

std::string screenshot_path(const std::string& name);  // in build/screenshots/, told to who reads the test's output

}  // namespace load
