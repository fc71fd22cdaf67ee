"""Tests the layering check on small trees: each kind of breach is found, and what is allowed passes."""
import contextlib
import io
import os
import subprocess
import sys
import tempfile
import unittest

import layering

ALLOWED = {
    "config/text.hpp": '#include <string>\n',
    "functions/frame.cpp": '#include "functions/frame.hpp"\n\n#include <msgpack.hpp>\n\n#include "config/text.hpp"\n',
    "functions/frame.hpp": "#pragma once\n",
    "functions/sdk/troupe/function.hpp": "#pragma once\n",
    "functions/CMakeLists.txt": "troupe_library(functions\n  SOURCES frame.cpp\n  USES troupe::config)\n",
    "cluster/catalog.hpp": '#include "config/text.hpp"\n',
    "cluster/CMakeLists.txt": "troupe_library(cluster SOURCES catalog.cpp USES troupe::config)\n",
    "actors/router.hpp": '#include <caf/actor.hpp>\n#include "cluster/catalog.hpp"\n#include "functions/frame.hpp"\n',
    "actors/stores/sqlite_store.cpp": "#include <sqlite3.h>\n",
    "actors/CMakeLists.txt": "troupe_library(actors SOURCES router.cpp USES troupe::functions troupe::cluster\n"
                             "  LIBRARIES caf::core SQLite::SQLite3)\n",
    "http/connection.cpp": '#include <boost/beast/http.hpp>\n#include <caf/actor.hpp>\n#include "actors/router.hpp"\n',
    "http/CMakeLists.txt": "troupe_library(http SOURCES connection.cpp USES troupe::actors)  # troupe::cli is above\n",
    "cli/command_line.cpp": '#include <CLI/CLI.hpp>\n#include "http/connection.hpp"\n',
    "cli/CMakeLists.txt": "add_executable(troupe main.cpp)\ntarget_link_libraries(troupe PRIVATE troupe::http)\n",
    "examples/hello/hello.cpp": "#include <troupe/function.hpp>\n",
    "tests/actors/router_test.cpp": '#include "actors/router.hpp"\n#include "tests/support/clock.hpp"\n',
}


