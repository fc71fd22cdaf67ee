"""A body of 1 MB is held once on its way in and never copied by the node: allocations of that size are counted."""
import os
import subprocess
import unittest

import support

BODY_BYTES = 1_000_000

# Counts what allocates at least as much as the body; the count is read from a file that holds a line per allocation.
COUNTER = r"""
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <cstddef>

namespace {
void note(std::size_t size) {
  if (size < BODY_BYTES)
    return;
  static const int file = open(getenv("ALLOCATIONS_FILE"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (write(file, "x\n", 2) != 2)
    abort();
}
template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}
}  // namespace

extern "C" void* malloc(std::size_t size) {
  static auto real = next<void* (*)(std::size_t)>("malloc");
  note(size);
  return real(size);
}
extern "C" void* realloc(void* old, std::size_t size) {
  static auto real = next<void* (*)(void*, std::size_t)>("realloc");
  note(size);
  return real(old, size);
}
void* operator new(std::size_t size) {
  static auto real = next<void* (*)(std::size_t)>("_Znwm");
  if (size < BODY_BYTES)
    return real(size);
  note(size);
  return real(size);
}
"""


@unittest.skipIf(support.SANITIZED, "the sanitizer has an allocator of its own")
class BodyCopiesTest(unittest.TestCase):
    def test_an_echo_of_1_mb_allocates_its_size_once_in_the_node_and_once_in_the_function(self):
        with support.TempDir() as directory:
            source = os.path.join(directory, "counter.cpp")
            counter = os.path.join(directory, "counter.so")
            seen = os.path.join(directory, "allocations")
            with open(source, "w", encoding="utf-8") as file:
                file.write(COUNTER)
            subprocess.run([os.environ.get("TROUPE_CXX", "c++"), "-std=c++20", "-O1", "-fPIC", "-shared", "-fno-builtin",
                            f"-DBODY_BYTES={BODY_BYTES}", source, "-o", counter, "-ldl"], check=True, timeout=60)
            with support.Node(env={"LD_PRELOAD": counter, "ALLOCATIONS_FILE": seen}) as node:
                node.deploy(support.NATIVE_HELLO, "--route", "POST /echo")
                body = b"x" * BODY_BYTES

                def echo():
                    before = self.allocations(seen)
                    status, _, answer = node.request("POST", "/echo", body)
                    self.assertEqual((status, len(answer)), (200, BODY_BYTES))
                    return self.allocations(seen) - before

                echo()
                for _ in range(5):
                    made = echo()
                    self.assertGreaterEqual(made, 1, "the counter does not count")
                    self.assertLessEqual(made, 2)

    @staticmethod
    def allocations(path):
        try:
            return os.path.getsize(path) // 2
        except FileNotFoundError:
            return 0


if __name__ == "__main__":
    unittest.main()
