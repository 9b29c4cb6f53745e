"""Cells and their metrics: what the runs of a cell have in common, as the REST interface tells it."""

from __future__ import annotations

import unittest
from typing import Any, Dict, List

from daemon import SMALL, DaemonCase

METRICS = {"base": "bytes", "original": "bytes", "tide_mark": "bytes", "over_original": "bytes",
           "retained": "bytes", "leak": "bytes per iteration", "wall_ns": "ns", "cpu_ns": "ns",
           "page_faults": "count", "events": "count", "over_floor": "ratio"}


class Cells(DaemonCase):
    """One cell of three samples, one of one."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.python = cls.daemon.usable_pythons()[0]
        try:
            case = cls("test_metrics_are_listed")
            case.run_batch(pythons=[cls.python], scenarios=["list_bytes"], params=SMALL, samples=3)
            case.run_batch(pythons=[cls.python], scenarios=["empty"], params={})
        except BaseException:
            cls.tearDownClass()
            raise

    def cells(self, query: str = "") -> List[Dict[str, Any]]:
        """All cells that the query names."""
        return self.daemon.get("/api/v1/cells" + query).json()["cells"]

    def test_metrics_are_listed(self) -> None:
        """Each with its unit."""
        listed = self.daemon.get("/api/v1/metrics").json()["metrics"]
        self.assertEqual({metric["name"]: metric["unit"] for metric in listed}, METRICS)

    def test_a_cell_holds_what_its_runs_measured(self) -> None:
        """Least, largest and middle value of three runs; no interval, for three are too few."""
        cell, = self.cells("?scenario=list_bytes")
        runs = [run for run in self.daemon.get("/api/v1/runs").json()["runs"] if run["cell"] == cell["id"]]
        self.assertEqual(cell["runs"], {"done": 3, "failed": 0, "unfinished": 0})
        self.assertEqual(set(cell["metrics"]), set(METRICS))
        for name in ("base", "original", "tide_mark", "wall_ns", "cpu_ns", "page_faults", "leak"):
            values = sorted(run[name] for run in runs)
            self.assertEqual(cell["metrics"][name], {"n": 3, "minimum": values[0], "maximum": values[2],
                                                     "median": values[1], "low": None, "high": None}, name)
        faults = cell["metrics"]["page_faults"]["minimum"]
        self.assertGreater(faults * 4096, SMALL["count"] * 1024, "each page of the payload is a fault")

    def test_a_cell_by_itself(self) -> None:
        """With its runs; the floor of a scenario without payload gives no ratio."""
        listed, = self.cells("?scenario=empty&python=" + self.python)
        cell = self.daemon.get("/api/v1/cells/%d" % listed["id"]).json()
        self.assertEqual(len(cell["run_ids"]), 1)
        self.assertNotIn("over_floor", cell["metrics"])
        self.assertEqual(cell["scenario"]["name"], "empty")
        self.assertEqual(self.daemon.get("/api/v1/cells/4711").status, 404)

    def test_filters_and_pages(self) -> None:
        """Newest first, a page at a time."""
        page = self.daemon.get("/api/v1/cells?limit=1").json()
        self.assertEqual(page["cells"][0]["scenario"]["name"], "empty")
        rest = self.daemon.get("/api/v1/cells?limit=1&cursor=%s" % page["next"]).json()
        self.assertEqual(rest["cells"][0]["scenario"]["name"], "list_bytes")
        self.assertIsNone(rest["next"])
        sha = page["cells"][0]["commit"]["sha"]
        self.assertEqual(len(self.cells("?project=converters&commit=" + sha[:8])), 2)
        for nothing in ("?commit=ffffffffffffffff", "?python=2.7", "?allocator=none", "?project=other"):
            self.assertEqual(self.cells(nothing), [], nothing)
        for wrong in ("?limit=0", "?cursor=x", "?cells=1"):
            self.assertEqual(self.daemon.get("/api/v1/cells" + wrong).status, 400, wrong)
        self.assertEqual(self.daemon.get("/api/v1/metrics?unit=bytes").status, 400)

    def test_the_line_of_commits_is_stored(self) -> None:
        """The first-parent line of the branch, oldest first: what git says of it."""
        rows = self.daemon.query("SELECT c.sha FROM line l JOIN commits c ON c.id = l.commit_id"
                                 " JOIN projects p ON p.id = l.project WHERE p.name = 'converters'"
                                 " ORDER BY l.position DESC")
        listed = self.daemon.get("/api/v1/projects/converters/commits?limit=1000").json()["commits"]
        self.assertEqual([sha for sha, in rows][:1000], [commit["sha"] for commit in listed])


if __name__ == "__main__":
    unittest.main()