class LayeringTest(unittest.TestCase):
    def breaches(self, **changes):
        """The breaches of the allowed tree with some files replaced (`actors__router_hpp` is actors/router.hpp)."""
        files = dict(ALLOWED)
        for name, text in changes.items():
            folder, file = name.rsplit("__", 1)
            stem, extension = file.rsplit("_", 1)
            files[folder.replace("__", "/") + "/" + stem + "." + extension] = text
        with tempfile.TemporaryDirectory() as root:
            for name, text in files.items():
                path = os.path.join(root, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            self.root = root
            found, self.count = layering.check(root)
            with contextlib.redirect_stdout(io.StringIO()) as self.printed:
                self.exit_code = layering.main(["layering.py", root])
        return [f"{file}:{line}: {text}" for file, line, text in found]

    def assert_breach(self, expected, **changes):
        found = self.breaches(**changes)
        self.assertTrue(any(expected in line for line in found), f"{expected!r} not among {found}")
        self.assertEqual(self.exit_code, 1)
        self.assertIn(expected, self.printed.getvalue())

    def test_allows_what_the_rules_allow(self):
        self.assertEqual(self.breaches(), [])
        self.assertEqual(self.exit_code, 0)
        self.assertEqual(self.count, sum(name.endswith((".cpp", ".hpp")) for name in ALLOWED))

    def test_finds_every_include_that_points_up(self):
        order = {"config": 0, "functions": 1, "cluster": 1, "actors": 2, "http": 3, "cli": 4}
        for lower, low in order.items():
            for upper, high in order.items():
                if high > low or (high == low and upper != lower):
                    with self.subTest(lower=lower, upper=upper):
                        self.assert_breach(f"{lower}/x.hpp:2: {lower} may not include {upper}",
                                           **{f"{lower}__x_hpp": f'#pragma once\n#include "{upper}/y.hpp"\n'})

    def test_finds_an_include_in_angle_brackets(self):
        self.assert_breach("functions may not include cluster",
                           functions__x_hpp="#include <cluster/catalog.hpp>\n")

    def test_finds_an_include_by_relative_path(self):
        self.assert_breach("cluster/x.hpp:1: cluster may not include functions",
                           cluster__x_hpp='#include "../functions/frame.hpp"\n')

    def test_finds_an_include_of_tests_and_of_examples(self):
        self.assert_breach("cli may not include tests", cli__x_cpp='#include "tests/support/clock.hpp"\n')
        self.assert_breach("http may not include examples", http__x_cpp='#include "examples/hello/hello.hpp"\n')
        self.assert_breach("tests may not include examples",
                           tests__x_cpp='#include "examples/hello/hello.hpp"\n')
        self.assert_breach("may not include another example",
                           examples__two__x_cpp='#include "examples/hello/hello.cpp"\n')

    def test_finds_odd_spellings_and_skips_what_is_no_code(self):
        self.assert_breach("config may not include http", config__x_cpp='  #  include  "http/x.hpp"\n')
        self.assert_breach("includes what a macro says", config__x_cpp="#include HEADER\n")
        self.assertEqual([], self.breaches(
            config__x_cpp='// #include "http/a.hpp"\n/*\n#include "http/b.hpp"\n*/\n'
                          'const char* x = R"(\n#include "http/c.hpp"\n)";\n'))

    def test_sees_what_follows_a_string_that_looks_like_a_comment(self):
        self.assert_breach("config may not include http",
                           config__x_cpp='const char* x = "*/*"; // and /* here\n#include "http/x.hpp"\n/* */\n')

    def test_reports_the_line_behind_a_block_comment(self):
        self.assert_breach("config/x.cpp:4: ", config__x_cpp='/*\n*\n*/\n#include "cli/node.hpp"\n')

    def test_finds_a_library_away_from_home(self):
        for place, include, library in (
                ("actors/x.cpp", "boost/beast/core.hpp", "Beast"),
                ("cli/serve.cpp", "boost/beast.hpp", "Beast"),
                ("cluster/x.cpp", "boost/asio.hpp", "Asio"),
                ("functions/x.cpp", "boost/asio/ip/tcp.hpp", "Asio"),
                ("functions/x.cpp", "caf/all.hpp", "CAF"),
                ("http/route_table.cpp", "caf/fwd.hpp", "CAF"),
                ("cli/main.cpp", "caf/all.hpp", "CAF"),
                ("actors/router.cpp", "msgpack.hpp", "msgpack"),
                ("cluster/catalog.cpp", "msgpack/pack.hpp", "msgpack"),
                ("config/log.hpp", "spdlog/spdlog.h", "spdlog"),
                ("actors/x.cpp", "spdlog/spdlog.h", "spdlog"),
                ("actors/router.cpp", "sqlite3.h", "SQLite"),
                ("cluster/sqlite_store.cpp", "sqlite3.h", "SQLite"),
                ("cli/node.cpp", "CLI/App.hpp", "CLI11"),
                ("cli/main.cpp", "CLI/CLI.hpp", "CLI11"),
                ("cli/x.cpp", "yaml-cpp/yaml.h", "yaml-cpp"),
                ("http/x.cpp", "zip.h", "libzip")):
            with self.subTest(place=place, include=include):
                key = "__".join(place.rsplit("/", 1)).replace(".", "_")
                self.assert_breach(f"{place}:1: {library} lives in", **{key: f"#include <{include}>\n"})

    def test_lets_tests_include_any_library(self):
        self.assertEqual([], self.breaches(tests__cluster__x_cpp="#include <caf/all.hpp>\n#include <sqlite3.h>\n"))

    def test_finds_an_include_without_uses(self):
        self.assert_breach("functions includes config, but functions/CMakeLists.txt does not say USES troupe::config",
                           functions__CMakeLists_txt="troupe_library(functions SOURCES frame.cpp)\n")

    def test_finds_uses_without_an_include(self):
        self.assert_breach("http/CMakeLists.txt:2: USES troupe::config, but nothing in http includes config",
                           http__CMakeLists_txt="troupe_library(http SOURCES c.cpp USES troupe::actors\n"
                                                "  troupe::config)\n")

    def test_finds_a_link_that_points_up(self):
        self.assert_breach("cluster/CMakeLists.txt:1: cluster may not link troupe::functions",
                           cluster__CMakeLists_txt="troupe_library(cluster USES troupe::config troupe::functions)\n")
        self.assert_breach("cluster/CMakeLists.txt:2: cluster may not link troupe_actors",
                           cluster__CMakeLists_txt="troupe_library(cluster USES troupe::config)\n"
                                                   "target_link_libraries(troupe_cluster PRIVATE troupe_actors)\n")

    def test_finds_a_library_that_is_linked_away_from_home(self):
        self.assert_breach("caf::core is not at home in cluster",
                           cluster__CMakeLists_txt="troupe_library(cluster USES troupe::config LIBRARIES caf::core)\n")

    def test_refuses_a_tree_without_sources(self):
        with tempfile.TemporaryDirectory() as root:
            program = subprocess.run([sys.executable, layering.__file__, root], capture_output=True, text=True)
        self.assertEqual(program.returncode, 2)
        self.assertIn("no sources", program.stderr)


if __name__ == "__main__":
    unittest.main()
