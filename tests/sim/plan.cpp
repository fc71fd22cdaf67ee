#include "plan.hpp"

namespace troupe::sim {

namespace {

plan small(seeded& random) {
  plan made;
  made.nodes = random.between<std::size_t>(3, 7);
  made.duration = instant{random.between(4, 20) * 1'000'000};
  made.operation_interval = instant{random.between(100, 1'500) * 1'000};
  made.fault_interval = instant{random.between(200, 3'000) * 1'000};
  return made;
}

plan large(seeded& random) {
  plan made;
  made.nodes = random.between<std::size_t>(50, 200);
  made.duration = instant{random.between(5, 8) * 1'000'000};
  made.operation_interval = instant{static_cast<std::int64_t>(made.nodes) * random.between(50, 100) * 1'000};
  made.fault_interval = instant{random.between(200, 1'000) * 1'000};
  made.tick_interval = milliseconds{250};
  return made;
}

}  // namespace

plan make_plan(seeded& random, mutation defect) {
  auto made = defect == mutation::none && random.one_in(100) ? large(random) : small(random);
  made.ttl = milliseconds{random.one_in(3) ? 1'000 : 2'000};
  made.max_drift_ppm = random.one_in(2) ? 50'000 : 200;
  made.slow_links = random.one_in(3) ? 30 : 0;
  made.disk_time = instant{random.one_in(4) ? 300'000 : random.between(1, 20) * 1'000};
  made.on_the_wire = random.one_in(8);
  made.followers = random.one_in(2);
  if (random.one_in(3)) {
    made.limits.log_commits = random.between<std::size_t>(5, 50);
    made.limits.history_rows = random.between<std::size_t>(5, 500);
  }
  // Longer than anybody repeats a call (clients.cpp).
  if (random.one_in(4))
    made.limits.id_lifetime = milliseconds{15'000};
  for (auto* trouble : {&made.crashes, &made.power_losses, &made.pauses, &made.suspends, &made.cuts, &made.partitions,
                        &made.full_disks, &made.failing_writes, &made.moves, &made.joins, &made.losses, &made.backups})
    *trouble = random.one_in(2);
  if (defect == mutation::acknowledge_before_fsync) {
    made.power_losses = true;
    made.full_disks = made.failing_writes = false;  // nobody is there to be told
  }
  if (defect == mutation::renew_while_moving)
    made.moves = made.partitions = true;
  return made;
}

}  // namespace troupe::sim
