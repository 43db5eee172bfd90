#include "redis_breaker/redis/tls.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "program/processes/certificate.hpp"
#include "program/processes/redis_server.hpp"
#include "program/processes/temporary_folder.hpp"
#include "redis_breaker/fallback_breaker.hpp"
#include "redis_breaker/redis/client.hpp"
#include "redis_breaker/redis/client_for_test.hpp"
#include "redis_breaker/redis/routes/redirection.hpp"
#include "redis_breaker/redis_group.hpp"

using namespace cb;
using namespace program;
using namespace std::chrono_literals;

namespace {

using SteadyClock = std::chrono::steady_clock;

// The address as parsed by a program that was started with SSL_CERT_FILE.
redis::Address trusting(const Certificate& authority, const std::string& url) {
  setenv("SSL_CERT_FILE", authority.file().c_str(), 1);
  setenv("SSL_CERT_DIR", "/nowhere", 1);
  redis::Address address = redis::parse_url(url);
  unsetenv("SSL_CERT_FILE");
  unsetenv("SSL_CERT_DIR");
  return address;
}

// To us and to OpenSSL a host name, and resolved without /etc/hosts, which a minimal system lacks.
const std::string host_name = "0x7f.1";

std::string by_name(const PrivateRedis& server) {
  return "rediss://" + host_name + ":" + std::to_string(server.port());
}

std::string error_of(const redis::Address& address) { return redis::Client(address, 5s).command({"PING"}).error(); }

const std::string here = "DNS:" + host_name + ",IP:127.0.0.1";

}  // namespace

TEST_CASE("a certificate of a trusted authority is accepted, by name and by address") {
  const Certificate certificate(here);
  PrivateRedis server(certificate);
  CHECK(error_of(trusting(certificate, server.url())) == "");
  CHECK(error_of(trusting(certificate, by_name(server))) == "");
}

TEST_CASE("a certificate of an unknown authority or for another host is one clear error") {
  const Certificate certificate(here), other(here), elsewhere("DNS:elsewhere.example,IP:127.0.0.2");
  PrivateRedis server(certificate), stranger(elsewhere);
  const std::string refused = ": the server's certificate is not accepted: ";
  for (const bool system : {false, true}) {
    const redis::Address address = system ? redis::parse_url(server.url()) : trusting(other, server.url());
    const std::string error = error_of(address);
    CHECK(error.rfind(server.url() + refused + "self", 0) == 0);  // self signed, or self-signed
    CHECK(error.find('\n') == std::string::npos);
  }
  CHECK(error_of(trusting(elsewhere, stranger.url())) == stranger.url() + refused + "IP address mismatch");
  CHECK(error_of(trusting(elsewhere, by_name(stranger))) == by_name(stranger) + "/0" + refused + "hostname mismatch");
}

TEST_CASE("TLS to a plain server, or plain text to a TLS server, is one clear error") {
  const Certificate certificate(here);
  PrivateRedis plain, secure(certificate);
  const std::string url = "rediss://127.0.0.1:" + std::to_string(plain.port()) + "/0";
  CHECK(redis::Client(trusting(certificate, url), 200ms).command({"PING"}).error() ==
        url + ": no answer in time to the TLS handshake");
  const std::string clear = "redis://127.0.0.1:" + std::to_string(secure.port()) + "/0";
  CHECK(error_of(redis::parse_url(clear)).rfind(clear + ": ", 0) == 0);  // closed, or reset
}

TEST_CASE("a wrong SSL_CERT_FILE is one clear error that names the file") {
  const TemporaryFolder folder;
  const auto file = [&folder](const std::string& name, const std::string& text) {
    std::ofstream(folder.path() / name) << text;
    return std::string(folder.path() / name);
  };
  const std::string begin = "-----BEGIN CERTIFICATE-----\n";
  const std::string no_certificate = "it holds no certificate in PEM form";
  for (const auto& each : std::vector<std::pair<std::string, std::string>>{
           {"/nowhere/authorities.pem", "No such file or directory"},
           {"", "No such file or directory"},
           {folder.path(), "Is a directory"},
           {file("empty.pem", ""), "it is empty"},
           {file("text.pem", "no certificate\n"), no_certificate},
           {file("der.pem", std::string("\x30\x82\x01\x0a\x00", 5)), no_certificate},
           {file("cut.pem", begin + "MIIB"), no_certificate}}) {
    const auto& path = each.first;
    const auto& fault = each.second;
    CAPTURE(path);
    setenv("SSL_CERT_FILE", path.c_str(), 1);
    CHECK_THROWS_WITH(redis::parse_url("rediss://localhost:6379"),
                      ("TLS: SSL_CERT_FILE cannot be read: " + path + ": " + fault).c_str());
    CHECK_NOTHROW(redis::parse_url("redis://localhost:6379"));  // it is not read without TLS
    unsetenv("SSL_CERT_FILE");
  }
}

