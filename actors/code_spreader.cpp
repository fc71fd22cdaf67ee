#include "actors/code_spreader.hpp"

#include <algorithm>
#include <deque>
#include <span>
#include <utility>

#include "cluster/code_frame.hpp"

namespace troupe::actors {

namespace {

/// Blobs that a peer has confirmed and lacks afterwards were damaged or collected there: sent anew so often.
constexpr int max_rounds = 3;

}  // namespace

/// One spreading, from peer to peer. Kept by the calls that it waits for; `number_` tells those of an earlier peer.
class code_spreader::attempt final : public std::enable_shared_from_this<attempt> {
public:
  attempt(std::shared_ptr<surroundings> around, std::vector<digest> blobs, time_point deadline,
          std::function<void(code_copies)> done)
      : around_{std::move(around)}, blobs_{std::move(blobs)}, deadline_{deadline}, done_{std::move(done)} {
    for (const auto& peer : around_->config.candidates())
      candidates_.push_back(peer);
  }

  void next_peer(std::string why) {
    ++number_;
    if (!why.empty())
      why_ = std::move(why);
    if (candidates_.empty() || around_->loop->now() >= deadline_)
      return end({1, {}, why_});
    peer_ = candidates_.front();
    candidates_.pop_front();
    rounds_ = 0;
    sending_ = 0;
    look();
  }

private:
  using reader = std::function<void(call_answered&)>;

  bool outdated(unsigned number) const { return around_->ended || number != number_ || !done_; }

  void end(code_copies result) {
    around_->loop->post([done = std::exchange(done_, {}), result = std::move(result)] { done(result); });
  }
  void fail_peer(const std::string& why) { next_peer("node " + to_string(peer_) + ": " + why); }

  void call(const cluster::code_request& request, milliseconds timeout, reader on_answer) {
    auto parts = encode(request);
    const auto deadline = std::min(deadline_, around_->loop->now() + timeout);
    const auto sent = around_->config.call(
        peer_, std::move(parts.head), std::move(parts.body), deadline,
        [self = shared_from_this(), number = number_, on_answer = std::move(on_answer)](call_result result) {
          if (self->outdated(number))
            return;
          if (auto* answer = std::get_if<call_answered>(&result))
            return on_answer(*answer);
          const auto* refused = std::get_if<call_not_run>(&result);
          self->fail_peer(refused != nullptr ? refused->detail : std::get<call_lost>(result).detail);
        });
    if (!sent)
      fail_peer(sent.error().what);
  }

  /// Asks what the peer lacks; when that is nothing, and durably so, everything is done.
  void look() {
    missing_.clear();
    if (++rounds_ > max_rounds)
      return fail_peer("it does not keep what it stores");
    look_from(0);
  }

  void look_from(std::size_t begin) {
    const auto count = std::min(cluster::max_code_digests, blobs_.size() - begin);
    const std::span batch{blobs_.data() + begin, count};
    const bool last = begin + count == blobs_.size();
    // Before anything is sent there is no reason to bother the disk, unless it may all be there.
    const bool syncs = last && missing_.empty();
    call(cluster::code_have{{batch.begin(), batch.end()},
                            syncs ? cluster::code_durability::synced : cluster::code_durability::stored},
         syncs ? around_->config.sync_timeout : around_->config.call_timeout,
         [this, next = begin + count, last, syncs](call_answered& answer) {
           const auto absent = cluster::decode_code_absent(answer.head.view(), answer.body.view());
           if (!absent || (syncs && !absent->synced))
             return fail_peer("its answer is none");
           missing_.insert(missing_.end(), absent->blobs.begin(), absent->blobs.end());
           if (!last)
             return look_from(next);
           if (missing_.empty())
             return end({2, peer_, {}});
           send_more();
         });
  }

  void send_more() {
    const auto number = number_;
    while (!outdated(number) && sending_ < around_->config.pieces && !missing_.empty()) {
      const auto blob = missing_.front();
      missing_.pop_front();
      ++sending_;
      send(blob, 0);
    }
    if (!outdated(number) && sending_ == 0)
      look();
  }

  void send(const digest& blob, std::uint64_t offset) {
    using result_type = expected<std::optional<functions::blob_piece>>;
    const auto number = number_;
    const bool taken = around_->config.files->post(
        [self = shared_from_this(), loop = around_->loop, code = around_->config.code, blob, offset, number]() mutable {
          auto piece = std::make_shared<result_type>(code->blobs().read_piece(blob, offset, cluster::code_piece_bytes));
          // Handed over whole: the last reference is let go on the loop.
          loop->post([self = std::move(self), blob, offset, number, piece] {
            if (!self->outdated(number))
              self->put(blob, offset, *piece);
          });
        });
    if (!taken)
      end({1, {}, "the disk of this node has too much to do"});
  }

  void put(const digest& blob, std::uint64_t offset, const expected<std::optional<functions::blob_piece>>& piece) {
    if (!piece || !*piece)
      return end({1, {}, piece ? "blob " + to_string(blob) + " is gone from this node" : piece.error().what});
    const auto& [total, bytes] = **piece;
    call(cluster::code_put{blob, offset, total, bytes.view()}, around_->config.call_timeout,
         [this, blob, offset, total = total](call_answered& answer) {
           const auto stored = cluster::decode_code_stored(answer.head.view(), answer.body.view());
           if (!stored || stored->stored > total || (!stored->whole && stored->stored == offset))
             return fail_peer("it does not store what it is sent");
           if (!stored->whole)
             return send(blob, stored->stored);
           --sending_;
           send_more();
         });
  }

  std::shared_ptr<surroundings> around_;
  const std::vector<digest> blobs_;
  const time_point deadline_;
  std::function<void(code_copies)> done_;  ///< empty once it ran
  std::deque<uuid> candidates_;
  uuid peer_;
  std::deque<digest> missing_;
  std::size_t sending_ = 0;  ///< blobs on their way to `peer_`
  unsigned number_ = 0;
  int rounds_ = 0;
  std::string why_ = "no other node is in reach";
};

code_spreader::code_spreader(event_loop& control, code_spreader_config config)
    : around_{std::make_shared<surroundings>(surroundings{&control, std::move(config)})} {}

code_spreader::~code_spreader() {
  around_->ended = true;
}

void code_spreader::spread(std::vector<digest> blobs, time_point deadline, std::function<void(code_copies)> done) {
  std::make_shared<attempt>(around_, std::move(blobs), deadline, std::move(done))->next_peer({});
}

}  // namespace troupe::actors
