"""What a request can ask for beyond commits, pythons and scenarios, on the real daemon."""

from __future__ import annotations

import unittest
from typing import Any, Dict, List

from daemon import DaemonCase

LASTING = {"count": 16384, "repeat": 40}
"""16,384 objects of 1,024 bytes, 40 times: some seconds."""

DEFAULT = {"recording": "changes", "threshold": 4096, "precision": "bounded", "bound": 262144,
           "interval_us": 1000}


class Measures(DaemonCase):
    """How a run is measured, from the request to the run's own account of it."""

    def measure(self, **fields: Any) -> Dict[str, Any]:
        """One run of HEAD on the newest python, measured so."""
        batch = self.run_batch(pythons=self.daemon.usable_pythons()[:1], params=LASTING, **fields)
        listed = self.daemon.get("/api/v1/runs?batch=%d" % batch).json()["runs"]
        run = self.daemon.get("/api/v1/runs/%d" % listed[0]["id"]).json()
        self.assertEqual((run["status"], run["error"]), ("done", None))
        return run

    def events(self, run: Dict[str, Any], kind: str) -> List[Dict[str, Any]]:
        """All events of a kind, page by page."""
        found: List[Dict[str, Any]] = []
        target = "/api/v1/runs/%d/events?limit=10000&kind=%s" % (run["id"], kind)
        page = self.daemon.get(target).json()
        while page["next"] is not None:
            found += page["events"]
            page = self.daemon.get("%s&cursor=%d" % (target, page["next"])).json()
        return found + page["events"]

    def check_ticks(self, run: Dict[str, Any], interval_us: int) -> List[int]:
        """A sample or a missed tick for each interval of the run's length; the gaps between samples."""
        end_ns = self.daemon.get("/api/v1/runs/%d/curve?points=2" % run["id"]).json()["end_ns"]
        ticks = end_ns / (interval_us * 1000)
        self.assertAlmostEqual(run["samples_taken"] + run["missed_ticks"], ticks, delta=3 + ticks / 100)
        times = [event["t_ns"] for event in self.events(run, "SAMPLE")]
        self.assertEqual(len(times), run["samples_taken"])
        return [later - earlier for earlier, later in zip(times, times[1:])]

    def test_default(self) -> None:
        """A request that says nothing is measured as documented."""
        run = self.measure()
        self.assertEqual(run["measure"], DEFAULT)
        self.assertEqual(run["allocator"], "pymalloc")
        self.check_ticks(run, 1000)

    def test_samples_every_100_us(self) -> None:
        """Ten times as many ticks as by default, and samples that close to each other."""
        run = self.measure(interval_us=100)
        self.assertEqual(run["measure"], {**DEFAULT, "interval_us": 100})
        self.assertLess(min(self.check_ticks(run, 100)), 500_000)

    def test_samples_every_second(self) -> None:
        """One sample a second, none between."""
        run = self.measure(interval_us=1_000_000)
        gaps = self.check_ticks(run, 1_000_000)
        self.assertTrue(gaps, "the run was too short to tell")
        self.assertGreater(min(gaps), 900_000_000)

    def test_recordings(self) -> None:
        """`marks` has phases and no calls, `all` has every call, `changes` what moved RSS."""
        counts = {}
        for recording in ("marks", "changes", "all"):
            run = self.measure(recording=recording)
            counts[recording] = len(self.events(run, "CALL,RETURN,C_CALL,C_RETURN"))
            self.assertEqual(run["measure"]["recording"], recording)
            self.assertEqual(len(self.events(run, "MARK")), 3 * LASTING["repeat"] + 3)
        self.assertEqual(counts["marks"], 0)
        self.assertGreater(counts["changes"], 0)
        self.assertGreater(counts["all"], counts["changes"])

    def test_cells_are_not_mixed(self) -> None:
        """Runs of one commit, python and parameters are of one cell exactly when measured alike."""
        runs = [self.measure(**fields) for fields in (
            {}, {"precision": "exact"}, {"threshold": 4096}, {"bound": 4096}, {"precision": "exact"})]
        cells = [run["cell"] for run in runs]
        self.assertEqual(cells[0], cells[2])
        self.assertEqual(cells[1], cells[4])
        self.assertEqual(len(set(cells)), 3)
        self.assertEqual(runs[1]["measure"], {**DEFAULT, "precision": "exact", "bound": None})

    def test_refusals(self) -> None:
        """The field is named and no row is written."""
        before = self.daemon.row_counts()
        for field, value in (("recording", "most"), ("threshold", 0), ("precision", 1), ("bound", -1),
                             ("interval_us", 99), ("interval_us", 1_000_001)):
            with self.subTest(field=field, value=value):
                answer = self.daemon.post("/api/v1/runs", {"scenarios": ["list_bytes"], field: value})
                self.assertEqual((answer.status, answer.json()["field"]), (422, field))
        self.assertEqual(self.daemon.row_counts(), before)


if __name__ == "__main__":
    unittest.main()
