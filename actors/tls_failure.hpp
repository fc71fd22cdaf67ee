// Why a TLS session failed, in one line. Only actors/tls_session.cpp includes this.
#pragma once

#include <openssl/ssl.h>

#include "actors/tls_wires.hpp"
#include "config/errc.hpp"

namespace troupe::actors {

/// Keeps in `wires` why OpenSSL does not accept the peer's certificate, and whose that is: afterwards nothing tells.
void remember_refusals(SSL* session, tls_wires& wires);

/// @param result  of the call that failed; OpenSSL's error queue holds nothing older.
error describe_failure(const SSL* session, int result, const tls_wires& wires);

}  // namespace troupe::actors
