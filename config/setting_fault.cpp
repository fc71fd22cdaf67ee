#include "config/setting_fault.hpp"

namespace troupe {

std::string to_string(const setting_place& place) {
  switch (place.kind) {
    case setting_place::kind_type::built_in: return "default";
    case setting_place::kind_type::file: return place.name + (place.line == 0 ? "" : ":" + std::to_string(place.line));
    case setting_place::kind_type::environment: return "environment " + place.name;
    case setting_place::kind_type::flag: return "flag " + place.name;
  }
  return {};
}

}  // namespace troupe
