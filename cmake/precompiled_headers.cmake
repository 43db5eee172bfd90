# precompile_headers()
#
# Gives every target below the present folder the same precompiled headers. A file that forgets an include compiles all
# the same, so only the sanitizers' presets use them.
function(precompile_headers)
  set(source ${PROJECT_BINARY_DIR}/generated/precompiled_headers.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "// Only the headers are wanted.\n")
  add_library(precompiled_headers OBJECT ${source})
  target_link_libraries(precompiled_headers PRIVATE PkgConfig::HTTPLIB nlohmann_json::nlohmann_json spdlog::spdlog)
  target_compile_options(precompiled_headers PRIVATE "SHELL:-Xclang -fno-pch-timestamp")  # ccache compares contents
  target_precompile_headers(precompiled_headers PRIVATE <algorithm> <array> <atomic> <charconv> <chrono>
    <condition_variable> <deque> <filesystem> <fstream> <functional> <future> <iostream> <map> <memory> <mutex> <optional>
    <random> <regex> <set> <sstream> <string> <thread> <variant> <vector> <httplib.h> <nlohmann/json.hpp>
    <spdlog/spdlog.h>)
  reuse_precompiled_headers(${CMAKE_CURRENT_SOURCE_DIR})
endfunction()

function(reuse_precompiled_headers folder)
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    get_target_property(is_unity ${target} UNITY_BUILD)  # not where flags change how headers are read
    if(type MATCHES "EXECUTABLE|LIBRARY" AND is_unity AND NOT target STREQUAL precompiled_headers)
      target_precompile_headers(${target} REUSE_FROM precompiled_headers)
    endif()
  endforeach()
  get_property(folders DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(each IN LISTS folders)
    reuse_precompiled_headers(${each})
  endforeach()
endfunction()
