#include "functions/http_request.hpp"

#include "config/text.hpp"

namespace troupe::functions {

std::string_view http_request::field(std::string_view lower_name) const noexcept {
  for (const auto& f : fields)
    if (iequals(f.name, lower_name))
      return f.value;
  return {};
}

}  // namespace troupe::functions
