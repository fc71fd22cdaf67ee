"""What must be true of a history, whatever happened while it was made (specs: catalogue-store 1 and 5)."""
import json

import linearizability
import models
from replay import EPOCH_BITS, Violation, broken, merge


def check_all(history, members, keys, resources, restored_at=None):
    """Raises Violation naming the broken promise.

    history      every operation in it is settled
    members      what they told: their followers have seen everything that was committed
    restored_at  when a new history was made out of a copy; what the copy did not have is gone then
    """
    told = [each for member in members for each in member.told]
    operations = history.all()
    unsettled = [each for each in operations if each.outcome == "unknown"]
    if unsettled:
        broken("settled", f"{len(unsettled)} operations are in doubt, as {unsettled[0]}")
    log, cut = merge(told)
    if (cut is None) != (restored_at is None):
        broken("total_order", f"the history was restored at {restored_at}, and followers saw it begin anew after {cut}")
    if cut is not None:
        check_epochs_rise_over_a_restore(operations, restored_at)
        operations = survivors(operations, cut, restored_at)
    check_commits(operations, log)
    check_order(operations)
    check_reads(operations, log)
    check_registers(operations, keys)
    sessions = lives_of_sessions(told, operations, _ttl_of(members), restored_at)
    check_claims(operations, resources, sessions)
    check_epochs(operations)
    check_acts(told, log)
    check_session_ends(told, sessions)
    return log


def _ttl_of(members):
    return members[0].ttl_ms / 1000


def survivors(operations, cut, restored_at):
    """Without what the restored history did not take over: acknowledged after its copy's last commit, or answered out of
    that time."""
    def place(operation):
        answer = operation.answer
        return answer.get("cursor") or answer.get("epoch", 0) & ((1 << EPOCH_BITS) - 1)
    lost = {id(each) for each in operations if each.end < restored_at and place(each) > cut}
    lost_from = min((each.begin for each in operations if id(each) in lost), default=restored_at)
    # A conflict, or a free resource, has no cursor that would say out of which time it is.
    lost |= {id(each) for each in operations
             if lost_from <= each.end < restored_at and each.outcome == "ok" and place(each) == 0}
    return [each for each in operations if id(each) not in lost]


def committed(operations):
    """Commits that were applied, by cursor."""
    return [each for each in operations
            if each.kind == "commit" and each.outcome == "ok" and each.answer.get("settled") != "void"]


def check_commits(operations, log):
    """No acknowledged commit is lost, each is there once and as it was asked for, and what was refused is not there."""
    places = {}
    for commit in log.commits.values():
        for key, (value, _) in commit["puts"].items():
            if key.startswith("test/key"):
                places.setdefault(value, set()).add(commit["cursor"])
    for value, cursors in places.items():
        if len(cursors) > 1:
            broken("applied_once", f"{value} was written by the commits {sorted(cursors)}")
    for each in committed(operations):
        commit = log.commits.get(each.cursor)
        if commit is None:
            broken("acknowledged_is_kept", f"no follower has seen {each}")
        for key, value in each.asked["writes"].items():
            # Erasing what is not there changes nothing.
            erased = value is None and (key in commit["erased"] or log.value(key, each.cursor) is None)
            if not erased and commit["puts"].get(key, (None, 0))[0] != value:
                broken("acknowledged_is_kept", f"commit {each.cursor} is not what {each} asked for: {commit}")
        for key, value in each.asked["expected"].items():
            if log.value(key, each.cursor - 1) != value:
                broken("guards_hold", f"{each} was applied where {key} was {log.value(key, each.cursor - 1)}")
    for each in operations:
        refused = each.kind == "conflict" or (each.kind == "commit" and each.outcome == "failed")
        for value in each.asked["writes"].values() if refused else ():
            if value is not None and value in places:
                broken("refused_means_not_applied", f"{each} is commit {sorted(places[value])}")


def check_order(operations):
    """What was acknowledged before another one began comes before it; what began later sees it."""
    marks = [each for each in operations if each.cursor is not None and each.kind in ("commit", "read")]
    ended = sorted(marks, key=lambda each: each.end)
    newest, position = None, 0
    for each in sorted(marks, key=lambda one: one.begin):
        while position < len(ended) and ended[position].end < each.begin:
            if newest is None or ended[position].cursor > newest.cursor:
                newest = ended[position]
            position += 1
        if newest is None:
            continue
        if each.cursor < newest.cursor or (each.kind == "commit" and each.cursor == newest.cursor):
            broken("real_time_order", f"{each} began after {newest} had ended")


