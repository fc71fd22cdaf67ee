// What nodes ask each other about code (link topic `code`): blobs by digest, in bounded pieces. Bytes only: which blob
// is fetched from whom is decided in code_fetch, what lies on the disk is not known here.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "config/buffer.hpp"
#include "config/errc.hpp"
#include "config/ids.hpp"

namespace troupe::cluster {

inline constexpr std::size_t code_piece_bytes = 512 * 1024;       ///< that this program asks for and sends
inline constexpr std::size_t max_code_piece_bytes = 1024 * 1024;  ///< that it takes and gives
inline constexpr std::size_t max_code_digests = 1'000;            ///< of one question

/// "Give me bytes of this blob": answered by `code_piece`.
struct code_read {
  digest blob;
  std::uint64_t offset = 0;
  std::uint64_t max_bytes = code_piece_bytes;
  bool operator==(const code_read&) const = default;
};

/// What an answer of `code_absent` must be true of.
enum class code_durability : std::uint8_t {
  stored = 0,  ///< the blobs are there
  synced = 1,  ///< and survive a loss of power: the answer comes after the disk said so
};

/// "Which of these do you lack?": answered by `code_absent`. Those that are there are pinned by the question.
struct code_have {
  std::vector<digest> blobs;  ///< at most `max_code_digests`
  code_durability wanted = code_durability::stored;
  bool operator==(const code_have&) const = default;
};

/// "Keep these bytes of this blob": answered by `code_stored`.
struct code_put {
  digest blob;
  std::uint64_t offset = 0;
  std::uint64_t total = 0;  ///< of the blob
  std::string_view bytes;   ///< at most `max_code_piece_bytes`
  bool operator==(const code_put&) const = default;
};

using code_request = std::variant<code_read, code_have, code_put>;

struct code_piece {
  bool there = false;       ///< the node has the blob; else the rest is empty
  std::uint64_t total = 0;  ///< of the blob
  std::string_view bytes;   ///< from the asked offset on; none at or behind its end
  bool operator==(const code_piece&) const = default;
};

struct code_absent {
  std::vector<digest> blobs;
  bool synced = false;  ///< all others survive a loss of power
  bool operator==(const code_absent&) const = default;
};

struct code_stored {
  std::uint64_t stored = 0;  ///< bytes there, from the first on: where to go on
  bool whole = false;        ///< the blob is complete and has its digest
  bool operator==(const code_stored&) const = default;
};

/// Head and body as a link carries them.
struct code_parts {
  buffer head;
  buffer body;
};

/// The limits above are the caller's to keep.
code_parts encode(const code_request& request);
code_parts encode(const code_piece& answer);
code_parts encode(const code_absent& answer);
code_parts encode(const code_stored& answer);

/// A longer piece than `max_code_piece_bytes` is asked for as one of that size. The views point into `body`.
/// @returns `errc::corrupt` for what is no such thing or breaks a limit; so for all below.
expected<code_request> decode_code_request(std::string_view head, std::string_view body);
expected<code_piece> decode_code_piece(std::string_view head, std::string_view body);
expected<code_absent> decode_code_absent(std::string_view head, std::string_view body);
expected<code_stored> decode_code_stored(std::string_view head, std::string_view body);

}  // namespace troupe::cluster
