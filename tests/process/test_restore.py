"""Backups that a node writes, and a store that is made of one: `troupe restore FILE`, alone and in a cluster."""
import itertools
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest

import load
import support
from cluster import Cluster

HELLO = "exports.handler = async () => 'hello';"


def restore(node, *arguments):
    return support.run_on_directory("restore", node, *arguments)


def functions_of(node):
    return [each["name"] for each in json.loads(node.run("list", "--json", check=True).stdout)["functions"]]


class RestoreFileTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(support.TempDir())
        self.backup = os.path.join(self.folder, "backup.ndjson")

    def test_a_node_goes_back_to_its_backup(self):
        with support.Node() as node:
            node.deploy_files("kept", HELLO)
            node.run("backup", self.backup, check=True)
            node.deploy_files("later", HELLO)
            running = restore(node, self.backup)
            self.assertEqual((running.returncode, running.stdout), (1, ""))
            self.assertIn("is in use by another node", running.stderr)
            self.assertEqual(node.terminate(), 0)
            done = restore(node, self.backup)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("later commits are gone", done.stdout)
            self.assertIn(os.path.join(os.path.abspath(node.data_dir), "store.db.set-aside"), done.stdout)
            node.start()
            self.assertEqual(functions_of(node), ["kept"])
            self.assertEqual(node.request("GET", "/kept")[2], b"hello")
            node.deploy_files("again", HELLO)
            self.assertEqual(node.terminate(), 0)
            node.start()
            self.assertEqual(functions_of(node), ["again", "kept"])

    @unittest.skipUnless(os.geteuid() == 0, "only root can restore for another user")
    def test_what_root_restores_belongs_to_the_user_of_the_node(self):
        user = 65534
        data_dir = os.path.join(self.folder, "data")
        secret = os.path.join(self.folder, "secret")
        support.write_files(self.folder, {"secret": "of root"})

        def owners():
            return {os.lstat(os.path.join(folder, name)).st_uid
                    for folder, _, names in os.walk(data_dir) for name in [*names, "."]}
        with support.Node(data_dir=data_dir) as node:
            node.deploy_files("kept", HELLO)
            node.run("backup", self.backup, check=True)
            self.assertEqual(node.terminate(), 0)
            os.chmod(self.backup, 0o600)
            self.assertEqual(restore(node, self.backup).returncode, 0)
            self.assertEqual(owners(), {0}, "root started the node")

            subprocess.run(["chown", "-R", f"{user}:{user}", data_dir], check=True)
            os.chown(os.path.join(data_dir, "lock"), 0, 0)
            os.symlink(secret, os.path.join(data_dir, "link"))
            os.link(secret, os.path.join(data_dir, "second-name"))
            done = restore(node, self.backup)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(os.stat(secret).st_uid, 0)
            for name in ("link", "second-name"):
                os.unlink(os.path.join(data_dir, name))
            self.assertEqual(owners(), {user})

            shutil.rmtree(data_dir)
            os.mkdir(data_dir, 0o700)
            os.chown(data_dir, user, user)
            self.assertEqual(restore(node, self.backup).returncode, 0)
            self.assertEqual(owners(), {user}, "of a directory in which no node was started")
            self.assertIn("store.db", os.listdir(data_dir))

    @unittest.skipUnless(os.geteuid() == 0, "only root can restore for another user")
    def test_root_that_can_give_nothing_to_the_user_of_the_node_is_told(self):
        data_dir = os.path.join(self.folder, "data")
        with support.Node() as node:
            node.run("backup", self.backup, check=True)
        os.mkdir(data_dir)
        os.chown(data_dir, 65534, 65534)

        def restore_without_the_right(*arguments):
            words = ["setpriv", "--bounding-set=-chown", *support.directory_command("restore", data_dir, *arguments)]
            return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=support.PATIENCE_S, env=support.environment_without_settings())
        done = restore_without_the_right(self.backup, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(json.loads(done.stdout)["not_given"], f"^cannot change the owner of {data_dir}/.*not permitted$")
        self.assertIn("the new store is root's: cannot change the owner", done.stderr)
        refused = restore_without_the_right("--from-copy", "--old-primary-stopped")
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertRegex(refused.stderr, "there is no copy to go on from.*what it made is root's: cannot change the owner")

    def test_an_empty_directory_gets_what_was_deployed_and_is_told_whose_code_is_missing(self):
        with support.Node() as node:
            node.deploy_files("one", HELLO, "--route", "GET /a")
            node.deploy_files("two", HELLO + "// other code\n")
            node.run("backup", self.backup, check=True)
        with support.Node(data_dir=os.path.join(self.folder, "fresh"), start=False) as fresh:
            done = restore(fresh, self.backup, "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout)["code_missing"], ["one", "two"])
            self.assertIsNone(json.loads(done.stdout)["set_aside"])
            self.assertIn("one, two", done.stderr)
            fresh.start()
            self.assertEqual(functions_of(fresh), ["one", "two"])
            self.assertEqual(list(json.loads(fresh.run("nodes", "--json", check=True).stdout)[0]["functions"]), [])
            self.assertGreaterEqual(fresh.request("GET", "/a")[0], 500)
            fresh.deploy_files("one", HELLO, "--route", "GET /a")
            self.assertEqual(fresh.request("GET", "/a")[2], b"hello")

    def test_a_damaged_store_is_replaced_and_kept(self):
        with support.Node() as node:
            node.deploy_files("kept", HELLO)
            node.run("backup", self.backup, check=True)
            node.terminate()
            path = os.path.join(node.data_dir, "store.db")
            with open(path, "r+b") as file:
                file.seek(5000)
                file.write(b"\xff" * 3000)
            done = restore(node, self.backup, "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            aside = json.loads(done.stdout)["set_aside"]
            with open(aside, "rb") as file:
                file.seek(5000)
                self.assertEqual(file.read(3000), b"\xff" * 3000)
            node.start()
            self.assertEqual(node.request("GET", "/kept")[2], b"hello")

    def test_what_is_no_whole_backup_is_refused_and_nothing_is_touched(self):
        with support.Node() as node:
            node.deploy_files("kept", HELLO)
            node.run("backup", self.backup, check=True)
        with open(self.backup, "rb") as file:
            whole = file.read()
        lines = whole.splitlines(keepends=True)
        changed = whole.replace(b'"cursor":', b'"Cursor":', 1)
        newer = whole.replace(b'"troupe_backup":1', b'"troupe_backup":2', 1)
        fresh = os.path.join(self.folder, "untouched")
        for text, named in ((whole[:-10], "line"), (b"".join(lines[:-1]), "line"), (changed, "line 1"),
                            (newer, "newer troupe"), (b"", "line 1"), (b"\0" * 100, "line 1")):
            with open(self.backup, "wb") as file:
                file.write(text)
            done = support.run_on_directory("restore", fresh, self.backup)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(named, done.stderr)
            self.assertFalse(os.path.exists(fresh))
        missing = support.run_on_directory("restore", fresh, self.backup + ".none")
        self.assertEqual((missing.returncode, missing.stdout), (1, ""))

    def test_the_command_line_says_what_is_wanted(self):
        for arguments, named in (([], "--from-copy"), ([self.backup, "--from-copy"], "--from-copy"),
                                 (["--from-copy"], "--old-primary-stopped"), (["--from-copi"], "--from-copy")):
            done = support.run_on_directory("restore", self.folder, *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn(named, done.stderr)
        empty = support.run_on_directory("restore", self.folder, "--from-copy", "--old-primary-stopped")
        self.assertEqual((empty.returncode, empty.stdout), (1, ""))
        self.assertIn("holds no copy", empty.stderr)

    def test_a_kill_at_any_point_leaves_the_old_store_or_the_new_one(self):
        with support.Node() as node:
            for number in range(3):
                node.deploy_files(f"f{number}", HELLO)
            node.run("backup", self.backup, check=True)
            node.terminate()
            began = time.monotonic()
            self.assertEqual(restore(node, self.backup).returncode, 0)
            took = time.monotonic() - began
            most_s = 1.2 * took
            chance = random.Random(8)
            outcomes = set()
            # No node starts in between: each of them replaces what the first one replaced.
            parent = store_of(node.data_dir)["parent_store"]
            for _ in range(25):
                before = store_of(node.data_dir)
                process = subprocess.Popen(support.directory_command("restore", node, self.backup),
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                           env=support.environment_without_settings())
                try:
                    # No condition to wait for: the kill is to come anywhere.
                    process.wait(timeout=chance.uniform(0, most_s))
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                after = store_of(node.data_dir)
                self.assertEqual(after["parent_store"], parent)
                was_early = after["store_id"] == before["store_id"]
                outcomes.add(was_early)
                # As long as it takes now, on a machine that may be busy with other things.
                most_s *= 1.15 if was_early else 0.9
                self.assertEqual(after["functions"], before["functions"])
            self.assertEqual(outcomes, {True, False})
            aside = [name for name in os.listdir(node.data_dir) if name.startswith("store.db.set-aside")]
            self.assertEqual([name for name in aside if not name.endswith("-journal")], ["store.db.set-aside"])
            node.start()
            self.assertEqual(functions_of(node), ["f0", "f1", "f2"])
            node.deploy_files("after", HELLO)


def store_of(data_dir):
    """What the file of a node that does not run holds. A copy is read, so that nothing of it changes."""
    with support.TempDir() as folder:
        for name in ("store.db", "store.db-journal"):
            if os.path.exists(os.path.join(data_dir, name)):
                shutil.copy(os.path.join(data_dir, name), folder)
        with sqlite3.connect(os.path.join(folder, "store.db")) as file:
            whole = file.execute("PRAGMA integrity_check").fetchone()[0]
            if whole != "ok":
                raise AssertionError(whole)
            store_id, parent = file.execute("SELECT store_id, parent_store FROM identity").fetchone()
            keys = [key.decode() for key, in file.execute("SELECT key FROM records ORDER BY key")]
        file.close()
    return {"store_id": store_id, "parent_store": parent,
            "functions": [key for key in keys if key.startswith("function/")]}


class ConsistencyTest(unittest.TestCase):
    def test_a_backup_of_a_node_that_is_being_deployed_to_is_one_moment_of_it(self):
        with support.Node() as node, support.TempDir() as folder:
            numbers = itertools.count()
            seen = set()

            def deploy():
                number = next(numbers)
                node.deploy_files(f"f{number}", HELLO, "--route", f"GET /r{number}")

            def look():
                path = os.path.join(folder, f"{next(numbers)}.ndjson")
                node.run("backup", path, check=True)
                with open(path, encoding="utf-8") as file:
                    head, *records, _ = map(json.loads, file)
                keys = {record["key"] for record in records}
                routes = {key.rsplit("r", 1)[1] for key in keys if key.startswith("route/default/")}
                functions = {key.rsplit("f", 1)[1] for key in keys if key.startswith("function/")}
                self.assertEqual(routes, functions)
                self.assertLessEqual(max(record["revision"] for record in records), head["cursor"])
                seen.add(head["cursor"])
                return len(seen) >= 4
            with load.Clients(1, deploy):
                support.wait_until(look, "four different backups")


class ClusterFileTest(unittest.TestCase):
    def test_a_cluster_goes_back_to_a_backup_of_its_primary(self):
        with Cluster(2) as cluster, support.TempDir() as folder:
            first, second = cluster
            backup = os.path.join(folder, "backup.ndjson")
            cluster.deploy("kept", HELLO, at=list(cluster))
            cluster.wait_level()
            second.run("backup", backup, check=True)
            second.deploy_files("later", HELLO)
            first.terminate()
            done = restore(first, backup, "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout)["reached"], ["n2"])
            first.start()
            support.wait_until(lambda: functions_of(second) == ["kept"], "n2 follows")
            cluster.wait_level()
            for node in cluster:
                self.assertEqual(node.request("GET", "/kept")[2], b"hello")
            cluster.wait_together()
            second.deploy_files("after", HELLO)
            self.assertIn("commits_set_aside", dict(second.events()))

    def test_a_restore_that_is_repeated_before_the_node_starts_replaces_the_one_before(self):
        with Cluster(2) as cluster, support.TempDir() as folder:
            first, second = cluster
            wrong, right = (os.path.join(folder, name) for name in ("wrong.ndjson", "right.ndjson"))
            first.run("backup", wrong, check=True)
            cluster.deploy("kept", HELLO, at=list(cluster))
            first.run("backup", right, check=True)
            second.deploy_files("later", HELLO)
            cluster.wait_level()
            first.terminate()
            once = restore(first, wrong, "--json")
            self.assertEqual(once.returncode, 0, once.stderr)
            twice = restore(first, right, "--json")
            self.assertEqual(twice.returncode, 0, twice.stderr)
            for named in ("parent", "set_aside"):  # but for the cursor of the backup
                before, after = json.loads(once.stdout)[named], json.loads(twice.stdout)[named]
                self.assertEqual(*(each["store_id"] if named == "parent" else each for each in (before, after)))
            first.start()
            support.wait_until(lambda: functions_of(second) == ["kept"], "n2 follows")
            cluster.wait_together()
            second.deploy_files("after", HELLO)
            self.assertEqual(functions_of(first), ["after", "kept"])

    def test_a_copy_takes_a_backup_only_when_its_primary_is_said_to_be_stopped(self):
        with Cluster(2) as cluster, support.TempDir() as folder:
            first, second = cluster
            backup = os.path.join(folder, "backup.ndjson")
            first.run("backup", backup, check=True)
            cluster.wait_level()
            for node in cluster:
                node.terminate()
            refused = restore(second, backup)
            self.assertEqual((refused.returncode, refused.stdout), (1, ""))
            for named in ("n1", "--old-primary-stopped"):
                self.assertIn(named, refused.stderr)
            self.assertEqual(restore(second, backup, "--old-primary-stopped").returncode, 0)


    def test_a_backup_in_an_empty_directory_takes_no_cluster_over_unasked(self):
        with Cluster(1) as cluster, support.TempDir() as folder:
            backup = os.path.join(folder, "backup.ndjson")
            cluster[0].deploy_files("kept", HELLO)
            cluster[0].run("backup", backup, check=True)
            fresh = os.path.join(folder, "fresh")
            join = ["--set", "cluster=127.0.0.1:0", "--set", "join=" + cluster[0].cluster_address]
            refused = support.run_on_directory("restore", fresh, backup, *join)
            self.assertEqual((refused.returncode, refused.stdout), (1, ""))
            for named in ("n1", "join", "--old-primary-stopped"):
                self.assertIn(named, refused.stderr)
            done = support.run_on_directory("restore", fresh, backup, "--json", "--old-primary-stopped", *join)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(json.loads(done.stdout)["code_elsewhere"], ["kept"])


class PeriodicBackupTest(unittest.TestCase):
    @staticmethod
    def files(node):
        folder = os.path.join(node.data_dir, "backups")
        return sorted(name for name in os.listdir(folder) if name.endswith(".ndjson")) if os.path.isdir(folder) else []

    def view(self, node):
        return json.loads(node.run("nodes", "--json", check=True).stdout)[0]["store"]

    def test_they_are_written_and_only_the_newest_are_kept(self):
        with support.Node("--set", "store.backup_interval=1s", "--set", "store.backup_keep=2") as node:
            support.wait_until(lambda: self.files(node), "the first backup")
            seen = set(self.files(node))
            for number in range(3):
                node.deploy_files(f"f{number}", HELLO)
                seen.add(support.wait_until(lambda: (set(self.files(node)) - seen or [None]).copy().pop(), "a backup"))
                support.wait_until(lambda: len(self.files(node)) <= 2, "the end of the oldest backup")
            newest = os.path.join(node.data_dir, "backups", self.files(node)[-1])
            self.assertEqual(os.stat(newest).st_mode & 0o777, 0o600)
            age = support.wait_until(lambda: self.view(node)["backup_age_ms"] is not None and self.view(node), "an age")
            self.assertLess(age["backup_age_ms"], 60_000)
            # What says the same is not written again, only marked.
            before = os.stat(newest).st_mtime_ns
            support.wait_until(lambda: os.stat(newest).st_mtime_ns > before, "the mark of the next interval")
            self.assertEqual(os.path.join(node.data_dir, "backups", self.files(node)[-1]), newest)
            node.terminate()
            self.assertEqual(restore(node, newest).returncode, 0)
            node.start()
            self.assertEqual(functions_of(node), ["f0", "f1", "f2"])

    def test_a_failure_is_said_once_and_the_next_success_counts(self):
        with support.Node("--set", "store.backup_interval=1s", start=False) as node:
            in_the_way = os.path.join(node.data_dir, "backups")
            support.write_files(node.data_dir, {"backups": "no folder"})
            node.start()

            def failures():
                told = json.loads(node.run("events", "--json", check=True).stdout)
                return [event["text"] for event in told["events"] if event["kind"] == "backup_failed"]
            support.wait_until(failures, "the event of the failure")
            self.assertIn(in_the_way, failures()[0])
            self.assertIsNone(self.view(node)["backup_age_ms"])
            os.unlink(in_the_way)
            support.wait_until(lambda: self.view(node)["backup_age_ms"] is not None, "a backup")
            self.assertEqual(len(failures()), 1)
            self.assertEqual(node.log().count("backup_failed"), 1)

    def test_none_are_written_when_the_interval_is_zero(self):
        with support.Node("--set", "store.backup_interval=0s") as off, \
                support.Node("--set", "store.backup_interval=1s") as on:
            support.wait_until(lambda: self.files(on), "a backup of the other node")
            self.assertEqual(self.files(off), [])


if __name__ == "__main__":
    unittest.main()
