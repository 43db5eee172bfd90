// MongoDB's driver, which the first call opens. A program that links with it instead runs its constructor at the start,
// whichever store it uses: that maps a file in /dev/shm for a tool of the driver's, ends the program with SIGBUS if
// /dev/shm is full, warns on stderr if the file exists, and leaves it behind after kill -9.
#pragma once

#include <mongoc/mongoc.h>

#include <memory>

// The driver's function of this name. Throws std::runtime_error if the driver cannot be opened.
#define CB_DRIVER(function) (*reinterpret_cast<decltype(&(function))>(cb::driver_function(#function)))

namespace cb {

// Thread-safe. About a hundred nanoseconds: each call of the driver is an exchange with a server, or prepares one.
void* driver_function(const char* name);

// The driver's objects, each destroyed as it must be.
struct FreeDriver {
  void operator()(mongoc_uri_t* uri) const { CB_DRIVER(mongoc_uri_destroy)(uri); }
  void operator()(mongoc_client_t* client) const { CB_DRIVER(mongoc_client_destroy)(client); }
  void operator()(mongoc_collection_t* collection) const { CB_DRIVER(mongoc_collection_destroy)(collection); }
  void operator()(mongoc_database_t* database) const { CB_DRIVER(mongoc_database_destroy)(database); }
  void operator()(mongoc_cursor_t* cursor) const { CB_DRIVER(mongoc_cursor_destroy)(cursor); }
  void operator()(mongoc_find_and_modify_opts_t* options) const {
    CB_DRIVER(mongoc_find_and_modify_opts_destroy)(options);
  }
  void operator()(mongoc_read_concern_t* concern) const { CB_DRIVER(mongoc_read_concern_destroy)(concern); }
  void operator()(mongoc_write_concern_t* concern) const { CB_DRIVER(mongoc_write_concern_destroy)(concern); }
  void operator()(mongoc_read_prefs_t* preferences) const { CB_DRIVER(mongoc_read_prefs_destroy)(preferences); }
};
template <class T>
using Owned = std::unique_ptr<T, FreeDriver>;

}  // namespace cb
