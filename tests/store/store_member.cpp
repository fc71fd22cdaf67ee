#include "tests/store/store_member.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "config/setting_values.hpp"

namespace troupe::tests {

using namespace cluster;

namespace {

constexpr std::size_t max_lines_waiting = 100'000;
constexpr milliseconds default_timeout{20'000};

void write_whole(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno != EINTR)
      std::_Exit(70);  // whoever asked is gone
    if (written > 0)
      text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string_view word_of(store_event::kind what) {
  using kind = store_event::kind;
  switch (what) {
    case kind::joined: return "joined";
    case kind::removed: return "removed";
    case kind::primary_changed: return "primary_changed";
    case kind::session_ended: return "session_ended";
    case kind::halted: return "halted";
    case kind::resumed: return "resumed";
    case kind::refused_peer: return "refused_peer";
    case kind::name_taken: return "name_taken";
    case kind::id_taken: return "id_taken";
    case kind::loaded: return "loaded";
    case kind::replaced: return "replaced";
    case kind::set_aside: return "set_aside";
    case kind::out_of_reach: return "out_of_reach";
    case kind::in_reach: return "in_reach";
  }
  return "?";
}

}  // namespace

store_member::store_member(store_member_options options)
    : options_{std::move(options)}, host_{options_.name, options_.id, options_.seeds}, output_{"answers",
                                                                                               max_lines_waiting} {
  host_.options.data_dir = options_.data_dir;
  if (options_.memory_disk)
    host_.options.vfs = memory_.name();
  host_.options.node.limits.log_commits = options_.log_commits;
  host_.options.notices.on_event = [this](const store_event& event) {
    say({{"event", word_of(event.what)}, {"text", event.text}});
  };
  host_.options.notices.on_history_replaced = [this](const store_identity&) {
    host_.loop().post([this, alive = alive_] {
      if (!*alive)
        return;
      owner_.lose_all();
      if (session_)
        session_->history_replaced();
    });
  };
  host_.linked = !options_.listen.empty();
  if (const auto where = parse_endpoint(options_.listen)) {
    host_.where = *where;
    host_.from_host = where->host;
  }
  host_.advertised = options_.advertise;
}

expected<void> store_member::start() {
  if (auto started = host_.start(); !started)
    return started;
  host_.on_loop([this] {
    host_.loop().add_tick(*this);
    view_.emplace(host_.loop(), host_.store(),
                  record_view::told{[this](const json& line) { say(line); }, [this] { review(); }});
    view_->start();
    if (options_.ttl == milliseconds{0})
      return;
    session_.emplace(
        host_.loop(), host_.store(), session_options{host_.id, host_.incarnation, host_.address(), options_.ttl},
        [this](session::state now, const std::string&) {
          say({{"ended", now == session::state::superseded}});
        },
        [](cursor, time_point) {});
    session_->start();
    host_.loop().arm(*this, clock::now());
  });
  say({{"started", host_.name}, {"port", host_.where.port}, {"incarnation", to_string(host_.incarnation)}});
  return {};
}

void store_member::stop() {
  if (!host_.runs())
    return;
  host_.on_loop([this] {
    *alive_ = false;
    host_.loop().remove_tick(*this);
    host_.loop().disarm(*this);
    if (session_)
      session_->stop();
    session_.reset();
    view_.reset();
  });
  host_.stop();
  output_.stop();
}

void store_member::say(const json& line) {
  auto text = line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  if (!output_.post([text = std::move(text)] { write_whole(text); })) {
    std::fputs("store_member: nobody reads what it says\n", stderr);
    std::_Exit(70);
  }
}

void store_member::take(const std::string& line) {
  auto request = json::parse(line, nullptr, false);
  host_.loop().post([this, alive = alive_, request = std::move(request)] {
    if (*alive)
      obey(request);
  });
}

void store_member::obey(const json& request) {
  const auto number = request.is_object() ? request.value("id", json{}) : json{};
  const auto done = [this, number](json answer) {
    answer["id"] = number;
    say(answer);
  };
  try {
    const auto& all = commands();
    const auto wanted = request.at("do").get<std::string>();
    const auto found = std::find_if(all.begin(), all.end(), [&](const command& each) { return each.name == wanted; });
    if (found == all.end())
      return done(answer_of(refused{{errc::bad_usage, "a member does not know how to " + wanted}}));
    const milliseconds timeout{request.value("timeout_ms", default_timeout.count())};
    (this->*found->run)(request, clock::now() + timeout, done);
  } catch (const json::exception& problem) {
    done(answer_of(refused{{errc::bad_usage, problem.what()}}));
  }
}

}  // namespace troupe::tests
