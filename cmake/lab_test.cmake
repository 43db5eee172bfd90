# lab_test(NAME SOURCES ... LIBRARIES ... [PROGRAMS ...] [LABELS ...] [SANITIZERS asan tsan] [LONG])
#
# A doctest program, and the test that runs it. PROGRAMS are the executables that it starts. SANITIZERS are the presets
# that run it again: asan where the code parses input or owns memory by hand, tsan where it has threads. The target
# `sanitized_tests` builds those of the present preset. Without doctest, or in another project, nothing is added.
function(lab_test name)
  if(NOT doctest_FOUND OR NOT CIRCUIT_BREAKER_LAB_PROGRAMS)
    return()
  endif()
  cmake_parse_arguments(ARG "LONG" "" "SOURCES;LIBRARIES;PROGRAMS;LABELS;SANITIZERS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES} lab_test_main)
  lab_test_definitions(${name})
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)  # compiles in half the time; what it tests is at -O3
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS "${ARG_LABELS};${ARG_SANITIZERS}")
  if(ARG_LONG)
    set_tests_properties(${name} PROPERTIES COST 100)
  endif()
  get_filename_component(preset ${CMAKE_BINARY_DIR} NAME)
  if(preset IN_LIST ARG_SANITIZERS)
    add_dependencies(sanitized_tests ${name})
  endif()
  if(ARG_PROGRAMS)
    add_dependencies(${name} ${ARG_PROGRAMS})
  endif()
endfunction()

# Where the sources and the programs are; how long a program may take to stop: a second, as the lab promises, with a
# sanitizer five, as it looks for leaks first; and how many times fewer rounds a sanitizer gets (rounds_for_test.hpp).
function(lab_test_definitions target)
  set(end_within_ms 1000)
  set(rounds_divisor 1)
  if(CMAKE_CXX_FLAGS MATCHES "sanitize")
    set(end_within_ms 5000)
    set(rounds_divisor 8)
  endif()
  target_compile_definitions(${target} PRIVATE LAB_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    LAB_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}" LAB_END_WITHIN_MS=${end_within_ms}
    LAB_ROUNDS_DIVISOR=${rounds_divisor})
endfunction()
