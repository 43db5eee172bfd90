#include "store_breaker/mongodb/mongodb_document.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace cb {
namespace {

void append_date(bson_t* document, const char* name, TimePoint at) {
  if (at > TimePoint{})
    bson_append_date_time(document, name, -1,
                          std::chrono::floor<std::chrono::milliseconds>(at.time_since_epoch()).count());
}

// 0: it is not there, or not a number that a version or a run may have. A shell stores 5 as 5.0.
uint64_t number_in(const bson_t& document, const char* name) {
  bson_iter_t field;
  if (!bson_iter_init_find(&field, &document, name)) return 0;
  if (!BSON_ITER_HOLDS_INT(&field) && !BSON_ITER_HOLDS_DOUBLE(&field)) return 0;
  return static_cast<uint64_t>(std::max<int64_t>(0, bson_iter_as_int64(&field)));
}

std::string text_in(const bson_t& document, const char* name) {
  bson_iter_t field;
  uint32_t length = 0;
  if (!bson_iter_init_find(&field, &document, name) || !BSON_ITER_HOLDS_UTF8(&field)) return "";
  const char* text = bson_iter_utf8(&field, &length);
  return {text, length};
}

}  // namespace

BsonDocument with_id(const std::string& breaker) {
  BsonDocument filter;
  BSON_APPEND_UTF8(filter.get(), "_id", breaker.c_str());
  return filter;
}

void append_fields(bson_t* document, const Record& record) {
  BSON_APPEND_INT64(document, "Version", static_cast<int64_t>(record.version));
  BSON_APPEND_UTF8(document, "State", std::string(to_text(record.snapshot.state)).c_str());
  BSON_APPEND_INT32(document, "FailedCount", static_cast<int32_t>(record.snapshot.counts.failures));
  append_date(document, "LastTimeFailed", record.last_failure);
  append_date(document, "ExpiresAt", record.expires_at);
  BSON_APPEND_UTF8(document, "Record", to_text(record).c_str());
}

// A person may have removed the version, or made it a text.
BsonDocument of_version(const std::string& breaker, uint64_t expected) {
  BsonDocument filter = with_id(breaker);
  if (expected == of_no_document_version) {
    const BsonDocument invalid(BCON_NEW("$not", "{", "$gte", BCON_INT64(1), "}"));
    BSON_APPEND_DOCUMENT(filter.get(), "Version", invalid.get());
  } else {
    BSON_APPEND_INT64(filter.get(), "Version", static_cast<int64_t>(expected));
  }
  return filter;
}

Found found_in_document(const bson_t& document) {
  Found found;
  found.version = number_in(document, "Version");
  if (found.version == 0) found.version = of_no_document_version;
  found.run = number_in(document, "Collection");
  auto record = record_from(text_in(document, "Record"));
  if (const auto* fault = std::get_if<std::string>(&record)) {
    found.fault = *fault;
  } else {
    found.record = std::get<Record>(std::move(record));
  }
  return found;
}

// Of 63 bits, and not 0.
uint64_t run_from(const bson_t& collection) {
  bson_iter_t root;
  bson_iter_t uuid;
  if (!bson_iter_init(&root, &collection) || !bson_iter_find_descendant(&root, "info.uuid", &uuid)) return 0;
  bson_subtype_t type = BSON_SUBTYPE_BINARY;
  uint32_t length = 0;
  const uint8_t* bytes = nullptr;
  if (!BSON_ITER_HOLDS_BINARY(&uuid)) return 0;
  bson_iter_binary(&uuid, &type, &length, &bytes);
  uint64_t number = 0;
  std::memcpy(&number, bytes, std::min<size_t>(length, sizeof number));
  return (number >> 1) | 1;
}

bool was_updated(const bson_t& reply) {
  bson_iter_t root;
  bson_iter_t updated;
  return bson_iter_init(&root, &reply) &&
         bson_iter_find_descendant(&root, "lastErrorObject.updatedExisting", &updated) && bson_iter_as_bool(&updated);
}

}  // namespace cb
