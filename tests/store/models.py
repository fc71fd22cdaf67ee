"""What a store's answers say of one key or one resource, as steps for linearizability.check: black boxes, without a look
at cursors or logs.
"""
from history import INFINITY
from linearizability import Step

NOBODY = (None, 0, 0)  # owning session, its epoch (None: not known), the highest epoch known so far


def register_steps(operations, key):
    """Commits to and reads of one key. A state is its value, None when it is absent; every commit writes a new value."""
    steps = []
    observed = set()
    for each in operations:
        for kind, value in _register_facts(each, key):
            if kind in ("sees", "swaps"):
                observed.add(value[0] if kind == "swaps" else value)
    for each in operations:
        for kind, value in _register_facts(each, key):
            optional = each.outcome == "unknown"
            # What nobody has seen need not have happened.
            if optional and (kind == "sees" or (value[1] if kind == "swaps" else value) not in observed):
                continue
            steps.append(Step(each.begin, INFINITY if optional else each.end, _register_rule(kind, value), optional,
                              f"{each.client}: {kind} {key} {value}"))
    return steps


def _register_facts(operation, key):
    """(`sees`, value), (`writes`, value) or (`swaps`, (old, new)) of this key."""
    if operation.outcome == "failed":
        return []
    if operation.kind == "read":
        return [("sees", operation.answer["value"])] if operation.outcome == "ok" and operation.asked["key"] == key else []
    if operation.kind == "conflict":  # what stood at the guarded keys
        return [("sees", operation.answer["values"][key])] if key in operation.answer["values"] else []
    if operation.kind != "commit":
        return []
    expected = operation.asked["expected"]
    writes = operation.asked["writes"]
    if key in writes:
        return [("swaps", (expected[key], writes[key])) if key in expected else ("writes", writes[key])]
    return [("sees", expected[key])] if key in expected else []


def _register_rule(kind, value):
    if kind == "sees":
        return lambda state: [state] if state == value else []
    if kind == "writes":
        return lambda state: [value]
    return lambda state: [value[1]] if state == value[0] else []


def claim_steps(operations, resource, sessions):
    """Claims, transfers and releases of one resource.

    sessions  {session: (its node, the earliest time at which the store may have ended it)}
    """
    steps = []
    for each in operations:
        if each.asked.get("resource") != resource or each.outcome == "failed":
            continue
        rule = _claim_rule(each, sessions)
        if rule:
            optional = each.outcome == "unknown"
            steps.append(Step(each.begin, INFINITY if optional else each.end, rule, optional,
                              f"{each.client}: {each.kind} {each.asked} -> {each.answer}"))
    concerned = {each.asked.get(name) for each in operations if each.asked.get("resource") == resource
                 for name in ("session", "to")}
    for session in concerned & sessions.keys():
        ended = sessions[session][1]
        steps.append(Step(ended, INFINITY, _free(session), True, f"the end of session {session}"))
    return steps


def _free(session):
    return lambda state: [(None, 0, state[2])] if state[0] == session else []


def _known_as(state, epoch):
    """The state with the epoch that an answer names, or None when it cannot be that one."""
    session, current, top = state
    if session is None or (current is not None and current != epoch) or (current is None and epoch <= top):
        return None
    return (session, epoch, max(top, epoch))


def _give(state, session, epoch):
    """Ownership passes to `session` under an epoch above all before; None: some such epoch."""
    if epoch is None:
        return [(session, None, state[2])]
    return [(session, epoch, epoch)] if epoch > state[2] else []


def _claim_rule(operation, sessions):
    answer = operation.answer
    kind = answer.get("is")
    if operation.outcome == "unknown" or kind == "settled":
        return _unknown_rule(operation)
    if kind == "held" and answer["epoch"] != 0:
        return _held_rule(answer, sessions, operation)
    if operation.kind == "claim" and kind == "owned":
        return _owned_rule(operation.asked["session"], answer["epoch"])
    if operation.kind == "transfer" and kind == "owned":
        return lambda state: (_give(state, operation.asked["to"], answer["epoch"])
                              if _known_as(state, operation.asked["epoch"]) else [])
    if operation.kind == "release" and kind == "committed":
        return lambda state: [(None, 0, state[2])] if _known_as(state, operation.asked["epoch"]) else []
    if kind == "held":
        return lambda state: [state] if state[0] is None else []
    return None  # no_session says nothing of the resource


def _owned_rule(session, epoch):
    def rule(state):
        if state[0] is None:
            return _give(state, session, epoch)
        known = _known_as(state, epoch)
        return [known] if known and state[0] == session else []
    return rule


def _held_rule(answer, sessions, operation):
    def rule(state):
        known = _known_as(state, answer["epoch"])
        if not known or sessions[state[0]][0] != answer["owner"]:
            return []
        # Who is refused with an epoch of its own did not have that one.
        return [known] if operation.asked.get("epoch") != answer["epoch"] else []
    return rule


def _unknown_rule(operation):
    asked = operation.asked
    if operation.kind == "claim":
        return lambda state: _give(state, asked["session"], None) if state[0] is None else []
    if operation.kind == "transfer":
        return lambda state: _give(state, asked["to"], None) if _known_as(state, asked["epoch"]) else []
    return lambda state: [(None, 0, state[2])] if _known_as(state, asked["epoch"]) else []
