#include "store_breaker/record.hpp"

#include <doctest/doctest.h>

#include "store_breaker/record_fields.hpp"
#include "store_breaker/tests/store_contract_for_test.hpp"

using namespace cb;

namespace {

TimePoint at(int64_t count) { return TimePoint(std::chrono::microseconds(count)); }

std::string fault_of(const std::string& text) {
  const auto record = record_from(text);
  const auto* fault = std::get_if<std::string>(&record);
  return fault == nullptr ? "" : *fault;
}

std::string with(const std::string& field) { return R"({"version":1,"state":"open","generation":7,)" + field + "}"; }

}  // namespace

TEST_CASE("a record survives its text") {
  const Record record = full_record(1);
  const auto read = record_from(to_text(record));
  REQUIRE(std::holds_alternative<Record>(read));
  CHECK(std::get<Record>(read) == record);
}

TEST_CASE("the list of fields has each field of a record") {
  Record record = full_record(1);
  size_t fields = 0;
  for_each_field(record, [&](const char* name, auto& field) {
    CAPTURE(name);
    CHECK(field != std::remove_cvref_t<decltype(field)>{});
    field = {};
    ++fields;
  });
  record.active_override.mode = {};  // the snapshot's mode, once more
  CHECK(record == Record{});
  CHECK(fields == 32);
}

TEST_CASE("a healthy circuit's text is short, and has the names of the keys in Redis") {
  Record record{.version = 12, .last_failure = at(1'707'652'212'250'000), .written_at = at(1'707'652'212'300'000)};
  record.snapshot.generation = 7;
  record.snapshot.counts.failures = 2;
  CHECK(to_text(record) == R"({"version":12,"state":"closed","failures":2,"last_failure":1707652212.25,"generation":7,)"
                           R"("written_at_us":1707652212300000})");
}

TEST_CASE("garbage is one printable line that names the field") {
  CHECK(fault_of("banana") == R"(the record held "banana")");
  CHECK(fault_of("\x1b[2J\xff") == R"(the record held "?[2J?")");
  CHECK(fault_of("") == R"(the record held "")");
  CHECK(fault_of("[]") == R"(the record held "[]")");
  CHECK(fault_of("{}") == "state is missing");
  CHECK(fault_of(R"({"version":1,"state":"banana","generation":7})") == R"(state held "banana")");
  CHECK(fault_of(R"({"version":1,"state":7,"generation":7})") == "state held 7");
  CHECK(fault_of(R"({"version":1,"state":"open"})") == "generation is missing");
  CHECK(fault_of(R"({"state":"open","generation":7})") == "version is missing");
  CHECK(fault_of(R"({"version":1,"state":"open","generation":4500000000000000})") ==
        "generation 4500000000000000 is too large");
  CHECK(fault_of(std::string(70'000, ' ')) == "the record has 70000 bytes");
  CHECK(fault_of(std::string(60'000, '[')).starts_with("the record held"));
}

TEST_CASE("an impossible value is not a number that means something else") {
  CHECK(fault_of(with(R"("failures":0)")) == "");
  for (const std::string field :
       {R"("failures":-1)", R"("failures":1.5)", R"("failures":1000000000)", R"("failures":"3")",
        R"("open_until_us":9000000000000000)", R"("last_failure":1e300)", R"("last_failure":-1)", R"("mode":"reset")",
        R"("mode":"banana")", R"("probes":[[1]])", R"("probes":{"a":1})", R"("window":[])", R"("window":[5,[1,2,0]])",
        R"("window":[5,[1,0,0],[1,0,0],[1,0,0],[1,0,0],[1,0,0],[1,0,0],[1,0,0],[1,0,0],[1,0,0],[1,0,0],[1,0,0]])",
        R"("reporters":[["a"]])", R"("actor":"a\u0007")", R"("settings":["x"])", R"("run":18446744073709551615)"}) {
    CAPTURE(field);
    const std::string name = field.substr(1, field.find(':') - 2);
    CHECK(fault_of(with(field)).starts_with(name + " held "));
  }
  CHECK(fault_of(with(R"("actor":")" + std::string(300, 'x') + '"')).size() < 100);
}
