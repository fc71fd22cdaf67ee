"""Workers come with demand, change with deployments, and never outlive their node."""
import json
import os
import threading
import time
import unittest

import support

SLEEPER = """
exports.handler = async (event) => {
  await new Promise((done) => setTimeout(done, Number(event.queryStringParameters?.ms ?? 0)));
  return {statusCode: 200, body: String(process.pid)};
};"""


class ScalingTest(unittest.TestCase):
    def test_waiting_calls_bring_instances(self):
        with support.Node("--set", "queue.max_age=20s", "--set", "queue.shedding=off") as node:
            node.deploy_files("f", SLEEPER, "--timeout-s", "20")
            began = time.monotonic()
            answers = support.parallel(10, lambda _: node.request("GET", "/f?ms=1000"))
            took = time.monotonic() - began

            self.assertEqual([status for status, _, _ in answers], [200] * 10)
            self.assertLess(took, 10)
            pids = {body for _, _, body in answers}
            self.assertGreaterEqual(len(pids), 2)
            listed = json.loads(node.run("list", "--json").stdout)["functions"][0]
            self.assertGreaterEqual(listed["instances"]["ready"], len(pids))

    def test_concurrency_shares_an_instance(self):
        with support.Node() as node:
            node.deploy_files("f", SLEEPER, "--concurrency", "20")
            began = time.monotonic()
            answers = support.parallel(20, lambda _: node.request("GET", "/f?ms=300"))

            self.assertLess(time.monotonic() - began, 3)
            self.assertEqual({status for status, _, _ in answers}, {200})
            self.assertEqual(len({body for _, _, body in answers}), 1)

    def test_concurrency_1_never_overlaps_calls(self):
        with support.Node() as node:
            node.deploy_files("f", """let inside = 0, most = 0;
exports.handler = async () => {
  most = Math.max(most, ++inside);
  await new Promise((done) => setTimeout(done, 20));
  --inside;
  return most;
};""",
                              "--timeout-s", "20")
            answers = support.parallel(8, lambda _: [node.request("GET", "/f") for _ in range(5)])
            self.assertEqual({(status, body) for calls in answers for status, _, body in calls}, {(200, b"1")})

    def test_two_loops_share_the_work(self):
        with support.Node(loops=2) as node:
            node.deploy_files("f", SLEEPER)
            answers = support.parallel(16, lambda _: [node.request("GET", "/f?ms=1") for _ in range(10)])
            self.assertEqual({status for calls in answers for status, _, _ in calls}, {200})


class UpdateTest(unittest.TestCase):
    def version(self, name):
        return ("exports.handler = async () => { await new Promise((d) => setTimeout(d, 5)); "
                f"return {{statusCode: 200, body: '{name}'}}; }};")

    def test_under_load_fails_no_request(self):
        with support.Node() as node:
            node.deploy_files("f", self.version("v1"), "--concurrency", "4", "--timeout-s", "20")
            stop = threading.Event()
            seen = [[] for _ in range(4)]

            def load(i):
                while not stop.is_set():
                    seen[i].append(node.request("GET", "/f"))
            threads = [threading.Thread(target=load, args=(i,)) for i in range(4)]
            for thread in threads:
                thread.start()
            try:
                for version in range(2, 6):
                    node.deploy_files("f", self.version(f"v{version}"), "--concurrency", "4", "--timeout-s", "20")
                    self.assertEqual(node.request("GET", "/f")[2], f"v{version}".encode())
            finally:
                stop.set()
                for thread in threads:
                    thread.join()

            failed = [answer for answers in seen for answer in answers if answer[0] != 200]
            self.assertEqual(failed, [])
            for answers in seen:
                bodies = [body for _, _, body in answers]
                self.assertEqual(bodies, sorted(bodies), "an older version answered after a newer one")

    def test_running_calls_finish_on_the_old_code(self):
        with support.Node() as node:
            node.deploy_files("f", SLEEPER, "--timeout-s", "20")
            with node.connect() as client:
                client.send("GET /f?ms=1500 HTTP/1.1\r\nhost: a\r\n\r\n")
                node.deploy_files("f", self.version("new"))
                self.assertEqual(node.request("GET", "/f")[2], b"new")
                answer = client.response()
            self.assertEqual(answer.status, 200)
            self.assertTrue(answer.body.isdigit(), answer.body)

    def test_with_broken_code_its_error_is_the_answer_until_the_next(self):
        with support.Node() as node:
            node.deploy_files("f", self.version("good"))
            broken = node.deploy_files("f", "throw new Error('broken now');", "--handler", "index.handler", check=False)
            self.assertEqual(broken.returncode, 1)
            self.assertIn("broken now", broken.stderr)
            status, headers, _ = node.request("GET", "/f")
            self.assertEqual((status, headers["x-troupe-error"]), (500, "init_failed"))
            node.deploy_files("f", self.version("mended"))
            self.assertEqual(node.request("GET", "/f")[2], b"mended")

    def test_removal_ends_the_worker(self):
        with support.Node() as node:
            node.deploy_files("f", SLEEPER)
            pid = int(node.request("GET", "/f")[2])
            node.run("remove", "f", check=True)
            self.assertEqual(node.request("GET", "/f")[0], 404)
            support.wait_until(lambda: not support.is_alive(pid), "the end of the removed function's worker", 10)


