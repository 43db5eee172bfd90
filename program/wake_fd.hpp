// A WakeUp ends the wait of a thread that waits for descriptors. Thread-safe.
#pragma once

namespace load {

class WakeUp {
 public:
  WakeUp();  // throws std::system_error
  ~WakeUp();
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;

  int fd() const { return fd_; }  // readable from ring() until hear()
  void ring() const;
  void hear() const;  // never blocks

 private:
  int fd_;
};

}  // namespace load
