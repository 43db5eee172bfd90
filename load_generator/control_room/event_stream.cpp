#include "load_generator/control_room/event_stream.hpp"

namespace load {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds frame_every{250};
constexpr milliseconds shortest_gap{50};  // between two frames, however much happens
constexpr const char* come_back = "retry: 500\n";

}  // namespace

bool EventStream::send_next(httplib::DataSink& sink) {
  const bool is_first = sent_ == 0;
  if (!is_first && !(room_.news().pass(shortest_gap) && room_.news().wait(heard_, frame_every - shortest_gap))) {
    return false;
  }
  const ControlRoom::Frame frame = room_.frame(place_);
  place_ = frame.place;
  sent_ += 1;
  const std::string event =
      (is_first ? come_back : "") + ("id: " + std::to_string(sent_)) + "\ndata: " + frame.json + "\n\n";
  return sink.write(event.data(), event.size());
}

}  // namespace load
