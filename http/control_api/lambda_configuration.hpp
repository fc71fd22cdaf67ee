// The members that creating a function and changing its configuration have in common.
#pragma once

#include <string>
#include <vector>

#include "cluster/function_change.hpp"
#include "http/control_api/lambda_body.hpp"
#include "http/control_api/lambda_fields.hpp"

namespace troupe::http {

/// Reads what is there into `change`.
void read_configuration(lambda_fields& fields, const lambda_surroundings& around, cluster::function_change& change);
/// Refuses members that ask for what this node cannot do, by name.
void refuse_unsupported(lambda_fields& fields);
void read_architecture(lambda_fields& fields, cluster::function_change& change);
void read_tags(lambda_fields& fields, cluster::function_change& change);

/// The runtimes that can run here, as messages list them.
std::string installed_runtimes(const functions::runtime_programs& programs);

}  // namespace troupe::http
