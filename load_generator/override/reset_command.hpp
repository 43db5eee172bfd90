// `load_generator reset`: resets a shared breaker by deleting its keys in Redis, and no others. REDIS_URL in the
// environment names the Redis; it is not an option, as other users of the machine can read a command line.
// Knows one Redis server. Behind Sentinels, in a cluster or over TLS `load_generator override reset` asks an instance.
// Errors: std::invalid_argument where the name or the URL makes no sense, std::runtime_error where Redis gives no
// answer or an error. Neither quotes the password.
#pragma once

#include <string>

namespace load {

struct ResetOptions {
  std::string name = "unreliable_service";  // of the breaker; a tenant's is unreliable_service@TENANT
};

// Returns 0.
int reset_command(const ResetOptions& options);

}  // namespace load
