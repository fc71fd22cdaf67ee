"""Tests the page and the picture that bench/run makes, of a recorded run (recorded/*.json)."""
import copy
import html.parser
import os
import re
import tempfile
import unittest
import xml.etree.ElementTree

import support
import headline
import main
import page
from support import quietly

RECORDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recorded")


class Balanced(html.parser.HTMLParser):
    """Fails where tags do not close each other; collects the text, and what a browser would fetch."""

    VOID = ("meta", "link", "img", "br")

    def __init__(self, text):
        super().__init__()
        self.open_ones, self.words, self.fetched = [], [], []
        self.feed(text)
        self.close()
        assert not self.open_ones, self.open_ones

    def handle_starttag(self, tag, attributes):
        self.fetched += [value for name, value in attributes if name in ("src", "href")]
        if tag not in self.VOID:
            self.open_ones.append(tag)

    def handle_startendtag(self, tag, attributes):
        """Opens nothing."""

    def handle_endtag(self, tag):
        assert self.open_ones and self.open_ones.pop() == tag, tag

    def handle_data(self, text):
        self.words.append(text)


class PageTest(unittest.TestCase):
    def setUp(self):
        self.written = page.read(RECORDED, main.GROUPS)

    def page(self, **changed):
        return page.page_of(main.GROUPS, {**self.written, **changed})

    def test_stands_alone(self):
        text = self.page()
        self.assertEqual(Balanced(text).fetched, [])
        self.assertNotRegex(text, r"@import|url\(|<script")
        self.assertIn("prefers-color-scheme: dark", text)

    def test_charts_are_drawings_that_say_their_numbers_in_words(self):
        drawings = re.findall(r"<svg.*?</svg>", self.page(), re.DOTALL)
        self.assertGreater(len(drawings), 2)
        for drawing in drawings:
            parsed = xml.etree.ElementTree.fromstring(drawing)
            self.assertIn("title", parsed[0].tag)
            self.assertRegex(parsed[0].text, r": .+ [\d.,]+ (us|ms|bytes|MB/s|/s)")

    def test_budgets_are_judged_by_the_medians_of_the_ratios(self):
        rounds = self.written["requests"]["measured"]["rows"]
        for factor, word in ((0.5, "goal reached"), (2.0, "EXCEEDED")):
            changed = copy.deepcopy(self.written["requests"])
            lua = next(row for row in rounds if (row["server"], row["loops"], row["case"]) == ("lua", 1, 64))
            row = next(each for each in changed["measured"]["rows"]
                       if (each["server"], each["loops"], each["case"]) == ("native", 1, 64))
            for number, found in enumerate(row["rounds"]):
                found["cpu_us"] = lua["rounds"][number]["cpu_us"] * factor
            budgets = self.page(requests=changed).split("<h2>Budgets</h2>")[1].split("<h2")[0]
            line = next(line for line in budgets.splitlines() if "native inline / nginx + Lua, 1 loop" in line)
            self.assertIn(f"<td>{factor:.2f}</td>", line)
            self.assertIn(word, line)

    def test_what_was_not_measured_is_named(self):
        self.written.pop("idle", None)
        self.assertIn("Idle connections (<code>bench/run idle</code>)", self.page())

    def test_an_interrupted_run_says_so(self):
        requests = self.written["requests"]
        self.assertNotIn("was interrupted", self.page(requests={**requests, "complete": True}))
        self.assertIn("was interrupted", self.page(requests={**requests, "complete": False}))

    def test_a_group_in_which_nothing_could_be_measured_says_why(self):
        for name in ("requests", "idle", "bodies"):
            changed = copy.deepcopy(self.written[name])
            changed["measured"].update(rows=[], titles={}, failed={"nginx": "no answer"})
            self.assertIn("FAILED: nginx: no answer", "".join(Balanced(self.page(**{name: changed})).words))

    def test_the_machine_and_its_programs_are_named(self):
        words = " ".join(Balanced(self.page()).words)
        about = self.written["requests"]["about"]
        for key in ("processor", "system", "node", "nginx", "workerd", "commit", "command", "date"):
            self.assertTrue(about[key] in words, key)

    def test_an_older_result_of_other_programs_says_what_they_were(self):
        older = copy.deepcopy(self.written["requests"])
        older["about"].update(date="2020-01-01 00:00", node="v18.0.0")
        self.assertIn("other programs or another machine: Node.js v18.0.0.", self.page(requests=older))

    def test_text_from_outside_is_shown_and_not_obeyed(self):
        requests = copy.deepcopy(self.written["requests"])
        requests["measured"]["failed"]["nginx"] = "<script>alert(1)</script>"
        text = self.page(requests=requests)
        self.assertNotIn("<script", text)
        self.assertIn("FAILED: nginx: &lt;script&gt;", text)


class HeadlineTest(unittest.TestCase):
    def setUp(self):
        self.written = page.read(RECORDED, ["requests"])["requests"]

    def test_sets_functions_beside_their_peers(self):
        parsed = xml.etree.ElementTree.fromstring(headline.svg_of(self.written))
        words = [element.text for element in parsed.iter() if element.tag.endswith("text")]
        for title in ("A native function", "troupe, native inline", "nginx + Lua", "A JavaScript function", "workerd"):
            self.assertIn(title, words)
        self.assertRegex(words[-1], self.written["about"]["node"])

    def test_bars_are_as_long_as_their_figures(self):
        text = headline.svg_of(self.written)
        widths = [float(width) for width in re.findall(r'<rect class="\w+" x="\d+" y="[\d.]+" width="([\d.]+)"', text)]
        values = [float(value) for value in re.findall(r'class="value"[^>]*>([\d.,]+) µs', text)]
        scale = widths[0] / values[0]
        for width, value in zip(widths, values, strict=True):
            self.assertAlmostEqual(width, value * scale, delta=1)

    def test_without_a_peer_there_is_no_picture(self):
        measured = copy.deepcopy(self.written["measured"])
        measured["rows"] = [row for row in measured["rows"] if row["server"] in ("native", "node")]
        self.assertIsNone(headline.svg_of({**self.written, "measured": measured}))

    def test_a_peer_that_was_left_out_is_left_out(self):
        measured = copy.deepcopy(self.written["measured"])
        measured["rows"] = [row for row in measured["rows"] if row["server"] != "workerd"]
        measured["titles"].pop("workerd")
        text = headline.svg_of({**self.written, "measured": measured})
        self.assertNotIn("workerd", text)
        self.assertIn("Node&#x27;s http server", text)


class StepTest(unittest.TestCase):
    def test_writes_page_and_pictures(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in os.listdir(RECORDED):
                os.symlink(os.path.join(RECORDED, name), os.path.join(folder, name))
            picture = os.path.join(folder, "pictures", "headline.svg")
            options = page.parse(["--results", folder, "--headline", picture])
            self.assertEqual(quietly(page.run, options, main.GROUPS)[0], 0)
            for path in ("index.html", "headline.svg", picture):
                self.assertGreater(os.path.getsize(os.path.join(folder, path)), 1000)

    def test_without_results_it_says_what_to_do(self):
        with tempfile.TemporaryDirectory() as folder:
            code, _, err = quietly(page.run, page.parse(["--results", folder]), main.GROUPS)
        self.assertEqual(code, 1)
        self.assertIn("measure something first", err)


if __name__ == "__main__":
    unittest.main()
