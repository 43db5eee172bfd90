#include "program/http/http_client.hpp"

#include <new>

#include "program/http/http_transfer.hpp"

namespace program {

HttpReply send(const HttpRequest& request) try {
  HttpTransfer transfer(request);
  return transfer.end(curl_easy_perform(transfer.handle()));
} catch (const std::bad_alloc&) {
  return {.error = "out of memory", .local_cause = true};
}

}  // namespace program
