// A peer that says anything at all on a link: either side keeps its promises to whoever uses it, and what it sends is
// what a reader of links takes.
#include <algorithm>
#include <map>

#include "cluster/link_state.hpp"
#include "tests/fuzz/target.hpp"

using namespace troupe;
using namespace troupe::fuzz;
using namespace troupe::cluster;

namespace {

enum outcome : std::size_t { opened, called, answered, not_run, lost, violated, survived, abandoned };

const time_point start{seconds{1000}};

/// Small ones, so that a short input can pass them.
constexpr link_limits limits{.max_calls = 6,
                             .max_body_bytes = 2'000,
                             .max_arriving_bytes = 5'000,
                             .max_waiting_bytes = 5'000,
                             .call_credit = 64,
                             .link_credit = 256};

link_hello hello_of(const char* name) {
  link_hello hello;
  hello.node_name = name;
  return hello;
}

/// One side of a link with somebody who uses it.
class side {
public:
  explicit side(link_state state, sim::seeded choices) : state_{std::move(state)}, choices_{choices} {}

  void hear(std::string_view bytes) {
    state_.on_bytes(bytes, now_);
    look();
  }

  /// Some calls that have left, for the peer to answer.
  void begin() {
    for (int i = 0; i < 3; ++i)
      call();
    pull();
    look();
  }

  void use() {
    switch (choices_.below(8)) {
      case 0: call(); break;
      case 1:
        if (!own_.empty() && choices_.one_in(4))
          cancel(own_.begin()->first);
        break;
      case 2: settle(); break;
      case 3:
        now_ += milliseconds{choices_.below(300)};
        state_.on_tick(now_);
        break;
      case 4:
        if (choices_.one_in(8))
          state_.on_slept(now_);
        break;
      default: pull(); break;
    }
    look();
  }

