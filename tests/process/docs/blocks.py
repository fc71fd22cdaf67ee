"""What a page of the documentation has its readers type, read from its Markdown.

Every fenced block has a language. `sh` is typed. What follows one without a directive (`text`, `json`, ...) is what it
prints; `...` in it stands for anything, a line of `...` for any number of lines, and JSON, the end of what is printed, is compared as JSON. A comment
`# → TEXT` behind a command is what that prints, too. Before a block may stand, invisible to readers:

  <!-- docs: scenario -->        what came before is over: everything is stopped, and folders are empty again
  <!-- docs: with a node -->     `troupe serve` runs already, as the text says
  <!-- docs: with a node at 10.0.0.1 -->   the same on that machine
  <!-- docs: at 10.0.0.1 -->     typed on that machine, not on the reader's own
  <!-- docs: background -->      each command goes on while the next blocks are typed
  <!-- docs: until -->           typed again until it prints what it promises, as a reader would who waits
  <!-- docs: exit 1 -->          ends with that code
  <!-- docs: file PATH -->       the block is the contents of that file
  <!-- docs: not run: REASON --> shown only

Several stand in one comment, separated by semicolons.
"""
import contextlib
import json
import re

LANGUAGES = {"sh", "text", "json", "yaml", "ini", "js", "python", "cpp", "cmake", "conf"}
FENCE = re.compile(r"^( *)(```+)(.*)$")
DIRECTIVE = re.compile(r"^ *<!-- docs: (.*) -->$")
ARROW = re.compile(r"\s#(?: .*)? → (.*)$")
ANYTHING = "..."


class Block:
    """One fenced block: where it stands, its language and text, and what the directives before it say."""

    def __init__(self, page, line, language, text, directives):
        self.page, self.line, self.language, self.text = page, line, language, text
        self.scenario = self.background = self.until = self.with_a_node = False
        self.machine = self.node_at = self.file = self.not_run = None
        self.exit_code = 0
        self.promised = None  # the block that shows what this one prints
        self.is_output = False
        for directive in directives:
            self._take(directive)

    def __repr__(self):
        return f"{self.page}:{self.line}"

    def _take(self, directive):
        word, _, rest = directive.partition(" ")
        if directive in ("scenario", "background", "until", "with a node"):
            setattr(self, directive.replace(" ", "_"), True)
        elif directive.startswith("with a node at "):
            self.node_at = directive.removeprefix("with a node at ")
        elif word == "at":
            self.machine = rest
        elif word == "file":
            self.file = rest
        elif word == "exit":
            self.exit_code = int(rest)
        elif directive.startswith("not run: "):
            self.not_run = directive.removeprefix("not run: ")
        else:
            raise ValueError(f"{self}: unknown directive '{directive}'")

    def arrows(self):
        """What comments in the block promise, in order."""
        return [found[1].rstrip() for found in map(ARROW.search, self.text.splitlines()) if found]

    def commands(self):
        """The block's commands, with lines that a backslash continues joined."""
        return [line for line in self.text.replace("\\\n", " ").splitlines() if line.strip()]


def blocks_of(page, markdown):
    """The blocks of a page, each shell block with what it promises. Raises ValueError where a rule is not kept."""
    found, directives, lines = [], [], iter(enumerate(markdown.splitlines(), 1))
    for number, line in lines:
        comment, fence = DIRECTIVE.match(line), FENCE.match(line)
        if comment:
            directives += [comment[1]] if comment[1].startswith("not run") else comment[1].split("; ")
        elif fence:
            found.append(Block(page, number, fence[3], _until_fence(lines, fence, f"{page}:{number}"), directives))
            _settle(found)
            directives = []
        elif line.strip() and directives:
            raise ValueError(f"{page}:{number}: a directive is followed by no block")
    return found


def _until_fence(lines, opening, where):
    indent, marks = len(opening[1]), opening[2]
    taken = []
    for _, line in lines:
        if line.strip() == marks:
            return "\n".join(taken) + "\n"
        taken.append(line[indent:])
    raise ValueError(f"{where}: the block has no end")


def _settle(found):
    """Says what the last block is for."""
    block = found[-1]
    if block.language not in LANGUAGES:
        raise ValueError(f"{block}: its language is '{block.language}', not one of {', '.join(sorted(LANGUAGES))}")
    if block.language == "sh" or block.file or block.not_run:
        return
    before = found[-2] if len(found) > 1 else None
    if before is None or before.language != "sh" or before.not_run or before.promised:
        raise ValueError(f"{block}: neither typed, nor a file, nor what a command before it prints")
    before.promised = block
    block.is_output = True


def missing_in(output, block, told=str):
    """What of a block's promises its output does not keep, in words; empty when it keeps all. `told(text)` is what the text
    of a page is where it was typed."""
    # Tables have columns on a terminal and tabs elsewhere.
    printed = "".join(" ".join(line.split()) + "\n" for line in output.splitlines() if line.strip())
    begin = 0
    for promise in block.arrows():
        found = re.compile(_pattern(told(promise))).search(printed, begin)
        if not found:
            return f"'{promise}' is not there"
        begin = found.end()
    if block.promised is None:
        return ""
    if block.promised.language == "json":
        for begins in re.finditer(r"^[{\[]", output, re.M):
            with contextlib.suppress(ValueError):
                return difference(json.loads(output[begins.start():]), json.loads(told(block.promised.text)), "the answer")
        return "it does not end in JSON"
    lines = [r"(?:[^\n]*\n)*?" if line.strip() == ANYTHING else _pattern(line) + r"\n"
             for line in told(block.promised.text).splitlines() if line.strip()]
    return "" if re.search("^" + "".join(lines), printed, re.M) else "the text shown is not there"


def _pattern(line):
    return r"[^\n]*".join(map(re.escape, " ".join(line.split()).split(ANYTHING)))


def difference(real, shown, where):
    """How a JSON value differs from the one shown; empty when it does not. Of numbers only that there is one is compared,
    as most are times and sizes; in an object the member `...` stands for any others."""
    if shown == ANYTHING:
        return ""
    if isinstance(shown, str) and isinstance(real, str):
        same = re.fullmatch(".*".join(map(re.escape, shown.split(ANYTHING))), real, re.S)
    elif isinstance(shown, dict) and isinstance(real, dict):
        keys = set(shown) - {ANYTHING}
        if keys - set(real) or (ANYTHING not in shown and set(real) - keys):
            return f"{where} has {sorted(real)}, shown are {sorted(shown)}"
        return next(filter(None, (difference(real[key], shown[key], f"{where}.{key}") for key in keys)), "")
    elif isinstance(shown, list) and isinstance(real, list):
        if len(shown) != len(real):
            return f"{where} has {len(real)} elements, shown are {len(shown)}"
        return next(filter(None, (difference(a, b, f"{where}[]") for a, b in zip(real, shown))), "")
    elif isinstance(shown, (bool, type(None))) or isinstance(real, (bool, type(None))):
        same = shown is real
    else:
        same = isinstance(shown, (int, float)) and isinstance(real, (int, float))
    return "" if same else f"{where} is {real!r}, shown is {shown!r}"
