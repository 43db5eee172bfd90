#include "store_breaker/mongodb/driver.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace cb {
namespace {

void* function_of(void* driver, const char* name) {
  if (void* function = dlsym(driver, name)) return function;
  throw std::runtime_error("mongodb: the driver has no function " + std::string(name));
}

// Never closed: it has threads.
void* open_driver() {
  setenv("MONGOC_DISABLE_SHM", "1", 1);  // its constructor reads this
  void* driver = dlopen("libmongoc-1.0.so.0", RTLD_NOW);
  if (driver == nullptr)
    throw std::runtime_error("mongodb: the driver cannot be opened (" + std::string(dlerror()) +
                             "); install libmongoc-1.0-0");
  reinterpret_cast<decltype(&mongoc_init)>(function_of(driver, "mongoc_init"))();
  const auto set_log =
      reinterpret_cast<decltype(&mongoc_log_set_handler)>(function_of(driver, "mongoc_log_set_handler"));
  set_log(nullptr, nullptr);  // what matters is in the errors
  return driver;
}

}  // namespace

void* driver_function(const char* name) {
  static void* const driver = open_driver();
  return function_of(driver, name);
}

}  // namespace cb
