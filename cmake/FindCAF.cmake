# Finds the C++ Actor Framework 0.17 as Debian ships it (headers and shared libraries, no CMake package).
# Components: core, io, openssl. Targets: caf::core, caf::io, caf::openssl.
find_path(CAF_INCLUDE_DIR caf/all.hpp)
if(CAF_INCLUDE_DIR)
  file(STRINGS ${CAF_INCLUDE_DIR}/caf/config.hpp CAF_VERSION_LINE REGEX "^#define CAF_VERSION [0-9]+")
  string(REGEX MATCH "[0-9]+" CAF_VERSION_NUMBER "${CAF_VERSION_LINE}")
  math(EXPR CAF_VERSION_MAJOR "${CAF_VERSION_NUMBER} / 10000")
  math(EXPR CAF_VERSION_MINOR "${CAF_VERSION_NUMBER} / 100 % 100")
  math(EXPR CAF_VERSION_PATCH "${CAF_VERSION_NUMBER} % 100")
  set(CAF_VERSION ${CAF_VERSION_MAJOR}.${CAF_VERSION_MINOR}.${CAF_VERSION_PATCH})
endif()

foreach(component IN LISTS CAF_FIND_COMPONENTS)
  find_library(CAF_${component}_LIBRARY caf_${component})
  if(CAF_${component}_LIBRARY)
    set(CAF_${component}_FOUND TRUE)
  endif()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CAF
  REQUIRED_VARS CAF_INCLUDE_DIR VERSION_VAR CAF_VERSION HANDLE_COMPONENTS)

if(CAF_FOUND)
  find_package(Threads REQUIRED)
  foreach(component IN LISTS CAF_FIND_COMPONENTS)
    if(NOT TARGET caf::${component})
      add_library(caf::${component} UNKNOWN IMPORTED)
      set_target_properties(caf::${component} PROPERTIES
        IMPORTED_LOCATION ${CAF_${component}_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${CAF_INCLUDE_DIR}
        INTERFACE_LINK_LIBRARIES Threads::Threads)
    endif()
  endforeach()
  if(TARGET caf::io)
    target_link_libraries(caf::io INTERFACE caf::core)
  endif()
  if(TARGET caf::openssl)
    target_link_libraries(caf::openssl INTERFACE caf::io)
  endif()
endif()
