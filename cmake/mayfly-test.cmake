# Tests. Each of these registers with ctest.
#
# mayfly_test(NAME SOURCES … [LINK …] [LABELS …] [ENVIRONMENT VAR=VALUE …] [TIMEOUT SECONDS] [SERIAL] [NO_MAIN])
#   A GoogleTest program build/<preset>/tests/NAME (gtest, gmock and a main function are linked). Every test
#   case runs in a process of its own and counts as one test. TIMEOUT is per case, default 60.
#   SERIAL: its cases never run beside other tests. NO_MAIN: SOURCES bring their own main.
#
# mayfly_forbid_symbols(TARGET MATCHING REGEX)
#   Fails if a symbol (demangled, defined or needed, of the program or its dynamic table) of TARGET matches REGEX.
#
# mayfly_script_test(NAME COMMAND … [TIMEOUT SECONDS])
#   Any other command whose exit status is the verdict.

include(GoogleTest)

function(mayfly_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL;NO_MAIN" "TIMEOUT" "SOURCES;LINK;LABELS;ENVIRONMENT")
  mayfly_refuse_unparsed(mayfly_test ${name} "${arg_UNPARSED_ARGUMENTS}")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_link_libraries(${name} PRIVATE mayfly_flags mayfly_warnings ${arg_LINK})
  if(NOT arg_NO_MAIN)
    target_link_libraries(${name} PRIVATE gmock_main)
  endif()
  target_link_libraries(${name} PRIVATE gmock gtest pthread)
  mayfly_use_runtime(${name})
  set(properties TIMEOUT ${arg_TIMEOUT})
  if(arg_LABELS)
    list(APPEND properties LABELS "${arg_LABELS}")
  endif()
  if(arg_ENVIRONMENT)
    list(APPEND properties ENVIRONMENT "${arg_ENVIRONMENT}")
  endif()
  if(arg_SERIAL)
    list(APPEND properties RUN_SERIAL ON)
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${name}/" DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} PROPERTIES ${properties})
endfunction()

function(mayfly_forbid_symbols target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "MATCHING" "")
  mayfly_refuse_unparsed(mayfly_forbid_symbols ${target} "${arg_UNPARSED_ARGUMENTS}")
  string(MAKE_C_IDENTIFIER "${arg_MATCHING}" suffix)
  add_test(NAME "forbid-symbols/${target}/${suffix}" COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM}
    -DPROGRAM=$<TARGET_FILE:${target}> "-DREGEX=${arg_MATCHING}" -P ${PROJECT_SOURCE_DIR}/cmake/forbid-symbols.cmake)
endfunction()

function(mayfly_script_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "COMMAND")
  mayfly_refuse_unparsed(mayfly_script_test ${name} "${arg_UNPARSED_ARGUMENTS}")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_test(NAME ${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT})
endfunction()
