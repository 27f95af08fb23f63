# recur's package: librecur.a, the headers, recurConfig.cmake and recur.pc. ptxvm installs its own (emulator/).
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
configure_file(${CMAKE_CURRENT_LIST_DIR}/recur.pc.in ${PROJECT_BINARY_DIR}/recur.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/recur.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