TEST_CASE("TLS 1.1 is refused") {
  const Certificate certificate(here);
  PrivateRedis server(certificate);
  redis::Client client(trusting(certificate, server.url()), 5s);
  CHECK(client.command({"CONFIG", "SET", "tls-protocols", "TLSv1.1"}).error() == "");
  CHECK(contains(error_of(trusting(certificate, server.url())), "TLS: "));
  CHECK(client.command({"CONFIG", "SET", "tls-protocols", "TLSv1.2"}).error() == "");
  CHECK(error_of(trusting(certificate, server.url())) == "");
}

TEST_CASE("a password works over TLS, and a wrong one is one clear error that does not contain it") {
  const Certificate certificate(here);
  PrivateRedis server(certificate);
  redis::Address address = trusting(certificate, server.url());
  CHECK(redis::Client(address, 5s).command({"CONFIG", "SET", "requirepass", "right-one"}).error() == "");
  CHECK(contains(error_of(address), "NOAUTH"));
  address.password = "right-one";
  CHECK(error_of(address) == "");
  address.password = "wrong-one";
  CHECK(contains(error_of(address), "WRONGPASS"));
  CHECK_FALSE(contains(error_of(address), "wrong-one"));
}

TEST_CASE("bytes of the TLS session itself are not input") {
  const Certificate certificate(here);
  PrivateRedis server(certificate);
  const std::unique_ptr<redisContext, void (*)(redisContext*)> connected(redisConnect("127.0.0.1", server.port()),
                                                                         redisFree);
  REQUIRE(connected->err == 0);
  const redis::Address address = trusting(certificate, server.url());
  redis::TlsStream stream(*address.tls, connected->fd, "127.0.0.1");
  const redis::Deadline deadline(5s);
  for (redis::Step step = stream.shake_hands(); step.wait_for != 0; step = stream.shake_hands()) {
    REQUIRE(deadline.wait_until_ready(connected->fd, step.wait_for));
  }
  REQUIRE(deadline.wait_until_ready(connected->fd, POLLIN));  // a TLS 1.3 session ticket
  CHECK_FALSE(stream.has_input());
  CHECK(stream.send("PING\r\n", 6).bytes == 6);
  wait_until("the reply arrives", [&stream] { return stream.has_input(); });
}

TEST_CASE("TLS connections are reused") {
  const Certificate certificate(here);
  PrivateRedis server(certificate);
  redis::Client client(trusting(certificate, server.url()), 5s);
  const auto connections = [&client] {
    const redis::Reply reply = client.command({"INFO", "stats"});
    const std::string info(reply->str, reply->len);
    return std::stol(info.substr(info.find("total_connections_received:") + 27));
  };
  const long before = connections();
  for (int i = 0; i < 20; ++i) connections();
  CHECK(connections() == before);
}

TEST_CASE("large commands and replies pass through TLS, and each thread gets its own") {
  const Certificate certificate(here);
  PrivateRedis server(certificate);
  redis::Client client(trusting(certificate, server.url()), 5s);
  std::atomic<int> wrong{0};
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 50; ++i) {
        const std::string mine(static_cast<size_t>(1 + i * 1200), static_cast<char>('a' + thread));
        const redis::Reply reply = client.command({"ECHO", mine});
        if (!reply.error().empty() || std::string(reply->str, reply->len) != mine) ++wrong;
      }
    });
  }
  threads.clear();
  CHECK(wrong == 0);
}

