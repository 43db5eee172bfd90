#include "distributed_breaker/sidecar/client_session.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <nlohmann/json.hpp>

#include "program/text.hpp"

namespace cb {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds longest_idle{60}, longest_request{10}, longest_answer{30}, longest_close{2};

std::string address_of_client(int socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  std::array<char, NI_MAXHOST> host{};
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (getpeername(socket, generic, &length) != 0 ||
      getnameinfo(generic, length, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
    return "unknown";
  }
  return host.data();
}

std::string reason_of(int status) {
  switch (status) {
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Bad Request";
  }
}

std::string json_answer(int status, Fields fields, const std::string& json) {
  fields.push_back({"Content-Type", "application/json"});
  fields.push_back({"Content-Length", std::to_string(json.size() + 1)});
  return to_text("HTTP/1.1 " + std::to_string(status) + " " + reason_of(status), fields) + json + "\n";
}

// The names of RFC 9209, section 2.3.
std::string_view proxy_error(const CallReport& report) {
  if (!report.reply) return "destination_unavailable";
  const UpstreamReply& reply = report.reply->upstream;
  if (reply.local_cause) return "proxy_internal_error";
  if (reply.timed_out) return reply.sent ? "http_response_timeout" : "connection_timeout";
  return reply.sent ? "http_response_incomplete" : "connection_refused";
}

bool has_body_fields(const Fields& fields) {
  return !value_of(fields, "content-length").empty() || !value_of(fields, "transfer-encoding").empty();
}

bool is_closing(const RequestHead& head) { return head.is_http_1_0 || wants_close(head.fields); }

Fields answer_fields(const UpstreamResponse& response, const std::string& method) {
  Fields fields = end_to_end(response.head.fields, {"content-length"});
  const std::string_view said = value_of(response.head.fields, "content-length");
  if (method == "HEAD" || response.head.status == 304) {
    if (!said.empty()) fields.push_back({"Content-Length", std::string(said)});
  } else if (response.head.status != 204) {
    fields.push_back({"Content-Length", std::to_string(response.body.size())});
  }
  return fields;
}

std::string text_of(const UpstreamResponse& response, const RequestHead& request) {
  Fields fields = answer_fields(response, request.method);
  if (is_closing(request)) fields.push_back({"Connection", "close"});
  return to_text("HTTP/1.1 " + std::to_string(response.head.status) + " " + response.head.reason, fields) +
         response.body;
}

}  // namespace

ClientSession::ClientSession(const SidecarParts& parts, int socket, StopDescriptors stop)
    : parts_(parts),
      stop_(stop),
      socket_(socket),
      client_address_(address_of_client(socket)),
      client_(socket, stop.running),
      upstream_(parts.upstream_url, stop.running) {}

void ClientSession::serve() {
  try {
    while (serve_one()) {
    }
  } catch (const Refused& refused) {
    refuse(refused);
  } catch (const Broken&) {  // the client is gone, or this program ends
  }
}

bool ClientSession::serve_one() {
  if (!client_.wait_for_input(steady_clock::now() + longest_idle, stop_.idle)) return false;
  const Request request = read_request();
  client_.send(answer_to(request), steady_clock::now() + longest_answer);
  return !is_closing(request.head);
}

ClientSession::Request ClientSession::read_request() try {
  const auto until = steady_clock::now() + longest_request;
  Request request{parse_request(client_.read_head(until)), {}, {}};
  request.framing = framing_of(request.head);
  invite_body(request, until);
  request.body = client_.read_body(request.framing, until);
  return request;
} catch (const Broken& broken) {
  if (broken.cause == Broken::Cause::timed_out) throw Refused(408, "the request did not arrive in time");
  throw;
}

// A client that sends "Expect: 100-continue" waits for this before it sends a body.
void ClientSession::invite_body(const Request& request, Connection::Time until) {
  const std::string_view expected = value_of(request.head.fields, "expect");
  if (expected.empty() || request.head.is_http_1_0) return;
  if (!is_named(expected, "100-continue")) throw Refused(417, "the only expectation that is met is 100-continue");
  const bool fits = request.framing.length <= largest_body;
  if (fits && !client_.has_input()) client_.send("HTTP/1.1 100 Continue\r\n\r\n", until);
}

std::string ClientSession::answer_to(const Request& request) {
  const UpstreamRequest wanted{request.head.method, forwarded(request)};
  std::optional<UpstreamResponse> response;
  const CallReport report = parts_.instance.call([&](std::chrono::milliseconds timeout) {
    Exchanged exchanged = upstream_.exchange(wanted, timeout);
    response = std::move(exchanged.response);
    return parts_.upstream.judge(std::move(exchanged.reply));
  });
  return response ? text_of(*response, request.head) : own_answer(report, request.head);
}

std::string ClientSession::forwarded(const Request& request) const {
  const Fields& given = request.head.fields;
  const std::string host(value_of(given, "host"));
  Fields fields{{"Host", parts_.upstream_url.substr(parts_.upstream_url.find("//") + 2)}};
  for (Field& field : end_to_end(given, {"host", "content-length", "expect"})) fields.push_back(std::move(field));
  fields.push_back({"X-Forwarded-For", client_address_});
  if (value_of(given, "x-forwarded-host").empty() && !host.empty()) fields.push_back({"X-Forwarded-Host", host});
  if (value_of(given, "x-caller").empty()) fields.push_back({"X-Caller", parts_.name});
  fields.push_back({"Via", "1.1 " + parts_.name});
  if (has_body_fields(given)) fields.push_back({"Content-Length", std::to_string(request.body.size())});
  return to_text(request.head.method + " " + request.head.target + " HTTP/1.1", fields) + request.body;
}

std::string ClientSession::own_answer(const CallReport& report, const RequestHead& request) const {
  const ServiceInstance::Answer answer = parts_.instance.answer_to(report);
  const bool is_bad_answer = report.reply && !report.reply->upstream.timed_out;
  Fields fields{{"Proxy-Status", parts_.name + "; error=" + std::string(proxy_error(report))}};
  if (!answer.retry_after.empty()) fields.push_back({"Retry-After", answer.retry_after});
  if (is_closing(request)) fields.push_back({"Connection", "close"});
  std::string text = json_answer(is_bad_answer ? 502 : answer.http_status, fields, answer.body);
  if (request.method == "HEAD") text.erase(text.find("\r\n\r\n") + 4);
  return text;
}

void ClientSession::refuse(const Refused& refused) try {
  const Fields fields{{"Proxy-Status", parts_.name + "; error=http_request_error"}, {"Connection", "close"}};
  const nlohmann::ordered_json json{{"instance", parts_.name}, {"error", refused.what()}};
  const auto until = steady_clock::now() + longest_close;
  client_.send(json_answer(refused.status, fields, json.dump()), until);
  shutdown(socket_, SHUT_WR);
  client_.discard_input(until);
} catch (const Broken&) {  // then it gets no answer
}

}  // namespace cb
