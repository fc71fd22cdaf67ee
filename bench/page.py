"""Step `page`: one HTML file of everything that was measured, which needs nothing from elsewhere."""
import json
import os
import re
import sys

import blocks
import charts
import headline
import program
from charts import escaped

STYLE = """\
:root { color-scheme: light dark; --text: #24292f; --dim: #57606a; --line: #d0d7de; --back: #ffffff; --good: #1a7f37;
  --bad: #cf222e; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --dim: #9da7b1; --line: #3d444d; --back: #0d1117; --good: #3fb950; --bad: #f85149; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 68rem;
  margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.25; } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .3rem; }
.dim { color: var(--dim); } .good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
.scroll { overflow-x: auto; } svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; margin: .5rem 0 1rem; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; white-space: normal; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }
dt { color: var(--dim); } dd { margin: 0; }
code { font-size: .9em; }
"""

INTRO = ("Troupe and its peers on one machine, measured in turn, in rounds; a figure is the median of its rounds, and "
         "the line over a bar goes from the least to the most. Ratios are formed within a round. CPU per request is "
         "the steadiest figure where cores are few, as wrk takes one; requests per second measure wrk as much as the "
         "server.")
ABOUT = (("processor", "Processor"), ("cores", "Cores"), ("memory", "Memory"), ("system", "System"),
         ("troupe", "troupe"), ("commit", "Commit"), ("node", "Node.js"), ("python", "Python"), ("nginx", "nginx"),
         ("workerd", "workerd"))


def parse(arguments):
    parser = program.Parser("bench/run page", "Makes one HTML file of the results that there are.", "the same")
    parser.add_argument("--headline", metavar="FILE", help="also writes the picture for the README there")
    return parser.parse(arguments)


def prose(text):
    """With `words` as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped(text))


def table(block, words_of_last=None):
    """`words_of_last`: the last column is a verdict, with the class that this function gives it."""
    if not block.rows:
        return ""
    head = "".join(f"<th>{escaped(cell)}</th>" for cell in block.head)
    rows = []
    for row in block.rows:
        cells = [f"<td>{escaped(cell)}</td>" for cell in row]
        if words_of_last and row[-1]:
            cells[-1] = f'<td class="{words_of_last(row[-1])}">{escaped(row[-1])}</td>'
        rows.append("<tr>" + "".join(cells) + "</tr>")
    title = f"<h3>{escaped(block.title)}</h3>\n" if block.title else ""
    return f'{title}<div class="scroll"><table>\n<tr>{head}</tr>\n' + "\n".join(rows) + "\n</table></div>"


def class_of(word):
    return "bad" if word == "EXCEEDED" else "good"


def verdicts(block):
    return table(blocks.as_table(block), class_of)


def block_as_html(block):
    if isinstance(block, blocks.Bars):
        return f"<h3>{escaped(block.title)}</h3>\n{charts.svg_of(block)}" if block.bars else ""
    if isinstance(block, blocks.Verdicts):
        return verdicts(block)
    if isinstance(block, blocks.Table):
        return table(block)
    return f"<p>{prose(block.text)}</p>"


def read(folder, names):
    """{name: the file of a group}, of those that there are."""
    found = {}
    for name in names:
        path = os.path.join(folder, name + ".json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                found[name] = json.load(file)
    return found


def budgets(said):
    """Everything that has a budget, of all groups."""
    found = []
    for name, parts in said.items():
        for block in parts:
            if isinstance(block, blocks.Verdicts):
                for verdict in block.verdicts:
                    if verdict.budget is not None:
                        row = blocks.as_table(blocks.Verdicts("", [verdict])).rows[0]
                        found.append([f"{block.title}: {row[0]}", *row[1:-1], name, row[-1]])
    head = ["what", "value", "extremes", "budget", "goal", "group", ""]
    return table(blocks.Table(head, found), class_of) if found else "<p>Nothing with a budget was measured.</p>"


def machine(written):
    """Of the newest measurement; where an earlier one was made elsewhere, its section says so."""
    newest = max((each["about"] for each in written.values()), key=lambda about: about["date"])
    rows = [f"<dt>{words}</dt><dd>{escaped(newest[key])}</dd>" for key, words in ABOUT]
    return newest, "<dl>\n" + "\n".join(rows) + "\n</dl>"


def differences(about, newest):
    """What a group was measured with that the newest was not."""
    other = [f"{words} {about[key]}" for key, words in ABOUT if about[key] != newest[key]]
    return "; with other programs or another machine: " + ", ".join(other) if other else ""


def section(name, group, file, parts, newest):
    about = file["about"]
    done = "" if file["complete"] else ' <span class="bad">The run was interrupted: this is what it had.</span>'
    rounds = f"; {about['rounds']} round{'s' * (about['rounds'] > 1)}" if "rounds" in about else ""
    rounds += f" of {about['seconds']} s" if "seconds" in about else ""
    rounds += f"; {about['took_min']} min in all" if "took_min" in about else ""
    when = (f'<p class="dim"><code>{escaped(about["command"])}</code>, {escaped(about["date"])}{rounds}; load of the '
            f'machine when it began {escaped(about["load"])}{escaped(differences(about, newest))}.{done}</p>')
    return "\n".join([f'<h2 id="{name}">{escaped(group.TITLE)}</h2>', f"<p>{prose(group.INTRO)}</p>", when,
                      *filter(None, map(block_as_html, parts))])


def missing(groups, written):
    names = [name for name in groups if name not in written]
    if not names:
        return ""
    words = ", ".join(f"{escaped(groups[name].TITLE)} (<code>bench/run {name}</code>)" for name in names)
    return f"<p><strong>Not measured:</strong> {words}.</p>"


def page_of(groups, written):
    """The page as text. `written`: {name: the file of a group}, at least one."""
    said = {name: groups[name].blocks_of(file["measured"]) for name, file in written.items()}
    newest, machine_list = machine(written)
    parts = [
        "<!doctype html>", '<html lang="en">', "<head>", '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        "<title>troupe beside its peers</title>", f"<style>\n{STYLE}{charts.STYLE}</style>", "</head>", "<body>",
        "<h1>troupe beside its peers</h1>", f"<p>{INTRO}</p>",
        machine_list, "<h2>Budgets</h2>", budgets(said), missing(groups, written),
        *(section(name, groups[name], written[name], said[name], newest) for name in written), "</body>", "</html>"]
    return "\n".join(filter(None, parts)) + "\n"


def write(path, text):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"== Wrote {os.path.relpath(path)}", flush=True)


def run(options, groups):
    written = read(options.results, groups)
    if not written:
        print(f"bench/run: no results in {options.results}; measure something first", file=sys.stderr)
        return 1
    write(os.path.join(options.results, "index.html"), page_of(groups, written))
    picture = headline.svg_of(written["requests"]) if "requests" in written else None
    if picture:
        write(os.path.join(options.results, "headline.svg"), picture)
        if options.headline:
            write(options.headline, picture)
    elif options.headline:
        print("bench/run: the picture needs the group `requests` with 64 connections and one loop", file=sys.stderr)
        return 1
    return 0
