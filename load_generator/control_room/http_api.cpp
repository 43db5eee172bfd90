#include "load_generator/control_room/http_api.hpp"

#include <nlohmann/json.hpp>

#include "load_generator/control_room/control_requests.hpp"
#include "load_generator/control_room/event_stream.hpp"
#include "load_generator/page/page_files.hpp"

namespace load {
namespace {

using json = nlohmann::ordered_json;

constexpr size_t workers_beside_pages = 8;
constexpr size_t largest_order = 4 * 1024;
// For which a page may read nothing of what waits for it; a browser may be busy for a while.
constexpr std::chrono::milliseconds write_timeout{3000};
// What the system holds for one who does not read. As it likes, it would be some MiB, which is minutes of frames.
constexpr int held_by_the_system = 64 * 1024;

std::string dumped(const json& json) { return json.dump(-1, ' ', false, json::error_handler_t::replace); }

void answer(httplib::Response& response, const json& body) { program::answer_json(response, 200, dumped(body)); }

void refuse(httplib::Response& response, const Refusal& refusal) {
  program::answer_json(response, refusal.status, dumped({{"error", refusal.why}}));
}

// What the server refuses by itself it refuses without a word.
void explain(const httplib::Request&, httplib::Response& response) {
  if (!response.body.empty()) return;
  refuse(response, {response.status, response.status == 404   ? "there is nothing of that name"
                                     : response.status == 413 ? "an order is at most 4 KiB"
                                                              : "the request was not understood"});
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

}  // namespace

RoomServer::RoomServer(int port) : server_(most_pages + workers_beside_pages) {
  server_.set_default_headers(safe_headers());
  server_.set_payload_max_length(largest_order);
  server_.set_write_timeout(write_timeout);
  server_.set_error_handler(explain);
  url_ = "http://127.0.0.1:" + std::to_string(server_.bind("127.0.0.1", port)) + "/";
  server_.limit_unread(held_by_the_system);
}

RoomServer::~RoomServer() { close(); }

void RoomServer::open(ControlRoom& room) {
  room_ = &room;
  add_routes();
  server_.start();
}

void RoomServer::close() {
  if (room_ != nullptr) room_->news().close();
  server_.stop_accepting();
}

void RoomServer::add_routes() {
  show("/events", &RoomServer::get_events);
  show("/scenarios", &RoomServer::get_scenarios);
  show("/runs", &RoomServer::get_runs);
  show("/runs/(.*)", &RoomServer::get_run);
  show("/(.*)", &RoomServer::get_file);
  server_.Post("/control/(.*)", [this](const Request& request, Response& response) {
    const auto refusal = access_.refuse_to_change(request);
    return refusal ? refuse(response, *refusal) : post_control(request, response);
  });
}

void RoomServer::show(const std::string& route, void (RoomServer::*answer)(const Request&, Response&)) {
  server_.Get(route, [this, answer](const Request& request, Response& response) {
    if (const auto refusal = PageAccess::refuse_to_show(request)) return refuse(response, *refusal);
    try {
      (this->*answer)(request, response);
    } catch (const Refused& refused) {
      refuse(response, refused.refusal());
    }
  });
}

void RoomServer::get_file(const Request& request, Response& response) {
  const std::string name = request.matches[1].str().empty() ? "index.html" : request.matches[1].str();
  const PageFile* file = page_file(name);
  const bool is_page = name == "index.html";
  if (file == nullptr || (file->type == "text/html" && !is_page)) throw Refused(404, "there is nothing of that name");
  const std::string text = is_page ? with_token(file->content, access_.token()) : std::string(file->content);
  response.set_content(text, std::string(file->type) + "; charset=utf-8");
}

void RoomServer::get_events(const Request&, Response& response) {
  if (++pages_ > most_pages) {
    --pages_;
    throw Refused(503, "8 pages look on already; close one of them, and load this one again");
  }
  const auto stream = std::make_shared<EventStream>(*room_);
  response.set_chunked_content_provider(
      "text/event-stream", [stream](size_t, httplib::DataSink& sink) { return stream->send_next(sink); },
      [this](bool) { --pages_; });
}

void RoomServer::get_scenarios(const Request&, Response& response) { answer(response, scenarios_.to_json()); }

void RoomServer::get_runs(const Request&, Response& response) { answer(response, room_->runs().names()); }

void RoomServer::get_run(const Request& request, Response& response) {
  answer(response, room_->runs().document(request.matches[1].str()));
}

void RoomServer::post_control(const Request& request, Response& response) try {
  answer(response, obey(*room_, request.matches[1].str(), request.body));
} catch (const Refused& refused) {
  refuse(response, refused.refusal());
} catch (const std::invalid_argument& error) {
  refuse(response, {400, error.what()});
}

}  // namespace load
