"""What a group of measurements has to say, for the terminal and for the page alike: tables, bars, verdicts, notes."""
import dataclasses

import figures


@dataclasses.dataclass
class Table:
    """Cells are text already; the first column is to the left, all others to the right."""

    head: list
    rows: list
    title: str = ""


@dataclasses.dataclass
class Bar:
    label: str
    value: float
    least: float
    most: float
    # troupe itself, beside its peers
    own: bool = False


@dataclasses.dataclass
class Bars:
    """A chart, for the page alone: what it shows is in a table too."""

    title: str
    unit: str
    bars: list
    budget: float = None


@dataclasses.dataclass
class Verdicts:
    """`title` says what all of them measure."""

    title: str
    verdicts: list


@dataclasses.dataclass
class Note:
    text: str


def verdicts_of(blocks):
    return [verdict for block in blocks if isinstance(block, Verdicts) for verdict in block.verdicts]


def number(value):
    """As many digits as say something."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) < 0.1:
        return f"{value:.3f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"


def limits(verdict):
    """(budget, goal) in words."""
    if verdict.budget is None:
        return "", ""
    bound = "at least " if verdict.at_least else "at most "
    goal = "" if verdict.goal is None else f"{verdict.goal:g}"
    return f"{bound}{verdict.budget:g}{verdict.unit}", goal


def as_table(block):
    rows = [[verdict.title, number(verdict.value) + verdict.unit, f"{number(verdict.least)}-{number(verdict.most)}",
             *limits(verdict), verdict.word] for verdict in block.verdicts]
    return Table([block.title, "value", "extremes", "budget", "goal", ""], rows)


def lines_of(table):
    """A table as text."""
    widths = [max(len(row[column]) for row in [table.head, *table.rows]) for column in range(len(table.head))]

    def line(row):
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        return "  ".join(cells).rstrip()
    head = line(table.head)
    return [head, "-" * len(head), *map(line, table.rows)]


def as_text(blocks):
    parts = []
    for block in blocks:
        if isinstance(block, Verdicts):
            block = as_table(block)
        if isinstance(block, Table) and block.rows:
            parts.append("\n".join(([block.title] if block.title else []) + lines_of(block)))
        elif isinstance(block, Note):
            parts.append(block.text)
    return "\n\n".join(parts)


def table_of_requests(results, cases=None):
    """What wrk and the processes said of servers: medians of the rounds, and the spread of CPU per request."""
    head = ["server", "loops", "conns", "req/s", "p50 ms", "p99 ms", "CPU us", "+-%", "RSS MB"]
    more = [figure for figure in ("mb_per_s", "lines_per_request")
            if any(figure in found[0] for found in results.rounds.values())]
    head += [{"mb_per_s": "MB/s", "lines_per_request": "lines/req"}[figure] for figure in more]
    rows = []
    for loops in results.each(1):
        for case in cases or results.each(2):
            for name in results.each(0):
                key = (name, loops, case)
                if key not in results.rounds:
                    continue
                middle = results.middle(key)
                rows.append([results.titles[name], str(loops), str(case), f"{middle['requests_per_s']:,.0f}",
                             f"{middle['p50_ms']:.3f}", f"{middle['p99_ms']:.3f}", f"{middle['cpu_us']:.2f}",
                             f"{figures.spread(results.column(key, 'cpu_us')):.1f}", f"{middle['resident_mb']:.1f}",
                             *(number(middle[figure]) if figure in middle else "" for figure in more)])
    return Table(head, rows)


def bars_of(results, title, unit, loops, case, own, figure="cpu_us"):
    """A bar for each server that was measured so; `own`: names of those that are troupe."""
    keys = [(name, loops, case) for name in results.each(0) if (name, loops, case) in results.rounds]
    bars = []
    for key in keys:
        values = results.column(key, figure)
        bars.append(Bar(results.titles[key[0]], results.middle(key)[figure], min(values), max(values), key[0] in own))
    return Bars(title, unit, bars)


def left_out_of(results):
    found = [Note(f"left out: {title}: {reason}") for title, reason in results.left_out.items()]
    return found + [Note(f"FAILED: {title}: {reason}") for title, reason in results.failed.items()]
