#include "load_generator/control_room/browser_tests/ui_for_test.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <stdexcept>

#include "program/http/http_client.hpp"

namespace load {
namespace {

constexpr std::chrono::seconds program_patience{30};

program::ChildProcess started(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {LAB_BIN_DIR "/load_generator", "ui", "--port", "0"});
  return program::ChildProcess(arguments);
}

std::string url_of(program::ChildProcess& server) {
  const std::string line = server.wait_for_line("http://", program_patience);
  const size_t start = line.find("http://");
  return line.substr(start, line.find_first_of("/ ", start + 7) - start);
}

}  // namespace

Ui::Ui(std::vector<std::string> arguments) : server_(started(std::move(arguments))), url_(url_of(server_)) {}

nlohmann::json get_json(const std::string& url) {
  const auto reply = program::send({.url = url, .timeout = program_patience});
  const auto body = nlohmann::json::parse(reply.body, nullptr, false);
  if (reply.status != 200 || body.is_discarded()) throw std::runtime_error(url + ": " + reply.body + reply.error);
  return body;
}

void put(const std::string& url, const std::string& body) {
  const auto reply = program::send({.method = "PUT", .url = url, .body = body, .timeout = program_patience});
  if (reply.status != 200) throw std::runtime_error(url + ": " + reply.body + reply.error);
}

void open_ui(Browser& browser, const std::string& url, int lanes, const Looks& looks) {
  browser.show_as(looks);
  browser.open(url);
  browser.until(
      "document.querySelectorAll('[data-lane]').length === arguments[0] && "
      "document.querySelector('#connection').dataset.connected === 'true'",
      {lanes});
}

void show_frame(const Browser& browser, const nlohmann::json& fields) {
  browser.run(R"(
    const {room} = Lab;
    room.take = () => {};
    Object.getPrototypeOf(room).take.call(room, {...room.frame, ...arguments[0]});
    room.draw();)",
              nlohmann::json::array({fields}));
}

void check_manners(const Browser& browser, const std::string& url) {
  for (const std::string& complaint : browser.complaints()) FAIL_CHECK("the console says: ", complaint);
  for (const std::string& requested : browser.requested_urls()) {
    CHECK_MESSAGE(requested.starts_with(url + "/"), requested);
  }
}

std::string number_in(const std::string& css) { return "Number(document.querySelector('" + css + "').textContent)"; }

std::string screenshot_path(const std::string& name) {
  const auto folder = std::filesystem::path(LAB_BIN_DIR).parent_path() / "screenshots";
  const std::string path = (folder / (name + ".png")).string();
  MESSAGE("screenshot: ", path);
  return path;
}

}  // namespace load
