"""What the tests of the interface's rows share: one set-up for all tests of a class, and calls as they read them."""
import uuid

TTL_MS = 1000
LONG_S = 20.0
NIL = str(uuid.UUID(int=0))


def new_id():
    return str(uuid.uuid4())


def put(key, value="1", **more):
    return {"key": key, "value": value, **more}


def erase(key):
    return {"key": key, "erase": True}


class Rows:
    """One set-up for all tests of a class. Its members keep no sessions of their own."""

    setup_class = None

    @classmethod
    def setUpClass(cls):
        cls.store = cls.setup_class(ttl_ms=0, flags=["--log-commits", "500"])
        cls.enterClassContext(cls.store)

    def setUp(self):
        self.key = f"test/{self.id().rsplit('.', 1)[1]}"
        # Where there is only one it is both.
        self.one, self.other = self.store.members[-1], self.store.members[0]

    def commit(self, writes, guards=(), member=None, commit_id=None, **more):
        return (member or self.one).ask("commit", LONG_S, writes=writes, guards=list(guards),
                                        commit_id=commit_id or new_id(), **more)

    def committed(self, *arguments, **more):
        answer = self.commit(*arguments, **more)
        self.assertEqual(answer["is"], "committed", answer)
        return answer["cursor"]

    def read(self, key, member=None):
        """(value, revision) of a linearizable read; None without a record."""
        answer = (member or self.other).ask("read", LONG_S, key=key)
        self.assertEqual(answer["is"], "read", answer)
        record = answer["record"]
        return record and (bytes.fromhex(record["value"]).decode(), record["revision"])

    def session(self, member=None, ttl_ms=TTL_MS, **more):
        """A session of the member's node that nobody renews unless the test does."""
        session = new_id()
        answer = (member or self.one).ask("open_session", LONG_S, session=session, ttl_ms=ttl_ms, **more)
        self.assertEqual(answer["is"], "granted", answer)
        return session

    def claim(self, session, resource=None, member=None, **more):
        return (member or self.one).ask("claim", LONG_S, resource=resource or self.key, session=session,
                                        commit_id=new_id(), **more)

    def claimed(self, *arguments, **more):
        answer = self.claim(*arguments, **more)
        self.assertEqual(answer["is"], "owned", answer)
        return answer["epoch"]

    def follow(self, cursor, timeout_s=LONG_S, member=None):
        return (member or self.other).ask("follow", timeout_s, **{"from": cursor})

    def assert_refused(self, answer, code):
        self.assertEqual((answer["is"], answer.get("code")), ("refused", code), answer)
        self.assertEqual(len(answer["why"].splitlines()), 1, "one clear line")