def check_reads(operations, log):
    """Each read shows what the log says of its key at its cursor."""
    for each in operations:
        if each.kind == "read" and each.outcome == "ok":
            value = log.value(each.asked["key"], each.cursor)
            if value != each.answer["value"]:
                broken("total_order", f"{each}, but the commits up to there say {value}")


def check_registers(operations, keys):
    for key in keys:
        try:
            linearizability.check(models.register_steps(operations, key), None)
        except linearizability.NotLinearizable as problem:
            broken("commits_are_linearizable", f"{key}: {problem}")


def check_claims(operations, resources, sessions):
    owners = [each for each in operations if each.kind in ("claim", "transfer", "release")]
    for resource in resources:
        try:
            linearizability.check(models.claim_steps(owners, resource, sessions), models.NOBODY)
        except linearizability.NotLinearizable as problem:
            broken("claims_are_linearizable", f"{resource}: {problem}")


def check_epochs(operations):
    """An epoch is given once, to one session, and later ones are higher."""
    given = {}
    for each in operations:
        if each.kind not in ("claim", "transfer") or each.answer.get("is") != "owned":
            continue
        session = each.asked["session"] if each.kind == "claim" else each.asked["to"]
        place = (each.asked["resource"], each.answer["epoch"])
        if given.setdefault(place, session) != session:
            broken("epochs_rise", f"{each} got an epoch that {given[place]} had")
        if each.kind == "transfer" and each.answer["epoch"] <= each.asked["epoch"]:
            broken("epochs_rise", f"{each} got an epoch that is not above the one that it gave away")


def check_epochs_rise_over_a_restore(operations, restored_at):
    """Also above those that the restored history does not know of."""
    given = [each for each in operations if each.answer.get("is") == "owned"]
    before = max((each.answer["epoch"] for each in given if each.end < restored_at), default=0)
    for each in given:
        if each.begin >= restored_at and each.answer["epoch"] <= before:
            broken("epochs_rise", f"{each} got an epoch that is not above {before}, given before the restore")


def lives_of_sessions(told, operations, ttl_s, restored_at=None):
    """{session: (its node, the earliest time at which the store may have ended it)}: a ttl after the last renewal that it
    may have seen, or when another process of the same member may have opened one."""
    sessions = {}
    node_of = {each.member: each.node for each in told}
    for place, each in enumerate(told):
        later = [other.began for other in told[place + 1:] if other.node == each.node]
        for session, relied_on_until in each.sessions.items():
            if restored_at is not None and each.began < restored_at:
                later.append(restored_at)
            sessions[session] = (each.node, min([relied_on_until + ttl_s / 5, *later]))
    for each in operations:
        # One that its process did not come to tell of.
        if each.kind == "claim" and each.asked["session"]:
            sessions.setdefault(each.asked["session"], (node_of[each.member], 0.0))
        if each.kind == "transfer" and each.asked["to"] not in sessions:
            raise Violation(f"nobody told of the session to which {each} gave")
    return sessions


def check_acts(told, log):
    """No resource has two acting owners: who acts under an epoch does so before all who act under a higher one, and under
    one that the store gave to its node."""
    acts = sorted((at, epoch, resource, each.node) for each in told for at, resource, epoch in each.acts)
    newest = {}
    for at, epoch, resource, node in acts:
        before = newest.get(resource)
        if before and epoch < before[1]:
            broken("one_acting_owner", f"{node} acts for {resource} under epoch {epoch} at {at:.3f}, after {before[2]} "
                                       f"has acted under {before[1]} at {before[0]:.3f}")
        if before and epoch == before[1] and node != before[2]:
            broken("one_acting_owner", f"{node} and {before[2]} act for {resource} under epoch {epoch}")
        if not before or epoch > before[1]:
            owner = log.owner(resource, epoch)
            if owner != node:
                broken("one_acting_owner", f"{node} acts for {resource} under epoch {epoch}, which is that of {owner}")
            newest[resource] = (at, epoch, node)


def check_session_ends(told, sessions):
    """No follower sees the end of a session earlier than it may have ended."""
    for each in told:
        live = {}
        for at, line in each.follower:
            for commit in line.get("commits", ()):
                for record in commit["puts"]:
                    if record["key"].startswith("live/"):
                        live[record["key"]] = record["session"]
                for key in commit["erased"]:
                    session = live.pop(key, None)
                    if session in sessions and at < sessions[session][1]:
                        broken("session_freed_early", f"{each.member} sees the end of {json.dumps(sessions[session])}, "
                                                      f"session {session}, at {at:.3f}")
