// A RoomServer brings the control room to browsers on this machine: the page's files, what is to be seen, and what may
// be done. It listens on 127.0.0.1 only; see PageAccess for who is answered.
//   GET /, /FILE          the page, with its token; its scripts and styles
//   GET /events           frames as server-sent events: everything first, then what is new, about four times a second
//                         and at once when a state changes. At most 8 pages at once
//   GET /scenarios        what can be played
//   GET /runs, /runs/NAME finished runs; one of them
//   POST /control/...     see orders.hpp; 200 {"done":"a sentence"}, or {"error":"a sentence"}
// A page that reads slowly is told less often, and one that does not read at all is cut off three seconds after
// what the system holds for it is full (some 200 KiB, so it takes longer where frames are small): neither keeps another
// waiting, and nothing more is kept for them. Whoever comes back is told everything.
// Errors: the constructor throws std::runtime_error where the port cannot be had.
#pragma once

#include <atomic>
#include <string>

#include "load_generator/control_room/control_room.hpp"
#include "load_generator/control_room/page_access.hpp"
#include "program/http/http_server.hpp"

namespace load {

class RoomServer {
 public:
  static constexpr int most_pages = 8;

  explicit RoomServer(int port);  // 0: a free one
  ~RoomServer();                  // waits for requests that are still running

  const std::string& url() const { return url_; }  // http://127.0.0.1:8080/
  int pages() const { return pages_; }             // that look on

  void open(ControlRoom& room);  // once; the room lives longer
  void close();                  // all pages go, and no more requests are taken
  // Whether the last one has.
  bool has_ended_within(std::chrono::milliseconds time) { return server_.stop_within(time); }

 private:
  using Request = httplib::Request;
  using Response = httplib::Response;

  void add_routes();
  void show(const std::string& route, void (RoomServer::*answer)(const Request&, Response&));
  void get_file(const Request& request, Response& response);
  void get_events(const Request& request, Response& response);
  void get_scenarios(const Request& request, Response& response);
  void get_runs(const Request& request, Response& response);
  void get_run(const Request& request, Response& response);
  void post_control(const Request& request, Response& response);

  ControlRoom* room_ = nullptr;
  const PageAccess access_;
  ScenarioShelf scenarios_;
  std::atomic<int> pages_ = 0;
  std::string url_;
  program::HttpServer server_;  // last: its threads use the rest
};

}  // namespace load
