#include "wires.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "machine.hpp"
#include "world.hpp"

namespace troupe::sim::calls {

namespace {

constexpr std::size_t max_unsent_bytes = 256 * 1024;
constexpr std::size_t max_unread_bytes = 256 * 1024;
constexpr std::size_t segment_bytes = 16 * 1024;
constexpr instant user_timeout{5'000'000};
constexpr std::int64_t fast_bytes_per_s = 100'000'000;

}  // namespace

void wires::add_node() {
  slow_.push_back(all_.random.next());
}

bool wires::is_slow(std::size_t from, std::size_t to) const {
  return (slow_[from] ^ slow_[to]) % 100 < all_.how.slow_links;
}

instant wires::delay(std::size_t from, std::size_t to) {
  return instant{is_slow(from, to) ? all_.random.between(20'000, 150'000) : all_.random.between(50, 2'000)};
}

bool wires::is_cut(std::size_t from, std::size_t to) const {
  return cuts_.is_cut(from, to) || all_.machines[from]->off || all_.machines[to]->off;
}

wire_ptr wires::dial(std::size_t from, std::size_t to, wire_user& user) {
  auto made = std::make_shared<wire>();
  made->ends = {from, to};
  made->user[0] = &user;
  if (made_.size() >= purge_at_) {
    std::erase_if(made_, [](const auto& each) { return each.expired(); });
    purge_at_ = 2 * made_.size() + 64;
  }
  made_.push_back(made);
  all_.time.after(delay(from, to), [this, made] { connect(made); });
  return made;
}

/// The request to connect has come to the other machine. What a cut holds up is tried again by the kernel, later than
/// any dialer waits.
void wires::connect(const wire_ptr& which) {
  const auto [from, to] = which->ends;
  if (which->closed[0] || is_cut(from, to) || is_cut(to, from))
    return;
  auto& called = *all_.machines[to];
  const bool listens = called.running != nullptr;
  if (listens) {
    which->accepted = true;
    called.running->welcome(which);
  }
  all_.time.after(delay(to, from), [this, which, listens] {
    if (which->closed[0] || is_cut(which->ends[1], which->ends[0]))
      return;
    if (listens)
      which->connected = true;
    else
      which->over[0] = wire_end::refused;
    tell(which, 0);
  });
}

void wires::tell(const wire_ptr& which, std::size_t side) {
  if (which->user[side] != nullptr)
    which->user[side]->on_wire();
}

std::size_t wires::send(const wire_ptr& which, std::size_t side, std::string_view bytes) {
  auto& out = which->out[side];
  if (which->closed[side] || which->over[side])
    return 0;
  const auto count = std::min(bytes.size(), max_unsent_bytes - std::min(max_unsent_bytes, out.pending));
  const auto from = which->ends[side], to = which->ends[1 - side];
  const auto speed = is_slow(from, to) ? all_.how.slow_bytes_per_s : fast_bytes_per_s;
  for (std::size_t done = 0; done < count;) {
    const auto piece = std::min(segment_bytes, count - done);
    out.line_free =
        std::max(out.line_free, all_.time.now()) + instant{static_cast<std::int64_t>(piece) * 1'000'000 / speed};
    auto ready = out.line_free + delay(from, to);
    if (!out.flying.empty())
      ready = std::max(ready, out.flying.back().ready);
    out.flying.push_back({std::string{bytes.substr(done, piece)}, all_.time.now(), ready, false});
    done += piece;
  }
  out.pending += count;
  out.wanted = out.wanted || count < bytes.size();
  plan_arrival(which, side);
  watch(which, side);
  return count;
}

/// The sender's kernel gives up what is not acknowledged for too long.
void wires::watch(const wire_ptr& which, std::size_t side) {
  auto& out = which->out[side];
  if (out.flying.empty() || std::exchange(out.watched, true))
    return;
  const auto wait = std::max(instant{1'000}, out.flying.front().sent_at + user_timeout - all_.time.now());
  all_.time.after(wait, [this, which, side] {
    auto& now = which->out[side];
    now.watched = false;
    if (which->closed[side] || now.flying.empty())
      return;
    if (all_.time.now() - now.flying.front().sent_at < user_timeout)
      return watch(which, side);
    end(which, side, wire_end::silent);
    reset(which, side);
  });
}

void wires::plan_arrival(const wire_ptr& which, std::size_t side) {
  auto& out = which->out[side];
  if (out.moving || out.flying.empty() || out.mute || is_cut(which->ends[side], which->ends[1 - side]) ||
      out.unread.size() >= max_unread_bytes)
    return;
  out.moving = true;
  all_.time.after(std::max(instant{0}, out.flying.front().ready - all_.time.now()),
                  [this, which, side] { arrive(which, side); });
}

void wires::arrive(const wire_ptr& which, std::size_t side) {
  auto& out = which->out[side];
  out.moving = false;
  if (out.flying.empty() || out.mute || is_cut(which->ends[side], which->ends[1 - side]))
    return;
  const auto next = std::move(out.flying.front());
  out.flying.pop_front();
  out.pending -= next.bytes.size();
  const auto there = 1 - side;
  if (which->closed[there]) {
    // Whoever writes to a closed end is told so.
    out.flying.clear();
    out.pending = 0;
    return next.last ? void() : reset(which, there);
  }
  if (next.last) {
    end(which, there, wire_end::closed);
  } else if (!which->over[there]) {
    if (out.unread.empty())
      out.unread_since = all_.time.now();
    out.unread += next.bytes;
    tell(which, there);
  }
  if (std::exchange(out.wanted, false))
    all_.time.after(delay(which->ends[there], which->ends[side]), [this, which, side] { tell(which, side); });
  plan_arrival(which, side);
}

/// The other side of `by` hears of the end, as far as the network lets it.
void wires::reset(const wire_ptr& which, std::size_t by) {
  const auto from = which->ends[by], to = which->ends[1 - by];
  if (!is_cut(from, to) && !which->out[by].mute)
    all_.time.after(delay(from, to), [this, which, by] { end(which, 1 - by, wire_end::closed); });
}

void wires::end(const wire_ptr& which, std::size_t side, wire_end how) {
  if (which->closed[side] || which->over[side])
    return;
  which->over[side] = how;
  which->out[side].flying.clear();
  which->out[side].pending = 0;
  tell(which, side);
}

std::string wires::read(const wire_ptr& which, std::size_t side, std::size_t most) {
  auto& in = which->out[1 - side];
  auto bytes = in.unread.substr(0, most);
  in.unread.erase(0, bytes.size());
  plan_arrival(which, 1 - side);
  return bytes;
}

void wires::close(const wire_ptr& which, std::size_t side) {
  which->user[side] = nullptr;
  if (!std::exchange(which->closed[side], true) && !which->over[side])
    shut(which, side);
}

/// With a good-bye behind what was sent; at once, and with what flies lost, when something was left unread.
void wires::shut(const wire_ptr& which, std::size_t side) {
  auto& out = which->out[side];
  auto& in = which->out[1 - side];
  if (!in.unread.empty() || all_.random.one_in(4))
    out.flying.clear();
  in.unread.clear();
  const auto from = which->ends[side], to = which->ends[1 - side];
  auto ready = std::max(all_.time.now(), out.line_free) + delay(from, to);
  if (!out.flying.empty())
    ready = std::max(ready, out.flying.back().ready);
  out.flying.push_back({{}, all_.time.now(), ready, true});
  plan_arrival(which, side);
}

void wires::ended(std::size_t node, bool with_machine) {
  for (const auto& each : made_)
    if (const auto which = each.lock())
      for (std::size_t side = 0; side < 2; ++side)
        if (which->ends[side] == node && (side == 0 || which->accepted)) {
          which->user[side] = nullptr;
          if (std::exchange(which->closed[side], true) || which->over[side])
            continue;
          if (with_machine)
            which->out[side].flying.clear();
          else
            shut(which, side);
        }
}

void wires::break_one(const wire_ptr& which) {
  for (std::size_t side = 0; side < 2; ++side) {
    which->out[side].flying.clear();
    which->out[side].pending = 0;
    all_.time.after(instant{all_.random.between(50, 5'000)},
                    [this, which, side] { end(which, side, wire_end::closed); });
  }
}

void wires::heal(const std::vector<direction>& which) {
  std::set<direction> healed;
  for (const auto& each : which)
    if (cuts_.heal(each))
      healed.insert(each);
  for (const auto& each : standing())
    for (std::size_t side = 0; side < 2; ++side)
      // Kernels try again the more rarely the longer it was in vain.
      if (healed.contains({each->ends[side], each->ends[1 - side]}))
        all_.time.after(instant{all_.random.between(0, 800'000)}, [this, each, side] { plan_arrival(each, side); });
}

std::vector<wire_ptr> wires::standing() {
  std::vector<wire_ptr> found;
  for (const auto& each : made_)
    if (auto which = each.lock())
      found.push_back(std::move(which));
  return found;
}

}  // namespace troupe::sim::calls
