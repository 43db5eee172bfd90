// An HttpApi serves the control room to browsers on this machine. It listens on 127.0.0.1 only; PageAccess decides who
// is answered.
//   GET /, /lab, /experiments, /FILE   the pages, with their token; their scripts and styles
//   GET /events           updates as server-sent events: first everything, then what is new, about four times a second
//                         and at once when a state changes. At most 16 pages at a time
//   GET /scenarios        the scenarios that can be played
//   GET /simulate?..      a race in virtual time: see simulated_races.hpp
//   GET /race             a real race: see race_playback.hpp
//   GET /runs, /runs/NAME finished runs; one of them
//   GET /report?runs=...  the report of some of them, as a file to keep: see documents/report_request.hpp
//   POST /control/...     see control_requests.hpp; 200 {"done":"a sentence"}, or {"error":"a sentence"}
// A page that reads slowly gets fewer updates. One that reads nothing is disconnected three seconds after the system's
// buffers for it are full (some 200 KiB). Neither delays another page, and no update is queued for them.
// Errors: the constructor throws std::runtime_error if the port is taken.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "load_generator/control_room/control_room.hpp"
#include "load_generator/control_room/documents/scenario_list.hpp"
#include "load_generator/control_room/page_access.hpp"
#include "program/http/http_server.hpp"

namespace load {

class HttpApi {
 public:
  static constexpr int most_pages = 16;  // ten people watch, and some have two open

  static constexpr std::chrono::milliseconds write_timeout{3000};  // a busy browser may read nothing for a while

  explicit HttpApi(int port, std::chrono::milliseconds write_timeout = HttpApi::write_timeout);  // port 0: a free one
  ~HttpApi();  // waits for requests that are still running

  const std::string& url() const { return url_; }  // http://127.0.0.1:8080/
  int pages() const { return pages_; }             // that are connected

  void open(ControlRoom& room);  // once; the room outlives this object
  void close();                  // disconnects all pages, and accepts no more requests
  bool has_ended_within(std::chrono::milliseconds time) { return server_.stop_within(time); }  // after close()

 private:
  using Request = httplib::Request;
  using Response = httplib::Response;

  void add_routes();
  void get(const std::string& route, httplib::Server::Handler handler);
  void send_file(std::string_view name, Response& response) const;
  void stream_updates(Response& response);

  ControlRoom* room_ = nullptr;
  const PageAccess access_;
  ScenarioList scenarios_;
  std::atomic<int> pages_ = 0;
  std::string url_;
  program::HttpServer server_;  // last: its threads use the rest
};

}  // namespace load
