# saker_generate(TARGET name PROTOS file... IMPORT_DIRS dir... [DEPS target...]): C++ from .proto files, in two libraries, so
# that who needs messages only does not get rpc with them:
#   name           the messages (foo/bar.pb.h): protobuf and nothing else
#   name_services  typed services and stubs (foo/bar.saker.h, by protoc-gen-saker): name and saker::rpc
# PROTOS are written as they are imported, relative to one of IMPORT_DIRS. DEPS: targets of other saker_generate() calls
# whose protos these import; saker::proto for Saker's own and the standard ones.
# In a project of your own this comes with find_package(saker) or add_subdirectory(saker).

# One run of protoc on one file. Its imports are dependencies by way of a depfile.
function(_saker_protoc)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "PROTO;OUT_DIR" "FLAGS;OUTPUTS;IMPORT_FLAGS;DEPENDS")
  list(GET arg_OUTPUTS 0 first)
  cmake_path(GET first PARENT_PATH directory)
  file(MAKE_DIRECTORY ${directory})
  add_custom_command(
    OUTPUT ${arg_OUTPUTS}
    COMMAND protobuf::protoc ${arg_FLAGS} --dependency_out=${first}.d ${arg_IMPORT_FLAGS} ${arg_PROTO}
    DEPENDS ${arg_DEPENDS}
    DEPFILE ${first}.d
    COMMENT "protoc ${arg_PROTO}"
    VERBATIM)
endfunction()

function(_saker_find_proto proto result)
  foreach(dir IN LISTS ARGN)
    if(EXISTS ${dir}/${proto})
      set(${result} ${dir}/${proto} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "saker_generate: ${proto} is in none of IMPORT_DIRS: ${ARGN}")
endfunction()

function(saker_generate)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "TARGET" "PROTOS;IMPORT_DIRS;DEPS")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_TARGET OR NOT arg_PROTOS OR NOT arg_IMPORT_DIRS)
    message(FATAL_ERROR "saker_generate(TARGET name PROTOS file... IMPORT_DIRS dir... [DEPS target...])")
  endif()
  find_package(Protobuf REQUIRED)
  set(messages_dir ${PROJECT_BINARY_DIR}/gen/${arg_TARGET}/messages)
  set(services_dir ${PROJECT_BINARY_DIR}/gen/${arg_TARGET}/services)
  list(TRANSFORM arg_IMPORT_DIRS PREPEND -I OUTPUT_VARIABLE import_flags)
  foreach(proto IN LISTS arg_PROTOS)
    _saker_find_proto(${proto} source ${arg_IMPORT_DIRS})
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    _saker_protoc(PROTO ${proto} FLAGS --cpp_out=${messages_dir} IMPORT_FLAGS ${import_flags}
      OUTPUTS ${messages_dir}/${stem}.pb.h ${messages_dir}/${stem}.pb.cc DEPENDS ${source})
    _saker_protoc(PROTO ${proto}
      FLAGS --plugin=protoc-gen-saker=$<TARGET_FILE:saker::protoc-gen-saker> --saker_out=${services_dir}
      IMPORT_FLAGS ${import_flags}
      OUTPUTS ${services_dir}/${stem}.saker.h ${services_dir}/${stem}.saker.cc
      DEPENDS ${source} saker::protoc-gen-saker)
    list(APPEND messages ${messages_dir}/${stem}.pb.h ${messages_dir}/${stem}.pb.cc)
    list(APPEND services ${services_dir}/${stem}.saker.h ${services_dir}/${stem}.saker.cc)
  endforeach()
  add_library(${arg_TARGET} STATIC ${messages})
  target_include_directories(${arg_TARGET} SYSTEM PUBLIC $<BUILD_INTERFACE:${messages_dir}>)
  target_link_libraries(${arg_TARGET} PUBLIC protobuf::libprotobuf ${arg_DEPS})
  add_library(${arg_TARGET}_services STATIC ${services})
  target_include_directories(${arg_TARGET}_services PUBLIC $<BUILD_INTERFACE:${services_dir}>)
  target_link_libraries(${arg_TARGET}_services PUBLIC ${arg_TARGET} saker::rpc)
  foreach(dep IN LISTS arg_DEPS)
    target_link_libraries(${arg_TARGET}_services PUBLIC ${dep}_services)
  endforeach()
  if(COMMAND saker_target_defaults)
    saker_target_defaults(${arg_TARGET}_services)
  endif()
  set_target_properties(${arg_TARGET} ${arg_TARGET}_services PROPERTIES UNITY_BUILD OFF)
endfunction()
