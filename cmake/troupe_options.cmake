# What every target of troupe is compiled with: language level, warnings, sanitizers, speed of linking.
option(TROUPE_BUILD_TESTS "Build the tests" ON)
option(TROUPE_WARNINGS_AS_ERRORS "Treat compiler warnings as errors" OFF)
option(TROUPE_FUZZ "Build the libFuzzer targets (clang only)" OFF)
set(TROUPE_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them (address,undefined or thread)")

set(TROUPE_TSAN_CAF "" CACHE PATH "Directory with a libcaf_core built with -fsanitize=thread, for preset tsan (CONTRIBUTING.md)")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(TROUPE_CCACHE ccache)
if(TROUPE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${TROUPE_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${TROUPE_CCACHE})
endif()

find_program(TROUPE_MOLD mold)
if(TROUPE_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(troupe_options INTERFACE)
target_include_directories(troupe_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(troupe_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor)
if(TROUPE_WARNINGS_AS_ERRORS)
  target_compile_options(troupe_options INTERFACE -Werror)
endif()
# One set of library switches for every file: differing ones would break the one-definition rule.
target_compile_definitions(troupe_options INTERFACE
  MSGPACK_NO_BOOST
  BOOST_ASIO_SEPARATE_COMPILATION
  BOOST_BEAST_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED
  TROUPE_VERSION="${PROJECT_VERSION}")

if(TROUPE_SANITIZE)
  add_compile_options(-fsanitize=${TROUPE_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TROUPE_SANITIZE})
  if(TROUPE_SANITIZE MATCHES "undefined")
    # CAF 0.17 spawns argument-less function actors through a null reference; that one report must not end the program.
    add_compile_options(-fno-sanitize-recover=undefined)
    # Its check of vptrs opens a pipe to probe memory, and so reports nonsense when a test leaves no descriptors.
    add_compile_options(-fno-sanitize=vptr)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      add_compile_options(-fsanitize-recover=null)
    endif()
  endif()
  if(TROUPE_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link -fno-sanitize-recover=all)
  endif()
  if(TROUPE_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)
  endif()
  if(TROUPE_TSAN_CAF)
    add_link_options(-Wl,-rpath,${TROUPE_TSAN_CAF})
  endif()
endif()

# Replaces malloc for a whole program, CAF included (docs/DECISIONS.md). Sanitizers bring an allocator of their own.
find_library(MIMALLOC_LIBRARY mimalloc REQUIRED)
add_library(troupe_malloc INTERFACE)
if(NOT TROUPE_SANITIZE)
  target_link_libraries(troupe_malloc INTERFACE -Wl,--push-state,--no-as-needed ${MIMALLOC_LIBRARY} -Wl,--pop-state)
endif()

# Under sanitizers a file of the edge takes more than 1 GB to compile: one at a time.
set_property(GLOBAL PROPERTY JOB_POOLS heavy=1)
