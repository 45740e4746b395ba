# Cap'n Proto schemas.
#
# mayfly_capnp(TARGET FILES a.capnp b.capnp …)
#   Generates C++ for schemas under src/ and makes it a static library TARGET (with the alias mayfly::x for
#   a TARGET mayfly_x) that links mayfly_kj. If TARGET exists already, the generated code is added to it.
#   Paths are relative to the calling folder. C++ includes them by their path under src/:
#   #include "schema/zygote.capnp.h". A schema imports another as "other.capnp" or "/schema/other.capnp".
#
# The compiler comes from the sysroot and runs on the sysroot's own loader and libraries, because the
# host's C library is too old for it.

set(MAYFLY_GENERATED_DIR "${PROJECT_BINARY_DIR}/generated")
set(mayfly_tools_dir "${PROJECT_BINARY_DIR}/tools")

# capnp starts its plug-in by path, so both become scripts that enter the sysroot's loader first.
foreach(tool capnp capnpc-c++)
  if(MAYFLY_SYSROOT STREQUAL "/")
    set(command "exec ${tool}")
  else()
    set(command "exec '${MAYFLY_LOADER}' --library-path '${MAYFLY_RUNTIME_DIR}' '${MAYFLY_SYSROOT}/usr/bin/${tool}'")
  endif()
  file(CONFIGURE OUTPUT "${mayfly_tools_dir}/${tool}" CONTENT "#!/bin/sh\n@command@ \"$@\"\n" @ONLY)
  file(CHMOD "${mayfly_tools_dir}/${tool}" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
    GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
endforeach()

function(mayfly_capnp target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "FILES")
  mayfly_refuse_unparsed(mayfly_capnp ${target} "${arg_UNPARSED_ARGUMENTS}")
  set(schemas "")
  set(sources "")
  set(headers "")
  foreach(file IN LISTS arg_FILES)
    get_filename_component(schema "${file}" ABSOLUTE)
    file(RELATIVE_PATH relative "${PROJECT_SOURCE_DIR}/src" "${schema}")
    list(APPEND schemas "${schema}")
    list(APPEND sources "${MAYFLY_GENERATED_DIR}/${relative}.c++")
    list(APPEND headers "${MAYFLY_GENERATED_DIR}/${relative}.h")
  endforeach()
  # One run for all files: a schema that changes may change the code of those that import it.
  add_custom_command(OUTPUT ${sources} ${headers}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${MAYFLY_GENERATED_DIR}
    COMMAND ${mayfly_tools_dir}/capnp compile --no-standard-import -I${mayfly_prefix}/usr/include -I${PROJECT_SOURCE_DIR}/src
      --src-prefix=${PROJECT_SOURCE_DIR}/src "-o${mayfly_tools_dir}/capnpc-c++:${MAYFLY_GENERATED_DIR}" ${schemas}
    DEPENDS ${schemas} ${mayfly_tools_dir}/capnp ${mayfly_tools_dir}/capnpc-c++
    COMMENT "Generating C++ from the schemas of ${target}" VERBATIM)
  if(NOT TARGET ${target})
    add_library(${target} STATIC)
    if(target MATCHES "^mayfly_(.+)$")
      add_library(mayfly::${CMAKE_MATCH_1} ALIAS ${target})
    endif()
  endif()
  target_sources(${target} PRIVATE ${sources} ${headers})
  set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS -w)
  # Whoever links this must wait for the headers before compiling; Ninja sees to that.
  target_include_directories(${target} SYSTEM PUBLIC ${MAYFLY_GENERATED_DIR})
  target_link_libraries(${target} PUBLIC mayfly_flags mayfly_kj)
endfunction()