class NodeDeathTest(unittest.TestCase):
    CODE = """
const {spawn} = require('child_process');
exports.handler = async (event) => {
  const act = event.rawPath.split('/').pop();
  if (act === 'child') {
    const child = spawn('sleep', ['1000'], {stdio: 'ignore'});
    return {statusCode: 200, body: `${process.pid} ${child.pid}`};
  }
  if (act === 'detached') {
    const child = spawn('sh', ['-c', 'sleep 1000 & sleep 1000'], {stdio: 'ignore', detached: true});
    child.unref();
    return {statusCode: 200, body: `${process.pid} ${child.pid}`};
  }
  if (act === 'spin') for (;;) ;
  return {statusCode: 200, body: String(process.pid)};
};"""

    def gone_after(self, node, *waiting_for):
        """Kills the node and measures how long its descendants live."""
        for pid in waiting_for:
            self.assertTrue(support.is_alive(pid))
        below = set(node.pids()) - {node.pid} | set(waiting_for)
        node.kill()
        began = time.monotonic()
        while alive := [pid for pid in below if support.is_alive(pid)]:
            took = time.monotonic() - began
            if took > 5:
                break
            time.sleep(0.005)
        took = time.monotonic() - began
        for pid in alive:
            os.kill(pid, 9)
        self.assertEqual(alive, [])
        self.assertLess(took, 0.5)

    def test_takes_idle_workers(self):
        with support.Node() as node:
            node.deploy_files("f", self.CODE)
            self.gone_after(node, int(node.request("GET", "/f")[2]))

    def test_takes_a_worker_in_an_endless_loop(self):
        with support.Node() as node:
            node.deploy_files("f", self.CODE, "--timeout-s", "60")
            pid = int(node.request("GET", "/f")[2])
            with node.connect() as client:
                client.send("GET /f/spin HTTP/1.1\r\nhost: a\r\n\r\n")

                def spent():
                    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                        return int(stat.read().rsplit(")", 1)[1].split()[11])
                before = spent()
                support.wait_until(lambda: spent() > before + 5, "the worker burns processor time")
                self.gone_after(node, pid)

    def test_takes_grandchildren(self):
        with support.Node() as node:
            node.deploy_files("f", self.CODE)
            self.gone_after(node, *map(int, node.request("GET", "/f/child")[2].split()))

    def test_takes_grandchildren_of_other_sessions(self):
        with support.Node() as node:
            node.deploy_files("f", self.CODE)
            self.gone_after(node, *map(int, node.request("GET", "/f/detached")[2].split()))

    def test_orphans_of_a_crashed_worker_go_too(self):
        with support.Node() as node:
            node.deploy_files("f", self.CODE)
            worker, child = map(int, node.request("GET", "/f/detached")[2].split())
            os.kill(worker, 9)
            support.wait_until(lambda: not support.is_alive(worker), "the end of the killed worker")
            support.wait_until(lambda: not support.is_alive(child), "the end of what the worker had started", 5)

    def test_orderly_end_leaves_nothing(self):
        with support.Node() as node:
            node.deploy_files("f", self.CODE, "--timeout-s", "60")
            pids = [*map(int, node.request("GET", "/f/detached")[2].split()), *node.pids()]
            self.assertEqual(node.terminate(), 0)
            self.assertEqual([pid for pid in pids if support.is_alive(pid)], [])


if __name__ == "__main__":
    unittest.main()
