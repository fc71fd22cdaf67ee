"""What a node sends a Node.js worker of events that are alike: some dozens whole, then their shape once, and from there on
only what differs. That the events stay the same is in test_functions_event.py."""
import itertools
import os
import re
import signal
import unittest

import support
import wire
from system_calls import Traced, thread_named

HANDLER = "exports.handler = async (event) => ({statusCode: 200, body: String(process.pid)});"
CALL, SHAPE, SHAPED_CALL = 4, 14, 15  # functions/frame.hpp
CALLS = 48
SENT = re.compile(r'sendto\(\d+, "((?:\\x[0-9a-f]{2})*)"')


def frame_kinds(sent):
    """The kinds of the frames that these bytes are; none for bytes that are something else."""
    kinds = []
    while sent:
        length = int.from_bytes(sent[:4], "little")
        frame, sent = sent[4:4 + length], sent[4 + length:]
        if len(frame) < 2 or len(frame) != length or frame[0] >> 4 != 9:
            return []
        kinds.append(frame[1])
    return kinds


class ShapesTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(support.TempDir())
        self.node = self.enterContext(support.Node())
        self.node.deploy_files("pid", HANDLER, "--max-instances", "1")

    def call(self, number):
        with self.node.connect() as client:
            answer = client.exchange(wire.get(f"/pid?number={number}"))
        self.assertEqual(answer.status, 200, answer)
        return int(answer.body)

    def sent_to_one_worker(self):
        """Its process, and of each kind of frame that calls are made of, how many it got, in their order."""
        with Traced(thread_named(self.node.pid, "loop-0"), self.folder, "sendto", "-xx", "-s", "65536") as traced:
            pids = {self.call(number) for number in range(CALLS)}
        self.assertEqual(len(pids), 1)
        sent = [SENT.match(line) for line in traced.lines]
        kinds = [kind for one in sent if one for kind in frame_kinds(bytes.fromhex(one[1].replace("\\x", "")))]
        calls = [kind for kind in kinds if kind in (CALL, SHAPE, SHAPED_CALL)]
        return pids.pop(), [(kind, len(list(those))) for kind, those in itertools.groupby(calls)]

    def test_each_worker_is_told_a_shape_once_and_then_only_what_differs(self):
        first, sent = self.sent_to_one_worker()
        self.assertEqual([kind for kind, _ in sent], [CALL, SHAPE, SHAPED_CALL], sent)
        (_, whole), (_, told), (_, shaped) = sent
        self.assertEqual((told, whole + shaped), (1, CALLS), sent)

        os.kill(first, signal.SIGKILL)
        support.wait_until(lambda: "instance_ended" in self.node.log(), "the node's notice of the worker's end")
        second, sent_again = self.sent_to_one_worker()

        self.assertNotEqual(second, first)
        self.assertEqual(sent_again, sent, "a new worker knows nothing of the one before")


if __name__ == "__main__":
    unittest.main()
