# ptxvm's package. Its name outside is ptxvm::cudart: it is linked in the place of the CUDA runtime.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/ptxvm)

set_target_properties(ptxvm PROPERTIES EXPORT_NAME cudart)
target_include_directories(ptxvm PUBLIC $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(TARGETS ptxvm EXPORT ptxvmTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS ptxvm-mutate RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(IS_DIRECTORY ${CMAKE_CURRENT_LIST_DIR}/include)
  install(DIRECTORY ${CMAKE_CURRENT_LIST_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endif()
install(EXPORT ptxvmTargets NAMESPACE ptxvm:: DESTINATION ${package})
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/ptxvmConfig.cmake
"include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(\${CMAKE_CURRENT_LIST_DIR}/ptxvmTargets.cmake)
")
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/ptxvmConfigVersion.cmake
  VERSION 0.1.0 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/ptxvmConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/ptxvmConfigVersion.cmake
        DESTINATION ${package})
