// Every type that CAF may carry between nodes, with its number: append only. A type that stands in messages to other
// nodes but not here would be cut off without a word, so a test sends each of these through CAF's serializer.
#pragma once

#include <caf/fwd.hpp>
#include <caf/type_id.hpp>

namespace troupe::actors {

struct envelope;

/// Makes the types below known to a system, under short names: each message carries them as text.
void add_message_types(caf::actor_system_config& config);

}  // namespace troupe::actors

CAF_BEGIN_TYPE_ID_BLOCK(troupe, first_custom_type_id)
CAF_ADD_TYPE_ID(troupe, (troupe::actors::envelope))
CAF_END_TYPE_ID_BLOCK(troupe)
