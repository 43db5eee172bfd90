// An EventStream tells one page what is new, frame by frame, as server-sent events. A frame is made when the page can
// take it, and from where the last one ended; so nothing piles up for a page that is slow, and when it goes on it is
// told of all that it has missed.
// For one thread: that of the page's request.
#pragma once

#include <httplib.h>

#include "load_generator/control_room/control_room.hpp"

namespace load {

class EventStream {
 public:
  explicit EventStream(ControlRoom& room) : room_(room) {}

  // Waits for what is new, and sends it. False: the page has gone, or all pages are to go.
  bool send_next(httplib::DataSink& sink);

 private:
  ControlRoom& room_;
  Watcher::Place place_;
  uint64_t heard_ = 0;
  uint64_t sent_ = 0;
};

}  // namespace load
