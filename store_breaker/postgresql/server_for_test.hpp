// One PostgreSQL server for all tests of a program.
#pragma once

#include <doctest/doctest.h>

#include "program/processes/postgresql_server.hpp"

// Decorates a test that needs the server: without one it is skipped.
#define NEEDS_POSTGRESQL *doctest::skip(!program::PrivatePostgresql::is_installed())

namespace cb {

struct TestServer : program::PrivatePostgresql {
  TestServer() {
    psql("CREATE ROLE guarded LOGIN PASSWORD 'right'; CREATE ROLE unwelcome LOGIN; CREATE ROLE visitor LOGIN");
  }
};

inline program::PrivatePostgresql& server() {
  static TestServer server;
  return server;
}

// Removes the tables of other tests.
inline void empty_the_database() {
  server().psql("DROP TABLE IF EXISTS circuit_breakers; DROP SCHEMA IF EXISTS other CASCADE");
}

}  // namespace cb
