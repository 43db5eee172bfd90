#include "store_breaker/mongodb/mongodb_store.hpp"

#include <optional>
#include <stdexcept>
#include <utility>

#include "program/text.hpp"
#include "store_breaker/mongodb/mongodb_document.hpp"
#include "store_breaker/mongodb/open_mongodb.hpp"

namespace cb {
namespace {

using namespace std::chrono_literals;

constexpr const char* collection_name = "CircuitBreakers";
constexpr int access_denied = 13;  // codes of the server
constexpr int login_refused = 18;
constexpr int collection_exists = 48;
constexpr int is_duplicate = 11000;

Owned<mongoc_collection_t> collection_of(mongoc_client_t* client, const std::string& database) {
  return Owned<mongoc_collection_t>(CB_DRIVER(mongoc_client_get_collection)(client, database.c_str(), collection_name));
}

}  // namespace

MongodbStore::MongodbStore(const std::string& address)
    : uri_(parse_mongodb_address(address)), database_(database_of(uri_.get())), threads_(uri_.get()) {
  const auto run_found = run<uint64_t>([this](mongoc_client_t* client) { return find_run(client); },
                                       std::chrono::steady_clock::now() + 3s);
  if (const auto* trouble = std::get_if<Trouble>(&run_found)) {
    if (trouble->is_final) throw std::runtime_error(name() + ": " + trouble->what);
  } else {
    run_ = std::get<uint64_t>(run_found);
  }
}

std::variant<Found, StoreTrouble> MongodbStore::read(const std::string& breaker, StoreDeadline deadline) {
  auto result = run<Found>([this, breaker](mongoc_client_t* client) { return find(client, breaker); }, deadline);
  if (const auto* trouble = std::get_if<Trouble>(&result)) return StoreTrouble{name() + ": " + trouble->what};
  return std::get<Found>(std::move(result));
}

std::variant<Written, StoreTrouble> MongodbStore::compare_and_set(const std::string& breaker, uint64_t expected,
                                                                  const Record& record, StoreDeadline deadline) {
  const auto result = run<Written>(
      [this, breaker, expected, record](mongoc_client_t* client) {
        return expected == 0 ? insert(client, breaker, record) : replace(client, breaker, expected, record);
      },
      deadline);
  if (const auto* trouble = std::get_if<Trouble>(&result)) return StoreTrouble{name() + ": " + trouble->what};
  return std::get<Written>(result);
}

std::string MongodbStore::name() const { return name_of(uri_.get()); }

// A call that ends after its deadline writes its result where no caller reads it.
template <class Value>
MongodbStore::Result<Value> MongodbStore::run(std::function<Result<Value>(mongoc_client_t*)> call,
                                              StoreDeadline deadline) {
  const auto result = std::make_shared<std::optional<Result<Value>>>();
  const bool has_ended = threads_.run(
      [result, call = std::move(call)](mongoc_client_t* client) {
        *result = call(client);
        return std::holds_alternative<Value>(**result);
      },
      deadline);
  if (!has_ended) return Trouble{"no answer in time"};
  return std::move(**result);
}

MongodbStore::Result<Found> MongodbStore::find(mongoc_client_t* client, const std::string& breaker) {
  const auto collection = collection_of(client, database_);
  const BsonDocument filter = with_id(breaker);
  const BsonDocument options(BCON_NEW("limit", BCON_INT64(1), "singleBatch", BCON_BOOL(true)));
  const Owned<mongoc_cursor_t> cursor(
      CB_DRIVER(mongoc_collection_find_with_opts)(collection.get(), filter.get(), options.get(), nullptr));
  const bson_t* there = nullptr;
  if (CB_DRIVER(mongoc_cursor_next)(cursor.get(), &there)) return found_in_document(*there);
  bson_error_t error;
  if (CB_DRIVER(mongoc_cursor_error)(cursor.get(), &error)) return trouble_from(error);
  const auto run_found = find_run(client);  // the document was deleted, or the collection is another one
  if (const auto* trouble = std::get_if<Trouble>(&run_found)) return *trouble;
  run_ = std::get<uint64_t>(run_found);
  Found nothing;
  nothing.run = run_;
  return nothing;
}

MongodbStore::Result<Written> MongodbStore::insert(mongoc_client_t* client, const std::string& breaker,
                                                   const Record& record) const {
  const auto collection = collection_of(client, database_);
  const BsonDocument created = with_id(breaker);
  append_fields(created.get(), record);
  BSON_APPEND_INT64(created.get(), "Collection", static_cast<int64_t>(run_));
  bson_error_t error;
  if (CB_DRIVER(mongoc_collection_insert_one)(collection.get(), created.get(), nullptr, nullptr, &error))
    return Written::yes;
  if (error.code == is_duplicate) return Written::conflict;
  return trouble_from(error);
}

MongodbStore::Result<Written> MongodbStore::replace(mongoc_client_t* client, const std::string& breaker,
                                                    uint64_t expected, const Record& record) const {
  const auto collection = collection_of(client, database_);
  const BsonDocument filter = of_version(breaker, expected);
  const BsonDocument fields;
  append_fields(fields.get(), record);
  if (expected == of_no_document_version) BSON_APPEND_INT64(fields.get(), "Collection", static_cast<int64_t>(run_));
  const BsonDocument update;
  BSON_APPEND_DOCUMENT(update.get(), "$set", fields.get());
  const Owned<mongoc_find_and_modify_opts_t> options(CB_DRIVER(mongoc_find_and_modify_opts_new)());
  CB_DRIVER(mongoc_find_and_modify_opts_set_update)(options.get(), update.get());
  const BsonDocument only_id(BCON_NEW("_id", BCON_INT32(1)));
  CB_DRIVER(mongoc_find_and_modify_opts_set_fields)(options.get(), only_id.get());
  bson_t reply;
  bson_error_t error;
  const bool is_done = CB_DRIVER(mongoc_collection_find_and_modify_with_opts)(collection.get(), filter.get(),
                                                                              options.get(), &reply, &error);
  const bool is_updated = was_updated(reply);
  bson_destroy(&reply);
  if (!is_done) return trouble_from(error);
  return is_updated ? Written::yes : Written::conflict;
}

// Creates the collection if it does not exist: one that an insert creates would get its identifier too late.
MongodbStore::Result<uint64_t> MongodbStore::find_run(mongoc_client_t* client) const {
  const Owned<mongoc_database_t> database(CB_DRIVER(mongoc_client_get_database)(client, database_.c_str()));
  const BsonDocument options(BCON_NEW("filter", "{", "name", BCON_UTF8(collection_name), "}"));
  bson_error_t error;
  for (int tries = 0; tries < 2; ++tries) {
    const Owned<mongoc_cursor_t> cursor(
        CB_DRIVER(mongoc_database_find_collections_with_opts)(database.get(), options.get()));
    const bson_t* there = nullptr;
    if (CB_DRIVER(mongoc_cursor_next)(cursor.get(), &there)) return run_from(*there);
    if (CB_DRIVER(mongoc_cursor_error)(cursor.get(), &error)) return trouble_from(error);
    const Owned<mongoc_collection_t> created(
        CB_DRIVER(mongoc_database_create_collection)(database.get(), collection_name, nullptr, &error));
    if (!created && error.code != collection_exists) return trouble_from(error);
  }
  return uint64_t{0};
}

MongodbStore::Trouble MongodbStore::trouble_from(const bson_error_t& error) const {
  if (error.code == login_refused ||
      (error.domain == MONGOC_ERROR_CLIENT && error.code == MONGOC_ERROR_CLIENT_AUTHENTICATE))
    return {"the login was refused: check user, password and authSource", true};
  if (error.domain == MONGOC_ERROR_SERVER && error.code == access_denied)
    return {"access denied: the user needs the role readWrite on the database " + database_, true};
  if (error.domain == MONGOC_ERROR_WRITE_CONCERN)
    return {"a majority of the servers did not confirm the write in time"};
  return {words::on_one_line(error.message)};
}

std::unique_ptr<RecordStore> open_mongodb(const std::string& address) {
  return std::make_unique<MongodbStore>(address);
}

}  // namespace cb
