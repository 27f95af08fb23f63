# Run by ctest: install into a fresh prefix, then configure, build and run the outside project.
file(REMOVE_RECURSE ${WORK})
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix --config ${CONFIG})
set(flags "")
if(SANITIZE)
  set(flags "-fsanitize=${SANITIZE}")
endif()
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -G ${GENERATOR} -DCMAKE_PREFIX_PATH=${WORK}/prefix
    -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS=${flags} -DRECUR_DEVICE=${DEVICE} -DCUDAToolkit_ROOT=${TOOLKIT}
    -DREADME=${README} -DLAYERS=${LAYERS})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/outside)
run(${WORK}/build/readme)
run(${WORK}/build/layers)
# And a project that brings a cell of its own.
run(${CMAKE_COMMAND} -S ${CELL} -B ${WORK}/my_cell -G ${GENERATOR} -DCMAKE_PREFIX_PATH=${WORK}/prefix
    -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_CUDA_COMPILER=${NVCC} -DCMAKE_CUDA_ARCHITECTURES=90 -DCMAKE_BUILD_TYPE=Release
    -DCMAKE_CXX_FLAGS=${flags} -DRECUR_DEVICE=${DEVICE} -DCUDAToolkit_ROOT=${TOOLKIT})
run(${CMAKE_COMMAND} --build ${WORK}/my_cell)
run(${WORK}/my_cell/my_cell)
