"""History: series in columns, change points that are kept, measured once more, accepted.

A small repository whose commits take known amounts of memory is measured; what the daemon finds in it is held
against what was planted.
"""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path
from typing import Any, Dict, List, Optional
from urllib.parse import quote

from daemon import DaemonCase, eventually, git, run_program
from test_bisect import MIB, add_project, write_history

STEP, BROKEN, SKIPPED, COMMITS = 9, 4, 6, 14
"""Index of the first commit that takes 4 MiB more, of one that does not build, of one that is not measured, and
how many there are."""


class History(DaemonCase):
    """One history, measured once on one CPython."""

    scratch: "tempfile.TemporaryDirectory[str]"
    shas: List[str]
    python: str

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = tempfile.TemporaryDirectory(prefix="tidemark-repo-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.repo = Path(cls.scratch.name) / "ripple"
        sizes = [(8 if i < STEP else 12) * MIB for i in range(COMMITS)]
        cls.shas = write_history(cls.repo, sizes, (BROKEN,))
        for i in range(0, COMMITS, 5):
            git(cls.repo, "tag", "--annotate", "-m", "a version", "v%d" % (i // 5), cls.shas[i])
        super().setUpClass()
        try:
            add_project(cls.daemon, "ripples", cls.repo)
            cls.python = cls.daemon.usable_pythons()[0]
            cls.measure([sha for i, sha in enumerate(cls.shas) if i != SKIPPED])
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def measure(cls, commits: List[str]) -> None:
        """Measure commits twice each, to the end."""
        answer = cls.daemon.post("/api/v1/runs", {
            "project": "ripples", "commits": commits, "scenarios": ["pass_over"], "pythons": [cls.python],
            "samples": 2})
        assert answer.status == 202, answer.body
        batch = answer.json()["id"]
        done = eventually(lambda: cls.daemon.get("/api/v1/batches/%d" % batch).json()["status"] == "done", 400, 0.3)
        assert done, "the batch did not end"

    def series(self, **query: str) -> Dict[str, Any]:
        """GET /api/v1/series of the scenario."""
        words = dict({"project": "ripples", "scenario": "pass_over"}, **query)
        answer = self.daemon.get("/api/v1/series?" + "&".join(
            "%s=%s" % (k, quote(v, safe="")) for k, v in words.items()))
        self.assertEqual(answer.status, 200, answer.body)
        return dict(answer.json())

    def regressions(self, query: str = "") -> List[Dict[str, Any]]:
        """The changes of tide_mark that are kept."""
        answer = self.daemon.get("/api/v1/regressions?project=ripples&metric=tide_mark" + query)
        self.assertEqual(answer.status, 200, answer.body)
        return list(answer.json()["regressions"])

    def found(self) -> Dict[str, Any]:
        """The one confirmed change, waited for."""
        def confirmed() -> List[Dict[str, Any]]:
            return self.regressions("&status=confirmed")

        changes = eventually(confirmed, 60, 0.2)
        self.assertEqual(len(changes), 1, changes)
        return dict(changes[0])

    def test_columns_and_gaps(self) -> None:
        """A value where it was measured, and why there is none where not."""
        history = self.series()
        self.assertEqual(history["commits"]["sha"], self.shas)
        self.assertEqual(history["commits"]["subject"][3], "Commit 3")
        self.assertEqual(history["commits"]["tag"], ["v%d" % (i // 5) if i % 5 == 0 else None for i in range(COMMITS)])
        (one,) = history["series"]
        self.assertEqual(one["python"]["name"], self.python)
        for column in ("cell", "n", "median", "minimum", "maximum", "low", "high", "status"):
            self.assertEqual(len(one[column]), COMMITS, column)
        for i in range(COMMITS):
            wanted = "build_failed" if i == BROKEN else None if i == SKIPPED else "done"
            self.assertEqual(one["status"][i], wanted, i)
            self.assertEqual(one["median"][i] is None, wanted != "done", i)
        done = [i for i in range(COMMITS) if one["status"][i] == "done"]
        self.assertTrue(all(one["minimum"][i] <= one["median"][i] <= one["maximum"][i] for i in done))
        self.assertTrue(all(one["n"][i] >= 2 for i in done))
        cells = self.daemon.get("/api/v1/cells/%d" % one["cell"][0]).json()
        self.assertEqual(cells["metrics"]["tide_mark"]["median"], one["median"][0])

    def test_the_step_is_found_and_kept(self) -> None:
        """The planted step, in the list and in the series, with both cells."""
        change = self.found()
        self.assertEqual(change["commit"]["sha"], self.shas[STEP])
        self.assertEqual(change["previous"]["sha"], self.shas[STEP - 1])
        self.assertEqual((change["verdict"], change["kind"]), ("worse", "step"))
        self.assertLess(abs(change["effect"] - 4 * MIB), MIB / 2)
        self.assertTrue(change["base_cell"] and change["head_cell"])
        (shown,) = [c for c in self.series()["series"][0]["changes"] if c["status"] == "confirmed"]
        self.assertEqual((shown["id"], shown["index"]), (change["id"], STEP))
        part = self.series(**{"from": self.shas[2][:12], "to": self.shas[11]})
        self.assertEqual(part["commits"]["sha"], self.shas[2:12])
        self.assertEqual([c["index"] for c in part["series"][0]["changes"]], [STEP - 2])
        other = self.series(metric="over_original")
        self.assertEqual(other["unit"], "bytes")
        self.assertTrue(all(c["id"] is None for c in other["series"][0]["changes"]))

    def test_accept_and_take_back(self) -> None:
        """A reason is needed; it is kept over a new analysis and a restart, and can be taken back."""
        change = self.found()
        target = "/api/v1/regressions/%d/accept" % change["id"]
        for body in ({}, {"reason": ""}, {"reason": 3}, {"reason": "x", "colour": "red"}, {"reason": "x" * 1001}):
            self.assertEqual(self.daemon.post(target, body).status, 422, body)
        answer = self.daemon.post(target, {"reason": "a second block is meant", "by": "ann"})
        self.assertEqual(answer.json()["accepted"]["reason"], "a second block is meant")
        self.assertEqual(self.regressions("&accepted=true")[0]["id"], change["id"])
        self.assertNotIn(change["id"], [c["id"] for c in self.regressions("&accepted=false")])
        self.measure([self.shas[STEP]])
        self.daemon.kill()
        self.daemon.start().await_discovery()
        again = self.found()
        self.assertEqual((again["id"], again["accepted"]["by"]), (change["id"], "ann"))
        headers = {"Authorization": "Bearer " + self.daemon.token}
        undone = self.daemon.request("DELETE", target, headers=headers)
        self.assertEqual((undone.status, undone.json()["accepted"]), (200, None))
        words = ("--data", str(self.folder / "data"))
        done = run_program(self.folder, "accept", str(change["id"]), "--reason", "meant", *words)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        listed = run_program(self.folder, "regressions", "--project", "ripples", "--all", "--json", *words)
        found = [c for c in json.loads(listed.stdout)["regressions"] if c["id"] == change["id"]]
        self.assertEqual(found[0]["accepted"]["reason"], "meant")
        table = run_program(self.folder, "regressions", "--project", "ripples", "--all", *words)
        self.assertIn(self.shas[STEP][:12], table.stdout)
        done = run_program(self.folder, "accept", str(change["id"]), "--undo", *words)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_what_is_refused(self) -> None:
        """Wrong parameters by their name, what is not there as such."""
        for query, status, field in (
                ("project=ripples", 422, "scenario"), ("scenario=pass_over&project=none", 404, None),
                ("project=ripples&scenario=pass_over&metric=weight", 422, "metric"),
                ("project=ripples&scenario=pass_over&params=3", 422, "params"),
                ("project=ripples&scenario=pass_over&from=ffff", 422, "from"),
                ("project=ripples&scenario=pass_over&to=%s&from=%s" % (self.shas[1], self.shas[3]), 422, "from"),
                ("project=ripples&scenario=pass_over&colour=red", 400, "colour")):
            answer = self.daemon.get("/api/v1/series?" + query)
            self.assertEqual((answer.status, answer.json().get("field")), (status, field), query)
        for query in ("status=open", "verdict=bad", "accepted=yes", "sort=colour", "limit=0"):
            self.assertEqual(self.daemon.get("/api/v1/regressions?" + query).status, 400, query)
        self.assertEqual(self.daemon.get("/api/v1/regressions/999").status, 404)
        self.assertEqual(self.daemon.post("/api/v1/regressions/999/accept", {"reason": "x"}).status, 404)


class SecondLook(DaemonCase):
    """A change at the newest commit is measured once more by itself, then confirmed or dropped."""

    scratch: "tempfile.TemporaryDirectory[str]"
    shas: List[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = tempfile.TemporaryDirectory(prefix="tidemark-repo-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.repo = Path(cls.scratch.name) / "ripple"
        cls.shas = write_history(cls.repo, [8 * MIB] * 11 + [12 * MIB])
        super().setUpClass()
        try:
            add_project(cls.daemon, "ripples", cls.repo)
        except BaseException:
            cls.tearDownClass()
            raise

    def test_confirmed(self) -> None:
        """Suspect at first; then a batch of its own, both sides five times, which confirms it."""
        batch = self.daemon.post("/api/v1/runs", {
            "project": "ripples", "commits": self.shas, "scenarios": ["pass_over"],
            "pythons": [self.daemon.usable_pythons()[0]], "samples": 1}).json()["id"]

        def judged() -> Optional[Dict[str, Any]]:
            answer = self.daemon.get("/api/v1/regressions?project=ripples&metric=tide_mark&status=confirmed")
            listed = answer.json()["regressions"]
            return listed[0] if listed else None

        change = eventually(judged, 400, 0.3)
        self.assertTrue(change, self.daemon.get("/api/v1/regressions").body)
        self.assertEqual(change["commit"]["sha"], self.shas[-1])
        self.assertEqual(change["remeasured"]["outcome"], "confirmed")
        again = self.daemon.get("/api/v1/batches/%d" % change["remeasured"]["batch"]).json()
        self.assertEqual((again["reason"], again["runs"]), ("remeasure", 10))
        self.assertNotEqual(again["id"], batch)


if __name__ == "__main__":
    unittest.main()
