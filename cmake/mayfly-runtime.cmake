# The shared libraries that our programs run with.
#
# A program built against the sysroot needs the sysroot's C library, its loader and everything else it
# links. The sysroot may lie in a home directory that only root may read, so the libraries are placed
# beside the programs:
#
#   build/<preset>/mayfly                          the programs
#   build/<preset>/lib/ld-linux-x86-64.so.2        the loader, named by absolute path in each program
#   build/<preset>/lib/libnode.so.137, …           everything that can be needed, found by $ORIGIN/lib
#
# Files are hard links into the sysroot where the file system allows it, copies otherwise.
# With MAYFLY_SYSROOT=/ nothing is placed and programs use the machine's loader.
#
# mayfly_use_runtime(TARGET)
#   Makes an executable use these libraries. mayfly_executable and mayfly_test call it for you.

set(MAYFLY_RUNTIME_DIR "${PROJECT_BINARY_DIR}/lib")
set(MAYFLY_LOADER "${MAYFLY_RUNTIME_DIR}/${MAYFLY_LOADER_NAME}")

# Starting points, by the names one links with; everything they need is followed from there.
set(mayfly_runtime_roots
  libnode.so libkj-http.so libkj-tls.so libkj-gzip.so libcapnp-rpc.so libcapnp-json.so libcapnpc.so
  libssl.so libcrypto.so libz.so libzstd.so libbrotlienc.so libbrotlidec.so libada-url0.so
  libsimdutf.so libseccomp.so libsqlite3.so libbenchmark.so libtomlplusplus.so
  libstdc++.so.6 libgcc_s.so.1 libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libresolv.so.2)

# Gives the name under which programs ask for the library at `path`, and the paths of all that it needs.
function(mayfly_inspect_library path soname_variable needs_variable)
  set(from "${MAYFLY_SYSROOT}/usr/lib/${MAYFLY_MULTIARCH}")
  if(NOT EXISTS "${path}")
    message(FATAL_ERROR "error[build.sysroot-incomplete]: ${path} is missing\n"
      "  fix    add its package to scripts/sysroot-packages.txt and run scripts/setup")
  endif()
  execute_process(COMMAND ${CMAKE_READELF} -d "${path}" OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
  if(NOT dynamic MATCHES "Library soname: \\[([^]]+)\\]")
    message(FATAL_ERROR "error[build.sysroot-broken]: ${path} has no SONAME\n"
      "  fix    remove ${MAYFLY_SYSROOT} and run scripts/setup")
  endif()
  set(${soname_variable} "${CMAKE_MATCH_1}" PARENT_SCOPE)
  execute_process(COMMAND "${from}/${MAYFLY_LOADER_NAME}" --library-path "${from}" --list "${path}"
    OUTPUT_VARIABLE listing RESULT_VARIABLE status ERROR_VARIABLE why)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "error[build.sysroot-broken]: cannot list what ${path} needs\n  why    ${why}\n"
      "  fix    remove ${MAYFLY_SYSROOT} and run scripts/setup")
  endif()
  string(REGEX MATCHALL "=> /[^ \n]+" needs "${listing}")
  list(TRANSFORM needs REPLACE "^=> " "")
  set(${needs_variable} "${needs}" PARENT_SCOPE)
endfunction()

function(mayfly_place_library path name)
  file(REAL_PATH "${path}" real)
  file(CREATE_LINK "${real}" "${MAYFLY_RUNTIME_DIR}/${name}" COPY_ON_ERROR)
endfunction()

function(mayfly_place_runtime)
  set(from "${MAYFLY_SYSROOT}/usr/lib/${MAYFLY_MULTIARCH}")
  set(marker "${MAYFLY_RUNTIME_DIR}/.sysroot")
  if(EXISTS "${marker}")
    file(READ "${marker}" placed)
    if(placed STREQUAL "${MAYFLY_SYSROOT} ${mayfly_runtime_roots}")
      return()
    endif()
  endif()
  message(STATUS "Placing the run-time libraries in ${MAYFLY_RUNTIME_DIR}")
  file(REMOVE_RECURSE "${MAYFLY_RUNTIME_DIR}")
  file(MAKE_DIRECTORY "${MAYFLY_RUNTIME_DIR}")
  set(needed "")
  foreach(root IN LISTS mayfly_runtime_roots)
    mayfly_inspect_library("${from}/${root}" soname needs)
    mayfly_place_library("${from}/${root}" "${soname}")
    list(APPEND needed ${needs})
  endforeach()
  list(REMOVE_DUPLICATES needed)
  foreach(path IN LISTS needed)
    get_filename_component(name "${path}" NAME)
    mayfly_place_library("${path}" "${name}")
  endforeach()
  mayfly_place_library("${from}/${MAYFLY_LOADER_NAME}" "${MAYFLY_LOADER_NAME}")
  file(WRITE "${marker}" "${MAYFLY_SYSROOT} ${mayfly_runtime_roots}")
endfunction()

if(NOT MAYFLY_SYSROOT STREQUAL "/")
  mayfly_place_runtime()
endif()

function(mayfly_use_runtime target)
  if(MAYFLY_SYSROOT STREQUAL "/")
    return()
  endif()
  get_target_property(directory ${target} RUNTIME_OUTPUT_DIRECTORY)
  file(RELATIVE_PATH to_runtime "${directory}" "${MAYFLY_RUNTIME_DIR}")
  set_target_properties(${target} PROPERTIES BUILD_RPATH "$ORIGIN/${to_runtime}")
  # RPATH and not RUNPATH: libraries needed by libraries are found by it too.
  target_link_options(${target} PRIVATE -Wl,--disable-new-dtags "-Wl,--dynamic-linker,${MAYFLY_LOADER}")
endfunction()
