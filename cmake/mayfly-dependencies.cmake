# The libraries we build on, as interface targets to LINK. docs/dependencies.md says why each is here.
#
#   mayfly_kj            KJ (async, HTTP, TLS, gzip) and Cap'n Proto RPC
#   mayfly_v8            V8 as libnode delivers it. Only for the zygote's side: engine and what links it.
#   mayfly_ada           URL and URLPattern           mayfly_simdutf      UTF-8 and base64
#   mayfly_openssl       libssl and libcrypto         mayfly_compression  zlib, brotli, zstd
#   mayfly_seccomp       libseccomp                   mayfly_sqlite       SQLite
#   mayfly_json          nlohmann/json                mayfly_cli11        CLI11
#   mayfly_toml          toml++                       mayfly_benchmark    Google Benchmark

function(mayfly_dependency name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LIBRARIES;INCLUDES;DEFINES")
  add_library(${name} INTERFACE)
  target_link_libraries(${name} INTERFACE ${arg_LIBRARIES})
  target_include_directories(${name} SYSTEM INTERFACE ${arg_INCLUDES})
  target_compile_definitions(${name} INTERFACE ${arg_DEFINES})
endfunction()

if(MAYFLY_SYSROOT STREQUAL "/")
  set(mayfly_prefix "")
else()
  set(mayfly_prefix "${MAYFLY_SYSROOT}")
endif()

mayfly_dependency(mayfly_kj
  LIBRARIES kj-http kj-tls kj-gzip capnp-rpc capnp-json capnp kj-async kj pthread)
mayfly_dependency(mayfly_v8 LIBRARIES node INCLUDES "${mayfly_prefix}/usr/include/node")
# libnode names symbols that only the node program itself defines and that we never reach.
target_link_options(mayfly_v8 INTERFACE -Wl,--allow-shlib-undefined)
mayfly_dependency(mayfly_ada LIBRARIES ada-url0)
mayfly_dependency(mayfly_simdutf LIBRARIES simdutf)
mayfly_dependency(mayfly_openssl LIBRARIES ssl crypto)
mayfly_dependency(mayfly_compression LIBRARIES z brotlienc brotlidec brotlicommon zstd)
mayfly_dependency(mayfly_seccomp LIBRARIES seccomp)
mayfly_dependency(mayfly_sqlite LIBRARIES sqlite3)
mayfly_dependency(mayfly_json)
mayfly_dependency(mayfly_cli11)
mayfly_dependency(mayfly_toml DEFINES TOML_HEADER_ONLY=1)
mayfly_dependency(mayfly_benchmark LIBRARIES benchmark)
