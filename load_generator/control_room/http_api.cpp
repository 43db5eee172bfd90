#include "load_generator/control_room/http_api.hpp"

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "load_generator/control_room/control_requests.hpp"
#include "load_generator/control_room/documents/report_request.hpp"
#include "load_generator/page/page_files.hpp"

namespace load {
namespace {

using std::chrono::milliseconds;
using json = nlohmann::ordered_json;
using Handler = httplib::Server::Handler;

constexpr size_t workers_beside_pages = 16;  // ten pages may follow a race while some wait for simulated ones
constexpr size_t largest_request = 4 * 1024;
// Unlimited, the system would buffer some MiB for a page that does not read: minutes of updates.
constexpr int unread_limit = 64 * 1024;
constexpr milliseconds update_every{250};
constexpr milliseconds shortest_gap{50};  // between two updates, however much changes

std::string dumped(const json& json) { return json.dump(-1, ' ', false, json::error_handler_t::replace); }

void answer(httplib::Response& response, const json& body) { program::answer_json(response, 200, dumped(body)); }

void answer_error(httplib::Response& response, int status, const std::string& sentence) {
  program::answer_json(response, status, dumped({{"error", sentence}}));
}

Handler answering_errors(Handler handler) {
  return [handler = std::move(handler)](const httplib::Request& request, httplib::Response& response) {
    try {
      handler(request, response);
    } catch (const RequestError& error) {
      answer_error(response, error.status(), error.what());
    } catch (const std::invalid_argument& error) {
      answer_error(response, 400, error.what());
    }
  };
}

httplib::Headers safe_headers() {
  return {{"Content-Security-Policy",
           "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
           "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
          {"X-Content-Type-Options", "nosniff"},
          {"Referrer-Policy", "no-referrer"},
          {"Cache-Control", "no-store"}};
}

std::string with_token(std::string_view page, const std::string& token) {
  constexpr std::string_view placeholder = "__TOKEN__";
  std::string text(page);
  const size_t at = text.find(placeholder);
  return at == std::string::npos ? text : text.replace(at, placeholder.size(), token);
}

// One page's updates. Each is made when the connection can take it, from where the last one ended: nothing is queued
// for a slow page, and the next update has all that it missed.
class UpdateStream {
 public:
  explicit UpdateStream(ControlRoom& room) : room_(room) {}

  // Waits for the next update, and sends it. False: the page is gone, or the room is closed.
  bool send_next(httplib::DataSink& sink) {
    if (sent_ > 0 && !room_.changes().wait(seen_, shortest_gap, update_every)) return false;
    ControlRoom::Update update = room_.update_since(cursor_);
    cursor_ = update.cursor;
    const std::string retry = sent_ == 0 ? "retry: 500\n" : "";
    const std::string event = retry + "id: " + std::to_string(++sent_) + "\ndata: " + dumped(update.json) + "\n\n";
    return sink.write(event.data(), event.size());
  }

 private:
  ControlRoom& room_;
  FleetPoller::Cursor cursor_;
  uint64_t seen_ = 0;
  uint64_t sent_ = 0;
};

}  // namespace

HttpApi::HttpApi(int port, milliseconds write_timeout) : server_(most_pages + workers_beside_pages) {
  server_.set_default_headers(safe_headers());
  server_.set_payload_max_length(largest_request);
  server_.set_write_timeout(write_timeout);
  url_ = "http://127.0.0.1:" + std::to_string(server_.bind("127.0.0.1", port)) + "/";
  server_.limit_unread(unread_limit);
}

HttpApi::~HttpApi() { close(); }

void HttpApi::open(ControlRoom& room) {
  room_ = &room;
  add_routes();
  server_.start();
}

void HttpApi::close() {
  if (room_ != nullptr) room_->changes().close();
  server_.stop_accepting();
}

void HttpApi::add_routes() {
  get("/events", [this](const Request&, Response& response) { stream_updates(response); });
  get("/scenarios",
      [this](const Request&, Response& response) { answer(response, scenarios_.to_json(room_->runs())); });
  get("/simulate", [this](const Request& request, Response& response) {
    program::answer_json(response, 200, room_->simulated_races().answer(simulated_race_request(request.params)));
  });
  get("/race", [this](const Request& request, Response& response) {
    answer(response, room_->race_since(race_news_request(request.params)));
  });
  get("/runs", [this](const Request&, Response& response) { answer(response, room_->runs().names()); });
  get("/runs/(.*)", [this](const Request& request, Response& response) {
    answer(response, room_->runs().document(request.matches[1].str()));
  });
  get("/report",
      [this](const Request& request, Response& response) { answer_report(room_->runs(), request, response); });
  for (const auto& [route, file] : page_routes) {
    get(std::string(route), [this, file = file](const Request&, Response& response) { send_file(file, response); });
  }
  get("/(.*)", [this](const Request& request, Response& response) { send_file(request.matches[1].str(), response); });
  server_.Post("/control/(.*)", answering_errors([this](const Request& request, Response& response) {
                 access_.check_change(request);
                 answer(response, apply_control_request(*room_, request.matches[1].str(), request.body));
               }));
}

void HttpApi::get(const std::string& route, Handler handler) {
  server_.Get(route, answering_errors([handler = std::move(handler)](const Request& request, Response& response) {
                PageAccess::check_read(request);
                handler(request, response);
              }));
}

void HttpApi::send_file(std::string_view name, Response& response) const {
  const PageFile* file = page_file(name);
  if (file == nullptr || name == "report.html") throw RequestError(404, "there is nothing of that name");
  const std::string text =
      file->type == "text/html" ? with_token(file->content, access_.token()) : std::string(file->content);
  response.set_content(text, std::string(file->type) + "; charset=utf-8");
}

void HttpApi::stream_updates(Response& response) {
  if (++pages_ > most_pages) {
    --pages_;
    throw RequestError(
        503, std::to_string(most_pages) + " pages look on already; close one of them, and load this one again");
  }
  const auto stream = std::make_shared<UpdateStream>(*room_);
  response.set_chunked_content_provider(
      "text/event-stream", [stream](size_t, httplib::DataSink& sink) { return stream->send_next(sink); },
      [this](bool) { --pages_; });
}

}  // namespace load
