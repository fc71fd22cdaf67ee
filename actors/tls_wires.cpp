#include "actors/tls_wires.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

namespace troupe::actors {

namespace {

tls_wires& wires_of(BIO* bio) {
  return *static_cast<tls_wires*>(BIO_get_data(bio));
}

int read_wire(BIO* bio, char* out, int most) noexcept {
  auto& queue = wires_of(bio).from_peer;
  BIO_clear_retry_flags(bio);
  if (queue.size() == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const auto count = std::min(queue.size(), static_cast<std::size_t>(std::max(most, 0)));
  std::memcpy(out, queue.view().data(), count);
  queue.consume(count);
  return static_cast<int>(count);
}

int write_wire(BIO* bio, const char* bytes, int count) noexcept {
  BIO_clear_retry_flags(bio);
  if (count <= 0)
    return 0;
  try {
    wires_of(bio).to_peer.append({bytes, static_cast<std::size_t>(count)});
  } catch (const std::bad_alloc&) {
    return -1;  // no retry: the session fails
  }
  return count;
}

long control_wire(BIO*, int command, long, void*) noexcept {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

struct method_freer {
  void operator()(BIO_METHOD* method) const noexcept { BIO_meth_free(method); }
};
using method_ptr = std::unique_ptr<BIO_METHOD, method_freer>;

method_ptr make_method() {
  method_ptr method{BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wires")};
  if (method != nullptr) {
    BIO_meth_set_read(method.get(), read_wire);
    BIO_meth_set_write(method.get(), write_wire);
    BIO_meth_set_ctrl(method.get(), control_wire);
  }
  return method;
}

}  // namespace

BIO* make_wire_bio(tls_wires& wires) {
  static const method_ptr method = make_method();
  BIO* bio = method == nullptr ? nullptr : BIO_new(method.get());
  if (bio != nullptr) {
    BIO_set_data(bio, &wires);
    BIO_set_init(bio, 1);
  }
  return bio;
}

}  // namespace troupe::actors
