#include "http/store_backup.hpp"

#include <nlohmann/json.hpp>

#include "config/ids.hpp"
#include "config/setting_values.hpp"
#include "config/text.hpp"

namespace troupe::http {

namespace {

using json = nlohmann::ordered_json;

constexpr std::uint64_t form = 1;

std::string line_of(const json& object) {
  return object.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
}

tl::unexpected<error> corrupt(std::size_t line, const std::string& why) {
  return fail(errc::corrupt, "line " + std::to_string(line) + " of the backup " + why);
}

std::string text_at(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::optional<std::uint64_t> number_at(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_unsigned() ? std::optional{found->get<std::uint64_t>()}
                                                              : std::nullopt;
}

/// Takes lines from the front.
class line_source {
public:
  explicit line_source(std::string_view text) : text_{text} {}

  /// The next line as an object; discarded when it is none or the text ends before its line feed.
  json next() {
    ++line_;
    begin_ = end_;
    const auto feed = text_.find('\n', begin_);
    if (feed == text_.npos)
      return json(json::value_t::discarded);
    end_ = feed + 1;
    auto parsed = json::parse(text_.substr(begin_, feed - begin_), nullptr, false);
    return parsed.is_object() ? std::move(parsed) : json(json::value_t::discarded);
  }
  std::size_t line() const noexcept { return line_; }
  std::string_view before() const noexcept { return text_.substr(0, begin_); }
  bool at_end() const noexcept { return end_ == text_.size(); }

private:
  std::string_view text_;
  std::size_t line_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

json record_line(const cluster::record& record) {
  return {{"key", record.key}, {"revision", record.revision}, {"value", base64_encode(record.value)}};
}

json commit_line(const cluster::applied& commit) {
  auto puts = json::array();
  for (const auto& put : commit.puts)
    puts.push_back({{"key", put.key}, {"value", base64_encode(put.value)}});
  return {{"commit", commit.cursor.value}, {"puts", std::move(puts)}, {"erased", commit.erased}};
}

bool read_head(const json& head, store_backup& out) {
  auto& identity = out.identity;
  identity.store_id = parse_uuid(text_at(head, "store_id"));
  const auto counter = number_at(head, "generation");
  const auto salt = parse_count(text_at(head, "salt"));
  const auto cursor = number_at(head, "cursor");
  if (identity.store_id == uuid{} || !counter || !salt || !cursor)
    return false;
  identity.generation = {*counter, *salt};
  identity.parent_store = parse_uuid(text_at(head, "parent_store"));
  identity.parent_cursor = {number_at(head, "parent_cursor").value_or(0)};
  out.contents.cursor = {*cursor};
  return true;
}

bool read_record(const json& line, cluster::record& out) {
  out.key = text_at(line, "key");
  const auto revision = number_at(line, "revision");
  auto value = base64_decode(text_at(line, "value"));
  if (out.key.empty() || !revision || !value)
    return false;
  out.revision = *revision;
  out.value = std::move(*value);
  return true;
}

}  // namespace

std::string backup_text(const store_backup& what) {
  const auto& identity = what.identity;
  auto text = line_of({{"troupe_backup", form},
                       {"store_id", to_string(identity.store_id)},
                       {"generation", identity.generation.counter},
                       {"salt", std::to_string(identity.generation.salt)},
                       {"cursor", what.contents.cursor.value},
                       {"parent_store", to_string(identity.parent_store)},
                       {"parent_cursor", identity.parent_cursor.value}});
  for (const auto& record : what.contents.records)
    text += line_of(record_line(record));
  // The digest covers every line before its own: a backup that was cut at a line's end is noticed as well.
  text += line_of({{"records", what.contents.records.size()}, {"sha256", to_string(sha256(text))}});
  return text;
}

expected<store_backup> parse_backup(std::string_view text) {
  store_backup result;
  line_source lines{text};
  const auto head = lines.next();
  if (head.is_discarded() || !head.contains("troupe_backup"))
    return corrupt(1, "is no head of one");
  const auto written = number_at(head, "troupe_backup");
  if (!written)
    return corrupt(1, "does not say of which form it is");
  if (*written != form)
    return fail(errc::refused, "the backup is of form " + std::to_string(*written) +
                                   ", written by a newer troupe; this one reads form " + std::to_string(form));
  if (!read_head(head, result))
    return corrupt(1, "lacks who wrote it and when");
  auto& records = result.contents.records;
  for (auto line = lines.next();; line = lines.next()) {
    if (line.is_discarded())
      return corrupt(lines.line(), "is missing or damaged");
    if (line.contains("sha256")) {
      if (number_at(line, "records") != records.size() || text_at(line, "sha256") != to_string(sha256(lines.before())))
        return corrupt(lines.line(), "does not fit those before it");
      break;
    }
    if (!read_record(line, records.emplace_back()))
      return corrupt(lines.line(), "is no record");
    if (records.size() > 1 && records[records.size() - 2].key >= records.back().key)
      return corrupt(lines.line(), "is out of order");
  }
  if (!lines.at_end())
    return corrupt(lines.line() + 1, "comes after the end");
  return result;
}

std::string commits_text(const cluster::store_identity& identity, const cluster::history& records,
                         cluster::cursor cut) {
  std::string commits;
  auto from = cut;
  while (from < records.barrier()) {
    const auto found = records.follow(from);
    const auto* rows = std::get_if<cluster::batch>(&found);
    if (rows == nullptr || rows->commits.empty())
      break;
    for (const auto& commit : rows->commits)
      commits += line_of(commit_line(commit));
    from = rows->commits.back().cursor;
  }
  const bool whole = from == records.barrier();
  auto text = line_of({{"troupe_commits", form},
                       {"store_id", to_string(identity.store_id)},
                       {"generation", identity.generation.counter},
                       {"after", cut.value},
                       {"cursor", records.barrier().value},
                       {"whole", whole}});
  if (whole)
    return text + commits;
  for (const auto& record : records.load().records)
    if (record.revision > cut.value)
      text += line_of(record_line(record));
  return text;
}

}  // namespace troupe::http
