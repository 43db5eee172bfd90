# What the libraries need that programs outside the lab may link. See cmake/package/README.md.
find_package(Threads REQUIRED GLOBAL)
find_package(OpenSSL QUIET GLOBAL)
find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND)
  pkg_check_modules(HIREDIS QUIET IMPORTED_TARGET GLOBAL hiredis)
endif()
set(has_redis_libraries OFF)
if(OPENSSL_FOUND AND HIREDIS_FOUND)
  set(has_redis_libraries ON)
endif()

# public_library(TARGET NAME [PACKAGES packages of pkg-config])
#
# Lets other programs link TARGET as circuit_breaker::NAME, from an installed package or as a subproject. NAME is also its
# component of the package.
function(public_library target name)
  cmake_parse_arguments(ARG "" "" "PACKAGES" ${ARGN})
  add_library(circuit_breaker::${name} ALIAS ${target})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/cmake/package>
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/package>
    $<INSTALL_INTERFACE:include/circuit_breaker_lab>)
  # The libraries of one folder find each other. Below 1.0 every minor version may change the ABI.
  set_target_properties(${target} PROPERTIES OUTPUT_NAME circuit_breaker_${name} EXPORT_NAME ${name}
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    INSTALL_RPATH "$ORIGIN")
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "SHARED_LIBRARY" AND NOT APPLE)
    set(exports ${PROJECT_SOURCE_DIR}/cmake/package/exports.map)
    target_link_options(${target} PRIVATE LINKER:--version-script=${exports})
    set_target_properties(${target} PROPERTIES LINK_DEPENDS ${exports})
  endif()
  if(PROJECT_IS_TOP_LEVEL)
    install_library(${target} ${name} "${ARG_PACKAGES}")
  endif()
endfunction()

function(install_library target name packages)
  install(TARGETS ${target} EXPORT circuit_breaker_${name})
  install(EXPORT circuit_breaker_${name} NAMESPACE circuit_breaker:: FILE ${name}.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/circuit_breaker_lab)
  get_target_property(type ${target} TYPE)
  set(requires_of_shared_library "")
  set(requires_of_static_library "")
  file(RELATIVE_PATH to_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
  if(type STREQUAL "SHARED_LIBRARY")
    list(JOIN packages " " requires_of_shared_library)
  else()
    list(JOIN packages " " requires_of_static_library)
  endif()
  configure_file(${PROJECT_SOURCE_DIR}/cmake/package/library.pc.in
    ${PROJECT_BINARY_DIR}/package/circuit_breaker_${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/package/circuit_breaker_${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
