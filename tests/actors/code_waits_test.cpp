// Where code between nodes meets the actors that deploy and start functions.
#include <gtest/gtest.h>

#include <caf/actor_system_config.hpp>
#include <caf/logger.hpp>
#include <caf/scoped_actor.hpp>
#include <future>
#include <thread>

#include "actors/deployer.hpp"
#include "actors/function_supervisor.hpp"
#include "tests/support/temp_folder.hpp"

using namespace troupe;
using namespace troupe::actors;

namespace {

constexpr seconds patience{20};

/// Takes commits, and tells in which order they came.
class counting_store final : public cluster::catalog_store, public cluster::catalog_source {
public:
  template <class T>
  using callback = cluster::catalog_store::callback<T>;

  void open(time_point, callback<expected<cluster::store_identity>>) override {}
  void load(time_point, callback<expected<cluster::loaded>>) override {}
  void load_history(time_point, callback<expected<cluster::loaded_history>>) override {}
  void follow(cluster::cursor, time_point, callback<cluster::follow_result>) override {}
  void follow_history(const cluster::generation&, cluster::cursor, time_point,
                      callback<cluster::follow_result>) override {}
  void commit(std::vector<cluster::guard>, std::vector<cluster::write>, cluster::commit_id, time_point,
              callback<cluster::commit_result> done) override {
    ++commits;
    done(cluster::refused{{errc::unavailable, "this store keeps nothing"}});
  }
  void outcome(cluster::commit_id, time_point, callback<expected<cluster::outcome_of_commit>>) override {}
  void barrier(time_point, callback<expected<cluster::cursor>>) override {}
  void close() override {}
  std::atomic<int> commits{0};
};

class CodeWaitsTest : public testing::Test {
protected:
  CodeWaitsTest() {
    config.set("scheduler.policy", caf::atom("sharing"));
    config.set("scheduler.max-threads", std::size_t{1});
    system = std::make_unique<caf::actor_system>(config);
    loop.attach(*system);
    loop.start();
  }
  ~CodeWaitsTest() override {
    std::promise<void> left;
    loop.post([&] {
      caf::logger::set_current_actor_system(nullptr);
      left.set_value();
    });
    left.get_future().wait();
    const auto end = clock::now() + patience;
    while (system->registry().running() != 0 && clock::now() < end)
      std::this_thread::yield();
    EXPECT_EQ(system->registry().running(), 0u);
    system.reset();
    loop.stop();
  }

  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> system;
  event_loop loop{0, "control"};
};

/// What the deployer asked for, and how to go on.
struct asked_spread {
  std::vector<digest> blobs;
  std::function<void(code_copies)> done;
};

class DeployerCodeTest : public CodeWaitsTest {
protected:
  DeployerCodeTest() {
    around.files = &files;
    around.code = &code;
    around.store = &store;
    around.follower = &follower;
    around.registry = &registry;
    around.starts = std::make_shared<first_starts>();
    around.objects = std::make_shared<object_isolation>();
    around.try_runtime = [](const std::string&) { return expected<void>{}; };
    around.route_identity = [](const std::string& key) { return key; };
  }
  ~DeployerCodeTest() override { files.stop(); }

  /// Deploys a folder of two files.
  deployment_result_ptr deploy(const std::function<void()>& meanwhile = {}) {
    const auto target = spawn_on<deployer>(*system, loop, around);
    auto what = std::make_shared<deployment>();
    what->spec.name = "hello";
    what->spec.runtime = "nodejs";
    what->spec.handler = "index.handler";
    what->code = package;
    deployment_result_ptr result;
    caf::scoped_actor self{*system};
    auto handle = self->request(target, patience, deployment_ptr{what});
    if (meanwhile)
      meanwhile();
    handle.receive([&](const deployment_result_ptr& answer) { result = answer; },
                   [&](const caf::error& why) { ADD_FAILURE() << system->render(why); });
    self->send_exit(target, caf::exit_reason::user_shutdown);
    return result;
  }

