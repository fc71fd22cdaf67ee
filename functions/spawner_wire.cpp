#include "functions/spawner_wire.hpp"

#include <concepts>
#include <cstring>
#include <utility>

namespace troupe::functions {

namespace {

enum class kind : std::uint8_t { spawn = 1, kill, spawned, spawn_failed, exited };

class writer {
public:
  explicit writer(kind what) { number(static_cast<std::uint8_t>(what)); }

  template <std::integral Number>
  writer& number(Number value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  writer& text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    bytes_.append(value);
    return *this;
  }
  writer& list(const std::vector<std::string>& values) {
    number(static_cast<std::uint32_t>(values.size()));
    for (const auto& value : values)
      text(value);
    return *this;
  }
  std::string take() { return std::move(bytes_); }

private:
  std::string bytes_;
};

/// Reading past the end yields zeros and empty strings and is remembered: one check at the end is enough.
class reader {
public:
  explicit reader(std::string_view bytes) : rest_{bytes} {}

  template <std::integral Number>
  reader& number(Number& value) {
    value = {};
    if (const auto bytes = take(sizeof value); !bytes.empty())
      std::memcpy(&value, bytes.data(), sizeof value);
    return *this;
  }
  reader& text(std::string& value) {
    std::uint32_t size = 0;
    number(size);
    value = take(size);
    return *this;
  }
  reader& list(std::vector<std::string>& values) {
    std::uint32_t count = 0;
    number(count);
    // Each entry has a length in front: more entries than that are a lie, found before anything is allocated.
    failed_ = failed_ || count > rest_.size() / sizeof(std::uint32_t);
    values.resize(failed_ ? 0 : count);
    for (auto& value : values)
      text(value);
    return *this;
  }
  bool complete() const noexcept { return !failed_ && rest_.empty(); }

private:
  std::string_view take(std::size_t count) {
    if (failed_ || count > rest_.size()) {
      failed_ = true;
      return {};
    }
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view rest_;
  bool failed_ = false;
};

auto malformed() {
  return fail(errc::corrupt, "a message of the spawner is malformed");
}

template <class Message, class Value>
expected<Message> checked(const reader& in, Value&& value) {
  if (!in.complete())
    return malformed();
  return Message{std::forward<Value>(value)};
}

std::string encode_event(const worker_spawned& event) {
  return writer{kind::spawned}.number(event.token).number(event.pid).take();
}

std::string encode_event(const spawn_failed& event) {
  return writer{kind::spawn_failed}.number(event.token).number(event.error_number).text(event.text).take();
}

std::string encode_event(const worker_exited& event) {
  return writer{kind::exited}
      .number(event.token)
      .number(event.pid)
      .number(event.wait_status)
      .number(event.max_rss_kb)
      .number(event.cpu_us)
      .take();
}

}  // namespace

std::string encode(const spawn_request& request) {
  return writer{kind::spawn}
      .number(request.token)
      .list(request.arguments)
      .list(request.environment)
      .text(request.family_mark)
      .text(request.directory)
      .number(request.nice)
      .number(request.oom_score_adjust)
      .number(request.max_open_files)
      .number(request.max_core_bytes)
      .take();
}

std::string encode(const kill_request& request) {
  return writer{kind::kill}
      .number(request.pid)
      .number(request.signal)
      .number(static_cast<std::uint8_t>(request.scope))
      .take();
}

std::string encode(const spawner_event& event) {
  return std::visit([](const auto& value) { return encode_event(value); }, event);
}

expected<spawner_request> decode_request(std::string_view bytes) {
  reader in{bytes};
  std::uint8_t what = 0;
  in.number(what);
  if (kind{what} == kind::spawn) {
    spawn_request request;
    in.number(request.token).list(request.arguments).list(request.environment).text(request.family_mark);
    in.text(request.directory).number(request.nice).number(request.oom_score_adjust);
    in.number(request.max_open_files).number(request.max_core_bytes);
    return checked<spawner_request>(in, std::move(request));
  }
  if (kind{what} == kind::kill) {
    kill_request request;
    std::uint8_t scope = 0;
    in.number(request.pid).number(request.signal).number(scope);
    request.scope = kill_scope{scope};
    return checked<spawner_request>(in, request);
  }
  return malformed();
}

expected<spawner_event> decode_event(std::string_view bytes) {
  reader in{bytes};
  std::uint8_t what = 0;
  in.number(what);
  if (kind{what} == kind::spawned) {
    worker_spawned event;
    in.number(event.token).number(event.pid);
    return checked<spawner_event>(in, event);
  }
  if (kind{what} == kind::spawn_failed) {
    spawn_failed event;
    in.number(event.token).number(event.error_number).text(event.text);
    return checked<spawner_event>(in, std::move(event));
  }
  if (kind{what} == kind::exited) {
    worker_exited event;
    in.number(event.token).number(event.pid).number(event.wait_status);
    in.number(event.max_rss_kb).number(event.cpu_us);
    return checked<spawner_event>(in, event);
  }
  return malformed();
}

}  // namespace troupe::functions
