"""kill -9 at fifty random moments of a busy queue: nothing is lost, nothing is done twice, nothing stays."""

from __future__ import annotations

import os
import random
import time
import unittest
from typing import Dict, List

from daemon import Daemon, FaultCase, await_batch, descendants, eventually, processes, small_repository

KILLS, RUNS, COMMITS = 50, 60, 3
GONE_S = 20
BUDGET_S = 240
"""Where the machine is so busy that fifty starts take longer, fewer must do."""


class Kills(FaultCase):
    """One daemon after the other on one data folder."""

    def setUp(self) -> None:
        super().setUp()
        self.see_few_pythons()

    def left(self, daemon: Daemon, children: Dict[int, str]) -> List[str]:
        """What still runs of a daemon that was killed."""
        return [line for pid, (_, line) in processes().items()
                if (pid in children and line == children[pid]) or str(daemon.data) in line]

    def test_fifty_kills(self) -> None:
        """Batches are queued meanwhile. In the end every run that was acknowledged is done, once."""
        seed = int.from_bytes(os.urandom(4), "big")
        drawn = random.Random(seed)
        repo = small_repository(self.folder, COMMITS)
        daemon = self.make(repo)
        daemon.start().await_discovery()
        python = daemon.usable_pythons()[:1]
        request = {"scenarios": ["list_bytes"], "params": {"count": 64, "repeat": 1}, "pythons": python,
                   "until": "2024-12-31", "samples": RUNS // COMMITS}
        acknowledged = [int(daemon.post("/api/v1/runs", request).json()["id"])]
        states: Dict[str, int] = {}
        end, kills = time.monotonic() + BUDGET_S, 0
        while kills < KILLS and (kills < 5 or time.monotonic() < end):
            kills += 1
            if drawn.random() < 0.4:  # else it is killed while it starts
                eventually(lambda: not daemon.get("/api/v1/status").json()["discovering"], 60, 0.01)
            time.sleep(drawn.random() * 0.3)
            for state, in daemon.query("SELECT status FROM runs WHERE status IN ('building', 'running')"):
                states[state] = states.get(state, 0) + 1
            children = descendants(daemon.pid)
            daemon.kill()
            gone = eventually(lambda: not self.left(daemon, children), GONE_S, 0.01)
            self.assertTrue(gone, (seed, self.left(daemon, children)))
            daemon.start()
        daemon.await_discovery()
        acknowledged.append(int(daemon.post("/api/v1/runs", {**request, "samples": 1}).json()["id"]))
        for batch in acknowledged:
            await_batch(daemon, batch, 180)
        self.judge(daemon, acknowledged, seed)
        print("seed %d, %d kills, of these while at work: %s" % (seed, kills, states), end=" ")
        self.stop(daemon)

    def judge(self, daemon: Daemon, acknowledged: List[int], seed: int) -> None:
        """Every row stands once, and tells how often it began."""
        self.assertEqual([row[0] for row in daemon.query("SELECT id FROM batches ORDER BY id")], acknowledged)
        self.assertEqual(daemon.query("SELECT status, count(*) FROM runs GROUP BY status"),
                         [("done", RUNS + COMMITS)], seed)
        self.assertEqual(daemon.query("SELECT count(*) FROM (SELECT DISTINCT batch, cell, sample FROM runs)"),
                         [(RUNS + COMMITS,)])
        attempts = daemon.query("SELECT sum(attempt - 1), max(attempt) FROM runs")[0]
        self.assertEqual(daemon.query("SELECT count(*) FROM attempts WHERE outcome = 'interrupted'"), [attempts[:1]])
        self.assertGreater(attempts[0], 0, "no kill met a run at work")
        self.assertEqual(daemon.query("SELECT count(*) FROM runs r WHERE attempt - 1 <>"
                                      " (SELECT count(*) FROM attempts WHERE run = r.id)"), [(0,)])
        self.assertEqual(daemon.query(  # one set of measurements each: a base and an end, and a chunk 0
            "SELECT count(*) FROM runs r WHERE (SELECT count(*) FROM phases WHERE run = r.id AND name = 'base') <> 1"
            " OR (SELECT count(*) FROM phases WHERE run = r.id AND name = 'end') <> 1"
            " OR (SELECT count(*) FROM event_chunks WHERE run = r.id AND seq = 0) <> 1"), [(0,)])
        self.assertEqual(daemon.query("SELECT status, count(*) FROM builds GROUP BY status"), [("done", COMMITS)])
        self.assertEqual(daemon.query("PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(daemon.query("PRAGMA foreign_key_check"), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
