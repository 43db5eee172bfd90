# headers_test(TARGET HEADERS ... LIBRARIES ...)
#
# Compiles each header as a translation unit: one that relies on the includes of another fails to build. The warnings are
# those that a program may have on where it includes them. HEADERS are paths from the root. A preset with unity builds
# compiles them as one, for the warnings; scripts/dev/lint.sh headers compiles each by itself.
function(headers_test target)
  cmake_parse_arguments(ARG "" "" "HEADERS;LIBRARIES" ${ARGN})
  set(sources "")
  foreach(header IN LISTS ARG_HEADERS)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/${target}/${header}.cpp)
    file(CONFIGURE OUTPUT ${source} CONTENT "#include \"${header}\"\n")
    list(APPEND sources ${source})
  endforeach()
  add_library(${target} OBJECT ${sources})
  set_target_properties(${target} PROPERTIES UNITY_BUILD_BATCH_SIZE 0)
  target_compile_options(${target} PRIVATE -O0 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
  target_link_libraries(${target} PRIVATE ${ARG_LIBRARIES})
endfunction()
