# saker_vm_test(NAME name [NESTED cmd] [ENV name=value...] [COPY path...] COMMAND program [arg...]):
# registers a test that runs `program` (a target or a path) in the virtual machine of tests/vm, whose
# kernel has AF_VSOCK. NESTED runs it in an inner machine with CID 42 and the shell command `cmd` in
# the outer one, its host. A machine that cannot run the VM skips the test (exit code 126).
# A GoogleTest program's own results come back to test-results/<name>.xml.
function(saker_vm_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;NESTED" "ENV;COPY;COMMAND")
  if(NOT SAKER_TESTS)
    return()
  endif()
  list(POP_FRONT arg_COMMAND program)
  if(TARGET ${program})
    set(program $<TARGET_FILE:${program}>)
  endif()
  set(options --strip --timeout 300 --collect ${CMAKE_BINARY_DIR}/test-results
    --env GTEST_OUTPUT=xml:/vm/collect/${arg_NAME}.xml)
  foreach(pair IN LISTS arg_ENV)
    list(APPEND options --env ${pair})
  endforeach()
  foreach(path IN LISTS arg_COPY)
    list(APPEND options --copy ${path})
  endforeach()
  if(arg_NESTED)
    list(APPEND options --nested ${arg_NESTED})
  endif()
  add_test(NAME ${arg_NAME}
    COMMAND ${PROJECT_SOURCE_DIR}/tests/vm/run-in-vm ${options} -- ${program} ${arg_COMMAND})
  set_tests_properties(${arg_NAME} PROPERTIES SKIP_RETURN_CODE 126 TIMEOUT 400 RUN_SERIAL ON
    LABELS vm)
endfunction()
