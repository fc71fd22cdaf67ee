#include "actors/code_service.hpp"

namespace troupe::actors {

namespace {

using cluster::code_parts;
using functions::code_store;

expected<code_parts> read(code_store& code, const cluster::code_read& wanted) {
  return code.blobs()
      .read_piece(wanted.blob, wanted.offset, static_cast<std::size_t>(wanted.max_bytes))
      .map([](const std::optional<functions::blob_piece>& piece) {
        return piece ? encode(cluster::code_piece{true, piece->total, piece->bytes.view()})
                     : encode(cluster::code_piece{});
      });
}

expected<code_parts> look(code_store& code, const cluster::code_have& question) {
  auto absent = code.blobs().confirm(question.blobs);
  if (!absent)
    return tl::unexpected{absent.error()};
  const bool syncs = question.wanted == cluster::code_durability::synced;
  if (syncs)
    if (auto synced = code.sync_all(); !synced)
      return tl::unexpected{synced.error()};
  return encode(cluster::code_absent{std::move(*absent), syncs});
}

expected<code_parts> keep(code_store& code, const cluster::code_put& piece) {
  return code.append(piece.blob, piece.offset, piece.total, piece.bytes).map([](functions::blob_progress now) {
    return encode(cluster::code_stored{now.stored, now.whole});
  });
}

}  // namespace

code_service::code_service(event_loop& loop, link_services& services, code_service_config config)
    : loop_{loop}, services_{services}, config_{config} {
  services_.offer(cluster::link_topic::code, *this);
}

code_service::~code_service() {
  services_.withdraw(cluster::link_topic::code);
  *alive_ = false;
}

void code_service::serve(incoming_call_ptr call) {
  // Views of the request stay valid: the bytes move, their place does not.
  const auto body = std::make_shared<const buffer>(std::move(call->body));
  const auto request = cluster::decode_code_request(call->head.view(), body->view());
  if (!request)
    return call->refuse(errc::protocol, request.error().what);
  if (const auto* wanted = std::get_if<cluster::code_read>(&*request))
    return run(std::move(call), static_cast<std::size_t>(wanted->max_bytes),
               [wanted = *wanted](code_store& code) { return read(code, wanted); });
  if (const auto* question = std::get_if<cluster::code_have>(&*request))
    return run(std::move(call), body->size(),
               [question = *question](code_store& code) { return look(code, question); });
  run(std::move(call), body->size(),
      [body, piece = std::get<cluster::code_put>(*request)](code_store& code) { return keep(code, piece); });
}

void code_service::run(incoming_call_ptr call, std::size_t bytes, job work) {
  if (bytes > config_.max_bytes - bytes_)
    return call->refuse(errc::overloaded, "the node reads and writes too much code at once");
  const auto ticket = next_ticket_++;
  const bool taken =
      config_.files->post([this, alive = alive_, loop = &loop_, code = config_.code, ticket, work = std::move(work)] {
        auto result = std::make_shared<expected<code_parts>>(work(*code));
        loop->post([this, alive, ticket, result] {
          if (*alive)
            settle(ticket, std::move(*result));
        });
      });
  if (!taken)
    return call->refuse(errc::overloaded, "the disk of the node has too much to do");
  bytes_ += bytes;
  waiting_.emplace(ticket, waiting_call{std::move(call), bytes});
}

void code_service::settle(std::uint64_t ticket, expected<code_parts> result) {
  auto waiting = std::move(waiting_.extract(ticket).mapped());
  bytes_ -= waiting.bytes;
  if (result)
    waiting.call->answer(std::move(result->head), std::move(result->body));
  else
    waiting.call->fail(result.error().code, result.error().what);
}

}  // namespace troupe::actors
