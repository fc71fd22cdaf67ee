// One HTTP request as the edge read it: complete, checked, immutable. Handlers and workers see nothing else of the
// client. No parsing here: http/request_head fills it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/buffer.hpp"

namespace troupe::functions {

struct header_field {
  std::string_view name;   ///< as sent; compare without case
  std::string_view value;  ///< blanks around it removed; may hold bytes 0x80-0xff
};

/// All views point into `head`; the object never moves once they are set.
struct http_request {
  http_request() = default;
  http_request(const http_request&) = delete;
  http_request& operator=(const http_request&) = delete;

  buffer head;                       ///< request line and fields, up to and with the empty line
  std::string_view method;           ///< a token, upper case by convention
  std::string_view target;           ///< as sent
  std::string_view path;             ///< raw, begins with `/`; the target up to `?`
  std::string_view query;            ///< raw, without `?`; empty when there is none
  std::vector<header_field> fields;  ///< in order of arrival, trailers never among them
  buffer body;                       ///< decoded from chunks
  std::string peer_address;          ///< of the TCP peer, without port
  std::uint16_t local_port = 0;      ///< that the client connected to
  bool secure = false;               ///< came over TLS

  /// The first field of that name (given in lower case), or an empty view with a null pointer.
  std::string_view field(std::string_view lower_name) const noexcept;
};

using http_request_ptr = std::shared_ptr<const http_request>;

}  // namespace troupe::functions
