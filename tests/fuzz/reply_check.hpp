// What must hold of every reply, whoever made it: nothing in its head that troupe did not check or write itself.
#pragma once

#include "http/reply.hpp"

namespace troupe::fuzz {

/// Ends the process when a reply has a status that no reply has, or fields that are not complete, clean lines.
void check_reply(const http::reply& made);

}  // namespace troupe::fuzz
