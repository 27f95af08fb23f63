# Run by ctest: what pages.cmake takes out of a page, and what it refuses.
include(${CMAKE_CURRENT_LIST_DIR}/pages.cmake)
set(PROJECT_SOURCE_DIR ${WORK})
file(REMOVE_RECURSE ${WORK})
file(WRITE ${WORK}/quoted.cpp "int one;\nint two; // [a;b]\nint three;\n")

# What stops is run by a CMake of its own: REFUSED names the page.
if(REFUSED)
  recur_page_programs(${REFUSED} cpp)
  return()
endif()

set(program "int main() {\n  int x[2] = {0, 1}; // ; ] \\n\n  if (x[0]) return 1;\n  return x[0];\n}\n")
set(fragment "x[0] = 0;\n")
set(fence "```")
file(WRITE ${WORK}/whole.md
  "${fence}cpp\n${fragment}${fence}\ntext\n\n${fence}c\nint c;\n${fence}\n${fence}cpp\n${program}${fence}\n"
  "<!-- from quoted.cpp -->\n${fence}cpp\nint two; // [a;b]\n${fence}\n${fence}cpp\n${program}${fence}\n")
recur_page_programs(${WORK}/whole.md cpp)
string(REPLACE "  return x[0]" "  {\n${fragment}  }\n  return x[0]" expected "${program}")
if(NOT programs EQUAL 2 OR NOT program_1 STREQUAL expected OR NOT program_2 STREQUAL program)
  message(FATAL_ERROR "${programs} programs were found:\n${program_1}\n${program_2}")
endif()
recur_page_programs(${WORK}/whole.md cuda)
if(NOT programs EQUAL 0)
  message(FATAL_ERROR "a page without CUDA has ${programs} programs of it")
endif()

function(expect_refusal words text)
  file(WRITE ${WORK}/refused.md "${text}")
  execute_process(COMMAND ${CMAKE_COMMAND} -DWORK=${WORK}/inner -DREFUSED=${WORK}/refused.md -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
                  RESULT_VARIABLE status ERROR_VARIABLE said)
  string(REGEX REPLACE "[ \n]+" " " said "${said}")
  if(status EQUAL 0 OR NOT said MATCHES "${words}")
    message(FATAL_ERROR "'${words}' is not what a page gave that has to be refused: ${status}, ${said}")
  endif()
endfunction()
expect_refusal("need a program on the page" "${fence}cpp\n${fragment}${fence}\n")
expect_refusal("is not in it" "<!-- from quoted.cpp -->\n${fence}cpp\nint four;\n${fence}\n")
expect_refusal("does not end" "${fence}cpp\n${program}")
