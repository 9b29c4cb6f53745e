"""What is asked again with the same Idempotency-Key is done once: one by one, at once, and over kill -9."""

import http.client
import threading
import unittest
from typing import Any, Dict, List

from daemon import ROOT, Answer, Daemon, FaultCase

RUNS = "/api/v1/runs"
IMPORTS = "/api/v1/imports?name=once.dat"
LOG = b"CMDLINE python example.py\nMEM 10.0 1700000000.0000\nMEM 12.0 1700000001.0000\n"


def send(daemon: Daemon, key: str, body: Any = LOG, target: str = IMPORTS) -> Answer:
    """A POST with the key."""
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    return daemon.post(target, body, {"Idempotency-Key": key, "Content-Type": kind})


class Idempotency(FaultCase):
    """Daemons of its own."""

    def count(self, daemon: Daemon, table: str) -> int:
        """Rows of a table."""
        return daemon.row_counts()[table]

    def test_the_same_again_is_answered_and_not_done(self) -> None:
        """Status, Location and body are the first's; another body is a 422; what was refused may be mended."""
        daemon = self.make().start()
        first, again = send(daemon, "a"), send(daemon, "a")
        self.assertEqual(first.status, 201, first.body)
        self.assertEqual((again.status, again.body, again.headers["location"]),
                         (first.status, first.body, first.headers["location"]))
        self.assertEqual(self.count(daemon, "runs"), 1)
        other = send(daemon, "a", LOG + b"MEM 13.0 1700000002.0000\n")
        self.assertEqual((other.status, other.json()["type"]), (422, "/problems/key-reused"))
        elsewhere = send(daemon, "a", target=IMPORTS + "2")
        self.assertEqual(elsewhere.json()["type"], "/problems/key-reused")
        self.assertEqual(send(daemon, "b", b"nonsense").status, 422)
        self.assertEqual(send(daemon, "b").status, 201)
        self.assertEqual(send(daemon, "c").status, 201)
        self.assertEqual(self.count(daemon, "runs"), 3)
        for wrong in ("", "with space", "x" * 201, "\xe9"):
            self.assertEqual(send(daemon, wrong).status, 400)
        self.stop(daemon)

    def test_a_secret_is_told_once_and_not_kept(self) -> None:
        """A token is made once; asked again it is named, and its text stands nowhere in the data folder."""
        daemon = self.make().start()
        wish = {"name": "n", "scopes": ["read"]}
        made = send(daemon, "d", wish, "/api/v1/tokens")
        self.assertEqual(made.status, 201, made.body)
        again = send(daemon, "d", wish, "/api/v1/tokens")
        self.assertEqual((again.status, again.json()["type"]), (409, "/problems/told-once"))
        self.assertIn(made.headers["location"] + " ", again.json()["detail"])
        self.assertEqual(daemon.query("SELECT count(*) FROM tokens WHERE name = 'n'"), [(1,)])
        daemon.kill()
        text = made.json()["token"].encode()
        for file in daemon.data.rglob("*"):
            self.assertFalse(file.is_file() and text in file.read_bytes(), file)
        daemon.start()
        self.assertEqual(send(daemon, "d", wish, "/api/v1/tokens").status, 409)
        removed = daemon.request("DELETE", made.headers["location"],
                                 headers={"Authorization": "Bearer " + daemon.token})
        self.assertEqual(removed.status, 204)
        self.stop(daemon)

    def test_many_at_once_do_it_once(self) -> None:
        """One executes; the others are answered the same, or told to wait."""
        daemon = self.make().start()
        answers: List[Answer] = []
        threads = [threading.Thread(target=lambda: answers.append(send(daemon, "same"))) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        statuses = {answer.status for answer in answers}
        self.assertLessEqual(statuses, {201, 409})
        self.assertIn(201, statuses)
        bodies = {answer.body for answer in answers if answer.status == 201}
        self.assertEqual(len(bodies), 1)
        self.assertEqual(self.count(daemon, "runs"), 1)
        self.stop(daemon)

    def test_a_key_outlives_kill_9(self) -> None:
        """The answer is there for the daemon that comes after."""
        daemon = self.make().start()
        self.assertEqual(send(daemon, "kept").status, 201)
        daemon.kill()
        daemon.start()
        self.assertEqual(send(daemon, "kept").json()["scenario"], "once.dat")
        self.assertEqual(self.count(daemon, "runs"), 1)
        self.stop(daemon)

    def test_kills_while_runs_are_queued(self) -> None:
        """At any moment of a POST /runs: asked again there is one batch for each key."""
        daemon = self.make(ROOT).start().await_discovery()
        daemon.post("/api/v1/queue/pause", {})
        body: Dict[str, Any] = {"scenarios": ["list_bytes"], "size": "demo", "pythons": daemon.usable_pythons()[:1]}
        for i in range(3):
            asking = threading.Thread(target=self.swallow, args=(daemon, "key%d" % i, body))
            asking.start()
            asking.join(0.02 * i)
            daemon.kill()
            asking.join()
            daemon.start().await_discovery()
            answer = send(daemon, "key%d" % i, body, RUNS)
            self.assertEqual(answer.status, 202, answer.body)
            self.assertEqual(send(daemon, "key%d" % i, body, RUNS).json()["id"], answer.json()["id"])
            self.assertEqual(self.count(daemon, "batches"), i + 1)
        self.stop(daemon)

    @staticmethod
    def swallow(daemon: Daemon, key: str, body: Any) -> None:
        """Ask a daemon that may be killed meanwhile."""
        try:
            send(daemon, key, body, RUNS)
        except (OSError, http.client.HTTPException):
            pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
