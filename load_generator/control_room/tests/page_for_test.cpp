#include "load_generator/control_room/tests/page_for_test.hpp"

#include <algorithm>

namespace load {
namespace {

constexpr const char* time_of = "at_ms_since_start";

PageForTest::Answer answer_of(const httplib::Result& result) {
  if (!result) return {};
  return {result->status, nlohmann::ordered_json::parse(result->body, nullptr, false), result->headers};
}

httplib::Client client_of(const std::string& address) {
  httplib::Client client(address);
  client.set_read_timeout(page_patience);
  return client;
}

// The entries before `from`, then the new ones.
nlohmann::ordered_json replaced(const nlohmann::ordered_json& before, const nlohmann::ordered_json& update,
                                double from) {
  nlohmann::ordered_json entries = nlohmann::ordered_json::array();
  for (const auto& entry : before) {
    if (entry[time_of] < from) entries.push_back(entry);
  }
  for (const auto& entry : update) entries.push_back(entry);
  return entries;
}

nlohmann::ordered_json traffic_replaced(const nlohmann::ordered_json& before, const nlohmann::ordered_json& update) {
  nlohmann::ordered_json all = before;
  const size_t kept = update["first_step"].get<size_t>() - before["first_step"].get<size_t>();
  for (const char* line : {"upstream_calls", "upstream_failures", "blocked"}) {
    while (all[line].size() > kept) all[line].erase(all[line].size() - 1);
    for (const auto& count : update[line]) all[line].push_back(count);
  }
  return all;
}

}  // namespace

PageForTest::PageForTest(const std::string& url) : address_(url.substr(0, url.size() - 1)), events_(address_) {
  events_.set_read_timeout(page_patience);
  const auto page = httplib::Client(address_).Get("/");
  const std::string before = "name=\"token\" content=\"";
  const size_t at = page ? page->body.find(before) : std::string::npos;
  if (at != std::string::npos) token_ = page->body.substr(at + before.size(), 32);
}

void PageForTest::look_on() {
  reader_ = std::thread([this] {
    const auto result = events_.Get(
        "/events",
        [this](const httplib::Response& response) {
          answer_ = response.status;
          return true;
        },
        [this](const char* data, size_t length) {
          read(std::string(data, length));
          return true;
        });
    ended_ = true;
  });
}

void PageForTest::leave() {
  while (reader_.joinable() && !ended_) {
    events_.stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (reader_.joinable()) reader_.join();
}

PageForTest::json PageForTest::picture() const {
  const std::scoped_lock lock(mutex_);
  return picture_;
}

size_t PageForTest::frames() const {
  const std::scoped_lock lock(mutex_);
  return frames_;
}

PageForTest::json PageForTest::first_frame() const {
  const std::scoped_lock lock(mutex_);
  return first_;
}

bool PageForTest::sees(const std::function<bool(const json& picture)>& what) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, page_patience, [&] { return !picture_.is_null() && what(picture_); });
}

PageForTest::Answer PageForTest::get(const std::string& path) const { return answer_of(client_of(address_).Get(path)); }

PageForTest::Answer PageForTest::post(const std::string& path, const std::string& body,
                                      const httplib::Headers& headers) const {
  httplib::Headers others = headers;
  const auto type = others.find("Content-Type");
  const std::string content_type = type == others.end() ? "" : type->second;
  others.erase("Content-Type");
  return answer_of(client_of(address_).Post(path, others, body, content_type));
}

httplib::Headers PageForTest::own_headers() const {
  return {{"Origin", address_}, {"X-Control-Token", token_}, {"Content-Type", "application/json"}};
}

void PageForTest::read(const std::string& data) {
  const std::scoped_lock lock(mutex_);
  unread_ += data;
  for (size_t end = unread_.find("\n\n"); end != std::string::npos; end = unread_.find("\n\n")) {
    const size_t start = unread_.find("data: ");
    if (start < end) take(json::parse(unread_.substr(start + 6, end - start - 6)));
    unread_.erase(0, end + 2);
  }
  changed_.notify_all();
}

void PageForTest::take(const json& frame) {
  frames_ += 1;
  const json before = picture_;
  picture_ = frame;
  if (first_.is_null()) first_ = frame;
  if (before.is_null() || before["fleet"] != frame["fleet"]) return;
  const double from = frame["from_ms"];
  for (const char* list : {"transitions", "marks"}) picture_[list] = replaced(before[list], frame[list], from);
  for (auto& [name, lane] : picture_["states"].items()) lane = replaced(before["states"][name], lane, from);
  picture_["traffic"] = traffic_replaced(before["traffic"], frame["traffic"]);
}

}  // namespace load
