# What `cmake --install` puts where, in two components: runtime (the program) and development (libraries, headers,
# protoc-gen-saker, protos, the package that find_package(saker) reads). Headers keep the path that they are included by,
# "saker/h2/frame.h": nothing lands bare as grpc/ or net/.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# saker_install_library(target name): as saker::name.
function(saker_install_library target name)
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} INTERFACE cxx_std_23)
  target_include_directories(${target} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  install(TARGETS ${target} EXPORT saker-targets COMPONENT development)
endfunction()

# saker_install_headers(dir/ path): the headers of a folder, without those of tests and those that need a header that only
# builds have, as include/path.
function(saker_install_headers dir path)
  install(DIRECTORY ${dir} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${path} COMPONENT development
    FILES_MATCHING PATTERN "*.h"
    PATTERN "*_testing.h" EXCLUDE PATTERN "pkcs11_*.h" EXCLUDE PATTERN "toml.h" EXCLUDE PATTERN "transport_fixture.h" EXCLUDE PATTERN "transport_harness.h" EXCLUDE)
endfunction()

# Once, after all targets. Versions before 1.0 promise no ABI and no API.
function(saker_install_package)
  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/saker)
  set(generated_dir ${PROJECT_BINARY_DIR}/package)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/saker-config.cmake.in
    ${generated_dir}/saker-config.cmake INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_DATADIR)
  write_basic_package_version_file(${generated_dir}/saker-config-version.cmake
    VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
  install(EXPORT saker-targets NAMESPACE saker:: DESTINATION ${package_dir} COMPONENT development)
  install(FILES ${generated_dir}/saker-config.cmake ${generated_dir}/saker-config-version.cmake
      ${PROJECT_SOURCE_DIR}/cmake/SakerProtobuf.cmake
    DESTINATION ${package_dir} COMPONENT development)
endfunction()
