// The driver's objects, each destroyed as it must be.
#pragma once

#include <mongoc/mongoc.h>

#include <memory>

namespace cb {

struct FreeDriver {
  void operator()(mongoc_uri_t* uri) const { mongoc_uri_destroy(uri); }
  void operator()(mongoc_collection_t* collection) const { mongoc_collection_destroy(collection); }
  void operator()(mongoc_database_t* database) const { mongoc_database_destroy(database); }
  void operator()(mongoc_cursor_t* cursor) const { mongoc_cursor_destroy(cursor); }
  void operator()(mongoc_find_and_modify_opts_t* options) const { mongoc_find_and_modify_opts_destroy(options); }
  void operator()(mongoc_read_concern_t* concern) const { mongoc_read_concern_destroy(concern); }
  void operator()(mongoc_write_concern_t* concern) const { mongoc_write_concern_destroy(concern); }
  void operator()(mongoc_read_prefs_t* preferences) const { mongoc_read_prefs_destroy(preferences); }
};
template <class T>
using Owned = std::unique_ptr<T, FreeDriver>;

}  // namespace cb
