// What became of an invocation, on its way back. The edge or the control API turns it into HTTP; nobody between does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/buffer.hpp"
#include "config/clock.hpp"
#include "config/errc.hpp"

namespace troupe::functions {

/// Bytes that somebody else allocated: released where they were made, never copied on the way to the socket.
class foreign_bytes {
public:
  using release_function = void (*)(void* owner);

  foreign_bytes() = default;
  foreign_bytes(std::string_view bytes, void* owner, release_function release)
      : bytes_{bytes}, owner_{owner}, release_{release} {}
  /// Takes over a string.
  explicit foreign_bytes(std::string text) {
    auto* kept = new std::string{std::move(text)};
    *this = foreign_bytes{*kept, kept, [](void* p) { delete static_cast<std::string*>(p); }};
  }
  foreign_bytes(foreign_bytes&& other) noexcept
      : bytes_{std::exchange(other.bytes_, {})}, owner_{std::exchange(other.owner_, nullptr)}, release_{std::exchange(
                                                                                                   other.release_,
                                                                                                   nullptr)} {}
  foreign_bytes& operator=(foreign_bytes&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(owner_, other.owner_);
    std::swap(release_, other.release_);
    return *this;
  }
  ~foreign_bytes() {
    if (release_ != nullptr)
      release_(owner_);
  }
  std::string_view view() const noexcept { return bytes_; }
  /// Shows only `part`, which lies in what the owner keeps.
  void narrow(std::string_view part) noexcept { bytes_ = part; }

private:
  std::string_view bytes_;
  void* owner_ = nullptr;
  release_function release_ = nullptr;
};

/// Capacity that an answer's buffer should have beyond its size: its JSON parser reads past the end, and would have to
/// move it to another place first.
inline constexpr std::size_t answer_padding = 64;

/// The JSON that a worker's handler returned, byte for byte.
struct json_answer {
  buffer bytes;
};

/// What a native handler returned. Names and values are not yet checked; the owner of `body` owns them as well.
struct native_response {
  unsigned status = 200;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  foreign_bytes body;
};

/// The call did not succeed.
struct failure {
  errc code = errc::bug;
  std::string payload;  ///< the JSON that a direct invoke gets (specs: lambda-runtime-api 6), or empty
  std::string detail;   ///< one line for the log; never shown to clients of the gateway
};

struct outcome {
  std::variant<failure, json_answer, native_response> value;
  duration queued{};     ///< waited for a free instance
  duration started{};    ///< of that: waited for an instance to start (cold start)
  duration ran{};        ///< in the instance
  std::string log_tail;  ///< the last 4 KB that the call printed, with START, END and REPORT, when it was asked for
};

using outcome_ptr = std::shared_ptr<outcome>;

/// Of a call that is refused as `errc::no_capacity`, wherever an allocation on its way has failed.
inline constexpr std::string_view no_memory_detail = "the node has no memory for the call";

inline outcome_ptr make_failure(errc code, std::string detail, std::string payload = {}) {
  auto result = std::make_shared<outcome>();
  result->value = failure{code, std::move(payload), std::move(detail)};
  return result;
}

}  // namespace troupe::functions
