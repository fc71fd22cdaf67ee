#include "actors/stores/store_links.hpp"

#include <future>
#include <utility>

#include "actors/stores/store_sessions.hpp"

namespace troupe::actors {

namespace {

void run_on(event_loop& loop, const std::function<void()>& job) {
  std::promise<void> done;
  loop.post([&] {
    job();
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace

store_links::store_links(event_loop& control_loop, store_links_config config)
    : loop_{control_loop}, sessions_{std::make_shared<sessions>(control_loop, std::move(config))} {}

store_links::~store_links() {
  end();
}

void store_links::begin(store_network_user& user) {
  run_on(loop_, [&] { sessions_->begin(user); });
}

void store_links::end() {
  run_on(loop_, [this] { sessions_->end(); });
}

void store_links::want(std::vector<cluster::wanted_link> nodes, std::vector<std::string> seeds) {
  loop_.post([to = sessions_, nodes = std::move(nodes), seeds = std::move(seeds)] { to->want(nodes, seeds); });
}

void store_links::send(const cluster::node_id& to, std::uint64_t session, std::string message) {
  loop_.post(
      [sessions = sessions_, to, session, message = std::move(message)] { sessions->send(to, session, message); });
}

void store_links::probe(const cluster::probe_incarnation& whom) {
  loop_.post([to = sessions_, whom] { to->probe(whom); });
}

void store_links::adopt(accepted_link link) {
  sessions_->adopt(std::move(link));
}

expected<void> may_dial_store(const cluster::link_hello& own, const cluster::link_hello& peer) {
  if (peer.purpose == cluster::link_purpose::store && own.store_id == uuid{})
    return fail(errc::not_ready, "this node has not joined its cluster yet");
  return {};
}

std::function<void(accepted_link)> deliver_to_store(store_links& store, std::function<void(accepted_link)> others) {
  return [&store, others = std::move(others)](accepted_link link) {
    if (link.peer.purpose == cluster::link_purpose::store)
      store.adopt(std::move(link));
    else
      others(std::move(link));
  };
}

}  // namespace troupe::actors
