#include "cli/store_backups.hpp"

#include <algorithm>
#include <utility>

#include "config/log.hpp"

namespace troupe::cli {

namespace {

constexpr seconds load_timeout{30};
constexpr milliseconds shortest_interval{1'000};

milliseconds usable(milliseconds interval) {
  return interval == milliseconds{0} ? interval : std::max(interval, shortest_interval);
}

}  // namespace

store_backups::store_backups(actors::event_loop& control, actors::built_in_store& store, actors::work_thread& files,
                             backup_folder folder, milliseconds interval,
                             std::function<void(std::string_view kind, const std::string& text)> tell)
    : loop_{control}, store_{store}, files_{files}, folder_{std::move(folder)}, interval_{usable(interval)},
      tell_{std::move(tell)} {}

store_backups::~store_backups() {
  stop();
}

template <class Result>
bool store_backups::run(actors::work_thread& files, actors::event_loop& loop, std::shared_ptr<bool> alive,
                        std::function<Result()> job, std::function<void(Result)> then) {
  return files.post([&loop, alive = std::move(alive), job = std::move(job), then = std::move(then)] {
    auto result = std::make_shared<Result>(job());
    loop.post([alive, result, then] {
      if (*alive)
        then(std::move(*result));
    });
  });
}

void store_backups::start() {
  if (interval_ == milliseconds{0} || *alive_)
    return;
  *alive_ = true;
  using age = std::optional<milliseconds>;
  const bool taken = run<age>(
      files_, loop_, alive_, [folder = folder_] { return folder.age(std::chrono::system_clock::now()); },
      [this](age found) {
        if (found)
          store_.backed_up(clock::now() - *found);
        next_in(interval_ - std::min(interval_, found.value_or(interval_)));
      });
  if (!taken)
    next_in(interval_);
}

void store_backups::stop() {
  if (std::exchange(*alive_, false))
    loop_.disarm(*this);
  alive_ = std::make_shared<bool>(false);
}

void store_backups::adjust(milliseconds interval, std::size_t keep) {
  folder_.keep = keep;
  if (usable(interval) == interval_)
    return;
  interval_ = usable(interval);
  stop();
  start();
}

void store_backups::next_in(milliseconds wait) {
  loop_.arm(*this, clock::now() + wait);
}

void store_backups::on_timer(time_point) {
  store_.load(clock::now() + load_timeout, [this, &loop = loop_, &files = files_, &store = store_, folder = folder_,
                                            alive = alive_](expected<cluster::loaded> contents) {
    const auto tell = [this, &loop, alive](expected<void> written) {
      loop.post([this, alive, written = std::move(written)] {
        if (*alive)
          settled(written);
      });
    };
    if (!contents)
      return tell(tl::unexpected{std::move(contents.error())});
    // Here on the store's thread the contents are those of this identity.
    const auto what = std::make_shared<const cluster::backed_up_store>(
        cluster::backed_up_store{store.point()->identity, std::move(*contents)});
    const bool taken = run<expected<void>>(
        files, loop, alive, [folder, what] { return folder.write(*what, std::chrono::system_clock::now()); },
        [this](expected<void> written) { settled(written); });
    if (!taken)
      tell(fail(errc::overloaded, "the node handles too much code at once"));
  });
}

void store_backups::settled(const expected<void>& written) {
  next_in(interval_);
  if (written) {
    failing_ = false;
    return store_.backed_up(clock::now());
  }
  if (std::exchange(failing_, true))
    return;
  const auto text = "no backup of the store was written: " + written.error().what;
  log_event(log_level::error, "backup_failed", {{"reason", written.error().what}});
  tell_("backup_failed", text);
}

}  // namespace troupe::cli
