// For tests: a Browser is a person at a real chromium, who opens pages, clicks, types, looks and photographs. What is
// found by CSS is the first that fits; where nothing fits, or it cannot be clicked, std::runtime_error says so.
// Nothing sleeps: until() waits for what should become true, with a generous bound. Not thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "load_generator/control_room/browser_tests/chrome_driver_for_test.hpp"

namespace load {

namespace key {  // as WebDriver names those that are no letters
inline constexpr auto tab = "\uE004", enter = "\uE007", escape = "\uE00C", space = " ", left = "\uE012", up = "\uE013",
                      right = "\uE014", down = "\uE015", home = "\uE011", end = "\uE010";
}

struct Looks {
  int width = 1280;
  int height = 800;
  enum class Device { desktop, phone } device = Device::desktop;
  enum class Colours { light, dark } colours = Colours::light;
};

class Browser {
 public:
  explicit Browser(Requests requests = Requests::recorded) : driver_(requests) {}

  void open(const std::string& url);
  void show_as(const Looks& looks);  // this page only, until its end

  // Each in a window of its own, so that none is hidden; known by a handle.
  std::string page() const;     // the one that all other methods are about
  std::string open_new_page();  // and turns to it
  void turn_to(const std::string& page);

  std::string text(const std::string& css) const;                                // as it is shown
  std::string attribute(const std::string& css, const std::string& name) const;  // "" where there is none
  size_t count(const std::string& css) const;
  void click(const std::string& css) const;
  void type(const std::string& css, const std::string& text) const;  // into a field
  void press(const std::string& key) const;                          // wherever the focus is

  // The body of a function; what it returns. Arguments are `arguments[0]` and so on.
  nlohmann::json run(const std::string& script, const nlohmann::json& arguments = nlohmann::json::array()) const;

  // Until the expression, or the condition, is true. Throws where that takes longer than half a minute.
  void until(const std::string& expression, const nlohmann::json& arguments = nlohmann::json::array()) const;
  void until(const std::string& what, const std::function<bool()>& condition) const;

  void photograph(const std::string& file) const;  // PNG, of what the window shows
  std::string print() const;                       // PDF
  nlohmann::json devtools(const std::string& command, const nlohmann::json& parameters) const;

  // Since they were last asked for; of all pages.
  std::vector<std::string> complaints() const;      // warnings and errors of the console
  std::vector<std::string> requested_urls() const;  // of those that left the page, so none of data: and the like

  pid_t driver_pid() const { return driver_.pid(); }

 private:
  std::string element(const std::string& css) const;  // its path

  ChromeDriver driver_;
};

}  // namespace load
