# Our libraries and programs.
#
# mayfly_library(NAME [SOURCES …] [HEADERS …] [LINK …] [PRIVATE_LINK …])
#   The library mayfly_NAME with the alias mayfly::NAME; NAME is the folder's name: mayfly_library(confine …).
#   SOURCES and HEADERS are relative to the folder. Without SOURCES it is an interface library.
#   Includes are rooted at src/: #include "confine/seccomp-filter.h".
#   LINK         neighbours that its headers include     PRIVATE_LINK  neighbours that only its sources include
#
# mayfly_executable(NAME [SOURCES …] [LINK …])
#   The program build/<preset>/NAME. It is part of the target "product", which `make build` builds.
#
# Both take library targets: mayfly::NAME for ours, mayfly_kj and the like for others
# (cmake/mayfly-dependencies.cmake).

function(mayfly_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;HEADERS;LINK;PRIVATE_LINK")
  mayfly_refuse_unparsed(mayfly_library ${name} "${arg_UNPARSED_ARGUMENTS}")
  set(target mayfly_${name})
  list(TRANSFORM arg_HEADERS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    target_link_libraries(${target} PUBLIC mayfly_flags ${arg_LINK} PRIVATE mayfly_warnings ${arg_PRIVATE_LINK})
    target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/src FILES ${arg_HEADERS})
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE mayfly_flags ${arg_LINK} ${arg_PRIVATE_LINK})
    target_sources(${target} INTERFACE FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/src FILES ${arg_HEADERS})
  endif()
  # `make lint` compiles each header alone.
  set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  add_library(mayfly::${name} ALIAS ${target})
endfunction()

function(mayfly_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  mayfly_refuse_unparsed(mayfly_executable ${name} "${arg_UNPARSED_ARGUMENTS}")
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  target_link_libraries(${name} PRIVATE mayfly_flags mayfly_warnings ${arg_LINK})
  mayfly_use_runtime(${name})
  add_dependencies(product ${name})
endfunction()

# A misspelt keyword would otherwise be swallowed by the keyword before it, or vanish.
function(mayfly_refuse_unparsed function name unparsed)
  if(unparsed)
    message(FATAL_ERROR "${function}(${name}): what is \"${unparsed}\"? The keywords are listed at the top of cmake/*.cmake")
  endif()
endfunction()
