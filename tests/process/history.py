"""What clients of a cluster saw while something went wrong, and whether a cluster may behave so.

The judges are functions of what was recorded. Each returns a list of what is wrong, in words, empty if nothing is:

  wrong_answers      every request has one answer, its own            (I2 of the fault tests)
  repeated_runs      nothing runs twice, what was refused did not run  (I3)
  needless_failures  a crash costs what ran or waited at the dead node (I5)
  failures_outside   a fault of the network costs requests until it is noticed
  lost_changes       acknowledged changes are at every node, and none comes back  (I1, I10)
  lost_versions      the same for functions that several writers deploy at a time
"""
import collections
import json
import os

import load

# One deployment or removal (`mark` None) of a function, through `node`; `mark` is unique. `outcome`:
#   ok       acknowledged; a deployment as this `version`
#   failed   refused, so nothing was changed
#   unknown  anything else
Change = collections.namedtuple("Change", "function mark node began ended outcome said version", defaults=(None,))

# Time in which a node was dead (from the kill to its next readiness) or stopped, by time.monotonic().
Outage = collections.namedtuple("Outage", "kind node began ended")

# The refusals that promise that nothing was changed.
REFUSALS = ("conflict", "full", "no_such_function", "not_ready", "draining", "overloaded", "refused", "unavailable")
# Causes of calls whose time, or that of the instance they waited for, passed while their node hung with its workers.
TIMEOUTS = ("function_timeout", "init_failed")
# Causes for which a call that was refused must not have run.
NOT_RUN = ("overloaded", "no_capacity", "not_ready", "draining", "breaker_open")


def handler(folder):
    """A handler that notes the id of each request in a file of its node, in `folder`, before it does anything else."""
    return load.HANDLER % f"require('path').join({json.dumps(folder)}, {_OWN_NODE})"


# Code lies in a node's data directory.
_OWN_NODE = "__dirname.split('/code/')[0].split('/').pop()"


def runs(folder, nodes):
    """What ran where: {request id: [names of nodes]}."""
    names = {os.path.basename(node.data_dir.rstrip("/")): node.name for node in nodes}
    found = collections.defaultdict(list)
    for file in os.listdir(folder):
        for request, times in load.executions(os.path.join(folder, file)).items():
            found[request] += [names[file]] * times
    return dict(found)


def outcome_of(done):
    """(outcome, words, version) of an ended `troupe deploy` or `remove` with --json; `done` None if it was given up."""
    if done is None:
        return "unknown", "no answer in time", None
    if done.returncode == 0:
        return "ok", "", json.loads(done.stdout).get("version")
    try:
        why = json.loads(done.stderr.splitlines()[-1])["error"]
    except (IndexError, KeyError, TypeError, ValueError):
        return "unknown", done.stderr, None
    refused = why["code"] in REFUSALS and not why["message"].startswith("deployed, but")
    return "failed" if refused else "unknown", why["message"], None


def lived(asked, outages):
    """Whether the request's own node was neither dead nor stopped at any time of the request."""
    return not any(each.node == asked.node and asked.began <= each.ended and each.began <= asked.ended
                   for each in outages)


def wrong_answers(asked, outages=()):
    """Requests of living nodes without exactly one answer of their own: 200 with their id, or 502 or 503 with a reason.
    Those of dead nodes may have none; those of a node that was stopped may have come to one of TIMEOUTS."""
    dead = [each for each in outages if each.kind == "dead"]
    wrong = []
    for each in asked:
        if each.outcome in ("repeated", "silent"):
            wrong.append(f"{each.outcome} answer: {each}")
        elif each.outcome == "ok":
            if each.body != each.number:
                wrong.append(f"answered with another's: {each}")
        elif each.outcome == "failed":
            clear = each.status in (502, 503) or (each.cause in TIMEOUTS and not lived(each, outages))
            if not clear or not each.body or not each.cause:
                wrong.append(f"no clear refusal: {each}")
        elif lived(each, dead):
            wrong.append(f"no answer of a living node: {each}")
    return wrong


