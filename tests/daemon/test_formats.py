#!/usr/bin/env python3
"""Drives a real daemon with every scenario of the study, and runs to files and back.

The scenarios are run small: at most 16 MiB of payload a copy. What leaves the daemon is read by Python's own csv
and json; what comes back must be the same curve.
"""

from __future__ import annotations

import csv
import io
import json
import unittest
from typing import Any, Dict, List

from daemon import SMALL, Answer, DaemonCase, await_batch, run_program

SIZES: Dict[str, Dict[str, int]] = {
    "dict_bytes": {"count": 8192, "repeat": 2},
    "dict_str": {"count": 8192, "repeat": 2},
    "set_bytes": {"count": 16384, "repeat": 2},
    "list_bytes": {"count": 16384, "repeat": 2},
    "list_float_array": {"count": 524288, "repeat": 2},
    "list_float_linked": {"count": 524288, "repeat": 2},
    "list_one_item": {"repeat": 20000},
    "set_one_item": {"repeat": 20000},
    "dict_one_item": {"repeat": 20000},
    "empty": {},
}
ALLOWED_GROWTH = 2 << 20
"""Bytes that 20,000 round trips of one item may leave resident; a leaked object each would be 20 MiB."""

MPROF = b"CMDLINE python x.py\nMEM 10.5 1700000000.0\nMEM 12.0 1700000001.0\n"


