"""What is made of measurements: medians, spreads, quantiles, ratios round by round, and verdicts beside budgets."""
import dataclasses
import statistics
from typing import Optional


def quantile(values, share):
    """The smallest value that at least `share` percent of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def spread(values):
    """Half of the distance from least to most, in percent of the median."""
    return 50 * (max(values) - min(values)) / statistics.median(values)


@dataclasses.dataclass
class Verdict:
    """A figure, how far it scattered, and what it is held against."""

    title: str
    value: float
    least: float
    most: float
    budget: Optional[float] = None
    goal: Optional[float] = None
    unit: str = ""
    # Most figures are to be small; this one is to be large.
    at_least: bool = False

    @property
    def held(self):
        return self.budget is None or self._reaches(self.budget)

    @property
    def word(self):
        if self.budget is None:
            return ""
        if self.goal is not None and self._reaches(self.goal):
            return "goal reached"
        return "held" if self.held else "EXCEEDED"

    def _reaches(self, limit):
        return self.value >= limit if self.at_least else self.value <= limit


def of_rounds(title, values, **budget):
    """The median is what counts."""
    return Verdict(title, statistics.median(values), min(values), max(values), **budget)


class Results:
    """All single measurements, as they came: (server, loops, case) -> one {figure: value} per round.

    `titles` has the name of each server for people; `left_out` those that this machine has not, and `failed` those that
    did not do what they should, {title: reason}.
    """

    def __init__(self):
        self.rounds = {}
        self.titles = {}
        self.left_out = {}
        self.failed = {}

    def add(self, name, loops, case, found):
        self.rounds.setdefault((name, loops, case), []).append(found)

    def column(self, key, figure):
        return [found[figure] for found in self.rounds[key]]

    def middle(self, key):
        """{figure: median}"""
        return {figure: statistics.median(self.column(key, figure)) for figure in self.rounds[key][0]}

    def each(self, place):
        """The names (0), numbers of loops (1) or cases (2) that there are, in the order in which they were measured."""
        return list(dict.fromkeys(key[place] for key in self.rounds))

    def ratios(self, first, second, loops, case, figure="cpu_us"):
        """`figure` of `first` over that of `second`, round by round; empty when one was not measured."""
        return [a / b for a, b in self._pairs(first, second, loops, case, figure)]

    def differences(self, first, second, loops, case, figure="cpu_us"):
        return [a - b for a, b in self._pairs(first, second, loops, case, figure)]

    def _pairs(self, first, second, loops, case, figure):
        keys = [(name, loops, case) for name in (first, second)]
        if any(key not in self.rounds for key in keys):
            return []
        return list(zip(*(self.column(key, figure) for key in keys)))

    def written(self):
        """As it goes to a file."""
        rows = [{"server": name, "loops": loops, "case": case, "rounds": found}
                for (name, loops, case), found in self.rounds.items()]
        return {"titles": self.titles, "left_out": self.left_out, "failed": self.failed, "rows": rows}


def read_results(written):
    results = Results()
    results.titles.update(written["titles"])
    results.left_out.update(written["left_out"])
    results.failed.update(written["failed"])
    for row in written["rows"]:
        results.rounds[(row["server"], row["loops"], row["case"])] = row["rounds"]
    return results
