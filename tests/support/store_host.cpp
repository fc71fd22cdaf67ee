#include "tests/support/store_host.hpp"

#include <future>
#include <optional>
#include <utility>

namespace troupe::tests {

store_host::store_host(std::string shown_name, cluster::node_id shown_id, std::vector<std::string> seeds)
    : name{std::move(shown_name)}, id{shown_id}, seeds_{std::move(seeds)} {}

expected<void> store_host::start() {
  incarnation = make_uuid();
  std::optional<int> descriptor;
  if (linked) {
    const auto opened = actors::open_link_socket(where, where);
    if (!opened)
      return tl::unexpected{opened.error()};
    descriptor = *opened;
  }
  loop_ = std::make_unique<actors::event_loop>(0, name);
  loop_->start();
  auto wanted = options;
  wanted.seeds = seeds_;
  wanted.node.self.id = id;
  wanted.node.self.name = name;
  wanted.node.incarnation = incarnation;
  if (linked) {
    actors::store_links_config config;
    config.self = id;
    config.from_host = from_host;
    config.hello = [this] { return hello(); };
    links_ = std::make_shared<actors::store_links>(*loop_, std::move(config));
    wanted.network = links_;
    wanted.node.self.addresses = {address()};
  }
  auto opened = actors::open_cluster_store(std::move(wanted));
  if (!opened) {
    stop_links();
    return tl::unexpected{opened.error()};
  }
  store_ = std::move(*opened);
  seen_store_ = store_.get();
  if (descriptor)
    on_loop([&] { listen(*descriptor); });
  return {};
}

void store_host::stop() {
  if (!loop_)
    return;
  on_loop([this] {
    listener_.reset();
    server_.reset();
  });
  if (store_)
    store_->close();
  seen_store_ = nullptr;
  store_.reset();
  stop_links();
}

cluster::link_hello store_host::hello() const {
  cluster::link_hello own;
  own.cluster = "test";
  own.node = id;
  own.node_name = name;
  own.incarnation = incarnation;
  own.address = address();
  if (auto* store = seen_store_.load()) {
    const auto point = store->point();
    own.store_id = point->identity.store_id;
    own.generation = point->identity.generation;
    own.cursor = point->at;
    own.history_hash = point->hash;
    own.primary = point->primary;
  }
  return own;
}

void store_host::listen(int descriptor) {
  actors::link_listener_config config;
  config.hello = [this] { return hello(); };
  config.accept = [this](const cluster::link_hello& peer) {
    const auto own = hello();
    return actors::may_dial_store(own, peer).map([&] { return own; });
  };
  server_ = std::make_unique<actors::link_server>(*loop_, services_, actors::link_server_config{});
  config.deliver = actors::deliver_to_store(*links_, actors::deliver_to({}, {loop_.get(), server_.get()}));
  listener_ = std::make_unique<actors::link_listener>(*loop_, descriptor, std::move(config));
  listener_->start();
}

void store_host::on_loop(const std::function<void()>& job) {
  std::promise<void> done;
  loop_->post([&] {
    job();
    done.set_value();
  });
  done.get_future().wait();
}

void store_host::stop_links() {
  links_.reset();
  loop_->stop();
  loop_.reset();
}

}  // namespace troupe::tests
