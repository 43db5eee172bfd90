# What only the lab's programs and tests need: a program that uses the libraries keeps its own flags.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
option(WARNINGS_AS_ERRORS "Fail the build on a warning" OFF)
option(PRECOMPILE_HEADERS "Compile the libraries' headers once for all targets (Clang)" OFF)
add_compile_options(-Wall -Wextra -Wpedantic $<$<BOOL:${WARNINGS_AS_ERRORS}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options(-Wno-restrict)  # false alarms on std::string's operator+ (GCC bug 105651)
endif()
include_directories(${PROJECT_SOURCE_DIR})

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # A clone in another folder shares the cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

if(NOT has_redis_libraries)
  message(FATAL_ERROR "hiredis or OpenSSL is missing; scripts/dev/setup.sh installs both")
endif()
include(dependencies)
include(headers_test)
enable_testing()
add_custom_target(sanitized_tests)
add_custom_target(embedded_files)
