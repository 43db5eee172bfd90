#include "load_generator/control_room/browser_tests/browser_for_test.hpp"

#include <openssl/evp.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace load {
namespace {

using nlohmann::json;
constexpr std::chrono::seconds page_patience{30};
constexpr std::chrono::milliseconds between_looks{10};

std::string from_base64(const std::string& text) {
  std::string bytes(text.size() / 4 * 3, '\0');
  const auto size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                    reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) throw std::runtime_error("this is no base64: " + text.substr(0, 40));
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  bytes.resize(static_cast<size_t>(size) - padding);
  return bytes;
}

std::string url_requested(const json& entry) {
  const json event = json::parse(entry.at("message").get<std::string>()).at("message");
  if (event.at("method") != "Network.requestWillBeSent") return "";
  const std::string url = event.at("params").at("request").at("url");
  const bool leaves = !url.starts_with("data:") && !url.starts_with("blob:") && !url.starts_with("about:");
  return leaves ? url : "";
}

}  // namespace

void Browser::open(const std::string& url) { driver_.post("/url", {{"url", url}}); }

void Browser::show_as(const Looks& looks) {
  devtools("Emulation.setDeviceMetricsOverride", {{"width", looks.width},
                                                  {"height", looks.height},
                                                  {"deviceScaleFactor", 1},
                                                  {"mobile", looks.device == Looks::Device::phone}});
  const std::string scheme = looks.colours == Looks::Colours::dark ? "dark" : "light";
  const json feature{{"name", "prefers-color-scheme"}, {"value", scheme}};
  devtools("Emulation.setEmulatedMedia", {{"features", json::array({feature})}, {"media", ""}});
}

std::string Browser::page() const { return driver_.get("/window"); }

std::string Browser::open_new_page() {
  const std::string opened = driver_.post("/window/new", {{"type", "window"}}).at("handle");
  turn_to(opened);
  return opened;
}

void Browser::turn_to(const std::string& page) { driver_.post("/window", {{"handle", page}}); }

std::string Browser::element(const std::string& css) const {
  const json found = driver_.post("/element", {{"using", "css selector"}, {"value", css}});
  return "/element/" + found.front().get<std::string>();
}

std::string Browser::text(const std::string& css) const { return driver_.get(element(css) + "/text"); }

std::string Browser::attribute(const std::string& css, const std::string& name) const {
  const json value = driver_.get(element(css) + "/attribute/" + name);
  return value.is_string() ? value.get<std::string>() : "";
}

size_t Browser::count(const std::string& css) const {
  return driver_.post("/elements", {{"using", "css selector"}, {"value", css}}).size();
}

void Browser::click(const std::string& css) const { driver_.post(element(css) + "/click", json::object()); }

void Browser::type(const std::string& css, const std::string& text) const {
  driver_.post(element(css) + "/value", {{"text", text}});
}

void Browser::press(const std::string& key) const {
  const json down{{"type", "keyDown"}, {"value", key}}, up{{"type", "keyUp"}, {"value", key}};
  const json keyboard{{"type", "key"}, {"id", "keyboard"}, {"actions", json::array({down, up})}};
  driver_.post("/actions", {{"actions", json::array({keyboard})}});
}

json Browser::run(const std::string& script, const json& arguments) const {
  return driver_.post("/execute/sync", {{"script", script}, {"args", arguments}});
}

void Browser::until(const std::string& expression, const json& arguments) const {
  const std::string safe = "try { return Boolean(" + expression + "); } catch (error) { return false; }";
  until(expression, [&] { return run(safe, arguments).get<bool>(); });
}

void Browser::until(const std::string& what, const std::function<bool()>& condition) const {
  const auto deadline = std::chrono::steady_clock::now() + page_patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("this did not come true: " + what);
    std::this_thread::sleep_for(between_looks);
  }
}

void Browser::photograph(const std::string& file) const {
  std::filesystem::create_directories(std::filesystem::absolute(file).parent_path());
  std::ofstream out(file, std::ios::binary);
  out << from_base64(driver_.get("/screenshot"));
  if (!out.flush()) throw std::runtime_error(file + ": cannot be written");
}

std::string Browser::print() const {
  return from_base64(devtools("Page.printToPDF", {{"printBackground", true}}).at("data"));
}

json Browser::devtools(const std::string& command, const json& parameters) const {
  return driver_.post("/goog/cdp/execute", {{"cmd", command}, {"params", parameters}});
}

std::vector<std::string> Browser::complaints() const {
  std::vector<std::string> lines;
  for (const json& entry : driver_.post("/se/log", {{"type", "browser"}})) {
    const std::string level = entry.at("level");
    if (level == "SEVERE" || level == "WARNING") lines.push_back(level + ": " + entry.at("message").get<std::string>());
  }
  return lines;
}

std::vector<std::string> Browser::requested_urls() const {
  std::vector<std::string> urls;
  for (const json& entry : driver_.post("/se/log", {{"type", "performance"}})) {
    if (const std::string url = url_requested(entry); !url.empty()) urls.push_back(url);
  }
  return urls;
}

}  // namespace load
