#include "tests/fuzz/store_samples.hpp"

#include "cluster/store_codec.hpp"

namespace troupe::fuzz {

using namespace cluster;

std::vector<std::string> store_message_samples() {
  const uuid id = parse_uuid("00112233-4455-4677-8899-aabbccddeeff");
  const store_identity identity{id, {2, 3}, id, {5}};
  const std::vector<guard> guards{{"k", 7, 8}};
  const std::vector<cluster::write> writes{{"k", std::string("v\xff", 2), true, id}};
  const node_record node{id, "name", {"h:1", "h:2"}, 1, 2, 4, 1'024};
  const history_row row{{{1}, id, row_kind::voided, milliseconds{5}, sha256("b"), sha256("h")}, std::string("a\0b", 3)};
  std::vector<store_message> all{
      hello_message{node, id, store_role::primary, identity, {9}, sha256("x"), id, "p", "p:1", "halted"},
      subscribe_message{identity, {4}, sha256("y")},
      unsubscribe_message{},
      rows_message{{row, row}},
      load_message{3, true, identity, {7}, {{"k", "v", 6}}, {row.head}, "body"},
      load_next_message{4},
      level_message{{5}, sha256("z")},
      not_primary_message{12},
      not_fed_message{}};
  for (store_call call :
       std::vector<store_call>{commit_call{{guards, writes, id}}, outcome_call{id}, barrier_call{},
                               open_session_call{id, id, id, "a:1", seconds{9}}, renew_call{id, id, id},
                               claim_call{id, "r", guards, writes, id}, transfer_call{"r", 5, id, guards, writes, id},
                               release_call{"r", 5, id}, register_call{node, id}, remove_node_call{id, id},
                               move_call{id, id}, spread_call{{3}}})
    all.push_back(call_message{1, seconds{2}, std::move(call)});
  for (store_answer answer : std::vector<store_answer>{
           committed{{3}}, conflicted{{{"k", "v", 2}}}, voided{}, cluster::refused{{errc::full, "why"}},
           outcome_of_commit{settled::voided, {4}}, cluster::reached{{5}}, session_granted{seconds{3}, {4}},
           incarnation_alive{"a:1"}, no_session{session_end::superseded}, owned{7}, held{id, 8}, spread{{"a", "b"}}})
    all.push_back(answer_message{6, std::move(answer)});
  std::vector<std::string> bytes;
  for (const auto& each : all)
    bytes.push_back(encode(each));
  return bytes;
}

}  // namespace troupe::fuzz
