// How the actor behind the admin port hands replies out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "config/clock.hpp"
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
/// Adds `x-troupe-stale`: what the reply says may be so old. Nothing when it is not.
void mark_stale(reply& what, std::optional<seconds> age);
/// What an actor that is gone would have answered.
error going_down();

}  // namespace troupe::http
