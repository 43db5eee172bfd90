#include "distributed_breaker/upstream_client.hpp"

#include <regex>
#include <stdexcept>

#include "program/http_client.hpp"

namespace cb {
namespace {

std::string data_url(const std::string& address) {
  static const std::regex http_address(R"(http://[A-Za-z0-9.\-]{1,253}(:[0-9]{1,5})?/?)");
  if (address.size() > 300 || !std::regex_match(address, http_address)) {
    throw std::invalid_argument("upstream is '" + address.substr(0, 300) + "'; write http://HOST:PORT");
  }
  return address + (address.back() == '/' ? "data" : "/data");
}

}  // namespace

UpstreamClient::UpstreamClient(const std::string& address, const std::string& caller,
                               std::chrono::milliseconds call_timeout)
    : url_(data_url(address)), caller_header_("X-Caller: " + caller), call_timeout_(call_timeout) {}

UpstreamReply UpstreamClient::call() const {
  const program::HttpReply reply = program::send({.url = url_, .headers = {caller_header_}, .timeout = call_timeout_});
  if (reply.status == 0) return {UpstreamReply::Kind::exception, 0, reply.connected, reply.error};
  const bool ok = reply.status >= 200 && reply.status < 400;
  return {ok ? UpstreamReply::Kind::success : UpstreamReply::Kind::failure, reply.status, true, ""};
}

}  // namespace cb
