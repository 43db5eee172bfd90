// A NaiveInstance is redis_breaker/naive_redis_breaker.cpp in virtual time, line by line: GET, think, SET, and between
// any two commands another instance.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "load_generator/simulation/fleet/shared_instance.hpp"

namespace simulation {

class NaiveInstance final : public SimulatedBreaker {
 public:
  NaiveInstance(const SharedFleet& fleet, Node node) : fleet_(fleet), node_(node) {}

  void acquire(Answer<Admission>& answer) override { decide(answer); }
  void settle(Granted& granted, cb::Outcome outcome, Answer<cb::Settled>& answer) override;
  void apply_override(const cb::Override&, milliseconds) override {}  // the textbook has none
  cb::State state() const override;

 private:
  Task decide(Answer<Admission>& answer);
  Task succeed(Answer<cb::Settled>& answer);
  Task fail(Answer<cb::Settled>& answer);
  RedisService::ReplyTo command(std::vector<std::string> words);
  void transition(const std::string& from, cb::State to, std::string cause);
  double epoch_seconds() const { return std::chrono::duration<double>(fleet_.loop.now().time_since_epoch()).count(); }

  const SharedFleet& fleet_;
  const Node node_;
};

}  // namespace simulation
