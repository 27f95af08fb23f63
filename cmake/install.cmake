# recur's package: librecur.a, the headers, recurConfig.cmake and recur-cuda.pc, recur-emulated.pc. ptxvm installs its
# own (emulator/).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/recur)

install(TARGETS recur EXPORT recurTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/recur DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp" PATTERN "*.cuh")
install(EXPORT recurTargets NAMESPACE recur:: DESTINATION ${package})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/recurConfig.cmake.in
  ${PROJECT_BINARY_DIR}/recurConfig.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/recurConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/recurConfig.cmake ${PROJECT_BINARY_DIR}/recurConfigVersion.cmake
        ${CMAKE_CURRENT_LIST_DIR}/recurDevice.cmake DESTINATION ${package})

# For pkg-config, one file for each device, as there is no choosing between two in one. Both are for static linking, so
# that what the archives need stands under Libs; the prefix is found from where the file lies.
file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
foreach(device cuda emulated)
  if(device STREQUAL cuda)
    set(what "on the CUDA runtime and cuBLASLt")
    set(libraries "-L${CUDAToolkit_LIBRARY_DIR} -lcudart_static -lcublasLt -lrt -ldl")
  else()
    set(what "on ptxvm, which executes kernels on the CPU")
    set(libraries "-lptxvm ${PTXVM_OPENBLAS_LIBRARY} ${PTXVM_ZSTD_LIBRARY} ${PTXVM_LZ4_LIBRARY}")
  endif()
  configure_file(${CMAKE_CURRENT_LIST_DIR}/recur.pc.in ${PROJECT_BINARY_DIR}/recur-${device}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/recur-${device}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
