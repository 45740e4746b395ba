# The JavaScript side of the runtime, and the bundler that `mayfly` starts.
#
# Targets
#   mayfly_builtins   builtins/main.ts and all it imports, bundled into build/<preset>/builtins/builtins.js, and the
#                     type stripper's Wasm module beside it as stripper.wasm
#                     (present once builtins/main.ts exists). Embed it with
#                       mayfly_embed(mayfly_engine FILE ${MAYFLY_BUILTINS_JS} SYMBOL BUILTINS_JS
#                                    HEADER engine/builtins-js.h DEPENDS mayfly_builtins)
#   mayfly_esbuild    esbuild's native program, placed at build/<preset>/libexec/esbuild
# Test
#   builtins-typecheck   tsc over builtins/tsconfig.json (present once that file exists)

set(MAYFLY_BUILTINS_JS "${PROJECT_BINARY_DIR}/builtins/builtins.js")
set(MAYFLY_STRIPPER_WASM "${PROJECT_BINARY_DIR}/builtins/stripper.wasm")
set(mayfly_node_modules "${PROJECT_SOURCE_DIR}/node_modules")
find_program(MAYFLY_NODE NAMES node nodejs REQUIRED)

if(MAYFLY_MACHINE STREQUAL "aarch64")
  set(mayfly_esbuild_program "${mayfly_node_modules}/@esbuild/linux-arm64/bin/esbuild")
else()
  set(mayfly_esbuild_program "${mayfly_node_modules}/@esbuild/linux-x64/bin/esbuild")
endif()
if(NOT EXISTS "${mayfly_esbuild_program}")
  message(FATAL_ERROR "error[build.no-esbuild]: there is no ${mayfly_esbuild_program}\n"
    "  why    the npm packages are not installed\n  fix    run scripts/setup")
endif()

set(mayfly_placed_esbuild "${PROJECT_BINARY_DIR}/libexec/esbuild")
add_custom_command(OUTPUT ${mayfly_placed_esbuild}
  COMMAND ${CMAKE_COMMAND} -E copy ${mayfly_esbuild_program} ${mayfly_placed_esbuild}
  DEPENDS ${mayfly_esbuild_program} COMMENT "Placing esbuild" VERBATIM)
add_custom_target(mayfly_esbuild ALL DEPENDS ${mayfly_placed_esbuild})
add_dependencies(product mayfly_esbuild)

file(GLOB mayfly_builtins_present CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/builtins/main.ts ${PROJECT_SOURCE_DIR}/builtins/tsconfig.json)
if(${PROJECT_SOURCE_DIR}/builtins/main.ts IN_LIST mayfly_builtins_present)
  add_custom_command(OUTPUT ${MAYFLY_BUILTINS_JS} ${MAYFLY_STRIPPER_WASM}
    COMMAND ${MAYFLY_NODE} ${PROJECT_SOURCE_DIR}/builtins/build.mjs
      --out ${MAYFLY_BUILTINS_JS} --stripper ${MAYFLY_STRIPPER_WASM} --depfile ${MAYFLY_BUILTINS_JS}.d
    DEPENDS ${PROJECT_SOURCE_DIR}/builtins/build.mjs ${PROJECT_SOURCE_DIR}/package-lock.json
    DEPFILE ${MAYFLY_BUILTINS_JS}.d COMMENT "Bundling the built-ins" VERBATIM)
  add_custom_target(mayfly_builtins ALL DEPENDS ${MAYFLY_BUILTINS_JS})
  add_dependencies(product mayfly_builtins)
endif()

if(${PROJECT_SOURCE_DIR}/builtins/tsconfig.json IN_LIST mayfly_builtins_present)
  mayfly_script_test(builtins-typecheck
    COMMAND ${MAYFLY_NODE} ${mayfly_node_modules}/typescript/bin/tsc --noEmit -p builtins/tsconfig.json)
endif()
