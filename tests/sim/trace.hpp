// Calls and answers in a few words, for the trace of a replayed seed.
#pragma once

#include <string>

#include "cluster/store_call.hpp"
#include "cluster/store_message.hpp"

namespace troupe::sim {

std::string name_of(const cluster::store_call& call);
std::string name_of(const cluster::store_answer& answer);
const char* name_of(cluster::store_role role);

}  // namespace troupe::sim
