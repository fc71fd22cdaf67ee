"""Every command of the documentation does what its page says. docs/blocks.py has the rules of the pages.

`test_docs.py Commands.test_operating` plays one page.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import unittest

import support
from docs import blocks, machine

def name_of(path):
    """The name of a page's test: `readme`, `getting_started`, `examples_hello`; CMakeLists.txt makes the same ones."""
    words = os.path.relpath(path, support.SOURCE_DIR).removeprefix("docs/").removesuffix(".md")
    return re.sub(r"(?<=.)/README$", "", words).replace("-", "_").replace("/", "_").lower()


PAGES = {name_of(path): path for pattern in ("README.md", "docs/[a-z]*.md", "examples/*/README.md")
         for path in glob.glob(os.path.join(support.SOURCE_DIR, pattern))}

# What is shown and not typed: the page, and how the block begins. Its reason stands in the page.
NOT_RUN = {
    ("README.md", "scripts/demo"),
    ("docs/admin-api.md", '{"path": "bin/run"'),
    ("docs/cli.md", "troupe config reload"),
    ("docs/cli.md", "troupe nodes remove node-3"),
    ("docs/cli.md", "troupe restore"),
    ("docs/cli.md", "troupe store move"),
    ("docs/cluster.md", "systemctl stop troupe"),
    ("docs/cluster.md", "troupe restore"),
    ("docs/embedding.md", "cmake --build"),
    ("docs/getting-started.md", "cd examples/aws-sdk && npm install"),
    ("docs/getting-started.md", "scripts/install-packages"),
    ("docs/operating.md", "install -m 0755"),
    ("examples/aws-sdk/README.md", "cd examples/aws-sdk && npm install"),
}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def blocks_of(path):
    return blocks.blocks_of(os.path.relpath(path, support.SOURCE_DIR), read(path))


class Scenario:
    """What is typed one after the other, on machines that are gone afterwards."""

    def __init__(self, root):
        self._root, self._machines = root, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in self._machines.values():
            each.end()

    def machine(self, address):
        if address not in self._machines:
            self._machines[address] = machine.Machine(self._root, address, self.machine)
        return self._machines[address]

    def play(self, block):
        where = self.machine(block.machine or machine.READER)
        if block.file:
            where.put(block)
        elif block.language == "sh" and not block.not_run:
            if block.node_at:
                self.machine(block.node_at).serve(block)
            where.type(block)


def play(typed):
    """Types the blocks, each scenario on machines of its own. Raises AssertionError naming the block that is not true."""
    scenarios = [[]]
    for block in typed:
        if block.scenario:
            scenarios.append([])
        scenarios[-1].append(block)
    for each in scenarios:
        with support.TempDir() as root, Scenario(root) as scenario:
            for block in each:
                scenario.play(block)


class Commands(unittest.TestCase):
    """A test for each page, made below."""


for page_name, page_path in PAGES.items():
    setattr(Commands, f"test_{page_name}", lambda self, path=page_path: play(blocks_of(path)))


