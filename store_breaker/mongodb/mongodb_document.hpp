// How MongoDB keeps a record: one document, whose _id is the breaker's name. Pure functions.
#pragma once

#include <string>

#include "store_breaker/mongodb/bson_document.hpp"
#include "store_breaker/record_store.hpp"

namespace cb {

// The version that a document without a valid one is reported with, so that it can be replaced. Versions are random.
inline constexpr uint64_t of_no_document_version = 0x756e'7665'7273'696f;

// Filters: any document of the breaker, and one of that version only.
BsonDocument with_id(const std::string& breaker);
BsonDocument of_version(const std::string& breaker, uint64_t expected);

void append_fields(bson_t* document, const Record& record);  // what a write sets, beside the _id
Found found_in_document(const bson_t& document);

uint64_t run_from(const bson_t& collection);  // of the server's description of it: its identifier
bool was_updated(const bson_t& reply);        // to findAndModify

}  // namespace cb
