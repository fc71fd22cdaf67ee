// How the actor behind the admin port hands replies out.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "config/errc.hpp"
#include "http/edge.hpp"

namespace troupe::http {

inline reply_ptr share(reply&& what) {
  return std::make_shared<reply>(std::move(what));
}
reply_ptr json_reply(unsigned status, std::string body);
reply_ptr text_reply(unsigned status, std::string body);
/// An error of troupe's own API.
reply_ptr refusal_of(const error& why);
/// What an actor that is gone would have answered.
error going_down();

}  // namespace troupe::http
