"""Whether operations of concurrent clients on one object could have happened one after the other, each between its begin
and its end (linearizability; the search of Wing and Gong, remembering where it has been, as Lowe does).

An operation is a `Step`. One whose outcome is unknown is optional: it takes effect at any time after its begin, or never.
"""
import dataclasses
import typing

from history import INFINITY


class Undecided(Exception):
    """There were more ways to look at than the bound allows."""


@dataclasses.dataclass
class Step:
    begin: float
    end: float
    #: state -> the states in which it may leave the object; none when it cannot have been answered so in that state
    apply: typing.Callable
    optional: bool = False
    text: str = ""


class NotLinearizable(Exception):
    """No order explains the answers. The text shows the operations around the place where the longest one ends."""


def check(steps, initial, max_looked_at=200_000):
    """Raises NotLinearizable or Undecided. States must be hashable."""
    steps = sorted(steps, key=lambda step: (step.begin, step.end))
    mandatory = sum(1 << index for index, step in enumerate(steps) if not step.optional)
    stack = [(0, initial)]
    seen = {(0, initial)}
    furthest = 0
    while stack:
        done, state = stack.pop()
        if done & mandatory == mandatory:
            return
        if (done & mandatory).bit_count() > (furthest & mandatory).bit_count():
            furthest = done
        # What is on top of the stack is tried first: operations with an answer before those without.
        for index in sorted(_next_ones(steps, done), key=lambda one: (not steps[one].optional, -steps[one].end)):
            for after in steps[index].apply(state):
                found = (done | 1 << index, after)
                if found in seen:
                    continue
                seen.add(found)
                if len(seen) > max_looked_at:
                    raise Undecided(f"{len(steps)} operations, more than {max_looked_at} ways to order them")
                stack.append(found)
    raise NotLinearizable(_explain(steps, furthest, mandatory))


def _next_ones(steps, done):
    """Those that may come next: nothing that is not done yet ended before they began."""
    earliest_end = INFINITY
    candidates = []
    first = (~done & (done + 1)).bit_length() - 1  # the lowest that is not done
    for index in range(first, len(steps)):
        if done >> index & 1:
            continue
        step = steps[index]
        if step.begin > earliest_end:
            break
        candidates.append(index)
        if not step.optional:
            earliest_end = min(earliest_end, step.end)
    return [index for index in candidates if steps[index].begin <= earliest_end]


def _explain(steps, furthest, mandatory):
    missing = [step for index, step in enumerate(steps) if mandatory >> index & 1 and not furthest >> index & 1]
    stuck = missing[0]
    near = [step for step in steps if step.end >= stuck.begin - 1 and step.begin <= stuck.end + 1]
    lines = [f"{'>' if step is stuck else ' '} {step.begin:.4f} to {step.end:.4f}{' (optional)' if step.optional else ''}"
             f" {step.text}" for step in near[:40]]
    return f"no order of {len(steps)} operations explains\n" + "\n".join(lines)
