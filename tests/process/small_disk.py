"""A disk of a few megabytes that a test can fill: a tmpfs in a mount namespace of the test program's own."""
import contextlib
import os
import subprocess
import unittest

import namespaces
import support


class SmallDisk:
    """A context manager; `path` is the mounted folder. Only in a program that began with `run_tests`."""

    def __init__(self, size_bytes):
        self.size_bytes = size_bytes

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.path = stack.enter_context(support.TempDir())
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.size_bytes}", "none", self.path], check=True)
            stack.callback(subprocess.run, ["umount", "--lazy", self.path], check=True)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *why):
        return self._stack.__exit__(*why)

    def free(self):
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize

    def full(self):
        return full(self.path)


@contextlib.contextmanager
def full(path):
    """Not one byte of the disk mounted there is free when the block begins."""
    ballast = os.path.join(path, "ballast")
    for piece_bytes in (65536, 4096):
        with open(ballast, "ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(piece_bytes))
    try:
        yield
    finally:
        os.unlink(ballast)


def enter_own_mounts():
    """Goes on in a mount namespace of its own, by starting the program anew. Returns why not where that is forbidden."""
    return namespaces.enter("--mount", probe="mount -t tmpfs none /mnt")


def run_tests():
    """unittest.main for a program whose tests need SmallDisk: they are skipped where the machine forbids it."""
    why_not = enter_own_mounts()
    if why_not:
        SmallDisk.__enter__ = lambda self: (_ for _ in ()).throw(unittest.SkipTest(why_not))
    unittest.main()
