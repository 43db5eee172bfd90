// A SettingsWatch decides when to report that another instance uses a shared breaker with other settings, as in every
// rolling deployment: once per difference, and at most once a minute, however many breakers find it.
// Thread-safe.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "simple_breaker/breaker.hpp"

namespace cb {

class SettingsWatch {
 public:
  // `fingerprint`: of the other settings; empty: they do not differ.
  bool is_news(const std::string& fingerprint, TimePoint now) {
    if (fingerprint.empty()) return false;
    const std::scoped_lock lock(mutex_);
    if (fingerprint == reported_ || now < silent_until_) return false;
    reported_ = fingerprint;
    silent_until_ = now + std::chrono::minutes(1);
    return true;
  }

 private:
  std::mutex mutex_;
  std::string reported_;    // guarded by mutex_
  TimePoint silent_until_;  // guarded by mutex_
};

}  // namespace cb
