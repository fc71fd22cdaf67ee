"""Hostile archives, through `troupe deploy` and the Lambda API: one clear line for each, and nothing left behind."""
import base64
import hashlib
import io
import json
import os
import struct
import unittest
import zipfile

import support

HELLO = "exports.handler = async () => 'hello';"


def entry(name, mode=0o100644, **fields):
    made = zipfile.ZipInfo(name)
    made.create_system = 3
    made.external_attr = mode << 16
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def archive(*members, compression=zipfile.ZIP_DEFLATED):
    """Of (name or ZipInfo, contents) behind an honest index.js."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as out:
        out.writestr("index.js", HELLO)
        for name, contents in members:
            out.writestr(name, contents)
    return packed.getvalue()


def renamed(before, after):
    """An archive with a name that zipfile itself would not write."""
    return archive((before, "x")).replace(before.encode(), after)


def many_entries(count):
    """As small as entries can be: empty files, numbered."""
    local, central, at = [], [], 0
    for number in range(count):
        name = b"%07d" % number
        common = struct.pack("<3H4s3L2H", 20, 0, 0, b"\0\0\x21\x5a", 0, 0, 0, len(name), 0)
        local.append(b"PK\3\4" + common + name)
        central.append(b"PK\1\2" + struct.pack("<H", 0x314) + common + struct.pack("<3H2L", 0, 0, 0, 0o100644 << 16, at)
                       + name)
        at += len(local[-1])
    directory = b"".join(central)
    end = b"PK\6\6" + struct.pack("<Q2H2L4Q", 44, 45, 45, 0, 0, count, count, len(directory), at)
    locator = b"PK\6\7" + struct.pack("<LQL", 0, at + len(directory), 1)
    return b"".join(local) + directory + end + locator + b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 0xffff, 0xffff,
                                                                                 0xffffffff, 0xffffffff, 0)


def with_flag(bit):
    """Every header of the archive claims this general flag."""
    bytes_ = bytearray(archive())
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = bytes_.index(mark) + offset
        bytes_[at] |= 1 << bit
    return bytes(bytes_)


def smaller_than_it_is():
    """The directory and the entry declare 10 bytes; deflate gives 100,000."""
    return archive(("a", "a" * 100_000)).replace(struct.pack("<L", 100_000), struct.pack("<L", 10))


def link(target):
    return (entry("link", 0o120777), target)


HOSTILE = {
    "slip": archive(("../../slipped", "x")),
    "slip by backslash": archive(("a\\..\\..\\slipped", "x")),
    "absolute": archive(("/tmp/troupe-slipped", "x")),
    "link out": archive(link("/etc")),
    "link up": archive(link("../../..")),
    "file behind a link": archive((entry("d", 0o120777), "lib"), ("d/x.js", "x"), ("lib/y.js", "y")),
    "file behind a link to the root": archive((entry("d", 0o120777), "/"), ("d/tmp/troupe-slipped", "x")),
    "the same name twice": renamed("index.j2", b"index.js"),
    "file and folder": archive(("a", "x"), ("a/b", "x")),
    "NUL in a name": renamed("aXb", b"a\0b"),
    "setuid": archive((entry("root", 0o104755), "x")),
    "device": archive((entry("device", 0o020666), "")),
    "pipe": archive((entry("pipe", 0o010666), "")),
    "bomb": archive(("zeros", b"\0" * 60_000_000)),
    "too many entries": many_entries(100_001),
    "encrypted": with_flag(0),
    "strongly encrypted": with_flag(6),
    "larger than declared": smaller_than_it_is(),
    "zip64 that lies": archive().replace(b"PK\5\6", many_entries(1)[-98:-22] + b"PK\5\6"),
    "empty zip": b"PK\5\6" + b"\0" * 18,
    "no zip": b"#!/bin/sh\necho no\n",
    "cut off": archive()[:-10],
    "nothing": b"",
}


class HostileZipTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(support.TempDir())
        cls.node = cls.enterClassContext(support.Node())
        cls.node.deploy_files("kept", HELLO)

    def tree(self):
        """Every file of the node; of blobs, which are kept for a day, only those that are no uploaded archive."""
        found = set()
        for folder, folders, files in os.walk(self.node.data_dir):
            found.update(os.path.join(folder, name) for name in files)
            if not os.path.relpath(folder, self.node.data_dir).startswith("blobs"):
                found.update(os.path.join(folder, name) for name in folders)
        archives = {hashlib.sha256(content).hexdigest() for content in HOSTILE.values()}
        return {path for path in found if os.path.basename(path) not in archives and "-journal" not in path}

    def each(self, check):
        before = self.tree()
        for name, content in HOSTILE.items():
            with self.subTest(zip=name):
                check(content)
                self.assertEqual(self.tree(), before)
                self.assertEqual(self.node.request("GET", "/kept")[::2], (200, b"hello"))
        outside = [path for path in ("/tmp/troupe-slipped", os.path.join(self.folder, "slipped"),
                                     os.path.join(os.path.dirname(self.node.data_dir), "slipped"))
                   if os.path.lexists(path)]
        self.assertEqual(outside, [])

    def test_through_deploy(self):
        def check(content):
            path = os.path.join(self.folder, "package.zip")
            with open(path, "wb") as file:
                file.write(content)
            done = self.node.run("deploy", path, "--name", "hostile", "--handler", "index.handler")
            self.assertIn(done.returncode, (1, 2), done.stdout)
            self.assertEqual((done.stdout, len(done.stderr.splitlines())), ("", 1), done.stderr)
            self.assertTrue(done.stderr.startswith("troupe: "), done.stderr)
            self.assertEqual(self.node.admin("GET", "/v1/functions/hostile")[0], 404)
        self.each(check)

    def test_through_the_lambda_api(self):
        def check(content):
            request = {"FunctionName": "hostile", "Runtime": "nodejs20.x", "Handler": "index.handler",
                       "Role": "arn:aws:iam::000000000000:role/r",
                       "Code": {"ZipFile": base64.b64encode(content).decode()}}
            self.assert_invalid(self.node.admin("POST", "/2015-03-31/functions", json.dumps(request).encode()))
            self.assertEqual(self.node.admin("GET", "/2015-03-31/functions/hostile")[0], 404)
            update = json.dumps({"ZipFile": request["Code"]["ZipFile"]}).encode()
            self.assert_invalid(self.node.admin("PUT", "/2015-03-31/functions/kept/code", update))
        self.each(check)

    def assert_invalid(self, answer):
        status, headers, body = answer
        self.assertEqual((status, headers.get("x-amzn-errortype")), (400, "InvalidParameterValueException"), body)
        message = json.loads(body)["message"]
        self.assertTrue(message and "\n" not in message, message)


class OrdinaryZipTest(unittest.TestCase):
    def test_names_that_differ_in_case_and_links_inside_work(self):
        code = ("exports.handler = async () => [require('./part.js'), require('./Part.js'), require('./linked.js')"
                "].join(' ');")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as out:
            for name, contents in (("index.js", code), ("part.js", "module.exports = 'small';"),
                                   ("Part.js", "module.exports = 'large';"), (entry("linked.js", 0o120777), "part.js")):
                out.writestr(name, contents)
        with support.TempDir() as folder, support.Node() as node:
            path = os.path.join(folder, "f.zip")
            with open(path, "wb") as file:
                file.write(packed.getvalue())
            node.deploy(path)
            self.assertEqual(node.request("GET", "/f")[::2], (200, b"small large small"))


if __name__ == "__main__":
    unittest.main()
