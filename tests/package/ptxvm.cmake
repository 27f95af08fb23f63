# Run by ctest: ptxvm by itself. It is built from emulator/ alone and installed; the README's project, taken out of the
# README, is configured against it, built and tested; then configured with add_subdirectory (this repository is itself
# such a project, so that it builds is known); then without the line that keeps NVIDIA's runtime out, which has to
# stop CMake.
file(REMOVE_RECURSE ${WORK})
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()
list(GET UNITS 0 unit)  # one is enough here, and takes a third of the time
set(common -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_CUDA_COMPILER=${NVCC} -DCMAKE_BUILD_TYPE=Release
    -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} -DPTXVM_VECTOR_UNITS=${unit} -DCUDAToolkit_ROOT=${TOOLKIT})
if(SANITIZE)
  # The emulator itself; of the README's project, which is CUDA alone, the link.
  list(APPEND common -DCMAKE_CXX_FLAGS=-fsanitize=${SANITIZE} -DCMAKE_EXE_LINKER_FLAGS=-fsanitize=${SANITIZE})
endif()
# What the optimiser makes of it is tested elsewhere.
run(${CMAKE_COMMAND} -S ${EMULATOR} -B ${WORK}/emulator ${common} -DCMAKE_CXX_FLAGS_RELEASE=-O1)
run(${CMAKE_COMMAND} --build ${WORK}/emulator)
run(${CMAKE_COMMAND} --install ${WORK}/emulator --prefix ${WORK}/prefix)

file(READ ${EMULATOR}/README.md text)
if(NOT text MATCHES "```cmake\n([^`]*)```")
  message(FATAL_ERROR "the README has no CMake project")
endif()
set(project "${CMAKE_MATCH_1}")
string(REGEX MATCHALL "\n" lines "${project}")
list(LENGTH lines count)
if(count GREATER 15)
  message(FATAL_ERROR "the README's project has ${count} lines, and says 15")
endif()

function(project_in folder text)
  file(WRITE ${folder}/CMakeLists.txt "${text}")
  configure_file(${SOURCE}/my_test.cu ${folder}/my_test.cu COPYONLY)
endfunction()

project_in(${WORK}/readme "${project}")
run(${CMAKE_COMMAND} -S ${WORK}/readme -B ${WORK}/readme/build ${common} -DCMAKE_PREFIX_PATH=${WORK}/prefix)
run(${CMAKE_COMMAND} --build ${WORK}/readme/build)
run(${CMAKE_CTEST_COMMAND} --test-dir ${WORK}/readme/build --output-on-failure --no-tests=error)

string(REPLACE "find_package(ptxvm REQUIRED)" "add_subdirectory(${EMULATOR} ptxvm)" inside "${project}")
project_in(${WORK}/inside "${inside}")
run(${CMAKE_COMMAND} -S ${WORK}/inside -B ${WORK}/inside/build ${common})

string(REGEX REPLACE "[^\n]*CUDA_RUNTIME_LIBRARY[^\n]*\n" "" forgotten "${project}")
project_in(${WORK}/forgotten "${forgotten}")
execute_process(COMMAND ${CMAKE_COMMAND} -S ${WORK}/forgotten -B ${WORK}/forgotten/build ${common}
                        -DCMAKE_PREFIX_PATH=${WORK}/prefix
                RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(status EQUAL 0 OR NOT said MATCHES "ptxvm::needs_CUDA_RUNTIME_LIBRARY_None")
  message(FATAL_ERROR "a project that links NVIDIA's runtime too was not stopped: ${status}\n${said}")
endif()
