# Run by ctest: projects outside this one that find the installed package. One in C++, one that brings a cell of its own,
# and the one of the page on getting started, made of the page's own blocks.
file(REMOVE_RECURSE ${WORK})
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()
set(flags "")
if(SANITIZE)
  set(flags "-fsanitize=${SANITIZE}")
endif()
set(common -G ${GENERATOR} -DCMAKE_PREFIX_PATH=${PREFIX} -DCMAKE_C_COMPILER=${CC} -DCMAKE_CXX_COMPILER=${CXX}
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS=${flags} -DCMAKE_CXX_FLAGS=${flags} -DRECUR_DEVICE=${DEVICE}
    -DCUDAToolkit_ROOT=${TOOLKIT} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} --no-warn-unused-cli)

run(${CMAKE_COMMAND} -S ${SOURCE}/outside -B ${WORK}/outside ${common})
run(${CMAKE_COMMAND} --build ${WORK}/outside)
run(${WORK}/outside/outside)

run(${CMAKE_COMMAND} -S ${SOURCE}/my_cell -B ${WORK}/my_cell ${common} -DCMAKE_CUDA_COMPILER=${NVCC}
    -DCMAKE_CUDA_ARCHITECTURES=90)
run(${CMAKE_COMMAND} --build ${WORK}/my_cell)
run(${WORK}/my_cell/my_cell)

include(${ROOT}/tests/docs/pages.cmake)
set(page ${ROOT}/docs/getting-started.md)
recur_page_blocks(${page} cmake)
file(WRITE ${WORK}/page/CMakeLists.txt "${block_1}")
recur_page_blocks(${page} cpp)
file(WRITE ${WORK}/page/main.cpp "${block_1}")
run(${CMAKE_COMMAND} -S ${WORK}/page -B ${WORK}/page/build ${common})
run(${CMAKE_COMMAND} --build ${WORK}/page/build)
run(${WORK}/page/build/program)
