"""`troupe logs -f`: new lines only, over a restart of the node, until Ctrl-C; and what it says about lost lines."""
import json
import os
import signal
import subprocess
import unittest

import fake_admin
import support

PRINTS = "exports.handler = async (event) => { console.log('line ' + event.rawPath.split('/').pop()); return ''; };"


class Follower:
    """A running `troupe logs NAME -f` with what it wrote so far."""

    def __init__(self, url, *flags):
        self._dir = support.TempDir()
        self.paths = [os.path.join(self._dir.__enter__(), name) for name in ("out", "err")]
        with open(self.paths[0], "wb") as out, open(self.paths[1], "wb") as err:
            self.process = subprocess.Popen([support.TROUPE, "logs", "f", "-f", "--admin", url, *flags],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._dir.__exit__()

    def read(self, which=0):
        with open(self.paths[which], encoding="utf-8") as file:
            return file.read()

    def printed(self):
        """The numbers that the handler printed, in the order in which they came."""
        return [int(line.rsplit("line ", 1)[1]) for line in self.read().splitlines() if "line " in line]

    def wait_for(self, number):
        support.wait_until(lambda: number in self.printed(), f"line {number} of the log")

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(support.PATIENCE_S)


class FloodTest(unittest.TestCase):
    def test_each_line_of_a_flood_is_kept_or_counted(self):
        pieces, lines = 300, 1000
        handler = f"""
            exports.handler = async () => {{
              for (let i = 0; i < {pieces}; ++i) process.stdout.write('x\\n'.repeat({lines}));
              return 'done';
            }};"""
        with support.Node() as node:
            node.deploy_files("f", handler, "--timeout-s", "30")
            self.assertEqual(node.request("GET", "/f")[0], 200)

            def counted():
                log = json.loads(node.run("logs", "f", "--json", check=True).stdout)
                texts = [line["text"] for line in log["lines"]]
                # The lines END and REPORT are one entry.
                kept = sum(not text.startswith("END ") for text in texts)
                printed = {text.rsplit("\t", 1)[-1] for text in texts if "RequestId: " not in text}
                self.assertLessEqual(printed, {"x"})
                return log["dropped"] + log["overwritten"] + kept
            support.wait_until(lambda: counted() == pieces * lines + 2, "each line, START and REPORT are counted")


class FollowTest(unittest.TestCase):
    def test_new_lines_come_once_and_in_order_until_the_interrupt(self):
        with support.Node() as node:
            node.deploy_files("f", PRINTS)
            node.request("GET", "/f/1")
            with Follower(node.admin_url) as follower:
                follower.wait_for(1)
                for number in range(2, 6):
                    node.request("GET", f"/f/{number}")
                    follower.wait_for(number)
                self.assertEqual(follower.interrupt(), 0)
                self.assertEqual(follower.printed(), [1, 2, 3, 4, 5])
                self.assertEqual(follower.read(1), "")

    def test_it_survives_a_restart_of_the_node_with_one_line(self):
        with support.Node("--admin", "127.0.0.1:0") as node:
            node.deploy_files("f", PRINTS)
            node.request("GET", "/f/1")
            with Follower(node.admin_url) as follower:
                follower.wait_for(1)
                node.terminate()
                support.wait_until(lambda: follower.read(1), "a word about the node that is gone")
                node.flags = ["--admin", node.admin_address]
                node.start()
                for number in (2, 3):
                    node.request("GET", f"/f/{number}")
                    follower.wait_for(number)
                self.assertEqual(follower.interrupt(), 0)
                self.assertEqual(follower.printed(), [1, 2, 3])
                self.assertEqual(follower.read(1), f"troupe: the node at {node.admin_url} is out of reach; "
                                                   "waiting for it\n")

    def test_it_ends_when_the_function_is_removed(self):
        with support.Node() as node:
            node.deploy_files("f", PRINTS)
            with Follower(node.admin_url) as follower:
                node.request("GET", "/f/1")
                follower.wait_for(1)
                node.run("remove", "f", check=True)
                self.assertEqual(follower.process.wait(support.PATIENCE_S), 1)
                self.assertIn("'f' is not deployed", follower.read(1))

    def test_a_function_that_is_not_there(self):
        with support.Node() as node:
            done = node.run("logs", "f", "-f")
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("'f' is not deployed", done.stderr)


class LostLinesTest(unittest.TestCase):
    @staticmethod
    def answers(bodies):
        """Each request gets the next body, and the last one again and again."""
        left = list(bodies)
        return lambda *_: (200, {}, left.pop(0) if len(left) > 1 else left[0])

    @staticmethod
    def body(lines, after, **more):
        told = [{"unix_ms": 1, "node": "n1", "text": line} for line in lines]
        return {"function": "f", "lines": told, "next": after, "more": False, "overwritten": 0, "dropped": 0,
                "silent": [], **more}

    def test_what_was_overwritten_or_dropped_is_said(self):
        steps = [self.body(["line 1"], "a:2"), self.body(["line 9"], "a:10", overwritten=7),
                 self.body([], "a:10", dropped=1), self.body(["line 10"], "a:11", dropped=1)]
        with fake_admin.FakeAdmin(self.answers(steps)) as admin, Follower(admin.url) as follower:
            follower.wait_for(10)
            self.assertEqual(follower.interrupt(), 0)
            self.assertEqual(follower.read(1).splitlines(),
                             ["(7 entries overwritten before they could be read)",
                              "(1 entry dropped, which came too fast)"])
            self.assertEqual([path for _, path, _, _ in admin.requests[:4]],
                             ["/v1/functions/f/logs"] + [f"/v1/functions/f/logs?from=a:{n}" for n in (2, 10, 10)])

    def test_nodes_that_do_not_answer_are_named_once(self):
        steps = [self.body(["line 1"], "a:2"), self.body([], "a:2", silent=["n2", "n3"]),
                 self.body([], "a:2", silent=["n2", "n3"]), self.body(["line 2"], "a:3")]
        with fake_admin.FakeAdmin(self.answers(steps)) as admin, Follower(admin.url) as follower:
            follower.wait_for(2)
            self.assertEqual(follower.interrupt(), 0)
            self.assertEqual(follower.read(1), "(without the lines of n2, n3: no answer)\n")

    def test_what_there_is_more_is_read_at_once(self):
        steps = [self.body(["line 1"], "a:2", more=True, overwritten=3), self.body(["line 2"], "a:3", more=True),
                 self.body(["line 3"], "a:4", overwritten=4)]
        with fake_admin.FakeAdmin(self.answers(steps)) as admin:
            done = subprocess.run([support.TROUPE, "logs", "f", "--json", "--admin", admin.url], capture_output=True,
                                  text=True, check=True, timeout=support.PATIENCE_S)
            told = json.loads(done.stdout)
            self.assertEqual([line["text"] for line in told["lines"]], ["line 1", "line 2", "line 3"])
            self.assertEqual((told["next"], told["overwritten"], told["more"]), ("a:4", 7, False))
            self.assertEqual(len(admin.requests), 3)

    def test_with_json_each_line_is_an_object(self):
        with fake_admin.FakeAdmin(lambda *_: (200, {}, self.body(['say "line 1"'], "a:1"))) as admin:
            with Follower(admin.url, "--json") as follower:
                support.wait_until(lambda: "\n" in follower.read(), "a line")
                self.assertEqual(json.loads(follower.read().splitlines()[0]),
                                 {"unix_ms": 1, "node": "n1", "text": 'say "line 1"'})

    def test_a_line_names_its_node_on_request(self):
        with fake_admin.FakeAdmin(lambda *_: (200, {}, self.body(["line 1"], "a:1"))) as admin:
            with Follower(admin.url, "--with-node") as follower:
                support.wait_until(lambda: "\n" in follower.read(), "a line")
                self.assertEqual(follower.read().splitlines()[0], "n1\tline 1")

    def test_it_ends_with_its_reader(self):
        with fake_admin.FakeAdmin(lambda *_: (200, {}, self.body([], "a:1"))) as admin:
            process = subprocess.Popen([support.TROUPE, "logs", "f", "-f", "--admin", admin.url],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            support.wait_until(lambda: admin.requests, "the first poll")
            process.stdout.close()
            self.assertEqual(process.wait(support.PATIENCE_S), 0)


if __name__ == "__main__":
    unittest.main()
