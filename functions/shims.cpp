#include "functions/shims.hpp"

#include <cstddef>

// Made by cmake/embed_file.cmake.
extern const unsigned char troupe_node_shim[];
extern const std::size_t troupe_node_shim_size;
extern const unsigned char troupe_python_shim[];
extern const std::size_t troupe_python_shim_size;

namespace troupe::functions {

std::string_view node_shim() noexcept {
  return {reinterpret_cast<const char*>(troupe_node_shim), troupe_node_shim_size};
}

std::string_view python_shim() noexcept {
  return {reinterpret_cast<const char*>(troupe_python_shim), troupe_python_shim_size};
}

}  // namespace troupe::functions
