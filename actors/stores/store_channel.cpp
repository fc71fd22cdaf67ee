#include "actors/stores/store_channel.hpp"

#include <utility>

#include "cluster/store_codec.hpp"

namespace troupe::actors {

namespace {

/// A message that the other end's loop has not acknowledged for so long will not arrive any more.
constexpr seconds acknowledge_timeout{30};
/// What may have overtaken a message that is on its way: more than the stores have in flight.
constexpr std::size_t max_early_bytes = 4 * cluster::max_store_message_bytes;
constexpr std::size_t head_bytes = 9;

/// The kind, then the number, the lowest byte first.
buffer head_of(char kind, std::uint64_t number) {
  buffer head;
  head.push_back(kind);
  for (int shift = 0; shift < 64; shift += 8)
    head.push_back(static_cast<char>(number >> shift & 0xff));
  return head;
}

std::uint64_t number_of(std::string_view head) noexcept {
  std::uint64_t number = 0;
  for (std::size_t at = head_bytes - 1; at > 0; --at)
    number = number << 8 | static_cast<unsigned char>(head[at]);
  return number;
}

}  // namespace

store_channel::store_channel(event_loop& loop, store_channel_user& user) : loop_{loop}, user_{user} {
  services_.offer(cluster::link_topic::store, *this);
}

store_channel::~store_channel() {
  close();
}

void store_channel::open(caller call) {
  close();
  call_ = std::move(call);
  opened_ = std::make_shared<bool>(true);
  next_out_ = next_in_ = 0;
}

void store_channel::close() noexcept {
  call_ = nullptr;
  if (const auto opened = std::exchange(opened_, nullptr))
    *opened = false;
  early_.clear();
  early_bytes_ = 0;
}

void store_channel::send(std::string_view message) {
  post(kind::message, message);
}

void store_channel::say_wanted(bool wanted) {
  post(wanted ? kind::wanted : kind::unwanted, {});
}

void store_channel::post(kind what, std::string_view body) {
  if (!is_open())
    return;
  const auto made = call_(head_of(static_cast<char>(what), next_out_++), buffer{body},
                          loop_.now() + acknowledge_timeout, [this, opened = opened_](const call_result& result) {
                            if (*opened && !std::holds_alternative<call_answered>(result))
                              break_off("a message to the node was not acknowledged");
                          });
  if (!made)
    break_off(made.error().what);
}

void store_channel::serve(incoming_call_ptr call) {
  if (!is_open())
    return call->refuse(errc::link_down, "the store is not reached on this link now");
  auto head = std::move(call->head);
  auto body = std::move(call->body);
  call->answer({}, {});
  take(std::move(head), std::move(body));
}

void store_channel::take(buffer head, buffer body) {
  if (head.size() != head_bytes || body.size() > cluster::max_store_message_bytes)
    return break_off("what came is no message about the store");
  const auto number = number_of(head.view());
  early_bytes_ += body.size();
  if (number < next_in_ || early_bytes_ > max_early_bytes ||
      !early_.emplace(number, std::pair{std::move(head), std::move(body)}).second)
    return break_off("messages about the store do not follow each other");
  while (is_open() && !early_.empty() && early_.begin()->first == next_in_) {
    auto next = early_.extract(early_.begin());
    early_bytes_ -= next.mapped().second.size();
    ++next_in_;
    if (!deliver(next.mapped().first, next.mapped().second))
      return break_off("too much waits for the store");
  }
}

bool store_channel::deliver(const buffer& head, const buffer& body) {
  switch (static_cast<kind>(head.view()[0])) {
    case kind::message: return user_.on_channel_message(*this, body.view());
    case kind::wanted: user_.on_channel_wanted(*this, true); break;
    case kind::unwanted: user_.on_channel_wanted(*this, false); break;
  }
  return true;  // a kind that only newer nodes know is passed over
}

void store_channel::break_off(std::string_view why) {
  if (!is_open())
    return;
  close();
  user_.on_channel_broken(*this, why);
}

}  // namespace troupe::actors