  void end() {
    const bool was_closed = closed_;
    happened(was_closed ? violated : survived);
    pull();
    state_.on_closed("the test ends");
    look();
    require(closed_ && own_.empty() && state_.own_calls() == 0 && state_.peer_calls() == 0,
            "the end of a link ends every call");
  }

private:
  void call() {
    const auto made = state_.call(link_topic::invoke, buffer{"head"}, buffer{std::string(choices_.below(100), 'x')},
                                  now_ + milliseconds{choices_.below(2'000)}, now_);
    if (made)
      require(own_.emplace(*made, 0).second, "no two unanswered calls have one id");
  }

  void cancel(std::uint64_t id) {
    state_.cancel(id);
    own_.erase(id);
  }

  void settle() {
    if (running_.empty())
      return;
    const auto id = running_.begin()->first;
    running_.erase(id);
    switch (choices_.below(3)) {
      case 0: return state_.answer(id, buffer{"head"}, buffer{std::string(choices_.below(3'000), 'y')});
      case 1: return state_.refuse(id, errc::overloaded, "busy");
      default: return state_.fail(id, errc::function_crashed, "gone");
    }
  }

  /// What leaves is read as a peer would read it.
  void pull() {
    buffer out;
    state_.pull(out, 1'000, now_);
    state_.on_written(out.size());
    require(out.size() <= 1'000 + max_link_frame_bytes + 4'096, "no more leaves than was asked for");
    const std::string own{out.view()};
    reader_.feed(own);
    for (auto next = reader_.next();; next = reader_.next()) {
      require(next.has_value(), "what a side sends can be read");
      if (!*next)
        return;
      require((*next)->kind != link_kind::unknown, "what a side sends is known");
    }
  }

  void look() {
    for (const auto& event : std::exchange(state_.events(), {})) {
      require(!closed_, "nothing is told behind the end");
      take(event);
    }
    require(state_.own_calls() <= limits.max_calls && state_.peer_calls() <= limits.max_calls,
            "no more calls than allowed");
  }

  void take(const link_event& event) {
    switch (event.kind) {
      case link_event_kind::opened: return happened(opened);
      case link_event_kind::draining: return;
      case link_event_kind::closed: closed_ = true; return;
      case link_event_kind::called:
        happened(called);
        require(event.body.size() <= limits.max_body_bytes && event.head.size() <= max_link_head_bytes,
                "a call is no larger than allowed");
        require(running_.emplace(event.call, 0).second, "a call comes once");
        return;
      case link_event_kind::abandoned:
        happened(abandoned);
        running_.erase(event.call);  // it may have been settled, and its answer not have left
        return;
      case link_event_kind::answered:
        happened(answered);
        require(event.body.size() <= limits.max_body_bytes, "an answer is no larger than allowed");
        break;
      case link_event_kind::not_run: happened(not_run); break;
      case link_event_kind::lost: happened(lost); break;
    }
    require(own_.erase(event.call) == 1, "an own call ends once, and only if nobody gave it up");
  }

  link_state state_;
  sim::seeded choices_;
  time_point now_ = start;
  std::map<std::uint64_t, int> own_;
  std::map<std::uint64_t, int> running_;
  link_frame_reader reader_;
  bool closed_ = false;
};

void play(side user, std::string_view greeting, std::string_view bytes, sim::seeded choices) {
  user.hear(greeting);
  user.begin();
  while (!bytes.empty()) {
    const std::string own{bytes.substr(0, 1 + choices.below(80))};
    bytes.remove_prefix(own.size());
    user.hear(own);
    for (auto steps = choices.below(4); steps > 0; --steps)
      user.use();
  }
  user.end();
}

template <class Append>
std::string seed(Append append) {
  buffer out;
  append(out);
  return std::string{out.view()};
}

/// The id that the first call of a side has, and the next ones.
constexpr std::uint64_t id_of(std::uint64_t sequence, std::uint64_t place, std::uint64_t side) {
  return sequence << 13 | place << 1 | side;
}

}  // namespace

const target& fuzz::this_target() {
  const auto id = [](std::uint64_t n, std::uint64_t side) { return id_of(n + 1, n, side); };
  static const target what{
      .seeds = {seed([](buffer& out) { append_hello(out, hello_of("peer")); }), seed([](buffer& out) {
                  append_hello(out, hello_of("peer"));
                  append_answer(out, id_of(1, 0, 1), "head", 4, "body");
                  append_not_run(out, id_of(2, 1, 1), errc::overloaded, "");
                }),
                seed([&](buffer& out) { append_call(out, id(0, 1), link_topic::invoke, 3000, "head", 4, "body"); }),
                seed([&](buffer& out) {
                  append_call(out, id(1, 1), link_topic::store, 300, "head", 90, std::string(60, 'x'));
                }),
                seed([&](buffer& out) { append_data(out, id(1, 1), std::string(30, 'x'), true); }),
                seed([&](buffer& out) { append_call(out, id(0, 0), link_topic::code, 3000, "head", 0, ""); }),
                seed([&](buffer& out) { append_answer(out, id(0, 1), "head", 90, std::string(50, 'y')); }),
                seed([&](buffer& out) { append_data(out, id(0, 1), std::string(40, 'y'), true); }),
                seed([&](buffer& out) { append_answer(out, id(1, 0), "head", 2, "ok"); }),
                seed([&](buffer& out) { append_failed(out, id(0, 0), errc::function_crashed, "x"); }),
                seed([&](buffer& out) { append_not_run(out, id(2, 1), errc::stale, "x"); }),
                seed([&](buffer& out) { append_credit(out, id(0, 1), 64); }),
                seed([](buffer& out) { append_credit(out, 0, 64); }),
                seed([&](buffer& out) { append_cancel(out, id(0, 1)); }),
                seed([](buffer& out) { append_ping(out, 1, 1); }), seed([](buffer& out) { append_pong(out, 1, 1); }),
                seed([](buffer& out) { append_goodbye(out); })},
      .words = {"\xcd\x20\x01", std::string("\xcd\x20\0", 3), "\xcd\x40\x03", "\xcd\x60\x05", "\xce\xff\xff\xff\xff",
                "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "\xc4\x01x", std::string("\xc4\0", 2), "\x01", "\x05", "\x08",
                std::string(1, '\0'), "\x7f", "\x92", "\x93"},
      .outcomes = {"opened", "calls of the peer", "answers", "calls that did not run", "lost calls", "violations",
                   "links to the end", "abandoned calls"},
      .form = input_form::frames};
  return what;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = text_of(data, size);
  const auto choices = choices_for(bytes);
  play(side{link_state{hello_of("own"), hello_of("peer"), limits, start}, choices}, {}, bytes, choices);
  // Who dialed hears a hello first; most inputs begin without one.
  buffer greeting;
  if (sim::seeded chance{choices}; chance.percent(80))
    append_hello(greeting, hello_of("peer"));
  play(side{link_state{hello_of("own"), limits, start}, choices}, greeting.view(), bytes, choices);
  return 0;
}
