// Answers what other nodes ask about code: reads blobs for them, tells which are missing, keeps what they bring. The
// disk is the files thread's; what is wanted of others is the business of code_fetcher and code_spreader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "actors/event_loop.hpp"
#include "actors/link_call.hpp"
#include "actors/work_thread.hpp"
#include "cluster/code_frame.hpp"
#include "functions/code_store.hpp"

namespace troupe::actors {

struct code_service_config {
  work_thread* files = nullptr;
  functions::code_store* code = nullptr;
  std::size_t max_bytes = 16 * 1024 * 1024;  ///< of pieces that wait for the disk; what comes on top is refused
};

/// On its loop's thread only. What is asked for or brought is pinned on the disk by that (blob_store).
class code_service final : public link_service {
public:
  /// Offers itself for topic `code` until it is destroyed. The files thread and the store outlive it.
  code_service(event_loop& loop, link_services& services, code_service_config config);
  ~code_service();
  code_service(const code_service&) = delete;
  code_service& operator=(const code_service&) = delete;

  void serve(incoming_call_ptr call) override;

  std::size_t bytes_held() const noexcept { return bytes_; }

private:
  using job = std::function<expected<cluster::code_parts>(functions::code_store&)>;
  struct waiting_call {
    incoming_call_ptr call;
    std::size_t bytes = 0;
  };
  void run(incoming_call_ptr call, std::size_t bytes, job work);
  void settle(std::uint64_t ticket, expected<cluster::code_parts> result);

  event_loop& loop_;
  link_services& services_;
  const code_service_config config_;
  std::map<std::uint64_t, waiting_call> waiting_;  ///< for the files thread; calls never leave the loop
  std::uint64_t next_ticket_ = 1;
  std::size_t bytes_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace troupe::actors
