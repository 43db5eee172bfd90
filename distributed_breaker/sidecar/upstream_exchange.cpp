#include "distributed_breaker/sidecar/upstream_exchange.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "program/local_cause.hpp"

namespace cb {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds longest_pause{1};
constexpr int most_interim_responses = 100;

bool may_be_repeated(std::string_view method) {
  constexpr std::array<std::string_view, 6> methods{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
  return std::find(methods.begin(), methods.end(), method) != methods.end();
}

milliseconds left_until(Connection::Time until) {
  return std::max(milliseconds(1), std::chrono::ceil<milliseconds>(until - steady_clock::now()));
}

program::HttpReply reply_of(const Broken& broken) {
  return {.error = broken.what(),
          .connected = true,
          .timed_out = broken.cause == Broken::Cause::timed_out,
          .local_cause = broken.cause == Broken::Cause::stopped || program::is_local_cause(broken.error_number)};
}

// An answer that is too large for us says nothing about the upstream; one that is not HTTP does.
program::HttpReply reply_of(const Refused& refused) {
  const bool is_too_large = refused.status == 413 || refused.status == 431;
  return {
      .error = "the upstream's answer: " + std::string(refused.what()), .connected = true, .local_cause = is_too_large};
}

}  // namespace

Exchanged UpstreamExchange::exchange(const UpstreamRequest& request, milliseconds timeout) {
  const Time until = steady_clock::now() + timeout;
  if (may_use_again()) {
    Exchanged again = on_this_link(request, until);
    if (!was_closed_while_idle_) return again;
    if (!may_be_repeated(request.method)) {
      again.reply.local_cause = true;
      again.reply.error = "a kept connection was closed";
      return again;
    }
  }
  if (auto fault = connect(until)) return {std::move(*fault)};
  return on_this_link(request, until);
}

bool UpstreamExchange::may_use_again() const {
  return link_ && steady_clock::now() - link_->used < longest_pause && link_->connection.is_idle();
}

std::optional<program::HttpReply> UpstreamExchange::connect(Time until) {
  link_.reset();
  auto socket = std::make_unique<UpstreamSocket>(url_, left_until(until));
  if (auto fault = socket->connect(stop_fd_)) return fault;
  const int descriptor = socket->descriptor();
  link_.emplace(Link{std::move(socket), Connection(descriptor, stop_fd_)});
  return std::nullopt;
}

Exchanged UpstreamExchange::on_this_link(const UpstreamRequest& request, Time until) {
  incomplete_status_ = 0;
  was_closed_while_idle_ = false;
  Exchanged exchanged;
  try {
    exchanged.response = transfer(request, until);
    exchanged.reply = {.status = exchanged.response->head.status, .connected = true};
    return exchanged;
  } catch (const Broken& broken) {
    exchanged.reply = reply_of(broken);
    const bool is_gone = broken.cause == Broken::Cause::closed || broken.cause == Broken::Cause::lost;
    was_closed_while_idle_ = is_gone && incomplete_status_ == 0 && !link_->connection.has_input();
  } catch (const Refused& refused) {
    exchanged.reply = reply_of(refused);
  }
  exchanged.reply.incomplete_status = incomplete_status_;
  link_.reset();
  return exchanged;
}

UpstreamResponse UpstreamExchange::transfer(const UpstreamRequest& request, Time until) {
  Connection& connection = link_->connection;
  bool is_sent = true;
  try {
    connection.send(request.text, until);
  } catch (const Broken& broken) {  // it may have answered before it had read all: that it wants no more
    if (broken.cause != Broken::Cause::lost) throw;
    is_sent = false;
  }
  UpstreamResponse response = receive(request.method, until);
  link_->used = steady_clock::now();
  const bool stays_open = is_sent && !response.head.is_http_1_0 && !wants_close(response.head.fields);
  if (!stays_open || connection.has_input()) link_.reset();
  return response;
}

UpstreamResponse UpstreamExchange::receive(const std::string& method, Time until) {
  Connection& connection = link_->connection;
  ResponseHead head = parse_response(connection.read_head(until));
  for (int interim = 0; head.status < 200 && head.status != 101; ++interim) {
    if (interim == most_interim_responses) throw Refused(400, "it sends more than 100 interim responses");
    head = parse_response(connection.read_head(until));
  }
  if (head.status == 101) throw Refused(400, "it changes the protocol, which was not asked for");
  incomplete_status_ = head.status;
  const Framing framing = framing_of(head, method);
  std::string body = connection.read_body(framing, until);
  if (framing.kind == Framing::Kind::until_close) head.fields.push_back({"Connection", "close"});
  return {std::move(head), std::move(body)};
}

}  // namespace cb
