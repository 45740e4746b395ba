# Compiler and sysroot.
#
# Mayfly needs newer libraries (V8 13.6 as libnode, Cap'n Proto 1.5, libstdc++ 15) than the Debian it
# is built on, so it compiles against a sysroot that scripts/setup unpacks outside of the checkout.
#
# MAYFLY_SYSROOT (cache variable or environment variable) names the sysroot. Unset: the one that
# scripts/setup makes for this checkout. "/": the machine's own libraries, no sysroot at all.
#
# MAYFLY_LLVM (likewise) is the version of clang and lld; 19 unless said otherwise.
#
# This file is read again by every try_compile(), hence both variables are passed on to those.

if(NOT MAYFLY_SYSROOT AND DEFINED ENV{MAYFLY_SYSROOT})
  set(MAYFLY_SYSROOT "$ENV{MAYFLY_SYSROOT}" CACHE PATH "Sysroot to compile against, or / for none")
endif()
if(NOT MAYFLY_SYSROOT)
  execute_process(COMMAND "${CMAKE_CURRENT_LIST_DIR}/../scripts/setup" --print-sysroot
    OUTPUT_VARIABLE mayfly_computed_sysroot OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(MAYFLY_SYSROOT "${mayfly_computed_sysroot}" CACHE PATH "Sysroot to compile against, or / for none")
endif()
if(NOT IS_DIRECTORY "${MAYFLY_SYSROOT}/usr/include")
  message(FATAL_ERROR
    "error[build.no-sysroot]: there is no sysroot at ${MAYFLY_SYSROOT}\n"
    "  why    the package list changed, or set-up did not run or did not finish\n"
    "  fix    run scripts/setup (or \"make setup\"); it makes the sysroot and can be run again at any time")
endif()
if(NOT MAYFLY_LLVM)
  set(MAYFLY_LLVM 19)
  if(DEFINED ENV{MAYFLY_LLVM})
    set(MAYFLY_LLVM "$ENV{MAYFLY_LLVM}")
  endif()
  set(MAYFLY_LLVM ${MAYFLY_LLVM} CACHE STRING "Version of clang and lld")
endif()
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MAYFLY_SYSROOT MAYFLY_LLVM)

set(CMAKE_C_COMPILER clang-${MAYFLY_LLVM})
set(CMAKE_CXX_COMPILER clang++-${MAYFLY_LLVM})
set(CMAKE_ASM_COMPILER clang-${MAYFLY_LLVM})

execute_process(COMMAND uname -m OUTPUT_VARIABLE MAYFLY_MACHINE OUTPUT_STRIP_TRAILING_WHITESPACE)
set(MAYFLY_MULTIARCH "${MAYFLY_MACHINE}-linux-gnu")
if(MAYFLY_MACHINE STREQUAL "aarch64")
  set(MAYFLY_LOADER_NAME ld-linux-aarch64.so.1)
else()
  set(MAYFLY_LOADER_NAME ld-linux-x86-64.so.2)
endif()

set(CMAKE_EXE_LINKER_FLAGS_INIT "-fuse-ld=lld-${MAYFLY_LLVM}")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-fuse-ld=lld-${MAYFLY_LLVM}")

if(NOT MAYFLY_SYSROOT STREQUAL "/")
  set(CMAKE_SYSROOT "${MAYFLY_SYSROOT}")
  # Clang looks for GCC's libraries by the versions it knew at its release; name ours outright.
  file(GLOB mayfly_gcc_dirs "${MAYFLY_SYSROOT}/usr/lib/gcc/${MAYFLY_MULTIARCH}/*")
  list(SORT mayfly_gcc_dirs COMPARE NATURAL ORDER DESCENDING)
  list(GET mayfly_gcc_dirs 0 mayfly_gcc_dir)
  set(CMAKE_C_FLAGS_INIT "--gcc-install-dir=${mayfly_gcc_dir}")
  set(CMAKE_CXX_FLAGS_INIT "--gcc-install-dir=${mayfly_gcc_dir}")
  set(CMAKE_ASM_FLAGS_INIT "--gcc-install-dir=${mayfly_gcc_dir}")
  # Libraries and headers only ever come from the sysroot, programs only ever from the host.
  set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
  set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
  set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
  set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
endif()
