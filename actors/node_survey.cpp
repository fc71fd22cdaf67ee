#include "actors/node_survey.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "actors/event_loop.hpp"
#include "actors/node_link.hpp"
#include "cluster/code_frame.hpp"

namespace troupe::actors {

namespace {

/// One place. On the loop.
class visit {
public:
  visit(event_loop& loop, const node_survey& wanted, surveyed_node& found, std::function<void()> settled)
      : loop_{loop}, wanted_{wanted}, found_{found}, settled_{std::move(settled)} {
    node_link_config config;
    config.peer = found.where;
    config.dialing.connect_timeout = wanted.timeout;
    config.accept = wanted.accept;
    config.make_cipher = wanted.make_cipher;
    config.hello = [own = wanted.hello] {
      auto hello = own;
      hello.purpose = cluster::link_purpose::control;
      return hello;
    };
    // In a turn of its own: a link is not to be used from inside its own callback.
    config.on_change = [this, over = over_](const link_change& change) {
      loop_.post([this, over, change] {
        if (!*over)
          on_change(change);
      });
    };
    link_ = std::make_unique<node_link>(loop, std::move(config));
    found_.why_not = "it did not answer in time";
    link_->start();
  }

  void end() {
    *over_ = true;
    link_->stop();
  }

private:
  void on_change(const link_change& change) {
    if (change.phase == link_phase::up && !found_.hello) {
      found_.reached = survey_reach::reached;
      found_.hello = *link_->peer_hello();
      found_.why_not.clear();
      ask();
    } else if (change.phase == link_phase::broken) {
      if (!found_.hello) {
        found_.why_not = change.detail.empty() ? "nobody answers there" : change.detail;
        if (change.why == link_break::closed || change.why == link_break::rejected)
          found_.reached = survey_reach::not_understood;
      }
      settle();
    }
  }

  void ask() {
    std::vector<std::vector<digest>> questions;
    for (std::size_t i = 0; i < wanted_.blobs.size(); i += cluster::max_code_digests) {
      const auto first = wanted_.blobs.begin() + static_cast<std::ptrdiff_t>(i);
      const auto count = std::min(cluster::max_code_digests, wanted_.blobs.size() - i);
      questions.emplace_back(first, first + static_cast<std::ptrdiff_t>(count));
    }
    outstanding_ = questions.size();
    for (auto& each : questions) {
      auto parts = cluster::encode(cluster::code_request{cluster::code_have{std::move(each), {}}});
      const auto sent = link_->call(cluster::link_topic::code, std::move(parts.head), std::move(parts.body),
                                    clock::now() + wanted_.timeout, [this, over = over_](const call_result& result) {
                                      if (!*over)
                                        on_answer(result);
                                    });
      if (!sent)
        return settle();
    }
    if (questions.empty())
      settle();
  }

  void on_answer(const call_result& result) {
    const auto* answer = std::get_if<call_answered>(&result);
    const auto absent = answer != nullptr ? cluster::decode_code_absent(answer->head.view(), answer->body.view())
                                          : fail(errc::unavailable, "no answer");
    if (!absent)
      return settle();
    lacks_.insert(lacks_.end(), absent->blobs.begin(), absent->blobs.end());
    if (--outstanding_ > 0)
      return;
    found_.lacks = std::move(lacks_);
    settle();
  }

  void settle() {
    *over_ = true;
    if (auto told = std::exchange(settled_, nullptr))
      told();
  }

  event_loop& loop_;
  const node_survey& wanted_;
  surveyed_node& found_;
  std::function<void()> settled_;
  std::unique_ptr<node_link> link_;
  std::vector<digest> lacks_;
  std::size_t outstanding_ = 0;
  std::shared_ptr<bool> over_ = std::make_shared<bool>(false);  ///< nothing more is wanted
};

}  // namespace

std::vector<surveyed_node> survey(const node_survey& wanted) {
  std::vector<surveyed_node> found;
  for (const auto& where : wanted.places)
    found.push_back({where, survey_reach::no_answer, std::nullopt, {}, std::nullopt});
  if (found.empty())
    return found;
  event_loop loop{0, "survey"};
  std::vector<std::unique_ptr<visit>> visits;
  std::promise<void> all;
  std::size_t left = found.size();
  loop.start();
  loop.post([&] {
    for (auto& each : found)
      visits.push_back(std::make_unique<visit>(loop, wanted, each, [&] {
        if (--left == 0)
          all.set_value();
      }));
  });
  all.get_future().wait_for(wanted.timeout);
  std::promise<void> ended;
  loop.post([&] {
    for (const auto& each : visits)
      each->end();
    // Their last callbacks are still to run.
    loop.post([&] {
      visits.clear();
      ended.set_value();
    });
  });
  ended.get_future().wait();
  loop.stop();
  return found;
}

}  // namespace troupe::actors
