"""The queue under command: cancel, pause, resume, retry, priority, and what is left after a kill."""

from __future__ import annotations

import json
import os
import signal
import unittest
from typing import Any, Dict, List

from daemon import (Answer, FaultCase, await_batch, commit_all, commit_module, descendants, eventually,
                    processes, small_repository)

GONE_S = 10

HANG = """
    signal(SIGTERM, SIG_IGN);
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            for (;;) pause();
        }
        for (;;) pause();
    }
    for (;;) pause();
"""
"""A C call that never returns and holds the GIL. Its child has a session of its own and a child again; all
three ignore SIGTERM."""

ENDLESS = """\
cmake_minimum_required(VERSION 3.25)
project(tideconv NONE)
execute_process(COMMAND sh -c "trap '' TERM; setsid sh -c 'trap \\"\\" TERM; sleep 611' & sleep 611")
"""


class Commands(FaultCase):
    """Each test has a repository of its own: c1 and c2 do as told, `hang` hangs."""

    def setUp(self) -> None:
        super().setUp()
        self.repo = small_repository(self.folder, 2)
        self.daemon = self.make(self.repo)

    def commit_hang(self) -> str:
        """A commit whose extension hangs."""
        return commit_module(self.repo, "hang", HANG)

    def command(self, target: str, body: Any = None) -> Answer:
        """POST without or with a body."""
        return self.daemon.post("/api/v1/" + target, b"" if body is None else body)

    def patch(self, batch: int, body: Any) -> Answer:
        """PATCH a batch."""
        return self.daemon.request("PATCH", "/api/v1/batches/%d" % batch, json.dumps(body).encode(),
                                   {"Content-Type": "application/json",
                                    "Authorization": "Bearer " + self.daemon.token})

    def status(self, what: str, number: int) -> Dict[str, Any]:
        """A resource."""
        return self.daemon.get("/api/v1/%s/%d" % (what, number)).json()

    def await_running(self, batch: int) -> Dict[str, Any]:
        """The run of the batch that is at work."""
        def running() -> List[Dict[str, Any]]:
            return self.daemon.get("/api/v1/runs?batch=%d&status=running" % batch).json()["runs"]
        found = eventually(running, 150)
        self.assertTrue(found, self.runs(self.daemon, batch))
        return found[0]

    def await_hung(self, batch: int) -> Dict[int, str]:
        """What runs under the daemon once the extension has forked twice: guard, probe, worker, two."""
        self.await_running(batch)
        def workers() -> Dict[int, str]:
            found = {pid: line for pid, line in descendants(self.daemon.pid).items()
                     if "tidemark-worker" in line.split(" ")[0]}
            return found if len(found) == 3 else {}
        found = eventually(workers, 120)
        self.assertEqual(len(found), 3, descendants(self.daemon.pid))
        return found

    def assert_gone(self, children: Dict[int, str]) -> None:
        """None of these processes lives."""
        def left() -> List[int]:
            alive = processes()
            return [pid for pid in children if pid in alive and alive[pid][1] == children[pid]]
        gone = eventually(lambda: not left(), GONE_S)
        self.assertTrue(gone, {pid: children[pid] for pid in left()})

    def test_cancel_a_hung_call(self) -> None:
        """A run that hangs in C is gone when its cancellation is answered, with all that it has started; what
        it had measured stays, and the next run is done."""
        hang = self.commit_hang()
        self.daemon.start().await_discovery()
        batch = self.queue(self.daemon, commits=[hang], samples=2, params={"count": 16384, "repeat": 1})
        children = self.await_hung(batch)
        run = self.await_running(batch)
        answer = self.command("runs/%d/cancel" % run["id"], {})
        self.assertEqual((answer.status, answer.json()["status"]), (200, "cancelled"), answer.body)
        self.assert_gone(children)
        whole = self.status("runs", run["id"])
        self.assertEqual(whole["error"], "cancelled while it was running")
        self.assertGreater(whole["original"], whole["base"])
        second = self.await_hung(batch)
        batch_answer = self.command("batches/%d/cancel" % batch)
        self.assertEqual(batch_answer.status, 200, batch_answer.body)
        self.assert_gone(second)
        told = batch_answer.json()
        self.assertEqual((told["status"], told["cancelled"], told["done"], told["percent"]), ("done", 2, 0, 100))
        good = self.queue(self.daemon, commits=["HEAD~1"])
        await_batch(self.daemon, good, 150)
        self.assertEqual(self.status("batches", good)["done"], 1)
        for target, status in (("runs/%d/cancel" % run["id"], 200),
                               ("runs/%d/cancel" % self.runs(self.daemon, good)[0]["id"], 409),
                               ("runs/4711/cancel", 404), ("batches/4711/cancel", 404),
                               ("runs/4711/retry", 404), ("batches/4711/retry", 404)):
            self.assertEqual(self.command(target).status, status, target)
        self.stop(self.daemon)

    def test_cancel_a_build(self) -> None:
        """A build that nobody needs any more is killed with all that it has started, leaves no worktree and is
        forgotten; so is everything by /queue/cancel."""
        (self.repo / "converters" / "CMakeLists.txt").write_text(ENDLESS)
        commit_all(self.repo, "endless")
        self.daemon.start().await_discovery()
        for target in ("batches/%d/cancel", "queue/cancel"):
            with self.subTest(target=target):
                batch = self.queue(self.daemon, samples=2)
                def sleepers() -> Dict[int, str]:
                    found = {pid: line for pid, line in descendants(self.daemon.pid).items()
                             if "sleep 611" in line}
                    return found if len(found) >= 3 else {}
                children = eventually(sleepers, 150)
                self.assertTrue(children, descendants(self.daemon.pid))
                answer = self.command(target % batch if "%" in target else target)
                self.assertEqual(answer.status, 200, answer.body)
                self.assert_gone(children)
                self.assertEqual([run["status"] for run in self.runs(self.daemon, batch)], ["cancelled"] * 2)
                self.assertEqual(self.status("batches", batch)["status"], "done")
                gone = eventually(lambda: self.daemon.query("SELECT count(*) FROM builds") == [(0,)], GONE_S)
                self.assertTrue(gone, self.daemon.query("SELECT * FROM builds"))
                trees = self.daemon.data / "worktrees"
                self.assertTrue(eventually(lambda: not any(trees.iterdir()), GONE_S), "a worktree was left")
        self.stop(self.daemon)

    def test_pause(self) -> None:
        """A paused queue finishes what is at work, starts nothing, stays paused over a restart and kill -9, and
        goes on when it is resumed. Priority decides what goes first."""
        self.daemon.start().await_discovery()
        long = self.queue(self.daemon, params={"count": 16384, "repeat": 60})
        self.await_running(long)
        self.assertEqual(self.command("queue/pause").json()["paused"], True)
        late = self.queue(self.daemon, priority=-5, reason="cron", by="a clock")
        soon = self.queue(self.daemon)
        await_batch(self.daemon, long, 150)
        self.assertEqual(self.status("batches", long)["done"], 1)
        for end in (self.daemon.kill, lambda: self.stop(self.daemon)):
            end()
            self.daemon.start().await_discovery()
            told = self.daemon.get("/api/v1/status").json()["queue"]
            self.assertEqual((told["paused"], told["queued"], told["running"]), (True, 2, 0))
        batch = self.status("batches", late)
        self.assertEqual((batch["project"], batch["priority"], batch["reason"], batch["by"]),
                         ("converters", -5, "cron", "a clock"))
        self.assertEqual(self.status("batches", soon)["reason"], "rest")
        urgent = self.queue(self.daemon)
        self.assertEqual(self.patch(urgent, {"priority": 7}).json()["priority"], 7)
        self.assertEqual(self.command("queue/resume").json()["paused"], False)
        for number in (urgent, soon, late):
            await_batch(self.daemon, number, 150)
        order = self.daemon.query("SELECT batch FROM runs ORDER BY started_ns")
        self.assertEqual([row[0] for row in order], [long, urgent, soon, late])
        self.check_refusals(soon)
        self.stop(self.daemon)

    def check_refusals(self, batch: int) -> None:
        """What is not allowed is named."""
        for field, body in (("priority", {"priority": 101}), ("priority", {"priority": "high"}),
                            ("priority", {}), ("seed", {"seed": 1, "priority": 1})):
            answer = self.patch(batch, body)
            self.assertEqual((answer.status, answer.json().get("field")), (422, field), body)
        self.assertEqual(self.patch(4711, {"priority": 1}).status, 404)
        for field, body in (("priority", {"priority": 1.5}), ("reason", {"reason": "whim"}), ("by", {"by": ""})):
            answer = self.daemon.post("/api/v1/runs", {"scenarios": ["list_bytes"], **body})
            self.assertEqual((answer.status, answer.json()["field"]), (422, field))
        for target, body, status in (("queue/pause", {"for": 5}, 422), ("queue/cancel", [], 422),
                                     ("batches/%d/retry" % batch, {"all": 1}, 422)):
            self.assertEqual(self.command(target, body).status, status, target)

    def test_retry(self) -> None:
        """What was killed from outside is tried again and counts its attempts; what failed of its own only when
        that is asked for; what is done never."""
        broken = commit_module(self.repo, "broken", 'PyErr_SetString(PyExc_OSError, "no luck"); return NULL;')
        self.daemon.start().await_discovery()
        batch = self.queue(self.daemon, commits=["HEAD~1", broken], params={"count": 16384, "repeat": 200}, seed=1)
        self.kill_a_worker(batch, "c2")
        await_batch(self.daemon, batch, 150)
        by_subject = {run["commit"]["subject"]: run for run in self.runs(self.daemon, batch)}
        killed, own = by_subject["c2"], by_subject["broken"]
        self.assertEqual((killed["status"], killed["outside"], killed["attempt"]), ("failed", True, 1))
        self.assertEqual((own["status"], own["outside"]), ("failed", False))
        refused = self.command("runs/%d/retry" % own["id"])
        self.assertEqual(refused.status, 409)
        self.assertIn("no luck", refused.json()["detail"])
        self.assertEqual(self.command("batches/%d/retry" % batch).json()["failed"], 1)
        await_batch(self.daemon, batch, 150)
        again = self.status("runs", killed["id"])
        self.assertEqual((again["status"], again["attempt"], again["error"]), ("done", 2, None))
        self.assertEqual([(a["attempt"], a["outcome"]) for a in again["attempts"]], [(1, "failed")])
        self.assertIn("signal 9", again["attempts"][0]["error"])
        self.assertEqual(self.status("runs", own["id"])["attempt"], 1)
        self.assertEqual(self.command("batches/%d/retry" % batch, {"all": True}).status, 200)
        await_batch(self.daemon, batch, 150)
        self.assertEqual(self.status("runs", own["id"])["attempt"], 2)
        self.assertEqual(self.command("runs/%d/retry" % killed["id"]).status, 409)
        self.stop(self.daemon)

    def kill_a_worker(self, batch: int, subject: str) -> None:
        """SIGKILL the worker of the run of this commit, as the kernel does for want of memory."""
        with self.daemon.stream(batch) as stream:
            stream.until(lambda event: event.name == "running" and event.data["percent"] > 0
                         and event.data["commit"]["subject"] == subject)
        victims = [pid for pid, line in descendants(self.daemon.pid).items()
                   if "tidemark-worker" in line.split(" ")[0]]
        self.assertEqual(len(victims), 1)
        os.kill(victims[0], signal.SIGKILL)

    def test_killed_daemon(self) -> None:
        """kill -9 of the daemon while a run hangs: nothing of it lives on, the run is marked as interrupted and
        begins again as its second attempt."""
        hang = self.commit_hang()
        self.daemon.start().await_discovery()
        batch = self.queue(self.daemon, commits=[hang])
        children = self.await_hung(batch)
        self.daemon.kill()
        self.assert_gone(children)
        self.daemon.start().await_discovery()
        self.await_hung(batch)
        run = self.status("runs", self.await_running(batch)["id"])
        self.assertEqual(run["attempt"], 2)
        self.assertEqual([(a["attempt"], a["outcome"]) for a in run["attempts"]], [(1, "interrupted")])
        self.assertEqual(self.command("queue/cancel").status, 200)
        answer = self.command("runs/%d/retry" % run["id"])
        self.assertEqual((answer.status, answer.json()["attempt"]), (200, 3))
        self.await_hung(batch)
        self.stop(self.daemon)


if __name__ == "__main__":
    unittest.main(verbosity=2)
