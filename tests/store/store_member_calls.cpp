// Calls of the store's interface, as they are asked for from outside.
#include <fstream>
#include <utility>

#include "http/store_backup.hpp"
#include "tests/store/store_member.hpp"

namespace troupe::tests {

using namespace cluster;

const std::vector<store_member::command>& store_member::commands() {
  static const std::vector<command> all{
      {"open", &store_member::open},
      {"load", &store_member::load},
      {"follow", &store_member::follow},
      {"commit", &store_member::commit},
      {"outcome", &store_member::outcome},
      {"barrier", &store_member::barrier},
      {"open_session", &store_member::open_session},
      {"renew", &store_member::renew},
      {"claim", &store_member::claim},
      {"transfer", &store_member::transfer},
      {"release", &store_member::release},
      {"remove_node", &store_member::remove_node},
      {"spread", &store_member::spread},
      {"health", &store_member::health},
      {"move", &store_member::move},
      {"status", &store_member::status},
      {"read", &store_member::read},
      {"backup", &store_member::backup},
      {"fill_disk", &store_member::fill_disk},
      {"free_disk", &store_member::free_disk},
  };
  return all;
}

template <class Answer>
catalog_store::callback<Answer> store_member::on_loop(std::function<void(Answer)> then) {
  return [&loop = host_.loop(), alive = alive_, then = std::move(then)](Answer answer) {
    loop.post([alive, then, answer = std::move(answer)]() mutable {
      if (*alive)
        then(std::move(answer));
    });
  };
}

template <class Answer>
catalog_store::callback<Answer> store_member::told(reply done) {
  return on_loop<Answer>([done = std::move(done)](const Answer& answer) { done(answer_of(answer)); });
}

void store_member::open(const json&, time_point deadline, reply done) {
  host_.store().open(deadline, told<expected<store_identity>>(std::move(done)));
}

void store_member::load(const json&, time_point deadline, reply done) {
  host_.store().load(deadline, told<expected<loaded>>(std::move(done)));
}

void store_member::follow(const json& request, time_point deadline, reply done) {
  host_.store().follow({request.at("from").get<std::uint64_t>()}, deadline, told<follow_result>(std::move(done)));
}

void store_member::commit(const json& request, time_point deadline, reply done) {
  ++commits_asked_;
  if (options_.defect == member_defect::forgets_commits && commits_asked_ % 10 == 0)
    return done(answer_of(committed{view_->at()}));
  if (options_.defect == member_defect::applies_twice)
    host_.store().commit({}, writes_in(request), make_uuid(), deadline, [](const commit_result&) {});
  host_.store().commit(guards_in(request), writes_in(request), id_in(request, "commit_id"), deadline,
                       told<commit_result>(std::move(done)));
}

void store_member::outcome(const json& request, time_point deadline, reply done) {
  host_.store().outcome(id_in(request, "commit_id"), deadline, told<expected<outcome_of_commit>>(std::move(done)));
}

void store_member::barrier(const json&, time_point deadline, reply done) {
  host_.store().barrier(deadline, told<expected<cursor>>(std::move(done)));
}

void store_member::open_session(const json& request, time_point deadline, reply done) {
  const auto incarnation = id_in(request, "incarnation");
  open_session_call call{id_in(request, "session"), host_.id, incarnation == uuid{} ? host_.incarnation : incarnation,
                         request.value("address", host_.address()), milliseconds{request.at("ttl_ms")}};
  host_.store().open_session(std::move(call), deadline, told<session_result>(std::move(done)));
}

void store_member::renew(const json& request, time_point deadline, reply done) {
  const auto incarnation = id_in(request, "incarnation");
  host_.store().renew({id_in(request, "session"), host_.id, incarnation == uuid{} ? host_.incarnation : incarnation},
                      deadline, told<session_result>(std::move(done)));
}

/// What it gets for its own session it acts for.
void store_member::claim(const json& request, time_point deadline, reply done) {
  const auto as = id_in(request, "session");
  const std::string resource = request.at("resource");
  host_.store().claim({as, resource, guards_in(request), writes_in(request), id_in(request, "commit_id")}, deadline,
                      on_loop<claim_result>([this, as, resource, done](const claim_result& answer) {
                        if (const auto* got = std::get_if<owned>(&answer); got != nullptr && as == session_now())
                          owner_.take(resource, got->epoch);
                        done(answer_of(answer));
                      }));
}

void store_member::transfer(const json& request, time_point deadline, reply done) {
  const std::string resource = request.at("resource");
  const std::uint64_t epoch = request.at("epoch");
  owner_.seal(resource, epoch);
  host_.store().transfer(
      {resource, epoch, id_in(request, "to"), guards_in(request), writes_in(request), id_in(request, "commit_id")},
      deadline, on_loop<claim_result>([this, resource, epoch, done](const claim_result& answer) {
        const auto* refusal = std::get_if<refused>(&answer);
        if (std::holds_alternative<no_session>(answer) || std::holds_alternative<conflicted>(answer) ||
            (refusal != nullptr && refusal->why.code != errc::unknown_outcome))
          owner_.unseal(resource, epoch);
        done(answer_of(answer));
      }));
}

void store_member::release(const json& request, time_point deadline, reply done) {
  const std::string resource = request.at("resource");
  const std::uint64_t epoch = request.at("epoch");
  owner_.seal(resource, epoch);
  host_.store().release({resource, epoch, id_in(request, "commit_id")}, deadline,
                        on_loop<release_result>([this, resource, epoch, done](const release_result& answer) {
                          const auto* refusal = std::get_if<refused>(&answer);
                          if (refusal != nullptr && refusal->why.code != errc::unknown_outcome)
                            owner_.unseal(resource, epoch);
                          done(answer_of(answer));
                        }));
}

void store_member::remove_node(const json& request, time_point deadline, reply done) {
  host_.store().remove_node({id_in(request, "node"), id_in(request, "commit_id")}, deadline,
                            told<commit_result>(std::move(done)));
}

void store_member::spread(const json& request, time_point deadline, reply done) {
  host_.store().wait_spread({request.at("cursor").get<std::uint64_t>()}, deadline,
                            told<expected<cluster::spread>>(std::move(done)));
}

void store_member::health(const json&, time_point, reply done) {
  done(answer_of(host_.store().health()));
}

/// Of the built-in engine only.
void store_member::move(const json& request, time_point deadline, reply done) {
  host_.store().call(move_call{id_in(request, "to"), id_in(request, "commit_id")}, deadline,
                     on_loop<store_answer>([done](const store_answer& answer) {
                       if (std::holds_alternative<committed>(answer) || std::holds_alternative<voided>(answer) ||
                           std::holds_alternative<refused>(answer))
                         return std::visit(
                             [&](const auto& each) {
                               if constexpr (requires { answer_of(each); })
                                 done(answer_of(each));
                             },
                             answer);
                       done(answer_of(refused{{errc::bug, "a move was answered with something else"}}));
                     }));
}

void store_member::status(const json&, time_point, reply done) {
  const auto point = host_.store().point();
  done({{"is", "status"},
        {"cursor", point->at.value},
        {"hash", to_string(point->hash)},
        {"primary", to_string(point->primary)},
        {"generation", point->identity.generation.counter},
        {"store_id", to_string(point->identity.store_id)},
        {"session", to_string(session_now())},
        {"seen", view_->at().value}});
}

/// The disk in memory.
void store_member::fill_disk(const json&, time_point, reply done) {
  memory_.set_capacity(0);
  done({{"is", "filled"}});
}

void store_member::free_disk(const json&, time_point, reply done) {
  memory_.fail_no_more();
  done({{"is", "freed"}});
}

/// A linearizable read: a barrier, then the own copy once it is there.
void store_member::read(const json& request, time_point deadline, reply done) {
  const std::string key = request.at("key");
  if (options_.defect == member_defect::stale_reads)
    return done(found(key));
  const auto reached = [this, key, deadline, done](const expected<cursor>& at) {
    if (!at)
      return done(answer_of(refused{at.error()}));
    // The engine's own copy is of that history already; this follower may not be.
    const auto generation = host_.store().point()->identity.generation.counter;
    view_->when_at({generation, *at}, deadline, [this, key, done](bool there) {
      done(there ? found(key) : answer_of(refused{{errc::unavailable, "the copy did not get there"}}));
    });
  };
  host_.store().barrier(deadline, on_loop<expected<cursor>>(reached));
}

/// Of its own copy, as a node writes them.
void store_member::backup(const json& request, time_point deadline, reply done) {
  const std::string path = request.at("path");
  const auto written = on_loop<expected<std::string>>([path, done](const expected<std::string>& text) {
    if (!text)
      return done(answer_of(refused{text.error()}));
    std::ofstream{path, std::ios::binary} << *text;
    done({{"is", "backed_up"}});
  });
  // On the store's thread the contents are those of this identity.
  host_.store().load(deadline, [&store = host_.store(), written](const expected<loaded>& all) {
    written(all.map([&](const loaded& contents) { return http::backup_text({store.point()->identity, contents}); }));
  });
}

json store_member::found(const std::string& key) const {
  const auto* stored = view_->find(key);
  return {{"is", "read"}, {"cursor", view_->at().value}, {"record", stored == nullptr ? json{} : to_json(*stored)}};
}

}  // namespace troupe::tests
