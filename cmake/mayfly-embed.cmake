# A file inside a program.
#
# mayfly_embed(TARGET FILE path SYMBOL NAME HEADER "folder/name.h" [DEPENDS …])
#   Links the bytes of FILE into the existing library or program TARGET, and generates a header for it:
#     extern const unsigned char NAME[];   // the bytes, 16-byte aligned, followed by one zero
#     extern const size_t NAME_SIZE;       // their number, without that zero
#   DEPENDS names the target that makes FILE, if one does.

set(MAYFLY_EMBED_DIR "${PROJECT_BINARY_DIR}/generated")

function(mayfly_embed target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "FILE;SYMBOL;HEADER" "DEPENDS")
  mayfly_refuse_unparsed(mayfly_embed ${target} "${arg_UNPARSED_ARGUMENTS}")
  get_filename_component(file "${arg_FILE}" ABSOLUTE)
  set(header "${MAYFLY_EMBED_DIR}/${arg_HEADER}")
  set(assembly "${MAYFLY_EMBED_DIR}/${arg_HEADER}.S")
  file(CONFIGURE OUTPUT "${header}" @ONLY CONTENT
"#pragma once
// Generated: the bytes of @arg_FILE@, linked into the program.
#include <cstddef>
extern const unsigned char @arg_SYMBOL@[];
extern const std::size_t @arg_SYMBOL@_SIZE;
")
  # The assembler copies the file as it is; a compiler would parse every byte of it.
  file(CONFIGURE OUTPUT "${assembly}" @ONLY CONTENT
"    .section .rodata
    .balign 16
    .globl @arg_SYMBOL@
    .type @arg_SYMBOL@, %object
@arg_SYMBOL@:
    .incbin \"@file@\"
1:
    .byte 0
    .size @arg_SYMBOL@, . - @arg_SYMBOL@
    .balign 8
    .globl @arg_SYMBOL@_SIZE
    .type @arg_SYMBOL@_SIZE, %object
    .size @arg_SYMBOL@_SIZE, 8
@arg_SYMBOL@_SIZE:
    .quad 1b - @arg_SYMBOL@
    .section .note.GNU-stack,\"\",%progbits
")
  set_source_files_properties("${assembly}" PROPERTIES OBJECT_DEPENDS "${file}")
  target_sources(${target} PRIVATE "${assembly}")
  target_include_directories(${target} PRIVATE "${MAYFLY_EMBED_DIR}")
  if(arg_DEPENDS)
    add_dependencies(${target} ${arg_DEPENDS})
  endif()
endfunction()
