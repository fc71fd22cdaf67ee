"""Reads every #include and every folder's CMakeLists.txt and reports what breaks the rules of the house.

    layering.py ROOT

Prints a line `file:line: breach` for each and exits 1, or says how many files it read and exits 0.
"""
import fnmatch
import os
import re
import sys

# Each folder with the folders that its files may include.
MAY_INCLUDE = {
    "config": set(),
    "functions": {"config"},
    "cluster": {"config"},
    "actors": {"functions", "cluster", "config"},
    "http": {"actors", "functions", "cluster", "config"},
    "cli": {"http", "actors", "functions", "cluster", "config"},
    "examples": {"cli", "http", "actors", "functions", "cluster", "config"},
    "bench": {"cli", "http", "actors", "functions", "cluster", "config"},
    "tests": {"cli", "http", "actors", "functions", "cluster", "config"},
}
ROOMS = ("config", "functions", "cluster", "actors", "http", "cli")

# A foreign library: how its headers begin, and the files that may include them. The first entry that fits decides.
# Tests, benchmarks and examples are nobody's room: they include what they test or show.
HOMES = (
    ("Beast", ("boost/beast",), ("http/*", "cli/admin_client*")),
    ("Asio", ("boost/asio",), ("http/*", "actors/*", "cli/*")),
    ("CAF", ("caf/",), ("actors/*", "http/connection*", "http/edge*", "http/control_api.*", "http/control_api_*", "cli/node*")),
    ("msgpack", ("msgpack",), ("*frame*", "cluster/*_codec*", "actors/envelope*", "functions/sdk/*")),
    ("spdlog", ("spdlog/",), ("config/log.cpp",)),
    ("SQLite", ("sqlite3", "SQLiteCpp/"), ("actors/*_store.*",)),
    ("CLI11", ("CLI/",), ("cli/command_line*",)),
    ("yaml-cpp", ("yaml-cpp/",), ("config/load*", "config/settings_file*")),
    ("libzip", ("zip.h", "zipconf.h"), ("functions/*",)),
)
# Targets whose rooms follow from HOMES: linking one elsewhere is a breach even before a header is included.
TARGET_ROOMS = {
    "caf::core": {"actors", "http", "cli"},
    "caf::io": {"actors", "http", "cli"},
    "caf::openssl": {"actors", "http", "cli"},
    "msgpackc-cxx": {"functions", "cluster", "actors"},
    "spdlog::spdlog": {"config"},
    "SQLite::SQLite3": {"actors"},
    "CLI11::CLI11": {"cli"},
    "yaml-cpp": {"config"},
    "PkgConfig::LIBZIP": {"functions"},
}
SDK_HEADERS = "functions/sdk/"
SOURCES = (".cpp", ".hpp", ".h", ".ipp")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include\b[ \t]*(?:(["<])([^">]+)[">])?')
# Block comments and raw strings may hold lines that look like includes; a string or a line comment may hold "/*".
NO_CODE = re.compile(r"""
    (?P<blank> /\*.*?\*/ | R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)" )
    | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])'
    """, re.DOTALL | re.VERBOSE)


def blank(match):
    return "\n" * match.group().count("\n") if match.group("blank") else match.group()


class Tree:
    def __init__(self, root):
        self.root = root
        self.breaches = []
        self.files = sorted(self._sources())
        self.used = {room: {} for room in ROOMS}  # room -> other room -> (file, line) of the first include

    def _sources(self):
        for folder in MAY_INCLUDE:
            for path, folders, names in os.walk(os.path.join(self.root, folder)):
                folders[:] = [name for name in folders if name != "node_modules"]
                for name in names:
                    if name.endswith(SOURCES):
                        yield os.path.relpath(os.path.join(path, name), self.root)

    def breach(self, file, line, text):
        self.breaches.append((file, line, text))

    def exists(self, path):
        return os.path.isfile(os.path.join(self.root, path))

    def owner_of(self, file, bracket, name):
        """The folder that an included file belongs to, or None for a foreign header."""
        if bracket == '"':
            beside = os.path.normpath(os.path.join(os.path.dirname(file), name))
            if self.exists(beside):
                return beside.split(os.sep)[0]
        normal = os.path.normpath(name)
        first = normal.split("/")[0]
        if first in MAY_INCLUDE and (bracket == '"' or self.exists(normal)):
            return first
        if self.exists(SDK_HEADERS + normal):
            return "functions"
        return None

    def check_includes(self):
        for file in self.files:
            with open(os.path.join(self.root, file), encoding="utf-8", errors="replace") as source:
                text = NO_CODE.sub(blank, source.read())
            for number, line in enumerate(text.split("\n"), 1):
                found = INCLUDE.match(line)
                if not found:
                    continue
                if not found.group(2):
                    self.breach(file, number, "includes what a macro says; name the file")
                    continue
                self.check_include(file, number, found.group(1), found.group(2))

    def check_include(self, file, line, bracket, name):
        own = file.split(os.sep)[0]
        owner = self.owner_of(file, bracket, name)
        if owner is None:
            self.check_home(file, line, own, name)
            return
        if own in ROOMS and owner != own:
            self.used[own].setdefault(owner, (file, line))
        if owner != own and owner not in MAY_INCLUDE[own]:
            self.breach(file, line, f"{own} may not include {owner} ({name})")
        if own == "examples" and owner == "examples":
            self.check_between_examples(file, line, name)

    def check_between_examples(self, file, line, name):
        beside = os.path.normpath(os.path.join(os.path.dirname(file), name))
        target = beside if self.exists(beside) else os.path.normpath(name)
        if file.split(os.sep)[:2] != target.split(os.sep)[:2]:
            self.breach(file, line, f"an example may not include another example ({name})")

    def check_home(self, file, line, own, name):
        if own not in ROOMS:
            return
        for library, prefixes, homes in HOMES:
            if name.startswith(prefixes):
                if not any(fnmatch.fnmatch(file, home) for home in homes):
                    self.breach(file, line, f"{library} lives in {', '.join(homes)}, not here ({name})")
                return

    def check_cmake(self):
        for room in ROOMS:
            file = os.path.join(room, "CMakeLists.txt")
            if not self.exists(file):
                continue
            with open(os.path.join(self.root, file), encoding="utf-8") as script:
                text = re.sub(r"#[^\n]*", "", script.read())
            stated = self.check_links(room, file, text)
            for other, (source, line) in sorted(self.used[room].items()):
                if other in ROOMS and other not in stated:
                    self.breach(source, line, f"{room} includes {other}, but {file} does not say USES troupe::{other}")
            for other, line in sorted(stated.items()):
                if other not in self.used[room]:
                    self.breach(file, line, f"USES troupe::{other}, but nothing in {room} includes {other}")

    def check_links(self, room, file, text):
        """Checks every target named in a link; returns the rooms that are linked with their lines."""
        stated = {}
        for call in re.finditer(r"\b(?:troupe_library|target_link_libraries)\s*\(([^()]*)\)", text):
            words = [(word.group(), text.count("\n", 0, call.start(1) + word.start()) + 1)
                     for word in re.finditer(r"[^\s]+", call.group(1))]
            for word, line in words[1:]:
                other = re.fullmatch(r"troupe(?:::|_)(%s)" % "|".join(ROOMS), word)
                if other and other.group(1) != room:
                    stated.setdefault(other.group(1), line)
                    if other.group(1) not in MAY_INCLUDE[room]:
                        self.breach(file, line, f"{room} may not link {word}")
                if word in TARGET_ROOMS and room not in TARGET_ROOMS[word]:
                    self.breach(file, line, f"{word} is not at home in {room}")
        return stated


def check(root):
    """All breaches under `root` as (file, line, text), and how many sources were read."""
    tree = Tree(root)
    tree.check_includes()
    tree.check_cmake()
    return sorted(tree.breaches), len(tree.files)


def main(arguments):
    if len(arguments) != 2 or not os.path.isdir(arguments[1]):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    breaches, count = check(arguments[1])
    for file, line, text in breaches:
        print(f"{file}:{line}: {text}")
    if count == 0:
        print(f"no sources under {arguments[1]}", file=sys.stderr)
        return 2
    print(f"{count} files, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
