"""Tests how instructions that callgrind counted are shared out over features, and what becomes of them."""
import unittest

import support
import callgrind
import costs

# A connection reads a head (which calls memcpy), counts (inlined), and logs (which calls a library that calls memcpy).
CALLS = """\
# callgrind format
version: 1
positions: line
events: Ir

ob=(1) /x/build/troupe
fl=(1) /x/http/connection.cpp
fn=(1) troupe::http::connection::answer()
10 100
fi=(2) /x/config/metrics.hpp
20 7
+1 3
fe=(1)
11 5
cfi=(3) /x/http/request_head.cpp
cfn=(2) troupe::http::read_head()
calls=4 30
11 60
cfi=(4) /x/http/access_log.cpp
cfn=(3) troupe::http::access_log::write()
calls=4 40
12 90

fl=(3)
fn=(2)
30 40
cob=(2) /lib/libc.so.6
cfi=(5) ./string/memcpy.S
cfn=(4) memcpy
calls=4 1
* 20

fl=(4)
fn=(3)
40 30
cob=(3) /lib/libfmt.so.9
cfi=(6) /usr/include/fmt/format.h
cfn=(5) fmt::format()
calls=4 50
41 60

ob=(3)
fl=(6)
fn=(5)
50 20
cob=(2)
cfi=(5)
cfn=(4)
calls=8 1
51 40

ob=(2)
fl=(5)
fn=(4)
1 60

totals: 265
"""


class CallgrindTest(unittest.TestCase):
    def setUp(self):
        self.profile = callgrind.read(CALLS.splitlines(keepends=True))

    def test_every_instruction_is_counted_once(self):
        self.assertEqual(self.profile.total, 265)
        self.assertAlmostEqual(sum(callgrind.share_out(self.profile).values()), 265)

    def test_inlined_lines_belong_to_the_file_that_they_stand_in(self):
        self.assertEqual(callgrind.share_out(self.profile)["counting (metrics)"], 10)

    def test_what_libraries_do_belongs_to_their_callers(self):
        shares = callgrind.share_out(self.profile)
        self.assertAlmostEqual(shares["reading heads and bodies"], 40 + 20)
        self.assertAlmostEqual(shares["the log of requests"], 30 + 20 + 40)

    def test_what_nobody_called_is_named_too(self):
        alone = callgrind.read(["ob=/lib/ld.so\n", "fl=./start.S\n", "fn=_start\n", "1 9\n"])
        self.assertEqual(callgrind.share_out(alone), {callgrind.OTHER: 9})

    def test_libraries_that_call_each_other_lose_nothing(self):
        cycle = callgrind.read(["ob=/lib/a.so\n", "fl=./a.c\n", "fn=(1) one\n", "1 5\n", "cfn=(2) two\n", "calls=1 1\n",
                                "1 8\n", "fn=(2)\n", "1 3\n", "cfn=(1)\n", "calls=1 1\n", "1 8\n"])
        self.assertEqual(callgrind.share_out(cycle), {callgrind.OTHER: 8})

    def test_instructions_stand_beside_the_time_outside_the_kernel(self):
        found = support.results(plain=[10.0])
        found.rounds[("plain", 1, 64)][0]["user_us"] = 4.0
        counted = {"plain": {"counting (metrics)": 50.0, "all else": 150.0}, "log": {"all else": 300.0}}
        self.assertEqual(costs.shares(found, counted).rows, [["all else", "150", "75.0", "3.00", "300"],
                                                             ["counting (metrics)", "50", "25.0", "1.00", "0"],
                                                             ["together", "200", "100.0", "4.00", "300"]])


if __name__ == "__main__":
    unittest.main()
