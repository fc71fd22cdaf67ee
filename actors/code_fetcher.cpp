#include "actors/code_fetcher.hpp"

#include <string>
#include <utility>

#include "config/log.hpp"

namespace troupe::actors {

namespace {

using cluster::code_action;
using cluster::code_action_kind;
using cluster::piece_outcome;
using functions::code_form;

cluster::wanted_code wanted_of(const functions::code_ref& ref) {
  return {ref.code, ref.form == code_form::folder ? cluster::code_shape::package : cluster::code_shape::single};
}

functions::code_ref ref_of(const cluster::wanted_code& code) {
  return {code.code, code.shape == cluster::code_shape::package ? code_form::folder : code_form::object};
}

}  // namespace

code_fetcher::code_fetcher(event_loop& control, code_fetcher_config config)
    : loop_{control}, config_{std::move(config)}, plan_{config_.limits} {}

code_fetcher::~code_fetcher() {
  stop();
}

void code_fetcher::start() {
  if (std::exchange(started_, true))
    return;
  alive_ = std::make_shared<bool>(true);
  loop_.add_tick(*this);
}

void code_fetcher::stop() {
  if (!std::exchange(started_, false))
    return;
  *alive_ = false;
  loop_.remove_tick(*this);
  due_.clear();
  plan_ = cluster::code_fetch{config_.limits};
  for (auto& [code, waiting] : std::exchange(waiters_, {}))
    waiting.done(fail(errc::draining, "the node goes down"));
}

void code_fetcher::set_wanted(const std::vector<functions::code_ref>& code) {
  std::vector<cluster::wanted_code> wanted;
  for (const auto& ref : code)
    if (ref.form != code_form::program)
      wanted.push_back(wanted_of(ref));
  carry_out(plan_.set_wanted(wanted, loop_.now()));
}

void code_fetcher::set_peers(const std::vector<uuid>& peers) {
  carry_out(plan_.set_peers(peers, loop_.now()));
}

void code_fetcher::await(const functions::code_ref& code, time_point deadline,
                         std::function<void(expected<void>)> done) {
  if (!started_ || waiters_.size() == max_waiters)
    return loop_.post([done = std::move(done), stopped = !started_] {
      done(stopped ? fail(errc::draining, "the node goes down")
                   : fail(errc::overloaded, "too many functions wait for their code"));
    });
  waiters_.emplace(code.code, waiter{deadline, std::move(done)});
  carry_out(plan_.hurry(wanted_of(code), loop_.now()));
}

void code_fetcher::on_tick(time_point now) {
  std::vector<std::pair<digest, waiter>> late;
  for (auto next = waiters_.begin(); next != waiters_.end();)
    if (next->second.deadline <= now) {
      late.emplace_back(next->first, std::move(next->second));
      next = waiters_.erase(next);
    } else {
      ++next;
    }
  for (auto& [code, waiting] : late)
    waiting.done(fail(errc::not_ready, "code " + to_string(code) + " has not come from another node in time"));
  if (started_)
    carry_out(plan_.tick(now));
}

/// Results may come at once: they lead to further actions, not to further calls of this.
void code_fetcher::carry_out(cluster::code_actions actions) {
  for (auto& action : actions)
    due_.push_back(std::move(action));
  if (!started_ || std::exchange(carrying_out_, true))
    return;
  while (!due_.empty()) {
    const auto action = std::move(due_.front());
    due_.pop_front();
    switch (action.kind) {
      case code_action_kind::examine: examine(action); break;
      case code_action_kind::fetch: ask(action); break;
      case code_action_kind::complete: on_complete(action.code.code); break;
      case code_action_kind::blame:
        tell("code_refused", "node " + to_string(action.peer) + " gave wrong bytes for blob " + to_string(action.blob) +
                                 "; others are asked for some minutes");
        break;
      case code_action_kind::starve:
        tell("code_missing",
             "no node in reach has all of code " + to_string(action.code.code) + "; it is asked for on");
        break;
    }
  }
  carrying_out_ = false;
}

void code_fetcher::examine(const code_action& action) {
  using result_type = expected<functions::missing_code>;
  const bool taken = run<result_type>(
      [ref = ref_of(action.code), synced = action.synced](functions::code_store& code) {
        auto missing = code.missing_of(ref);
        if (missing && missing->blobs.empty() && synced)
          return code.sync_all().map([&] { return std::move(*missing); });
        return missing;
      },
      [this, code = action.code.code](result_type found) {
        std::optional<std::vector<cluster::missing_blob>> missing;
        if (found)
          missing.emplace();
        else
          log_event(log_level::warning, "code_not_examined",
                    {{"code", to_string(code)}, {"reason", found.error().what}});
        if (found)
          for (const auto& blob : found->blobs)
            missing->push_back({blob.sha256, blob.stored});
        carry_out(plan_.examined(code, missing, loop_.now()));
      });
  if (!taken)
    carry_out(plan_.examined(action.code.code, std::nullopt, loop_.now()));
}

void code_fetcher::ask(const code_action& action) {
  auto parts = encode(cluster::code_request{cluster::code_read{action.blob, action.offset, cluster::code_piece_bytes}});
  const auto sent =
      config_.call(action.peer, std::move(parts.head), std::move(parts.body), loop_.now() + config_.call_timeout,
                   [this, alive = alive_, action](call_result result) {
                     if (*alive)
                       on_answer(action, std::move(result));
                   });
  if (!sent)
    finish(action, piece_outcome::failed);
}

void code_fetcher::on_answer(const code_action& asked, call_result result) {
  auto* answer = std::get_if<call_answered>(&result);
  if (answer == nullptr)
    return finish(asked, piece_outcome::failed);
  const auto bytes = std::make_shared<const buffer>(std::move(answer->body));
  const auto piece = cluster::decode_code_piece(answer->head.view(), bytes->view());
  if (!piece)
    return finish(asked, piece_outcome::invalid);
  if (!piece->there)
    return finish(asked, piece_outcome::absent);
  const bool nothing_new = bytes->empty() && piece->total != asked.offset;
  if (piece->total > functions::max_part_bytes || asked.offset > piece->total ||
      bytes->size() > piece->total - asked.offset || nothing_new)
    return asked.offset == 0 ? finish(asked, piece_outcome::invalid) : discard(asked);
  store(asked, bytes, piece->total);
}

/// The answer does not fit what is stored: one of them is wrong, and which cannot be told.
void code_fetcher::discard(const code_action& asked) {
  const bool taken = run<expected<void>>(
      [blob = asked.blob](functions::code_store& code) { return code.drop_part(blob); },
      [this, asked](expected<void> dropped) { finish(asked, dropped ? piece_outcome::wrong : piece_outcome::disk); });
  if (!taken)
    finish(asked, piece_outcome::disk);
}

void code_fetcher::store(const code_action& asked, std::shared_ptr<const buffer> bytes, std::uint64_t total) {
  using result_type = expected<functions::blob_progress>;
  const bool taken = run<result_type>(
      [asked, bytes, total](functions::code_store& code) {
        const auto dropped = asked.restart ? code.drop_part(asked.blob) : expected<void>{};
        return dropped.and_then([&] { return code.append(asked.blob, asked.offset, total, bytes->view()); });
      },
      [this, asked, end = asked.offset + bytes->size()](result_type now) { on_stored(asked, end, now); });
  if (!taken)
    finish(asked, piece_outcome::disk);
}

void code_fetcher::on_stored(const code_action& asked, std::uint64_t end,
                             const expected<functions::blob_progress>& now) {
  if (now) {
    disk_refused_ = false;
    bytes_ += end - asked.offset;
    return finish(asked, now->whole ? piece_outcome::whole : piece_outcome::stored, now->stored,
                  !now->whole && now->stored != end);
  }
  if (now.error().code == errc::corrupt)
    return finish(asked, piece_outcome::wrong);
  if (!std::exchange(disk_refused_, true))
    tell("code_not_stored", "code of other nodes cannot be kept: " + now.error().what);
  finish(asked, piece_outcome::disk);
}

void code_fetcher::finish(const code_action& asked, piece_outcome outcome, std::uint64_t stored, bool passed_over) {
  const bool kept = outcome == piece_outcome::stored || outcome == piece_outcome::whole;
  ++(kept ? pieces_ : failed_);
  carry_out(plan_.piece({asked.blob, asked.peer, outcome, stored, passed_over}, loop_.now()));
}

void code_fetcher::on_complete(const digest& code) {
  std::vector<waiter> served;
  const auto [first, last] = waiters_.equal_range(code);
  for (auto next = first; next != last; ++next)
    served.push_back(std::move(next->second));
  waiters_.erase(first, last);
  if (config_.on_have)
    config_.on_have(code);
  for (auto& waiting : served)
    waiting.done({});
}

void code_fetcher::tell(std::string_view kind, std::string_view text) const {
  log_event(log_level::warning, kind, {{"reason", std::string{text}}});
  if (config_.tell)
    config_.tell(kind, text);
}

template <class Result>
bool code_fetcher::run(std::function<Result(functions::code_store&)> job, std::function<void(Result)> then) {
  return config_.files->post(
      [loop = &loop_, alive = alive_, code = config_.code, job = std::move(job), then = std::move(then)] {
        auto result = std::make_shared<Result>(job(*code));
        loop->post([alive, result, then] {
          if (*alive)
            then(std::move(*result));
        });
      });
}

}  // namespace troupe::actors
