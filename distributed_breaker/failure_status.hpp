// A FailureStatus lists the HTTP statuses that count as failures of the upstream: "500-599,429". Other statuses are
// successes up to 399, and ignored from 400 on: a 404 is the caller's mistake and says nothing about the upstream.
// An immutable value; thread-safe.
// Errors: parse() throws std::invalid_argument naming failure_status, the value, and what to write.
#pragma once

#include <bitset>
#include <string>
#include <string_view>

#include "simple_breaker/breaker.hpp"

namespace cb {

class FailureStatus {
 public:
  FailureStatus() : FailureStatus(parse("500-599")) {}

  // Codes and ranges of 100 to 599, separated by commas, without spaces; at most 64 characters.
  static FailureStatus parse(std::string_view text);

  Outcome outcome_of(int http_status) const;

  // Sorted, with adjacent codes as one range: "429,500-599". parse() accepts it.
  std::string to_text() const;

  bool operator==(const FailureStatus&) const = default;

 private:
  static constexpr int lowest = 100, highest = 599;
  using Listed = std::bitset<highest + 1>;

  explicit FailureStatus(const Listed& listed) : listed_(listed) {}

  Listed listed_;
};

}  // namespace cb
