# Run by ctest: install into a fresh prefix, which is not the one that the build was configured with.
file(REMOVE_RECURSE ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX} --config ${CONFIG} COMMAND_ERROR_IS_FATAL ANY)
