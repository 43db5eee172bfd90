#include "distributed_breaker/failure_status.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

using cb::FailureStatus;
using cb::Outcome;

TEST_CASE("by default errors of the upstream are failures, and errors of the caller are ignored") {
  const FailureStatus status;
  for (const int code : {500, 502, 503, 599}) CHECK(status.outcome_of(code) == Outcome::failure);
  for (const int code : {400, 404, 429, 499}) CHECK(status.outcome_of(code) == Outcome::ignored);
  for (const int code : {100, 200, 204, 304, 399}) CHECK(status.outcome_of(code) == Outcome::success);
}

TEST_CASE("any listed status is a failure") {
  const auto status = FailureStatus::parse("429,503,204,301-303");
  for (const int code : {429, 503, 204, 301, 302, 303}) CHECK(status.outcome_of(code) == Outcome::failure);
  for (const int code : {500, 502, 504, 404}) CHECK(status.outcome_of(code) == Outcome::ignored);
  for (const int code : {200, 203, 205, 300, 304}) CHECK(status.outcome_of(code) == Outcome::success);
}

TEST_CASE("a number that is not an HTTP status is ignored") {
  const auto status = FailureStatus::parse("100-599");
  for (const int code : {-1, 0, 99, 600, 999}) CHECK(status.outcome_of(code) == Outcome::ignored);
}

TEST_CASE("the text is sorted and as short as possible, and parses to the same value") {
  CHECK(FailureStatus().to_text() == "500-599");
  CHECK(FailureStatus::parse("500-599,429").to_text() == "429,500-599");
  CHECK(FailureStatus::parse("503,502,500-501,502-502").to_text() == "500-503");
  CHECK(FailureStatus::parse("599,100").to_text() == "100,599");
  for (const char* text : {"100-599", "599", "429,500,502-504"}) {
    CHECK(FailureStatus::parse(text).to_text() == text);
    CHECK(FailureStatus::parse(FailureStatus::parse(text).to_text()) == FailureStatus::parse(text));
  }
}

TEST_CASE("a text that is not a list of statuses is refused by name and value") {
  CHECK_THROWS_WITH_AS(FailureStatus::parse("5xx"),
                       "failure_status is '5xx'; write codes and ranges of 100 to 599, separated by commas, such "
                       "as 500-599,429, in at most 64 characters",
                       std::invalid_argument);
  for (const char* bad :
       {"",     ",",    "500,", ",500",    "500,,501", "99",     "600",         "0500", "50",  "500 ", "500, 501",
        "-500", "500-", "-",    "599-500", "500-600",  "99-200", "500-501-502", "+50",  "-50", "5e2",  "500-\n"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(FailureStatus::parse(bad), std::invalid_argument);
  }
}

TEST_CASE("more than 64 characters are refused, and the message is short") {
  std::string text = "500";
  while (text.size() < 63) text += ",501";
  CHECK(FailureStatus::parse(text).to_text() == "500-501");
  try {
    FailureStatus::parse(text + ",502" + std::string(10'000, 'x'));
    FAIL("accepted");
  } catch (const std::invalid_argument& error) {
    CHECK(std::string(error.what()).size() < 250);
  }
}
