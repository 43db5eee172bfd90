#include "load_generator/control_room/browser_tests/chrome_driver_for_test.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

#include "load_generator/control_room/browser_tests/family_for_test.hpp"
#include "program/http/http_client.hpp"

namespace load {
namespace {

using nlohmann::json;
constexpr std::chrono::seconds driver_patience{60};  // a busy machine may take half of it to start a browser
constexpr size_t largest_reply = 256 * 1024 * 1024;

// chromium by way of a script: where chromedriver is killed, the kernel ends it too.
std::string browser_script(const std::filesystem::path& folder) {
  const std::string path = folder / "browser";
  std::ofstream(path) << "#!/bin/sh\nexec setpriv --pdeathsig KILL chromium \"$@\"\n";
  chmod(path.c_str(), 0700);
  return path;
}

std::vector<std::string> driver_command(const std::filesystem::path& folder) {
  const std::string place = folder.string();
  return {"env",
          "HOME=" + place,
          "TMPDIR=" + place,
          "XDG_CONFIG_HOME=" + place,
          "XDG_CACHE_HOME=" + place,
          "XDG_RUNTIME_DIR=" + place,
          "DBUS_SESSION_BUS_ADDRESS=disabled:",
          "chromedriver",
          "--port=0"};
}

json browser_arguments(const std::filesystem::path& folder) {
  json arguments{"--headless",
                 "--user-data-dir=" + (folder / "profile").string(),
                 "--disable-background-networking",
                 "--disable-component-update",
                 "--disable-default-apps",
                 "--disable-extensions",
                 "--disable-gpu",
                 "--disable-quic",
                 "--disable-sync",
                 "--no-default-browser-check",
                 "--no-first-run",
                 "--no-proxy-server",
                 "--password-store=basic"};
  if (geteuid() == 0) arguments.push_back("--no-sandbox");  // chromium's sandbox refuses to work for root
  return arguments;
}

// By its own choice it would begin with a page of a hundred files.
const json begin_with_an_empty_page{{"session.restore_on_startup", 4}, {"session.startup_urls", {"about:blank"}}};

json capabilities(const std::filesystem::path& folder, Requests requests) {
  json wanted{
      {"browserName", "chrome"},
      {"goog:chromeOptions",
       {{"binary", browser_script(folder)}, {"args", browser_arguments(folder)}, {"prefs", begin_with_an_empty_page}}},
      {"goog:loggingPrefs", {{"browser", "ALL"}}}};
  if (requests == Requests::recorded) {
    wanted["goog:loggingPrefs"]["performance"] = "ALL";
    wanted["goog:chromeOptions"]["perfLoggingPrefs"] = {{"enableNetwork", true}, {"enablePage", false}};
  }
  return {{"capabilities", {{"alwaysMatch", wanted}}}};
}

std::string address_of(program::ChildProcess& driver) {
  const std::string line = driver.wait_for_line("started successfully on port ", driver_patience);
  const size_t digits = line.find_last_of("0123456789");
  const size_t before = line.find_last_not_of("0123456789", digits);
  return "http://127.0.0.1:" + line.substr(before + 1, digits - before);
}

}  // namespace

// It takes a free port of IPv6 and then the same one of IPv4, which may not be free.
ChromeDriver::Driver ChromeDriver::started(const std::filesystem::path& folder) {
  for (int tries_left = 5;; --tries_left) {
    try {
      Driver driver{program::ChildProcess(driver_command(folder)), ""};
      driver.url = address_of(driver.process);
      return driver;
    } catch (const std::runtime_error& error) {
      const bool taken = std::string(error.what()).find("Address already in use") != std::string::npos;
      if (!taken || tries_left <= 1) throw;
    }
  }
}

ChromeDriver::ChromeDriver(Requests requests) : driver_(started(folder_.path())) {
  try {
    session_ = "/session";
    session_ += "/" + post("", capabilities(folder_.path(), requests)).at("sessionId").get<std::string>();
  } catch (...) {
    end_all(descendants_of(driver_.process.pid()));
    throw;
  }
}

ChromeDriver::~ChromeDriver() {
  const auto browser = descendants_of(driver_.process.pid());
  end_session();
  end_all(browser);
}

void ChromeDriver::end_session() const {
  program::HttpRequest request;
  request.method = "DELETE";
  request.url = driver_.url + session_;
  request.timeout = std::chrono::seconds(10);
  program::send(request);  // whatever it answers: who is left is ended otherwise
}

json ChromeDriver::get(const std::string& path) const { return command("GET", path, ""); }

json ChromeDriver::post(const std::string& path, const json& body) const { return command("POST", path, body.dump()); }

json ChromeDriver::command(const std::string& method, const std::string& path, const std::string& body) const {
  program::HttpRequest request;
  request.method = method;
  request.url = driver_.url + session_ + path;
  request.headers = {"Content-Type: application/json"};
  request.body = body;
  request.timeout = driver_patience;
  request.largest_reply = largest_reply;
  const auto reply = program::send(request);
  const std::string what = "chromedriver, " + method + " " + path + ": ";
  if (reply.status == 0) throw std::runtime_error(what + reply.error);
  const json answer = json::parse(reply.body, nullptr, false);
  if (!answer.is_object() || !answer.contains("value")) throw std::runtime_error(what + "no JSON: " + reply.body);
  if (reply.status == 200) return answer["value"];
  throw std::runtime_error(what + answer["value"].value("message", reply.body));
}

}  // namespace load
