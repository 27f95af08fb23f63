# Run by ctest: a project that has the sources inside it. It is given the installed emulator, and the library is built with
# the least effort: what is looked at is the build.
file(REMOVE_RECURSE ${WORK})
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()
set(flags "-O0")
set(architectures 90-virtual)  # PTX, which the emulator takes
if(DEVICE STREQUAL cuda)
  set(architectures native)
endif()
if(SANITIZE)
  string(APPEND flags " -fsanitize=${SANITIZE}")
endif()
set(common -G ${GENERATOR} -DRECUR=${ROOT} -DCMAKE_PREFIX_PATH=${PREFIX} -DCMAKE_C_COMPILER=${CC} -DCMAKE_CXX_COMPILER=${CXX}
    -DCMAKE_CUDA_COMPILER=${NVCC} -DCMAKE_BUILD_TYPE=Release -DRECUR_DEVICE=${DEVICE} -DCUDAToolkit_ROOT=${TOOLKIT}
    "-DCMAKE_CXX_FLAGS_RELEASE=${flags}" -DCMAKE_CUDA_ARCHITECTURES=${architectures}
    -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} -DCMAKE_CUDA_COMPILER_LAUNCHER=${LAUNCHER})
run(${CMAKE_COMMAND} -S ${SOURCE}/subdirectory -B ${WORK} ${common})
run(${CMAKE_COMMAND} --build ${WORK})
run(${WORK}/program)
# Nothing of recur's is installed with the project, and it has no tests of ours.
run(${CMAKE_COMMAND} --install ${WORK} --prefix ${WORK}/installed)
file(GLOB_RECURSE installed ${WORK}/installed/*)
if(NOT installed STREQUAL "${WORK}/installed/bin/program")
  message(FATAL_ERROR "installed with the project: ${installed}")
endif()
execute_process(COMMAND ${CMAKE_CTEST_COMMAND} --test-dir ${WORK} -N OUTPUT_VARIABLE tests COMMAND_ERROR_IS_FATAL ANY)
if(NOT tests MATCHES "Total Tests: 0")
  message(FATAL_ERROR "the project has got tests: ${tests}")
endif()
