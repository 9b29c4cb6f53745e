"""kill -9 between a cause and its effect: what sets a project off queues one batch, what has failed is told once.

The daemon is stopped at the very statement by the database itself: a trigger of SQLite's in front of it joins a table
with itself for longer than anybody waits. It is killed there, the trigger is taken away, and the next daemon must
have lost nothing, and do nothing twice."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sqlite3
import unittest
from typing import Any, Dict, List

from daemon import FaultCase, await_batch, commit_module, eventually, small_repository
from test_triggers import REQUEST, SECRET, instant

BEFORE_BATCH = "BEFORE INSERT ON batches"
AFTER_BATCH = "AFTER UPDATE OF pending ON triggers WHEN OLD.pending <> '' AND NEW.pending = ''"
NEW_PYTHON = "AFTER INSERT ON known_pythons"
BEFORE_END = "BEFORE UPDATE OF finished_ns ON batches WHEN NEW.finished_ns IS NOT NULL"
BEFORE_NOTICE = "BEFORE INSERT ON deliveries"
AFTER_NOTICE = "AFTER UPDATE OF tell ON batches WHEN OLD.tell = 1 AND NEW.tell = 0"


class Once(FaultCase):
    """One daemon after the other on one data folder."""

    def setUp(self) -> None:
        super().setUp()
        self.clock = self.folder / "clock"
        self.see_few_pythons()
        self.set_variable("TIDEMARK_TEST_CLOCK", str(self.clock))
        self.set_clock("2024-01-01 00:00")
        self.repo = small_repository(self.folder, 1)
        self.daemon = self.make(self.repo)
        self.daemon.start().await_discovery()
        self.python = self.daemon.usable_pythons()[:1]

    def set_clock(self, now: str) -> None:
        """Move the fake clock."""
        new = self.folder / "clock.new"
        new.write_text(str(instant(now)))
        new.replace(self.clock)

    def patch(self, **fields: Any) -> None:
        """PATCH the project."""
        answer = self.daemon.request("PATCH", "/api/v1/projects/converters", json.dumps(fields).encode(),
                                     {"Content-Type": "application/json",
                                      "Authorization": "Bearer " + self.daemon.token})
        self.assertEqual(answer.status, 200, answer.body)

    def change(self, *statements: str) -> None:
        """Change the database; no daemon may run."""
        database = sqlite3.connect(str(self.daemon.data / "tidemark.db"))
        with database:
            for statement in statements:
                database.execute(statement)
        database.close()

    def start_with_a_halt(self, place: str) -> None:
        """A daemon that stops for ever at that place."""
        self.daemon.kill()
        self.change("CREATE TABLE IF NOT EXISTS many (x)",
                    "INSERT INTO many SELECT value FROM json_each('[%s]')" % ",".join("1" * 500),
                    "CREATE TRIGGER halt %s BEGIN SELECT count(*) FROM many a, many b, many c, many d, many e; END"
                    % place)
        self.daemon.start().await_discovery()

    def is_halted(self) -> bool:
        """It holds the lock of the database's writer, as byte 120 of the -shm file is named
        (sqlite.org/walformat.html), at fifty looks in a row."""
        inode = ":%d " % os.stat(str(self.daemon.data / "tidemark.db-shm")).st_ino

        def is_writing() -> bool:
            with open("/proc/locks", encoding="ascii") as locks:
                return any(inode in line and " WRITE %d " % self.daemon.pid in line and
                           line.split()[-2:] == ["120", "120"] for line in locks)

        return all(is_writing() and not eventually(lambda: not is_writing(), 0.003, 0.001) for _ in range(50))

    def kill_where_it_halts(self) -> None:
        """Then start one that does not."""
        self.assertTrue(eventually(self.is_halted, 60), self.daemon.log()[-2000:])
        self.daemon.kill()
        self.change("DROP TRIGGER halt", "DROP TABLE many")
        self.daemon.start().await_discovery()

    def batches(self) -> List[Dict[str, Any]]:
        """All batches, oldest first."""
        return self.daemon.get("/api/v1/batches").json()["batches"][::-1]

    def push(self, number: int) -> None:
        """A webhook of GitHub's, acknowledged."""
        body = json.dumps({"ref": "refs/heads/main", "after": "%040x" % number,
                           "repository": {"default_branch": "main"}}).encode()
        answer = self.daemon.post("/hooks/converters", body, {
            "Authorization": None, "X-GitHub-Event": "push", "X-GitHub-Delivery": str(number),
            "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()})
        self.assertEqual(answer.status, 202, answer.body)

    def check_once(self, reason: str, n: int) -> None:
        """The newest of n batches is of that reason, the project tells of it, and nothing else is to come."""
        self.assertTrue(eventually(lambda: len(self.batches()) >= n, 120), (reason, self.daemon.log()[-2000:]))
        last = eventually(lambda: self.daemon.get("/api/v1/projects/converters").json()["last_trigger"], 120)
        self.assertEqual((last["reason"], last["batch"]), (reason, self.batches()[-1]["id"]))
        self.assertEqual(self.daemon.query("SELECT pending FROM triggers"), [("",)])
        self.assertEqual([batch["reason"] for batch in self.batches()][n - 1:], [reason])

    def test_what_sets_off_is_queued_once(self) -> None:
        """A time, a commit, a push and a python, killed before their batch is written and after."""
        self.daemon.post("/api/v1/queue/pause", {})
        self.patch(trigger={**REQUEST, "pythons": self.python}, cron=["0 1 * * *"], poll_s=3600,
                   webhook_secret=SECRET, on_new_python=True)
        self.assertTrue(eventually(lambda: self.daemon.query("SELECT tip FROM triggers") != [("",)], 120))
        self.start_with_a_halt(BEFORE_BATCH)
        self.set_clock("2024-01-01 01:00")
        self.kill_where_it_halts()
        self.check_once("cron", 1)
        self.patch(cron=None)
        commit_module(self.repo, "c2")
        self.start_with_a_halt(AFTER_BATCH)
        self.set_clock("2024-01-01 03:00")
        self.kill_where_it_halts()
        self.check_once("commit", 2)
        self.patch(poll_s=None)
        for n, place in ((3, BEFORE_BATCH), (4, AFTER_BATCH)):
            self.start_with_a_halt(place)
            self.push(n)
            self.kill_where_it_halts()
            self.check_once("webhook", n)
        self.daemon.kill()
        self.change("DELETE FROM known_pythons")
        self.start_with_a_halt(NEW_PYTHON)
        self.kill_where_it_halts()
        self.check_once("python", 5)
        self.stop(self.daemon)

    def test_what_comes_while_it_is_queued_is_queued_too(self) -> None:
        """A push that comes when the request of the one before is being queued is not taken for that."""
        self.patch(trigger={**REQUEST, "pythons": self.python}, webhook_secret=SECRET)
        self.daemon.post("/api/v1/queue/pause", {})
        self.daemon.kill()
        self.change("UPDATE triggers SET pending = 'webhook', pending_by = 'first', pending_n = pending_n + 1",
                    "CREATE TRIGGER second AFTER INSERT ON batches WHEN NEW.asked_by = 'first' BEGIN"
                    " UPDATE triggers SET pending_by = 'second', pending_n = pending_n + 1; END")
        self.daemon.start().await_discovery()
        self.assertTrue(eventually(lambda: len(self.batches()) >= 2, 120), self.daemon.log()[-2000:])
        self.assertEqual([batch["by"] for batch in self.batches()], ["first", "second"])
        self.assertEqual(self.daemon.query("SELECT pending FROM triggers"), [("",)])
        self.stop(self.daemon)

    def test_what_failed_is_told_once(self) -> None:
        """Killed before the end of a batch is written, before its notice is, and after."""
        self.patch(notify=[{"url": "http://127.0.0.1:9/nobody-there"}])
        commit_module(self.repo, "broken", "this_is_no_declaration here;")
        told = 0
        for place in (BEFORE_END, BEFORE_NOTICE, AFTER_NOTICE):
            self.start_with_a_halt(place)
            batch = self.queue(self.daemon)
            self.kill_where_it_halts()
            await_batch(self.daemon, batch, 120)
            told += 1
            rows = "SELECT body ->> '$.batch.id' FROM deliveries WHERE event = 'batch_failed' ORDER BY id"
            self.assertTrue(eventually(lambda: len(self.daemon.query(rows)) >= told, 120), place)
            self.assertEqual(self.daemon.query(rows)[told - 1:], [(batch,)], place)
            self.assertEqual(self.daemon.query("SELECT count(*) FROM batches WHERE tell"), [(0,)])
        self.stop(self.daemon)


if __name__ == "__main__":
    unittest.main(verbosity=2)