def repeated_runs(asked, ran):
    """Requests that ran more often than their answers allow, and runs that nobody asked for."""
    known = {each.number: each for each in asked}
    wrong = [f"ran without having been asked: {number} at {at}" for number, at in ran.items() if number not in known]
    for each in asked:
        times = len(ran.get(each.number, ()))
        if times > 1:
            wrong.append(f"ran {times} times, at {ran[each.number]}: {each}")
        elif each.outcome == "ok" and times == 0:
            wrong.append(f"answered and did not run: {each}")
        elif times and (each.outcome == "refused" or (each.outcome == "failed" and each.cause in NOT_RUN)):
            wrong.append(f"refused and ran at {ran[each.number]}: {each}")
    return wrong


def needless_failures(asked, ran, outages, within_s):
    """Failures that no outage explains. A node that is out costs its own clients their answers meanwhile; the clients
    of others only what ran there or went there within `within_s` of its beginning, and they hear of it in that time."""
    wrong = []
    for each in asked:
        if each.outcome == "ok" or not lived(each, outages):
            continue
        at = ran.get(each.number, [])
        to_blame = [outage for outage in outages if outage.node != each.node and set(at) <= {outage.node} and
                    outage.began - within_s <= each.ended and each.began <= outage.began + within_s]
        if not to_blame:
            wrong.append(f"failed for no reason, ran at {at}: {each}")
        elif each.ended > max(max(each.began, outage.began) for outage in to_blame) + within_s:
            wrong.append(f"failed late: {each}")
    return wrong


def failures_outside(asked, windows, within_s):
    """Failures of requests that did not begin, and were not under way, in one of the windows (began, ended) in which
    they may fail, and those that took longer than `within_s`."""
    wrong = []
    for each in asked:
        if each.outcome == "ok":
            continue
        if not any(each.began <= ended and each.ended >= began for began, ended in windows):
            wrong.append(f"failed for no reason: {each}")
        elif each.ended - each.began > within_s:
            wrong.append(f"failed late: {each}")
    return wrong


def possible_marks(changes, function):
    """The marks that the function may have after its changes; None among them if it may be away.

    An unknown change counts at most until the next acknowledged one: each is guarded by the revision that its writer
    read, so one that comes late finds another revision and is refused.
    """
    marks = {None}
    for change in sorted((each for each in changes if each.function == function), key=lambda each: each.began):
        if change.outcome == "ok":
            marks = {change.mark}
        elif change.outcome == "unknown":
            marks = marks | {change.mark}
    return marks


def lost_changes(changes, seen):
    """Functions that are not what their changes made of them, or not the same everywhere. Each has one writer, who made
    one change after the other. `seen` is what each node says now: {node: {function: mark}}."""
    wrong = []
    for function in sorted({each.function for each in changes}):
        marks = possible_marks(changes, function)
        there = {node: functions.get(function) for node, functions in seen.items()}
        for node, mark in there.items():
            if mark not in marks:
                wrong.append(f"{function} is {mark} at {node}, not one of {marks}: "
                             f"{[each for each in changes if each.function == function][-4:]}")
        if len(set(there.values())) > 1:
            wrong.append(f"{function} differs: {there}")
    return wrong


def lost_versions(changes, seen):
    """What went wrong with deployments of one function that is never removed: a version that was acknowledged twice, or
    not in the order of the acknowledgements, and nodes that have an earlier one or another's. `seen` is
    {node: (version, mark)}, 0 for the version where it is away."""
    wrong = []
    acknowledged = {}
    for change in changes:
        if change.outcome == "ok" and change.version in acknowledged:
            wrong.append(f"one version for two: {acknowledged[change.version]} and {change}")
        elif change.outcome == "ok":
            acknowledged[change.version] = change
    for earlier in acknowledged.values():
        wrong += [f"{change} is older than {earlier}" for change in acknowledged.values()
                  if change.began > earlier.ended and change.version < earlier.version]
    refused = {change.mark for change in changes if change.outcome == "failed"}
    newest = max(acknowledged, default=0)
    for node, (version, mark) in seen.items():
        known = acknowledged.get(version)
        if version < newest or mark in refused or (known and known.mark != mark):
            wrong.append(f"version {version} at {node} is {mark}, not {acknowledged.get(newest)}")
    if len(set(seen.values())) > 1:
        wrong.append(f"versions differ: {seen}")
    return wrong
