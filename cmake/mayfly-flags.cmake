# How every line of ours is compiled and linked.
#
#   mayfly_flags      interface target: language, hardening, sanitizers, the include root src/.
#                     mayfly_library, mayfly_executable and mayfly_test link it for you.
#   mayfly_warnings   interface target: the warnings for our own code (never for generated code).
#
# There are no precompiled headers: clang parses V8's and KJ's in less than a second, and a precompiled one names
# its sources by absolute path, which ends the sharing of the compiler cache between clones.
#
# Options: MAYFLY_WERROR (default: $ENV{MAYFLY_WERROR}, which .ci/run sets), MAYFLY_SANITIZE.

if(DEFINED ENV{MAYFLY_WERROR})
  set(mayfly_werror_default "$ENV{MAYFLY_WERROR}")
else()
  set(mayfly_werror_default OFF)
endif()
option(MAYFLY_WERROR "Treat warnings in our own code as errors" ${mayfly_werror_default})
set(MAYFLY_SANITIZE "" CACHE STRING "Value of -fsanitize=, or nothing")

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# KJ's assertions stay on in every build type. NDEBUG only removes what costs something in a hot loop.
set(CMAKE_CXX_FLAGS_DEV "-O1 -g")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_ASAN "-O1 -g")

# The compiler cache is shared by all clones of this repository, wherever they lie.
find_program(MAYFLY_CCACHE ccache)
if(MAYFLY_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=time_macros,include_file_mtime,include_file_ctime ${MAYFLY_CCACHE})
endif()

add_library(mayfly_flags INTERFACE)
target_include_directories(mayfly_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_options(mayfly_flags INTERFACE
  -fPIE -fno-omit-frame-pointer -fstack-protector-strong -fstack-clash-protection
  -D_GLIBCXX_ASSERTIONS -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=
  $<$<CONFIG:Release>:-U_FORTIFY_SOURCE>
  $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=3>)
target_link_options(mayfly_flags INTERFACE -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed
  $<$<CONFIG:Release>:-Wl,-O2>)
if(MAYFLY_MACHINE STREQUAL "x86_64")
  target_compile_options(mayfly_flags INTERFACE -fcf-protection)
endif()

if(MAYFLY_SANITIZE)
  # V8 is built without run-time type information and KJ calls through erased function types, so the
  # two checks that need them would report the libraries and not us.
  set(mayfly_sanitize -fsanitize=${MAYFLY_SANITIZE} -fno-sanitize=vptr,function -fno-sanitize-recover=undefined)
  target_compile_options(mayfly_flags INTERFACE ${mayfly_sanitize})
  target_link_options(mayfly_flags INTERFACE ${mayfly_sanitize})
endif()

add_library(mayfly_warnings INTERFACE)
target_compile_options(mayfly_warnings INTERFACE
  -Wall -Wextra -Wimplicit-fallthrough -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wunused
  -Wnull-dereference -Wdouble-promotion -Wformat=2 -Wvla -Wextra-semi -Wthread-safety
  -Wno-missing-field-initializers  # designated initialisers leave the rest at their defaults on purpose
  $<$<BOOL:${MAYFLY_WERROR}>:-Werror>)
