"""The log of a store as its followers tell it, and the plainest replay of it."""
import bisect

from history import Told


class Violation(AssertionError):
    """A promise of the store does not hold."""


def broken(promise, text):
    raise Violation(f"{promise}: {text}")


class Log:
    """Every commit of one history that a follower was told of, and the records before the first of them."""

    def __init__(self, first, records, generation):
        self.first = first
        self.generation = generation
        self.commits = {}  # cursor -> {cursor, puts: {key: (value, revision)}, erased: {key}}
        self._versions = {}  # key -> ([cursor], [value])
        self._owners = {}  # (resource, epoch) -> node
        for record in records:
            self._note(record["key"], first, record)

    def add(self, commit):
        """Commits come in the order of their cursors."""
        cursor = commit["cursor"]
        self.commits[cursor] = {"cursor": cursor, "erased": set(commit["erased"]),
                                "puts": {each["key"]: (text_of(each), each["revision"]) for each in commit["puts"]}}
        for each in commit["puts"]:
            self._note(each["key"], cursor, each)
        for key in commit["erased"]:
            self._note(key, cursor, None)

    def _note(self, key, cursor, record):
        cursors, values = self._versions.setdefault(key, ([], []))
        cursors.append(cursor)
        values.append(None if record is None else (text_of(record), record["revision"]))
        if record is not None and key.startswith("owner/"):
            self._owners[(key[len("owner/"):], self.generation << EPOCH_BITS | record["revision"])] = record["node"]

    def _version(self, key, cursor):
        cursors, values = self._versions.get(key, ([], []))
        place = bisect.bisect_right(cursors, cursor)
        return values[place - 1] if place else None

    def value(self, key, cursor):
        """What the key is after the commit of that cursor; None when it is absent."""
        version = self._version(key, cursor)
        return version and version[0]

    def records(self, cursor):
        """{key: (value, revision)} after that commit."""
        found = {key: self._version(key, cursor) for key in self._versions}
        return {key: version for key, version in found.items() if version}

    def owner(self, resource, epoch):
        """The node that the store made owner under that epoch; None when it did so for nobody."""
        return self._owners.get((resource, epoch))

    def go_on_with(self, later, cut):
        """This history up to `cut`, then the later one, which was made out of it."""
        for cursor in [each for each in self.commits if each > cut]:
            del self.commits[cursor]
        for cursors, values in self._versions.values():
            place = bisect.bisect_right(cursors, cut)
            del cursors[place:], values[place:]
        for key, (cursors, values) in later._versions.items():
            mine = self._versions.setdefault(key, ([], []))
            mine[0].extend(cursors)
            mine[1].extend(values)
        for key in self._versions.keys() - later._versions.keys():
            # Gone with the sessions that the later history did not take over.
            self._versions[key][0].append(later.first)
            self._versions[key][1].append(None)
        self.commits.update(later.commits)
        self._owners.update(later._owners)


EPOCH_BITS = 40  # of an epoch are its commit, those above its generation


def text_of(record):
    return bytes.fromhex(record["value"]).decode("latin-1")


def merge(told):
    """(log, cut) of what all followers told; `cut` is None unless the history was replaced by one that was made out of it
    up to there. Each follower was told every commit between where it began and where it is, once, in the same order, as
    all others were; what it loaded is what the commits up to there make."""
    histories = {}
    for each in told:
        part = None
        for at, line in each.follower:
            if line["is"] == "loaded":
                part = Told(each.member, each.node, each.began)
                histories.setdefault((line["generation"], line["store_id"]), []).append(part)
            if line["is"] != "gap":
                part.follower.append((at, line))
    if not histories:
        raise Violation("nobody has told of any record")
    logs = [(_merge_one(parts, generation), parts) for (generation, _), parts in sorted(histories.items())]
    log, cut = logs[0][0], None
    for later, parts in logs[1:]:
        cut = parts[0].follower[0][1]["parent_cursor"]
        _check_kept(log.records(cut), later, cut)
        log.go_on_with(later, cut)
    return log, cut


def _check_kept(old, later, cut):
    """A history that was made out of a copy has all of its records, but for what was bound to sessions."""
    def of_people(records):
        return {key: version for key, version in records.items()
                if not key.startswith(("session/", "live/", "owner/", "bound/", "meta/"))}
    old, new = of_people(old), of_people(later.records(later.first))
    written_since = {key for key, (_, revision) in new.items() if revision > cut}
    missing = {key for key in old if key not in new} if later.first == cut + 1 else set()
    differ = sorted(missing | {key for key in new.keys() - written_since if old.get(key) != new[key]})
    if differ:
        broken("history_is_kept", f"restored at {cut} with {[(key, old.get(key), new.get(key)) for key in differ][:5]}")


def _merge_one(told, generation):
    loads, batches = [], {}
    for each in told:
        at = None
        for _, line in each.follower:
            if line["is"] == "loaded":
                at = line["cursor"]
                loads.append((each, line))
            for commit in line.get("commits", ()):
                cursor = commit["cursor"]
                if cursor <= at:
                    broken("total_order", f"a follower at {each.member} was told commit {cursor} after {at}")
                at = cursor
                known = batches.setdefault(cursor, commit)
                if known != commit:
                    broken("total_order", f"commit {cursor} is {commit} at {each.member} and {known} elsewhere")
    _, first = min(loads, key=lambda each: each[1]["cursor"])
    log = Log(first["cursor"], first["records"], generation)
    order = sorted(batches)
    for cursor in order:
        log.add(batches[cursor])
    _check_gaps(told, order)
    for each, line in loads:
        is_there = {record["key"]: (text_of(record), record["revision"]) for record in line["records"]}
        should = log.records(line["cursor"])
        if is_there != should:
            differ = sorted(key for key in is_there.keys() | should.keys() if is_there.get(key) != should.get(key))
            broken("total_order", f"{each.member} loaded at {line['cursor']} something else than the commits make: "
                                  f"{[(key, is_there.get(key), should.get(key)) for key in differ][:5]}")
    return log


def _check_gaps(told, order):
    """Between two commits that a follower was told there is none that others were told."""
    for each in told:
        at = None
        for _, line in each.follower:
            if line["is"] == "loaded":
                at = line["cursor"]
            for commit in line.get("commits", ()):
                place = bisect.bisect_right(order, at)
                if place < len(order) and order[place] != commit["cursor"]:
                    broken("total_order", f"a follower at {each.member} was told commit {commit['cursor']} after {at}, "
                                          f"and not {order[place]}")
                at = commit["cursor"]