  tests::temp_folder folder;
  work_thread files{"files", 16};
  functions::code_store code = std::move(*functions::code_store::open(folder.path()));
  counting_store store;
  catalog_follower follower{loop, store, [](cluster::catalog_snapshot_ptr) {}};
  function_registry registry{*system, {}};
  deployer_surroundings around;
  functions::manifest package = *functions::make_manifest({{"index.js", functions::file_mode::plain, 3, put("one"), {}},
                                                           {"lib.js", functions::file_mode::plain, 3, put("two"), {}}});

private:
  digest put(std::string_view text) {
    EXPECT_TRUE(code.blobs().put(text, sha256(text)));
    return sha256(text);
  }
};

}  // namespace

TEST_F(DeployerCodeTest, NothingIsCommittedBeforeTheCodeIsOnASecondDisk) {
  std::promise<asked_spread> asked;
  around.spread = [&](std::vector<digest> blobs, time_point, std::function<void(code_copies)> done) {
    asked.set_value({std::move(blobs), std::move(done)});
  };

  const auto result = deploy([&] {
    auto came = asked.get_future();
    ASSERT_EQ(came.wait_for(patience), std::future_status::ready);
    auto spread = came.get();
    EXPECT_EQ(spread.blobs, (std::vector{package.code(), sha256("one"), sha256("two")}));
    EXPECT_EQ(store.commits, 0);
    loop.post([done = std::move(spread.done)] { done({2, make_uuid(), {}}); });
  });

  ASSERT_TRUE(result);
  EXPECT_EQ(result->copies, 2u);
  EXPECT_EQ(store.commits, 1);
}

TEST_F(DeployerCodeTest, WithoutAnotherNodeItGoesOnAndSaysSo) {
  around.spread = [this](std::vector<digest>, time_point, std::function<void(code_copies)> done) {
    loop.post([done = std::move(done)] { done({1, {}, "no other node is in reach"}); });
  };
  const auto result = deploy();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->copies, 1u);
  EXPECT_EQ(store.commits, 1);
}

TEST_F(DeployerCodeTest, ANodeWithoutAClusterSaysNothingOfCopies) {
  const auto result = deploy();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->copies, 0u);
  EXPECT_EQ(store.commits, 1);
}

TEST_F(CodeWaitsTest, CodeThatHasNotComeYetIsNotReadyAndOpensNoBreaker) {
  auto around = std::make_shared<supervisor_surroundings>();
  around->loops.push_back(&loop);
  around->routers = std::make_shared<std::vector<router_actor>>();
  std::atomic<int> prepared{0};
  around->prepare = [&prepared](const functions::function_ref& spec, const supervisor_actor& supervisor) {
    ++prepared;
    caf::anon_send(supervisor, code_prepared{spec->version, {}, {}, {errc::not_ready, "on its way"}});
  };
  const auto supervisor = system->spawn<function_supervisor>(around);
  auto spec = std::make_shared<functions::function_spec>();
  spec->name = "waits";
  spec->version = 1;
  runnable what;
  what.spec = spec;
  what.load = std::make_shared<function_load>(1);
  caf::anon_send(supervisor, band_change{{0, cluster::no_max}});
  caf::anon_send(supervisor, what);

  caf::scoped_actor self{*system};
  for (int i = 1; i <= 10; ++i)
    self->request(supervisor, patience, await_atom::value, std::uint64_t{1})
        .receive(
            [&](const start_report& report) {
              EXPECT_FALSE(report.started);
              EXPECT_EQ(report.why.code, errc::not_ready) << "try " << i;
              EXPECT_EQ(prepared, i) << "each start looks for the code anew";
            },
            [&](const caf::error& why) { FAIL() << system->render(why); });
  self->send_exit(supervisor, caf::exit_reason::user_shutdown);
}
