// Those who use the store at one node: they count, take and free names, bind records to the node's session, repeat what
// was left unknown, and read what must be there.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "witness.hpp"

namespace troupe::sim {

class process;
class world;

class clients {
public:
  clients(world& all, process& of) : all_{all}, of_{of} {}

  /// One operation.
  void step();
  void records_changed();
  /// One commit that must succeed, since nothing is wrong any more.
  void must_commit();
  bool must_wait() const noexcept { return must_wait_; }

private:
  void count();
  void take_or_free_name();
  void bind();
  void write_many();
  void settle();
  void read();
  void spread();
  void commit(cluster::commit_request request);
  void send(const std::shared_ptr<commit_try>& tried);
  milliseconds patience();
  std::uint64_t revision_of(const std::string& key) const;

  /// A read that waits until the copy is there.
  struct waiting_read {
    const history_model* history;
    std::uint64_t at;
  };

  world& all_;
  process& of_;
  std::vector<waiting_read> reads_;
  bool must_wait_ = false;
};

}  // namespace troupe::sim