class Scenarios(DaemonCase):
    def test_each_has_full_and_demo_size(self) -> None:
        found = {s["name"]: s for s in self.daemon.get("/api/v1/scenarios").json()["scenarios"]}
        self.assertEqual(set(found), set(SIZES))
        for name, scenario in found.items():
            for param in scenario["params"]:
                self.assertLessEqual(param["minimum"], param["demo"], (name, param))
                self.assertLessEqual(param["demo"], param["default"], (name, param))
                self.assertLessEqual(param["default"], param["maximum"], (name, param))

    def test_each_is_measured(self) -> None:
        python = self.daemon.usable_pythons()[0]
        for name, params in SIZES.items():
            with self.subTest(scenario=name):
                batch = self.run_batch(scenarios=[name], params=params, pythons=[python])
                (run,) = self.daemon.get("/api/v1/runs?batch=%d" % batch).json()["runs"]
                self.assertEqual((run["status"], run["error"]), ("done", None))
                self.assertGreaterEqual(run["tide_mark"], run["base"])
                if name == "empty":
                    self.assertIsNone(run["floor"])
                else:
                    self.assertLessEqual(run["floor"] - ALLOWED_GROWTH, run["original"] - run["base"])
                if "one_item" in name:
                    self.check_steps(run)

    def check_steps(self, run: Dict[str, Any]) -> None:
        """Marks before the first and after each 256th part, and nothing retained between them."""
        full = self.daemon.get("/api/v1/runs/%d" % run["id"]).json()
        steps = [phase for phase in full["phases"] if phase["name"] == "iteration"]
        repeat = run["params"]["repeat"]
        self.assertEqual([step["value"] for step in steps], [repeat * k // 256 for k in range(257)])
        self.assertLess(steps[-1]["rss"] - steps[25]["rss"], ALLOWED_GROWTH)


class Files(DaemonCase):
    def setUp(self) -> None:
        python = self.daemon.usable_pythons()[0]
        batch = self.run_batch(params=SMALL, pythons=[python])
        self.run_id = self.daemon.get("/api/v1/runs?batch=%d" % batch).json()["runs"][0]["id"]

    def export(self, run: int, name: str) -> Answer:
        answer = self.daemon.get("/api/v1/runs/%d/export?format=%s" % (run, name))
        self.assertEqual(answer.status, 200, answer.body[:300])
        return answer

    def upload(self, body: bytes, name: str = "a%20file.dat", **headers: Any) -> Answer:
        sent = {"Content-Type": "application/octet-stream"}
        sent.update(headers)
        return self.daemon.post("/api/v1/imports?name=" + name, body, sent)

    def events(self, run: int) -> List[Dict[str, Any]]:
        return self.daemon.get("/api/v1/runs/%d/events?limit=10000" % run).json()["events"]

    def curve(self, run: int) -> Any:
        found = self.daemon.get("/api/v1/runs/%d/curve?points=100000" % run).json()
        return found["t_ns"], found["rss"]

    def test_tide_over_rest(self) -> None:
        answer = self.upload(self.export(self.run_id, "tide").body, "run.tide")
        self.assertEqual(answer.status, 201, answer.body)
        run = answer.json()
        self.assertEqual(answer.headers["location"], "/api/v1/runs/%d" % run["id"])
        self.assertTrue(run["imported"])
        self.assertEqual((run["status"], run["scenario"], run["project"]), ("done", "run.tide", "imported"))
        measured = self.daemon.get("/api/v1/runs/%d" % self.run_id).json()
        self.assertFalse(measured["imported"])
        for figure in ("base", "original", "tide_mark", "end", "floor", "wall_ns", "cpu_ns"):
            self.assertEqual(run[figure], measured[figure], figure)
        self.assertEqual(run["python"]["name"], measured["python"]["name"].partition("@")[0])
        self.assertEqual(self.events(run["id"]), self.events(self.run_id))
        self.assertEqual(self.curve(run["id"]), self.curve(self.run_id))

    def test_csv_json_and_chrome_are_what_they_say(self) -> None:
        events = self.events(self.run_id)
        answer = self.export(self.run_id, "csv")
        self.assertEqual(answer.headers["content-type"], "text/csv; charset=utf-8")
        table = list(csv.DictReader(io.StringIO(answer.body.decode("utf-8"), newline="")))
        self.assertEqual([(int(row["t_ns"]), row["kind"], int(row["rss"])) for row in table],
                         [(event["t_ns"], event["kind"], event["rss"]) for event in events])
        whole = self.export(self.run_id, "json").json()
        self.assertEqual((whole["run"]["id"], whole["events"]), (self.run_id, events))
        trace = self.export(self.run_id, "chrome").json()["traceEvents"]
        self.assertEqual(sum(t["ph"] == "C" for t in trace), len(events))
        self.assertEqual(sum(t["ph"] == "B" for t in trace), sum(t["ph"] == "E" for t in trace))

    def test_pymemtrace_comes_back(self) -> None:
        run = self.upload(self.export(self.run_id, "pymemtrace").body).json()
        calls = ("CALL", "RETURN", "C_CALL", "C_RETURN", "C_EXCEPTION", "LINE")
        self.assertEqual([(e["kind"], e["function"], e["line"], e["rss"]) for e in self.events(run["id"])],
                         [(e["kind"], e["function"], e["line"], e["rss"]) for e in self.events(self.run_id)
                          if e["kind"] in calls])

    def test_functions_and_children(self) -> None:
        found = self.daemon.get("/api/v1/runs/%d/functions" % self.run_id)
        self.assertEqual(found.status, 200)
        self.assertIsInstance(found.json()["functions"], list)
        curve = self.daemon.get("/api/v1/runs/%d/curve?children=true" % self.run_id).json()
        self.assertEqual(len(curve["children"]), curve["points"])
        self.assertEqual(self.daemon.get("/api/v1/runs/%d/curve?children=maybe" % self.run_id).status, 400)
        self.assertEqual(self.daemon.get("/api/v1/runs/999999/functions").status, 404)

    def test_what_is_refused_leaves_no_row(self) -> None:
        tide = self.export(self.run_id, "tide").body
        before = self.daemon.row_counts()
        for body in (b"", b"noise\n", tide[:-1], tide[: len(tide) // 2], tide[:8], tide[:100] + b"\0" + tide[101:],
                     MPROF[:-1], MPROF + b"MEM x 1\n", b"\0" * 1000, b"\x89TIDE\r\n\xff"):
            answer = self.upload(body)
            self.assertEqual(answer.status, 422, answer.body)
            self.assertEqual(answer.json()["field"], "file")
        self.assertEqual(self.upload(MPROF, Authorization="Bearer no").status, 401)
        self.assertEqual(self.daemon.post("/api/v1/imports", MPROF).status, 415)
        self.assertEqual(self.daemon.post("/api/v1/imports?what=1", MPROF,
                                          {"Content-Type": "application/octet-stream"}).status, 400)
        self.assertEqual(self.daemon.get("/api/v1/imports").status, 405)
        self.assertEqual(self.daemon.get("/api/v1/runs/%d/export?format=xml" % self.run_id).status, 422)
        self.assertEqual(self.daemon.get("/api/v1/runs/999999/export").status, 404)
        self.assertEqual(self.daemon.row_counts(), before)

    def test_a_file_may_be_larger_than_other_bodies(self) -> None:
        self.assertEqual(self.upload(MPROF + b"MEM 13.0 1700000002.0\n" * 50000).status, 201)

    def test_command_line_beside_the_daemon(self) -> None:
        target = self.folder / "run.tide"
        data = ["--data", str(self.daemon.data)]
        done = run_program(self.folder, "export", str(self.run_id), "--output", str(target), *data)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(target.read_bytes(), self.export(self.run_id, "tide").body)
        done = run_program(self.folder, "import", str(target), *data)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        run = int(done.stdout)
        self.assertEqual(self.curve(run), self.curve(self.run_id))
        done = run_program(self.folder, "export", str(run), "--format", "json", *data)
        self.assertEqual(json.loads(done.stdout)["events"], self.events(self.run_id))
        target.write_bytes(target.read_bytes()[:-5])
        done = run_program(self.folder, "import", str(target), *data)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("cut", done.stderr)
        done = run_program(self.folder, "export", "999999", "--output", str(self.folder / "none"), *data)
        self.assertEqual(done.returncode, 3)
        self.assertFalse((self.folder / "none").exists())

    def test_command_line_alone(self) -> None:
        source = self.folder / "mprofile_1.dat"
        source.write_bytes(MPROF)
        data = ["--data", str(self.folder / "alone")]
        done = run_program(self.folder, "import", str(source), *data)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "1\n", ""))
        done = run_program(self.folder, "export", "1", "--format", "csv", *data)
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        self.assertEqual([(row["t_ns"], row["rss"]) for row in rows],
                         [("0", "11010048"), ("1000000000", "12582912")])

    def test_command_line_says_what_is_wrong(self) -> None:
        for arguments, words in ((["export"], "which run"), (["export", "x"], "not the number"),
                                 (["export", "1", "--format", "xml"], "must be tide"),
                                 (["import"], "which file"), (["import", "a", "b"], "one file"),
                                 (["import", "/nonexistent"], "No such file")):
            done = run_program(self.folder, *arguments)
            self.assertNotEqual(done.returncode, 0, arguments)
            self.assertIn(words, done.stderr)
        for command in ("export", "import"):
            self.assertIn("Examples", run_program(self.folder, command, "--help").stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
