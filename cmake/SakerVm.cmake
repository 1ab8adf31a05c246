# saker_vm_test(NAME name [NESTED cmd | DIRECTED cmd] [ENV name=value...] [COPY path...] [MODULES name...] [PYTHON]
#               [ONCE] [TIMEOUT s] COMMAND program [arg...]):
# registers a test that runs `program` (a target or a path) in the virtual machine of tests/vm, whose
# kernel has AF_VSOCK. NESTED runs it in an inner machine with CID 42 and the shell command `cmd` in
# the outer one, its host; DIRECTED leaves it to `cmd` when that inner machine boots and ends. PYTHON copies
# Debian's Python with its grpc and protobuf; MODULES are loaded too (run-in-vm --module); ONCE is for a program that tries its failed parts again itself.
# A machine that cannot run the VM skips the test (exit code 126).
# A GoogleTest program's own results come back to test-results/<name>.xml.
function(saker_vm_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "PYTHON;ONCE" "NAME;NESTED;DIRECTED;TIMEOUT" "ENV;COPY;MODULES;COMMAND")
  if(NOT SAKER_TESTS)
    return()
  endif()
  list(POP_FRONT arg_COMMAND program)
  if(TARGET ${program})
    set(program $<TARGET_FILE:${program}>)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  # Again where the emulator hangs, and a second try.
  math(EXPR ctest_timeout "3 * ${arg_TIMEOUT} + 100")
  set(results ${CMAKE_BINARY_DIR}/test-results)
  set(options --strip --timeout ${arg_TIMEOUT} --collect ${results}
    --env GTEST_OUTPUT=xml:/vm/collect/${arg_NAME}.xml)
  foreach(pair IN LISTS arg_ENV)
    list(APPEND options --env ${pair})
  endforeach()
  foreach(path IN LISTS arg_COPY)
    list(APPEND options --copy ${path})
  endforeach()
  foreach(module IN LISTS arg_MODULES)
    list(APPEND options --module ${module})
  endforeach()
  if(arg_NESTED)
    list(APPEND options --nested ${arg_NESTED})
  endif()
  if(arg_DIRECTED)
    list(APPEND options --directed ${arg_DIRECTED})
  endif()
  if(arg_PYTHON)
    list(APPEND options --mem 2048)
    foreach(path /usr/lib/python3.11 /usr/lib/python3/dist-packages/google
            /usr/lib/python3/dist-packages/grpc /usr/lib/python3/dist-packages/six.py)
      list(APPEND options --copy ${path})
    endforeach()
  endif()
  set(second_try ${PROJECT_SOURCE_DIR}/tests/vm/second_try ${arg_NAME} ${results})
  if(arg_ONCE)
    set(second_try)
  endif()
  add_test(NAME ${arg_NAME}
    COMMAND ${second_try}
      ${PROJECT_SOURCE_DIR}/tests/vm/run-in-vm ${options} -- ${program} ${arg_COMMAND})
  set_tests_properties(${arg_NAME} PROPERTIES SKIP_RETURN_CODE 126 TIMEOUT ${ctest_timeout} RUN_SERIAL ON
    LABELS vm)
endfunction()

# saker_suite_over_vsock(script.py [argument...]): test vm_suites runs it too, in the virtual machine, with
# SAKER_TEST_TRANSPORT=vsock (tests/support/transports.py).
function(saker_suite_over_vsock)
  set_property(GLOBAL APPEND PROPERTY SAKER_SUITES_OVER_VSOCK ${ARGV} --)
endfunction()
