"""What queues runs by itself: times by a fake clock, new commits, push webhooks, new pythons."""

from __future__ import annotations

import calendar
import hashlib
import hmac
import json
import os
import sqlite3
import time
import unittest
from typing import Any, Dict, List, Optional

from daemon import Answer, FaultCase, commit_module, eventually, small_repository

SECRET = "correct horse battery staple"
REQUEST = {"scenarios": ["list_bytes"], "params": {"count": 64, "repeat": 1}}


def instant(text: str) -> int:
    """Nanoseconds since the epoch of "2024-03-31 01:00", UTC."""
    return calendar.timegm(time.strptime(text, "%Y-%m-%d %H:%M")) * 1_000_000_000


class Triggers(FaultCase):
    """One daemon a test, with a queue that is paused: only what is queued matters."""

    def setUp(self) -> None:
        super().setUp()
        self.clock = self.folder / "clock"
        self.repo = small_repository(self.folder, 2)
        self.daemon = self.make(self.repo)

    def start(self, now: Optional[str] = None) -> None:
        """Start it, with a clock that stands still where `now` is given."""
        if now:
            self.set_clock(now)
            os.environ["TIDEMARK_TEST_CLOCK"] = str(self.clock)
            self.addCleanup(os.environ.pop, "TIDEMARK_TEST_CLOCK", None)
        self.daemon.start().await_discovery()
        self.daemon.post("/api/v1/queue/pause", {})
        self.one_python = self.daemon.usable_pythons()[:1]

    def set_clock(self, now: str) -> None:
        """Move the fake clock."""
        new = self.folder / "clock.new"
        new.write_text(str(instant(now)))
        new.replace(self.clock)

    def patch(self, **fields: Any) -> Answer:
        """PATCH the project."""
        return self.daemon.request("PATCH", "/api/v1/projects/converters", json.dumps(fields).encode(),
                                   {"Content-Type": "application/json",
                                    "Authorization": "Bearer " + self.daemon.token})

    def set(self, **fields: Any) -> Dict[str, Any]:
        """PATCH that must succeed, with the request of these tests."""
        answer = self.patch(trigger={**REQUEST, "pythons": self.one_python}, **fields)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def batches(self) -> List[Dict[str, Any]]:
        """All batches, oldest first."""
        return self.daemon.get("/api/v1/batches").json()["batches"][::-1]

    def await_batches(self, n: int) -> List[Dict[str, Any]]:
        """Wait until there are so many."""
        eventually(lambda: len(self.batches()) >= n, 120)
        self.assertEqual(len(self.batches()), n, self.daemon.log()[-2000:])
        return self.batches()

    def assert_quiet(self, n: int) -> None:
        """Nothing comes in a second, in which the clock is looked at twenty times."""
        time.sleep(1)
        self.assertEqual(len(self.batches()), n)

    def test_cron(self) -> None:
        """Times of a zone whose clocks change; missed ones are made up for once at the start."""
        self.start("2024-03-30 00:00")
        project = self.set(cron=["30 2 * * *", "0 12 1 * *"], timezone="Europe/Berlin")
        self.assertEqual((project["cron"], project["timezone"], project["webhook"]),
                         (["30 2 * * *", "0 12 1 * *"], "Europe/Berlin", False))
        self.set_clock("2024-03-30 01:29")
        self.assert_quiet(0)
        self.set_clock("2024-03-30 01:30")
        batch = self.await_batches(1)[0]
        self.assertEqual((batch["reason"], batch["by"], batch["project"]), ("cron", "30 2 * * *", "converters"))
        last = self.daemon.get("/api/v1/projects/converters").json()["last_trigger"]
        self.assertEqual((last["reason"], last["batch"], last["error"]), ("cron", batch["id"], None))
        self.set_clock("2024-03-31 00:59")  # 02:30 does not exist: it comes at 03:00, which is 01:00 UTC
        self.assert_quiet(1)
        self.set_clock("2024-03-31 01:00")
        self.await_batches(2)
        self.assert_quiet(2)
        self.daemon.kill()
        self.set_clock("2024-04-04 12:00")  # four nights and a first of the month later
        self.daemon.start().await_discovery()
        self.await_batches(3)
        self.assert_quiet(3)
        self.set(cron=None)
        self.set_clock("2024-05-05 12:00")
        self.assert_quiet(3)
        self.check_refusals()
        self.stop(self.daemon)

    def check_refusals(self) -> None:
        """Fields out of shape are named, and change nothing."""
        before = self.daemon.get("/api/v1/projects/converters").json()
        for field, value, named in (
                ("cron", "0 3 * * *", "cron"), ("cron", ["0 3 * *"], "cron[0]"), ("cron", ["@daily", 5], "cron[1]"),
                ("cron", ["0 25 * * *"], "cron[0]"), ("timezone", "Mars/Olympus", "timezone"),
                ("timezone", "../../../etc/passwd", "timezone"), ("poll_s", 1, "poll_s"), ("poll_s", "60", "poll_s"),
                ("webhook_secret", "short", "webhook_secret"), ("on_new_python", 1, "on_new_python"),
                ("trigger", [], "trigger"), ("trigger", {"scenarios": ["x"], "project": "y"}, "trigger"),
                ("trigger", {}, "trigger"), ("crom", [], "crom")):
            answer = self.patch(**{field: value})
            self.assertEqual((answer.status, answer.json()["field"]), (422, named), answer.body)
        answer = self.patch(trigger=None, cron=["@daily"])
        self.assertEqual((answer.status, answer.json()["field"]), (422, "trigger"))
        self.assertEqual(self.daemon.get("/api/v1/projects/converters").json(), before)

    def test_polling(self) -> None:
        """A commit that comes to the branch is found; what was there before is not new."""
        self.start("2024-01-01 00:00")
        self.set(poll_s=60)
        self.assert_quiet(0)
        sha = commit_module(self.repo, "c3")
        self.set_clock("2024-01-01 00:00")
        self.assert_quiet(0)
        self.set_clock("2024-01-01 00:01")
        batch = self.await_batches(1)[0]
        self.assertEqual((batch["reason"], batch["by"]), ("commit", sha))
        run = self.daemon.get("/api/v1/runs?batch=%d" % batch["id"]).json()["runs"][0]
        self.assertEqual(run["commit"]["sha"], sha)
        self.set_clock("2024-01-01 00:02")
        self.assert_quiet(1)
        self.stop(self.daemon)

    def test_a_request_that_cannot_be_queued(self) -> None:
        """It is told with the project, and tried again when its next time comes."""
        self.start("2024-01-01 00:00")
        answer = self.patch(cron=["@hourly"], trigger={"scenarios": ["no_such"]})
        self.assertEqual(answer.status, 200, answer.body)
        self.set_clock("2024-01-01 01:00")
        told = eventually(lambda: self.daemon.get("/api/v1/projects/converters").json()["last_trigger"], 120)
        self.assertIn("no_such", told["error"])
        self.assertIsNone(told["batch"])
        self.set()
        self.set_clock("2024-01-01 02:00")
        self.await_batches(1)
        self.stop(self.daemon)

    def hook(self, body: bytes, **headers: Optional[str]) -> Answer:
        """POST a webhook without a token; names have _ for -."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.daemon.post("/hooks/converters", body, {"Authorization": None, **sent})

    def push(self, number: int, ref: str = "refs/heads/main") -> bytes:
        """The body of a push."""
        return json.dumps({"ref": ref, "after": "%040x" % number,
                           "repository": {"default_branch": "main"}}).encode()

    def test_webhooks(self) -> None:
        """Right, wrong and replayed signatures of each kind."""
        self.start()
        self.assertEqual(self.hook(self.push(1), X_GitHub_Event="push").status, 404)
        project = self.set(webhook_secret=SECRET)
        self.assertEqual(project["webhook"], True)
        self.assertNotIn(SECRET, json.dumps(project))
        body = self.push(1)
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        github = {"X_GitHub_Event": "push", "X_GitHub_Delivery": "1", "X_Hub_Signature_256": "sha256=" + signature}
        self.assertEqual(self.hook(self.push(2), **github).status, 401)
        self.assertEqual(self.hook(body, **{**github, "X_Hub_Signature_256": None}).status, 401)
        answer = self.hook(body, **github)
        self.assertEqual((answer.status, answer.json()), (202, {"queued": True, "by": "github"}))
        batch = self.await_batches(1)[0]
        self.assertEqual((batch["reason"], batch["by"]), ("webhook", "github"))
        self.assertEqual(self.hook(body, **github).status, 409)
        self.assertEqual(self.hook(body, **{**github, "X_GitHub_Delivery": "2"}).status, 409, "another name, same content")
        other = self.push(3)
        gitea = {"X_Gitea_Event": "push", "X_Gitea_Delivery": "1-gitea",
                 "X_Gitea_Signature": hmac.new(SECRET.encode(), other, hashlib.sha256).hexdigest()}
        self.assertEqual(self.hook(other, **{**gitea, "X_Gitea_Signature": "0" * 64}).status, 401)
        self.assertEqual(self.hook(other, **gitea).status, 202)
        self.await_batches(2)
        gitlab = {"X_Gitlab_Event": "Push Hook", "X_Gitlab_Event_UUID": "uuid-1", "X_Gitlab_Token": SECRET}
        self.assertEqual(self.hook(self.push(4), **{**gitlab, "X_Gitlab_Token": SECRET + "x"}).status, 401)
        self.assertEqual(self.hook(self.push(4), **gitlab).status, 202)
        self.await_batches(3)
        self.assertEqual(self.hook(self.push(5), **gitlab).status, 409, "same name, another content")
        ignored = self.hook(self.push(6, "refs/heads/next"), **{**gitlab, "X_Gitlab_Event_UUID": "uuid-2"})
        self.assertEqual((ignored.status, ignored.json()["queued"]), (200, False))
        self.assertEqual(self.hook(b"{", **{**gitlab, "X_Gitlab_Event_UUID": "uuid-3"}).status, 422)
        self.assertEqual(self.hook(body, Content_Type="text/plain", **github).status, 415)
        self.assertEqual(self.daemon.get("/hooks/converters").status, 405)
        self.assertEqual(self.daemon.post("/hooks/nobody", body, {"Authorization": None}).status, 404)
        self.assert_quiet(3)
        self.daemon.kill()
        self.daemon.start().await_discovery()
        self.assertEqual(self.hook(body, **github).status, 409, "remembered over a kill")
        self.stop(self.daemon)

    def test_new_pythons(self) -> None:
        """A python that was not there when the project was told so gets the request, for itself alone."""
        self.start()
        if len(self.daemon.usable_pythons()) < 2:
            self.skipTest("there is one python only")
        self.set(on_new_python=True)
        self.assert_quiet(0)
        self.stop(self.daemon)
        database = sqlite3.connect(str(self.daemon.data / "tidemark.db"))
        with database:  # as if the newest had been installed since
            database.execute("DELETE FROM known_pythons WHERE identity IN (SELECT identity FROM pythons"
                             " WHERE name = ?)", self.one_python)
        database.close()
        self.daemon.start().await_discovery()
        batch = self.await_batches(1)[0]
        self.assertEqual((batch["reason"], batch["by"], batch["runs"]), ("python", self.one_python[0], 1))
        self.assert_quiet(1)
        self.stop(self.daemon)


if __name__ == "__main__":
    unittest.main(verbosity=2)