class Rules(unittest.TestCase):
    def test_every_page_keeps_them_and_what_is_not_run_is_known(self):
        not_run = [(block.page, block.text) for path in PAGES.values() for block in blocks_of(path) if block.not_run]
        unknown = [each for each in not_run
                   if not any(each[0] == page and each[1].startswith(begin) for page, begin in NOT_RUN)]
        self.assertEqual(unknown, [])
        self.assertEqual(len(not_run), len(NOT_RUN), "a block that is not there any more, or two that begin alike")

    def test_a_promise_that_is_not_kept_is_found(self):
        def problem(page, output):
            return blocks.missing_in(output, blocks.blocks_of("page", page)[0])
        arrow = "```sh\necho a   # → a\necho b   # → b\n```\n"
        self.assertEqual(problem(arrow, "a\nb\n"), "")
        self.assertIn("'b'", problem(arrow, "b\na\n"))
        shown = "```sh\nx\n```\n```text\none ... three\n...\nlast\n```\n"
        self.assertEqual(problem(shown, "one two\tthree\nmore\nlast\n"), "")
        self.assertNotEqual(problem(shown, "one two three\nmore\n"), "")
        self.assertNotEqual(problem(shown, "one two\nthree\nlast\n"), "")
        shown = '```sh\nx\n```\n```json\n{"a": 1, "b": "x...", "c": [null]}\n```\n'
        self.assertEqual(problem(shown, '{"c":[null],"b":"xyz","a":7}'), "")
        for wrong in ('{"c":[null],"b":"xyz"}', '{"c":[],"b":"xyz","a":7}', '{"c":[null],"b":"y","a":7}',
                      '{"c":[null],"b":"xyz","a":true}', '{"c":[null],"b":"xyz","a":7,"d":1}', "no JSON"):
            self.assertNotEqual(problem(shown, wrong), "", wrong)

    def test_a_command_that_does_not_do_what_the_page_says_fails_it(self):
        for page in ("```sh\nfalse\n```\n", "```sh\nfalse\ntrue\n```\n", "```sh\nfalse | true\n```\n",
                     "<!-- docs: exit 1 -->\n```sh\ntrue\n```\n", "```sh\necho a     # → b\n```\n",
                     "```sh\necho a\n```\n```text\nb\n```\n", "<!-- docs: background -->\n```sh\nfalse\n```\n",
                     "```sh\ncd /; export A=1\n```\n```sh\npwd; echo $A     # → home\n```\n"):
            with self.assertRaises(AssertionError, msg=page):
                play(blocks.blocks_of("page", page))
        play(blocks.blocks_of("page", """
<!-- docs: file a/b -->
```text
127.0.0.1:8080
```
```sh
cd a; export A=1
```
<!-- docs: exit 3 -->
```sh
echo $A; exit 3     # → 1
```
<!-- docs: background -->
```sh
tail -f b           # → 127.0.0.1:8080
```
```sh
echo more >> b
```
<!-- docs: until -->
```sh
echo x >> c; cat c
```
```text
x
x
x
```
"""))

    def test_a_unit_that_a_machine_would_not_start_is_found(self):
        unit, install = "[Service]\nUser=troupe\nExecStart=/bin/sleep 600\n", "[Install]\nWantedBy=multi-user.target\n"
        key = "<!-- docs: file /etc/troupe/n1-key.pem -->\n```text\nsecret\n```\n```sh\nchmod 600 /etc/troupe/n1-key.pem\n```\n"
        own = "```sh\nchown troupe /etc/troupe/*-key.pem\n```\n"

        def file(text):
            return f"<!-- docs: file /etc/systemd/system/troupe.service -->\n```ini\n{text}```\n"
        enable = "```sh\nsystemctl enable --now troupe\n```\n"
        for page, told in ((key + own + file(unit) + enable, "[Install]"), (key + file(unit + install) + enable, "n1-key.pem"),
                           (key + own + file(unit + install) + enable + file(unit + "Nice=1\n" + install) + enable,
                            "daemon-reload")):
            with self.assertRaises(AssertionError, msg=page) as problem:
                play(blocks.blocks_of("page", page))
            self.assertIn(told, str(problem.exception))
        play(blocks.blocks_of("page", key + own + file(unit + install) + enable))

    def test_a_page_that_breaks_a_rule_is_refused(self):
        for page in ("```\nls\n```\n", "```text\nwhat?\n```\n", "```sh\nls\n", "<!-- docs: sometimes -->\n```sh\nls\n```\n",
                     "<!-- docs: until -->\nno block\n"):
            with self.assertRaises(ValueError, msg=page):
                blocks.blocks_of("page", page)

    def test_every_link_leads_somewhere(self):
        for path in [*PAGES.values(), *glob.glob(os.path.join(support.SOURCE_DIR, "docs", "[A-Z]*.md"))]:
            for target in re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", read(path)):
                target = "".join(target)
                if re.match(r"[a-z]+:", target):
                    continue
                file, _, anchor = target.partition("#")
                found = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
                with self.subTest(page=path, target=target):
                    self.assertTrue(os.path.exists(found))
                    if anchor:
                        self.assertIn(anchor, anchors(read(found)))

    def test_pictures_are_drawn_from_their_texts(self):
        with support.TempDir() as clone:
            for folder in ("scripts", "docs/pictures"):
                shutil.copytree(os.path.join(support.SOURCE_DIR, folder), os.path.join(clone, folder))
            check = [sys.executable, os.path.join(clone, "scripts", "draw-pictures"), "--check"]
            self.assertEqual(subprocess.run(check, timeout=60).returncode, 0)

            with open(os.path.join(clone, "docs", "pictures", "house.txt"), "a", encoding="utf-8") as picture:
                picture.write("note 1 1 | more\n")
            changed = subprocess.run(check, capture_output=True, text=True, timeout=60)
            self.assertEqual(changed.returncode, 1)
            self.assertIn("house.svg", changed.stderr)

    @unittest.skipUnless(shutil.which("dpkg") and not support.SANITIZED, "asks dpkg about the program as it is installed")
    def test_operating_names_the_packages_of_every_library(self):
        told = re.search(r"apt-get install ((?:.*\\\n)*.*)", read(PAGES["operating"]))[1].replace("\\\n", " ").split()
        listed = subprocess.run(["ldd", support.TROUPE], capture_output=True, text=True, check=True, timeout=60).stdout
        needed = subprocess.run(["readelf", "-d", support.TROUPE], capture_output=True, text=True, check=True,
                                timeout=60).stdout
        libraries = [os.path.realpath(re.search(rf"{re.escape(name)}(?: => (\S+))?", listed)[1] or f"/lib64/{name}")
                     for name in re.findall(r"NEEDED.*\[(.*)\]", needed)]
        # Packages from before the merge of /usr have the shorter path; dpkg says no for the other one, and goes on.
        found = subprocess.run(["dpkg", "-S", *libraries, *(path.removeprefix("/usr") for path in libraries)],
                               capture_output=True, text=True, check=False, timeout=60).stdout
        owners = {line.split(":")[0] for line in found.splitlines()}
        # The control plane's package brings the other parts of CAF; what every system has needs no name.
        self.assertGreater(len(owners), 8)
        self.assertEqual(owners - set(told) - {"libc6", "libgcc-s1", "libstdc++6", "libcaf-core0.17", "libcaf-io0.17"}, set())

    def test_scripts_have_the_flags_that_pages_for_contributors_name(self):
        programs = r"(?:scripts|bench)/[\w-]+"
        for name in ("CONTRIBUTING.md", "bench/README.md", "README.md", "docs/README.md", "tests/README.md"):
            page = read(os.path.join(support.SOURCE_DIR, name))
            program = None
            for quoted in re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", page, flags=re.S | re.M)):
                named = re.match(rf"({programs})(?: |$)", quoted)
                path = os.path.join(support.SOURCE_DIR, named[1]) if named else ""
                if named and os.path.isfile(path) and os.access(path, os.X_OK):
                    program, words = path, quoted.split()[1:]
                    # A part of a benchmark explains itself.
                    parts = [word for word in words[:1] if name == "bench/README.md" and re.fullmatch("[a-z]+", word)]
                    done = subprocess.run([program, *parts, "--help"], capture_output=True, text=True, timeout=60, check=False)
                    self.assertEqual(done.returncode, 0, (name, quoted, done.stderr))
                    text = done.stdout
                elif program is None or not quoted.startswith("-"):
                    continue
                for flag in re.findall(r"(?<!\S)--?[a-zA-Z][\w-]*", quoted):
                    with self.subTest(page=name, program=program, flag=flag):
                        self.assertTrue(flag == "--help" or re.search(rf"(?<![\w-]){flag}(?![\w-])", text), text)

    def test_files_that_pages_name_exist(self):
        for path in PAGES.values():
            for named in re.findall(r"`((?:cli|http|actors|functions|cluster|config|tests|bench|scripts|docs|examples)/[^`\s]*)`",
                                    read(path)):
                with self.subTest(page=path, file=named):
                    self.assertTrue(glob.glob(os.path.join(support.SOURCE_DIR, named)))


def anchors(markdown):
    """What GitHub calls the headings of a page."""
    prose = re.sub(r"^```.*?^```", "", markdown, flags=re.S | re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", prose, re.M)}


if __name__ == "__main__":
    unittest.main()
