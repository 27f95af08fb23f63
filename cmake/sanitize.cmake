# RECUR_SANITIZE=address,undefined: the host code of every target, what nvcc hands to the host compiler included.
set(RECUR_SANITIZE "" CACHE STRING "Sanitizers for host code, as -fsanitize= takes them; empty: none")
if(RECUR_SANITIZE)
  # An enum of a C interface is an int, of which the caller may give any: checked by name, not by the sanitizer.
  set(flags -fsanitize=${RECUR_SANITIZE} -fno-sanitize=enum -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:${flags}>")
  # The commas would be split by nvcc's -Xcompiler: one option for each.
  string(REPLACE "," ";" each "${RECUR_SANITIZE}")
  foreach(one ${each})
    add_compile_options("$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-fsanitize=${one}>")
  endforeach()
  add_link_options(-fsanitize=${RECUR_SANITIZE})
endif()