TEST_CASE("messages that the server sends by itself pass through TLS, all at once") {
  const Certificate certificate(here);
  PrivateRedis server(certificate);
  redis::Client client(trusting(certificate, server.url()), 5s);
  auto listener = client.connect(0);
  REQUIRE(listener->error() == "");
  CHECK(listener->command({"SUBSCRIBE", "news"}, redis::Deadline(5s)).error() == "");
  CHECK_FALSE(listener->has_input());
  const std::vector<std::string> publish{
      "EVAL", "for i = 1, 200 do redis.call('PUBLISH', 'news', string.rep('x', 100)) end", "0"};
  CHECK(client.command(publish).error() == "");
  size_t received = 0;
  while (received < 200) {
    wait_until("more messages arrive", [&] { return listener->has_input(); });
    const auto news = listener->receive_all();
    REQUIRE_FALSE(news.empty());
    received += news.size();
  }
  CHECK(received == 200);
  CHECK_FALSE(listener->has_input());
  CHECK(listener->receive_all().empty());
  CHECK(listener->error() == "");
}

TEST_CASE("a server that dies is a broken connection, not a signal") {
  const Certificate certificate(here);
  PrivateRedis server(certificate);
  redis::Client client(trusting(certificate, server.url()), 5s);
  auto connection = client.connect(0);
  REQUIRE(connection->error() == "");
  server.process().send_signal(SIGKILL);
  server.process().wait(5s);
  wait_until("the connection is known to be closed", [&] { return connection->has_input(); });
  for (int i = 0; i < 3; ++i) connection->send({"PING"}, redis::Deadline(1s));
  CHECK(connection->error() != "");
  server.restart();
  CHECK(client.command({"PING"}).error() == "");
}

TEST_CASE("the deadline holds over TLS, in the handshake and afterwards") {
  const Certificate certificate(here);
  PrivateRedis server(certificate);
  redis::Client client(trusting(certificate, server.url()), 1s);
  CHECK(client.command({"PING"}).error() == "");
  server.process().send_signal(SIGSTOP);
  for (int i = 0; i < 2; ++i) {
    const auto start = SteadyClock::now();
    CHECK(client.command({"PING"}).error().rfind(server.url() + ": no answer in time", 0) == 0);
    CHECK(SteadyClock::now() - start < 3s);
  }
}

TEST_CASE("a breaker works over TLS") {
  const Certificate certificate(here);
  PrivateRedis server(certificate);
  redis::Client client(trusting(certificate, server.url()), 5s);
  FallbackBreaker breaker(redis_group(client, {.failure_threshold = 1, .recovery_timeout = 1min}), {"x"});
  std::get<Permit>(breaker.acquire()).settle(Outcome::failure);
  CHECK(std::holds_alternative<Rejection>(breaker.acquire()));
  CHECK(breaker.detailed_status().store.errors == 0);
}

TEST_CASE("Sentinels and their master are reached over TLS") {
  const Certificate certificate(here);
  const TemporaryFolder folder;
  PrivateRedis master(certificate);
  const std::string file = folder.path() / "sentinel.conf";
  std::vector<std::string> command{"redis-server", file, "--sentinel"};
  for (const std::string& option : certificate.redis_options()) command.push_back(option);
  int port = 0;
  std::optional<ChildProcess> sentinel;
  try_ports([&] {
    port = free_ports(1)[0];
    std::ofstream(file) << "port 0\nbind 127.0.0.1\ntls-port " << port << "\ntls-replication yes\n"
                        << "sentinel monitor mymaster 127.0.0.1 " << master.port() << " 1\n";
    sentinel.emplace(command);
    sentinel->wait_for_line("+monitor master");
  });
  const std::string url = "rediss+sentinel://" + host_name + ":" + std::to_string(port) + "/mymaster";
  CHECK(error_of(trusting(certificate, url)) == "");
  CHECK(contains(error_of(redis::parse_url(url)), "the server's certificate is not accepted"));
}

TEST_CASE("a cluster is reached over TLS") {
  const Certificate certificate(here);
  const TemporaryFolder folder;
  PrivateRedis node(certificate, {"--dir", folder.path(), "--cluster-enabled", "yes", "--tls-cluster", "yes"});
  redis::Client client(trusting(certificate, "rediss+cluster://" + host_name + ":" + std::to_string(node.port())), 5s);
  std::vector<std::string> all_slots{"CLUSTER", "ADDSLOTS"};
  for (size_t slot = 0; slot < redis::slot_count; ++slot) all_slots.push_back(std::to_string(slot));
  CHECK(client.command(all_slots).error() == "");
  wait_until("the cluster is complete", [&client] {
    return client.command({"SET", client.prefix("x") + "state", "open"}, "x").error().empty();
  });
  CHECK(std::string(client.command({"GET", "cb:{x}:state"}, "x")->str) == "open");
}
