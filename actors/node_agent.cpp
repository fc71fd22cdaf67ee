#include "actors/node_agent.hpp"

#include <caf/io/middleman.hpp>
#include <caf/io/scribe.hpp>
#include <caf/io/system_messages.hpp>
#include <caf/send.hpp>
#include <set>

namespace troupe::actors {

namespace {

error speaks_other_protocol(std::uint32_t theirs) {
  return {errc::refused, "it speaks version " + std::to_string(theirs) +
                             " of the control protocol, this node version " + std::to_string(control_protocol)};
}

}  // namespace

node_agent::node_agent(caf::actor_config& config, node_identity self, agent_listener* listener)
    : super{config}, self_{std::move(self)}, listener_{listener} {
  set_default_handler(caf::drop);
  set_error_handler([](caf::error&) {});
  set_down_handler([this](caf::down_msg& down) { on_down(down.source); });
}

node_agent::behavior_type node_agent::make_behavior() {
  return {[this](const envelope& message) {
    queued_.fetch_sub(1, std::memory_order_relaxed);
    receive(message);
  }};
}

void node_agent::enqueue(caf::mailbox_element_ptr element, caf::execution_unit* unit) {
  const bool is_local = element->sender != nullptr && element->sender->node() == system().node();
  const auto& content = element->content();
  if (content.match_elements<envelope>()) {
    if (queued_.fetch_add(1, std::memory_order_relaxed) >= max_queued) {
      queued_.fetch_sub(1, std::memory_order_relaxed);
      return;
    }
  } else if (!(content.match_elements<caf::down_msg>() || (element->mid.is_response() && is_local) ||
               (leaving_.load() && content.match_elements<caf::exit_msg>()))) {
    // Any peer of CAF's protocol can send an exit message, link itself, or answer what nobody asked it.
    return;
  }
  super::enqueue(std::move(element), unit);
}

void node_agent::meet(const uuid& node, const caf::actor& broker, caf::io::scribe_ptr connection, std::uint16_t port) {
  enter();
  request(broker, caf::infinite, caf::connect_atom_v, std::move(connection), port)
      .then(
          [this, node](const caf::node_id&, const caf::strong_actor_ptr& peer, const std::set<std::string>&) {
            if (listener_ != nullptr)
              greet(node, peer);
          },
          [this, node](const caf::error& why) {
            if (listener_ == nullptr)
              return;
            const bool other_protocol = why == caf::sec::incompatible_application_ids;
            listener_->on_not_opened(node, {other_protocol ? errc::refused : errc::io,
                                            other_protocol ? "it speaks another version of the control protocol"
                                                           : "the connection ended before it was ready"});
          });
}

void node_agent::greet(const uuid& node, const caf::strong_actor_ptr& peer) {
  if (peer == nullptr)
    return listener_->on_not_opened(node, {errc::refused, "it publishes no node agent"});
  if (peer->node() == system().node())
    return listener_->on_not_opened(node, {errc::refused, "it is this node itself"});
  forget(node);
  monitor(peer);
  sessions_[node] = {peer, node, {}, false};
  nodes_[caf::actor_cast<caf::actor_addr>(peer)] = node;
  tell(peer, envelope_kind::hello, encode(introduction{self_.node, self_.name}));
}

void node_agent::receive(const envelope& message) {
  const auto from = current_sender();
  if (listener_ == nullptr || from == nullptr || from->node() == system().node())
    return;
  auto* known = find(from);
  // A refusal comes from who speaks another protocol, too.
  if (known != nullptr && message.kind == envelope_kind::refused)
    return on_refusal(*known, message);
  if (message.protocol != control_protocol)
    return refuse(from, speaks_other_protocol(message.protocol), message.kind);
  if (message.cluster != self_.cluster)
    return refuse(from,
                  {errc::refused, "it belongs to cluster " + to_string(message.cluster) + ", this node to " +
                                      to_string(self_.cluster)},
                  message.kind);
  if (auto checked = check(message); !checked)
    return listener_->on_stranger(checked.error());
  if (message.kind == envelope_kind::hello)
    return on_hello(from, message);
  if (known == nullptr)
    return refuse(from, {errc::refused, "it said no hello"}, message.kind);
  if (message.kind == envelope_kind::welcome)
    return on_welcome(*known, message);
  if (!known->open)
    return;
  if (message.incarnation != known->incarnation)
    return refuse(from, {errc::refused, "it became another incarnation without a hello"}, message.kind);
  const uuid node = known->node;  // the listener may end the session
  listener_->on_envelope(node, message.incarnation, message);
}

void node_agent::on_hello(const caf::strong_actor_ptr& from, const envelope& message) {
  const auto who = decode<introduction>(message.body);
  if (!who)
    return refuse(from, who.error(), message.kind);
  if (who->node == self_.node)
    return refuse(from, {errc::conflict, "it has the id of this node"}, message.kind);
  if (auto admitted = listener_->admit(*who, message.incarnation); !admitted)
    return refuse(from, admitted.error(), message.kind);
  auto* known = find(from);
  const bool repeated =
      known != nullptr && known->open && known->node == who->node && known->incarnation == message.incarnation;
  if (!repeated) {
    if (known != nullptr && known->node != who->node)
      end(session{*known}, {errc::refused, "it calls itself another node now"});
    if (const auto old = sessions_.find(who->node); old != sessions_.end())
      end(session{old->second}, {errc::unavailable, "it came back over a fresh connection"});
    monitor(from);
    sessions_[who->node] = {from, who->node, message.incarnation, true};
    nodes_[caf::actor_cast<caf::actor_addr>(from)] = who->node;
  }
  tell(from, envelope_kind::welcome, encode(introduction{self_.node, self_.name}));
  if (!repeated)
    listener_->on_open(who->node, message.incarnation);
}

void node_agent::on_welcome(session& known, const envelope& message) {
  if (known.open)
    return;
  const auto who = decode<introduction>(message.body);
  if (!who)
    return end(session{known}, who.error());
  if (who->node != known.node)
    return end(session{known}, {errc::refused, "another node answers there: " + to_string(who->node)});
  if (auto admitted = listener_->admit(*who, message.incarnation); !admitted)
    return end(session{known}, admitted.error());
  known.open = true;
  known.incarnation = message.incarnation;
  listener_->on_open(who->node, message.incarnation);
}

void node_agent::on_refusal(const session& known, const envelope& message) {
  const auto why = decode<refusal>(message.body);
  end(session{known},
      why ? error{why->code, "it refuses this node: " + why->what} : error{errc::refused, "it refuses this node"});
}

void node_agent::refuse(const caf::strong_actor_ptr& from, const error& why, envelope_kind answered) {
  listener_->on_stranger(why);
  // Never to a refusal: two nodes would refuse each other for ever.
  if (answered != envelope_kind::refused)
    tell(from, envelope_kind::refused, encode(refusal{why.code, why.what}));
}

void node_agent::end(const session& known, const error& why) {
  if (!forget(known.node))
    return;
  if (known.open)
    listener_->on_closed(known.node, why);
  else
    listener_->on_not_opened(known.node, why);
}

void node_agent::on_down(const caf::actor_addr& source) {
  const auto found = nodes_.find(source);
  if (listener_ == nullptr || found == nodes_.end())
    return;
  const session known = sessions_.at(found->second);
  // Anybody can send such a message; only CAF can end the proxy.
  if (known.peer->get()->getf(caf::abstract_actor::is_terminated_flag))
    end(known, {errc::io, "the connection is lost"});
}

void node_agent::drop(const uuid& node) {
  enter();
  forget(node);
}

bool node_agent::forget(const uuid& node) {
  const auto found = sessions_.find(node);
  if (found == sessions_.end())
    return false;
  const auto address = caf::actor_cast<caf::actor_addr>(found->second.peer);
  demonitor(address);
  nodes_.erase(address);
  sessions_.erase(found);
  return true;
}

node_agent::session* node_agent::find(const caf::strong_actor_ptr& peer) {
  const auto found = nodes_.find(caf::actor_cast<caf::actor_addr>(peer));
  return found == nodes_.end() ? nullptr : &sessions_.at(found->second);
}

expected<void> node_agent::send_to(const uuid& node, envelope_kind kind, std::string body) {
  enter();
  const auto found = sessions_.find(node);
  if (found == sessions_.end() || !found->second.open)
    return fail(errc::unavailable, "node " + to_string(node) + " is not in contact");
  if (body.size() > max_envelope_bytes)
    return fail(errc::too_big, "an envelope's body of " + std::to_string(body.size()) + " bytes: at most " +
                                   std::to_string(max_envelope_bytes) + " are allowed");
  tell(found->second.peer, kind, std::move(body));
  return {};
}

void node_agent::tell(const caf::strong_actor_ptr& peer, envelope_kind kind, std::string body) {
  send(caf::actor_cast<node_agent_actor>(peer),
       envelope{control_protocol, self_.cluster, self_.incarnation, kind, std::move(body)});
}

void node_agent::leave() {
  enter();
  listener_ = nullptr;
  while (!sessions_.empty())
    forget(uuid{sessions_.begin()->first});
  leaving_.store(true);
  send_exit(this, caf::exit_reason::user_shutdown);
}

}  // namespace troupe::actors
