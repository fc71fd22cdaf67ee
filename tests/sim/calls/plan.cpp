#include "plan.hpp"

namespace troupe::sim::calls {

namespace {

plan small(seeded& random) {
  plan made;
  made.nodes = random.between<std::size_t>(3, 7);
  made.max_loops = random.between<std::size_t>(1, 2);
  made.duration = instant{random.between(3, 12) * 1'000'000};
  made.request_interval = instant{random.between(5, 100) * 1'000};
  made.fault_interval = instant{random.between(200, 2'000) * 1'000};
  return made;
}

/// Every node has a link to every other: the work grows with the square.
plan large(seeded& random) {
  plan made;
  made.nodes = random.one_in(30) ? random.between<std::size_t>(100, 200) : random.between<std::size_t>(20, 60);
  made.duration = instant{random.between(2, 4) * 1'000'000};
  made.request_interval = instant{static_cast<std::int64_t>(made.nodes) * random.between(2, 8) * 1'000};
  made.fault_interval = instant{random.between(200, 1'000) * 1'000};
  return made;
}

void prepare_for(mutation defect, plan& made) {
  switch (defect) {
    case mutation::none: return;
    case mutation::retry_what_left: made.kills = made.breaks = true; return;
    case mutation::run_what_is_old: made.pauses = true; return;
    case mutation::keep_credit: made.large_bodies = 20; return;
    case mutation::keep_suspects: made.kills = true; return;
    case mutation::trust_records: made.kills = made.primary_last = true; return;
    case mutation::judge_while_late:
      made.pauses = made.partitions = true;
      made.fault_interval = instant{300'000};
      return;
  }
}

}  // namespace

plan make_plan(seeded& random, mutation defect) {
  auto made = defect == mutation::none && random.one_in(60) ? large(random) : small(random);
  made.functions = random.between<std::size_t>(1, 4);
  made.max_drift_ppm = random.one_in(2) ? 50'000 : 200;
  made.slow_links = random.one_in(3) ? 30 : 0;
  if (random.one_in(2))
    made.slow_bytes_per_s = 125'000;
  made.lost_reports = random.one_in(2) ? random.between<std::uint64_t>(1, 40) : 0;
  made.encrypted = random.one_in(2);
  made.max_body_bytes = random.one_in(2) ? 2'000 : 100'000;
  if (random.one_in(3))
    made.large_bodies = random.one_in(3) ? 30 : 5;
  made.longest_run = instant{random.one_in(2) ? 20'000 : 500'000};
  made.session_ttl = milliseconds{random.between(2, 10) * 1'000};
  if (random.one_in(4)) {
    made.limits.call_credit = 64 * 1024;
    made.limits.link_credit = 256 * 1024;
  }
  if (random.one_in(8))
    made.limits.max_calls = random.between<std::size_t>(2, 20);
  // Where nothing goes wrong nobody may be suspected and nothing lost, however much there is to do.
  made.calm = defect == mutation::none && random.one_in(6);
  for (auto* trouble :
       {&made.kills, &made.power_losses, &made.pauses, &made.suspends, &made.stalls, &made.partitions, &made.breaks,
        &made.mutes, &made.overloads, &made.crashes, &made.drains, &made.removals, &made.leaving})
    *trouble = random.one_in(2) && !made.calm;
  made.primary_last = !made.calm && !made.removals && random.one_in(3);
  if (made.calm && random.one_in(2)) {
    made.slow_links = 50;
    made.slow_bytes_per_s = 125'000;
    made.large_bodies = 20;
  }
  prepare_for(defect, made);
  return made;
}

}  // namespace troupe::sim::calls
