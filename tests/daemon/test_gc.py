"""`tidemark gc`: what is in nobody's use goes, everything else stays; beside a daemon and without one."""

from __future__ import annotations

import json
import os
import sqlite3
import unittest
from typing import Any, Dict

from daemon import Daemon, FaultCase, await_batch, run_program, small_repository

MIB = 1 << 20


class Garbage(FaultCase):
    """One run was measured; then things are left behind."""

    def gc(self, *arguments: str) -> Dict[str, Any]:
        """What `tidemark gc --json` tells: bytes by what went."""
        done = run_program(self.folder, "gc", "--json", "--data", str(self.folder / "data"), *arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("Sanitizer", done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual(told["bytes"], sum(one["bytes"] for one in told["removed"]))
        return {one["what"]: one["bytes"] for one in told["removed"]}

    def plant(self, daemon: Daemon, *names: str) -> None:
        """Folders of 1 MiB each in the data folder."""
        for name in names:
            (daemon.data / name).mkdir(parents=True)
            (daemon.data / name / "held").write_bytes(os.urandom(MIB))

    def test_what_goes_and_what_stays(self) -> None:
        """Beside a daemon, then after it was killed, then without one."""
        repo = small_repository(self.folder, 1)
        daemon = self.make(repo).start().await_discovery()
        await_batch(daemon, self.queue(daemon), 120)
        with self.subTest("refused"):
            self.refuse(daemon)
        with self.subTest("removed projects and unknown builds"):
            self.leave_projects(daemon, str(repo))
        daemon.kill()
        with self.subTest("what the killed left"):
            self.leave_scratch(daemon)
        with self.subTest("the database"):
            self.leave_rows(str(daemon.data / "tidemark.db"))
        with self.subTest("the limit of the cache"):
            self.lower_limit(daemon)

    def refuse(self, daemon: Daemon) -> None:
        """What is no wish, and who may not."""
        for body, field in (({"dry_run": 1}, "dry_run"), ({"logs_days": 0}, "logs_days"), ({"all": True}, "all"),
                            ([], None)):
            answer = daemon.post("/api/v1/gc", body)
            self.assertEqual((answer.status, answer.json().get("field") or None), (422, field))
        self.assertEqual(daemon.post("/api/v1/gc", {}, {"Authorization": None}).status, 401)
        done = run_program(self.folder, "gc", "--logs", "0", "--data", str(daemon.data))
        self.assertEqual(done.returncode, 2)

    def leave_projects(self, daemon: Daemon, repo: str) -> None:
        """Nothing of what is on record goes; what would go is what goes; the second time nothing does."""
        self.assertEqual(self.gc(), {})
        builds = set(os.listdir(daemon.data / "cache" / "builds"))
        self.assertEqual(len(builds), 1)
        answer = daemon.post("/api/v1/projects", {"name": "gone", "repo": repo,
                                                  "recipe": {"kind": "cmake", "folder": "converters"}})
        self.assertEqual(answer.status, 201, answer.body)
        number = daemon.query("SELECT id FROM projects WHERE name = 'gone'")[0][0]
        removed = daemon.request("DELETE", "/api/v1/projects/gone?confirm=gone",
                                 headers={"Authorization": "Bearer " + daemon.token})
        self.assertEqual(removed.status, 204, removed.body)
        self.plant(daemon, "cache/builds/0123456789abcdef0123456789abcdef", "repos/%d.git" % number,
                   "scenarios/%d" % number, "repos/%d.git" % (number + 1))
        would = self.gc("--dry-run")
        self.assertEqual(set(would), {"builds that no row of the database has", "mirrors of removed projects",
                                      "scenarios of removed projects"})
        self.assertTrue(all(MIB <= size < 2 * MIB for size in would.values()), would)
        self.assertEqual(self.gc(), would)
        self.assertEqual(self.gc(), {})
        self.assertEqual(set(os.listdir(daemon.data / "cache" / "builds")), builds)
        later = daemon.data / "repos" / ("%d.git" % (number + 1))
        self.assertTrue(later.exists(), "an id that was not given out yet")
        run = daemon.get("/api/v1/runs").json()["runs"][0]
        self.assertEqual(run["status"], "done")
        self.assertTrue(daemon.get("/api/v1/runs/%d/curve" % run["id"]).json()["rss"])

    def leave_scratch(self, daemon: Daemon) -> None:
        """Worktrees and scratch folders that nobody holds go."""
        self.plant(daemon, "worktrees/left", "cache/tmp/left")
        self.gc()
        self.assertFalse((daemon.data / "worktrees" / "left").exists())
        self.assertFalse((daemon.data / "cache" / "tmp" / "left").exists())

    def leave_rows(self, path: str) -> None:
        """Free pages, measurements of no run, and old logs on demand; the database stays whole."""
        with sqlite3.connect(path) as database:
            for number in range(4):
                database.execute("INSERT INTO event_chunks (run, seq, from_ns, to_ns, events, rss, stack, payload)"
                                 " VALUES (?, 1, 0, 1, 1, 0, '[]', ?)", (1000 + number, os.urandom(MIB)))
            database.execute("UPDATE runs SET finished_ns = 1, log = ?", (os.urandom(1000),))
        database.close()
        self.assertEqual(self.gc("--dry-run"), {"measurements of no run": 4 * MIB})
        size = os.path.getsize(path)
        gone = self.gc()
        self.assertEqual(gone["measurements of no run"], 4 * MIB)
        self.assertGreaterEqual(gone["free pages of the database"], 4 * MIB)
        self.assertEqual(size - os.path.getsize(path), gone["free pages of the database"])
        self.assertGreaterEqual(self.gc("--logs", "30").get("old logs of what was done", 0), 1000)
        with sqlite3.connect(path) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchone()[0], "ok")
            self.assertEqual(database.execute("SELECT count(*) FROM runs WHERE log IS NOT NULL").fetchone()[0], 0)
        database.close()

    def lower_limit(self, daemon: Daemon) -> None:
        """With a lower limit the build goes; then nothing is left to go."""
        config = self.folder / "config" / "tidemark" / "config.json"
        config.parent.mkdir(parents=True)
        config.write_text('{"cache_bytes": 1}')
        self.assertEqual(list(self.gc("--dry-run")), ["builds beyond the limit of the cache"])
        self.assertEqual(list(self.gc()), ["builds beyond the limit of the cache"])
        self.assertEqual(os.listdir(daemon.data / "cache" / "builds"), [])
        said = run_program(self.folder, "gc", "--data", str(daemon.data)).stdout
        self.assertEqual(said, "0 bytes (0 B) are gone.\n")


if __name__ == "__main__":
    unittest.main()
