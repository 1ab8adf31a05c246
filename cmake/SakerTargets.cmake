# saker_library(NAME dir SOURCES ... DEPS ...): one static library per folder of src/. Its include directory holds nothing but
# saker/<dir>, so that an include of a layer that is not among DEPS does not compile.
# saker_test(NAME SOURCES ... DEPS ...): a GoogleTest program, registered with CTest under NAME.
function(saker_target_defaults target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
    -Wimplicit-fallthrough -Werror=return-type ${SAKER_WERROR})
endfunction()

function(saker_library folder)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  set(include_root ${CMAKE_BINARY_DIR}/inc/${name})
  get_filename_component(parent saker/${folder} DIRECTORY)
  file(MAKE_DIRECTORY ${include_root}/${parent})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/src/${folder} ${include_root}/saker/${folder} SYMBOLIC)
  add_library(saker_${name} STATIC ${arg_SOURCES})
  add_library(saker::${name} ALIAS saker_${name})
  target_include_directories(saker_${name} PUBLIC $<BUILD_INTERFACE:${include_root}>)
  target_link_libraries(saker_${name} PUBLIC ${arg_DEPS} PRIVATE ${arg_PRIVATE_DEPS})
  saker_target_defaults(saker_${name})
endfunction()

function(saker_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  if(NOT SAKER_TESTS)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  saker_target_defaults(${name})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 120)
endfunction()
