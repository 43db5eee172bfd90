# The libraries of the distribution that the programs use; public_library.cmake finds those of the breakers. Each target
# links those that it needs, and no others.
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(spdlog REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
pkg_check_modules(LUA REQUIRED IMPORTED_TARGET luajit)
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core)

# Only the tests and scripts/dev/benchmark.sh need these; the programs build without them.
find_package(benchmark QUIET)
find_package(doctest QUIET)
if(NOT doctest_FOUND)
  message(WARNING "doctest is missing, so the test programs are not built; scripts/dev/setup.sh --test installs it")
endif()
