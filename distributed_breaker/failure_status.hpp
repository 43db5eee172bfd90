// A FailureStatus says which HTTP statuses of the upstream count as its failures: "500-599,429". What is not listed is
// a success up to 399, and above that ignored: a 404 is the caller's mistake and says nothing about the upstream.
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

  // Codes and ranges of 100 to 599 with commas between them, no spaces; at most 64 characters.
  static FailureStatus parse(std::string_view text);

  Outcome outcome_of(int http_status) const;

  // Sorted, and what touches is one range: "429,500-599". parse() reads it back.
  std::string to_text() const;

  bool operator==(const FailureStatus&) const = default;

 private:
  static constexpr int lowest = 100, highest = 599;
  using Listed = std::bitset<highest + 1>;

  explicit FailureStatus(const Listed& listed) : listed_(listed) {}

  Listed listed_;
};

}  // namespace cb
