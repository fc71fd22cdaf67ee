#include "cluster/copy_sync.hpp"

#include <utility>

namespace troupe::cluster {

namespace {

// Twice what copy_feed sends ahead: more comes from nobody who keeps to the rules.
constexpr std::size_t max_kept_bytes = std::size_t{16} << 20;
constexpr std::size_t max_staged_bytes = std::size_t{8} << 20;

}  // namespace

void copy_sync::reset() {
  rows_.clear();
  bytes_ = 0;
  loading_.reset();
  next_piece_ = 0;
  whole_ = false;
}

bool copy_sync::keep(rows_message rows) {
  for (auto& row : rows.rows) {
    bytes_ += row.body.size() + row_overhead;
    rows_.push_back(std::move(row));
  }
  return bytes_ <= max_kept_bytes;
}

expected<void> copy_sync::stage(history& records) {
  std::size_t staged = 0;
  while (!rows_.empty() && staged < max_staged_bytes) {
    auto row = std::move(rows_.front());
    rows_.pop_front();
    const auto size = row.body.size() + row_overhead;
    bytes_ -= size;
    if (row.head.at <= records.barrier())
      continue;
    if (auto good = records.stage(std::move(row)); !good) {
      records.drop_staged();
      reset();
      return good;
    }
    staged += size;
  }
  return {};
}

expected<std::optional<std::uint64_t>> copy_sync::take(load_message piece) {
  if (piece.number == 0) {
    reset();
    loading_ = std::make_shared<stored_store>();
    loading_->identity = piece.identity;
    at_ = piece.at;
  }
  if (!loading_ || whole_ || piece.number != next_piece_ || piece.at != at_) {
    reset();
    return fail(errc::corrupt, "piece " + std::to_string(piece.number) + " of a store is out of place");
  }
  auto& state = loading_->state;
  for (auto& each : piece.records)
    state.records.push_back(std::move(each));
  for (auto& each : piece.heads)
    state.heads.push_back(each);
  ++next_piece_;
  if (!piece.last)
    return std::optional{next_piece_};
  if (!state.heads.empty())
    state.bodies.emplace_back(state.heads.back().at, std::move(piece.body));
  whole_ = true;
  return std::optional<std::uint64_t>{};
}

std::shared_ptr<const stored_store> copy_sync::loaded() {
  if (!std::exchange(whole_, false))
    return nullptr;
  return std::exchange(loading_, nullptr);
}

}  // namespace troupe::cluster
