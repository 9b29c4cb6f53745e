"""The road from a request to its figures: two commits on every usable CPython, two samples each.

The payload is small: 16,384 bytes objects of 1,024 bytes, 16 MiB that stand three times, round-tripped
three times. What is checked are the laws that hold for any size; the figures are printed as a table.
"""

from __future__ import annotations

import functools
import re
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, Callable, Dict, List
from urllib.parse import quote

from daemon import SMALL, Answer, DaemonCase, Event, git, two_commits

MIB = 1 << 20
PAYLOAD = SMALL["count"] * 1024
SAMPLES = 2
BATCH_S = 240
PAGE = 100

TABLE: List[Dict[str, Any]] = []


def rises(values: List[int]) -> bool:
    """Whether no value is below the one before."""
    return all(a <= b for a, b in zip(values, values[1:]))


Run = Dict[str, Any]
"""A run as GET /api/v1/runs/{id} shows it."""


def for_each_run(check: Callable[["Runs", Run], None]) -> Callable[["Runs"], None]:
    """Make a check of one run a test of all of them, each as a subtest."""
    @functools.wraps(check)
    def test(self: "Runs") -> None:
        self.assertTrue(self.runs)
        for run in self.runs:
            with self.subTest(run=run["id"], python=run["python"]["name"],
                              commit=run["commit"]["sha"][:8]):
                check(self, run)
    return test


def print_table() -> None:
    """The figures of every run, in MiB and ms."""
    head = "%-4s %-8s %-18s %6s %8s %9s %9s %8s %8s %7s %7s %7s" % (
        "run", "commit", "python", "base", "original", "tide mark", "end-base", "events", "samples",
        "missed", "wall ms", "cpu ms")
    lines = [head]
    for run in TABLE:
        lines.append("%-4d %-8s %-18s %6.1f %8.1f %9.1f %+9.2f %8d %8d %7d %7d %7d" % (
            run["id"], run["commit"]["sha"][:8], run["python"]["name"], run["base"] / MIB,
            run["original"] / MIB, run["tide_mark"] / MIB, (run["end"] - run["base"]) / MIB,
            run["events"], run["samples_taken"], run["missed_ticks"], run["wall_ns"] // 10**6,
            run["cpu_ns"] // 10**6))
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


class Runs(DaemonCase):
    """Everything that one batch leaves behind."""

    scratch: "tempfile.TemporaryDirectory[str]"
    answer: Answer
    pythons: List[str]
    batch: Dict[str, Any]
    told: List[Event]
    runs: List[Dict[str, Any]]
    events: Dict[int, List[Dict[str, Any]]]

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = tempfile.TemporaryDirectory(prefix="tidemark-repo-")
        cls.repo = two_commits(Path(cls.scratch.name))
        super().setUpClass()
        try:
            cls.measure()
        except BaseException:
            super().tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls) -> None:
        print_table()
        super().tearDownClass()
        cls.scratch.cleanup()

    @classmethod
    def measure(cls) -> None:
        """Queue the batch, wait on its event stream, and read everything once."""
        d = cls.daemon
        cls.pythons = d.usable_pythons()
        with d.stream(batch=1) as stream:  # opened before the batch is there, so that it misses nothing
            cls.answer = d.post("/api/v1/runs", {
                "project": "converters", "commits": ["HEAD", "HEAD~1"], "pythons": ["all"],
                "scenarios": ["list_bytes"], "params": SMALL, "samples": SAMPLES})
            if cls.answer.status != 202:
                raise AssertionError(cls.answer.body.decode())
            cls.told = stream.until_batch_done(BATCH_S)
        cls.batch = d.get("/api/v1/batches/1").json()
        listed = d.get("/api/v1/runs?batch=1&limit=1000").json()["runs"]
        cls.runs = [d.get("/api/v1/runs/%d" % run["id"]).json() for run in reversed(listed)]
        cls.events = {run["id"]: cls.page_through(run["id"], PAGE) for run in cls.runs}
        TABLE.extend(run for run in cls.runs if run["status"] == "done")

    @classmethod
    def page_through(cls, run: int, limit: int) -> List[Dict[str, Any]]:
        """All events of a run, page by page."""
        found: List[Dict[str, Any]] = []
        target = "/api/v1/runs/%d/events?limit=%d" % (run, limit)
        page = cls.daemon.get(target).json()
        while True:
            if len(page["events"]) > limit:
                raise AssertionError("a page of %d events" % len(page["events"]))
            found += page["events"]
            if page["next"] is None:
                return found
            page = cls.daemon.get("%s&cursor=%s" % (target, page["next"])).json()

    def events_of(self, run: int, kind: str, function: str = "") -> List[Dict[str, Any]]:
        """The events of a kind, asked for by name."""
        target = "/api/v1/runs/%d/events?limit=10000&kind=%s" % (run, kind)
        if function:
            target += "&function=" + quote(function)
        return self.daemon.get(target).json()["events"]

    # -- the batch --

    def test_answer_to_the_request(self) -> None:
        """202 with the batch and its address."""
        self.assertEqual(self.answer.headers["location"], "/api/v1/batches/1")
        self.assertEqual(self.answer.json()["id"], 1)
        self.assertEqual(self.answer.json()["runs"], 2 * len(self.pythons) * SAMPLES)

    def test_batch_counts(self) -> None:
        """Commits x pythons x samples runs, all done."""
        runs = 2 * len(self.pythons) * SAMPLES
        wanted = {"id": 1, "status": "done", "runs": runs, "queued": 0, "building": 0, "running": 0,
                  "done": runs, "failed": 0, "percent": 100}
        self.assertEqual({key: self.batch[key] for key in wanted}, wanted)
        self.assertGreaterEqual(self.batch["finished_ns"], self.batch["queued_ns"])
        listed = self.daemon.get("/api/v1/batches").json()
        self.assertEqual([batch["id"] for batch in listed["batches"]][-1:], [1])
        self.assertIsNone(listed["next"])

    def test_every_cell_has_its_samples(self) -> None:
        """Each commit on each python, samples 1 and 2, each once; samples of a cell share its id."""
        cells: Dict[Any, List[Any]] = {}
        for run in self.runs:
            key = run["commit"]["sha"], run["python"]["name"]
            cells.setdefault(key, []).append((run["sample"], run["cell"]))
        self.assertEqual(len(cells), 2 * len(self.pythons))
        self.assertEqual({python for _, python in cells}, set(self.pythons))
        for key, samples in cells.items():
            self.assertEqual(sorted(sample for sample, _ in samples), list(range(1, SAMPLES + 1)), key)
            self.assertEqual(len({cell for _, cell in samples}), 1, key)

    @for_each_run
    def test_commits_are_those_of_the_repository(self, run: Run) -> None:
        """HEAD and HEAD~1 were resolved when the request came."""
        sha = run["commit"]["sha"]
        self.assertIn(sha, git(self.repo, "rev-list", "HEAD").split())
        self.assertEqual(run["commit"]["subject"], git(self.repo, "log", "-1", "--format=%s", sha))

    # -- the figures --

    @for_each_run
    def test_done(self, run: Run) -> None:
        """Every run is done; one that is not shows why."""
        log = self.daemon.get("/api/v1/runs/%d/log" % run["id"])
        self.assertEqual(run["status"], "done", (run["error"], log.body.decode("utf-8", "replace")))
        self.assertIsNone(run["error"])
        self.assertEqual(run["percent"], 100)
        self.assertEqual((run["exit"]["code"], run["exit"]["signal"]), (0, None))

    @for_each_run
    def test_base_original_tide_mark(self, run: Run) -> None:
        """base < original < tide mark, and the original holds its floor."""
        self.assertLess(run["base"], run["original"])
        self.assertLess(run["original"], run["tide_mark"])
        self.assertEqual(run["floor"], PAYLOAD)
        self.assertLessEqual(run["floor"], run["original"] - run["base"])
        self.assertGreaterEqual(run["tide_mark"] - run["base"], 2 * PAYLOAD)
        self.assertGreater(run["end"], 0)
        self.assertLess(run["end"], run["original"])

    @for_each_run
    def test_tide_mark_is_the_highest(self, run: Run) -> None:
        """No sample, event, phase or point of the curve is above the tide mark."""
        samples = [e["rss"] for e in self.events[run["id"]] if e["kind"] == "SAMPLE"]
        self.assertTrue(samples)
        self.assertLessEqual(max(samples), run["tide_mark"])
        self.assertLessEqual(max(e["rss"] for e in self.events[run["id"]]), run["tide_mark"])
        self.assertLessEqual(max(e["peak"] or 0 for e in self.events[run["id"]]), run["tide_mark"])
        self.assertLessEqual(max(phase["peak"] for phase in run["phases"]), run["tide_mark"])
        curve = self.daemon.get("/api/v1/runs/%d/curve?points=100000" % run["id"]).json()
        self.assertLessEqual(max(curve["rss"]), run["tide_mark"])

    @for_each_run
    def test_times(self, run: Run) -> None:
        """Instants follow each other; durations are above zero."""
        self.assertTrue(rises([run["queued_ns"], run["started_ns"], run["finished_ns"]]))
        self.assertGreater(run["wall_ns"], 0)
        self.assertGreater(run["cpu_ns"], 0)
        self.assertLessEqual(run["wall_ns"], run["finished_ns"] - run["started_ns"])

    # -- events --

    @for_each_run
    def test_calls_of_the_module_under_test(self, run: Run) -> None:
        """C_CALL and C_RETURN of new_list_bytes, once per repetition; returns carry a peak."""
        calls = self.events_of(run["id"], "C_CALL", "new_list_bytes")
        returns = self.events_of(run["id"], "C_RETURN", "new_list_bytes")
        self.assertEqual(len(calls), SMALL["repeat"])
        self.assertEqual(len(returns), SMALL["repeat"])
        self.assertEqual(self.events_of(run["id"], "C_EXCEPTION"), [])
        for call, back in zip(calls, returns):
            self.assertEqual(call["function"], "tideconv.new_list_bytes")
            self.assertLess(call["t_ns"], back["t_ns"])
            self.assertIsNone(call["peak"])
            self.assertIsNotNone(back["peak"])
            self.assertGreaterEqual(back["peak"] - run["base"], 2 * PAYLOAD)
            self.assertLessEqual(back["peak"], run["tide_mark"])

    @for_each_run
    def test_events_rise(self, run: Run) -> None:
        """Times rise over all pages, and the counts are those of the run."""
        events = self.events[run["id"]]
        self.assertTrue(rises([event["t_ns"] for event in events]))
        self.assertGreaterEqual(events[0]["t_ns"], 0)
        samples = sum(event["kind"] == "SAMPLE" for event in events)
        self.assertEqual(samples, run["samples_taken"])
        self.assertEqual(len(events) - samples, run["events"])

    @for_each_run
    def test_change_of_rss(self, run: Run) -> None:
        """drss is the change since the event before, over page boundaries too."""
        events = self.events[run["id"]]
        for before, event in zip(events, events[1:]):
            self.assertEqual(event["drss"], event["rss"] - before["rss"], event)

    def test_pages_of_any_size(self) -> None:
        """Pages of one event and one page of all are the same events."""
        run = self.runs[0]["id"]
        self.assertEqual(self.page_through(run, 1), self.page_through(run, 10000))

    def test_filters_of_events(self) -> None:
        """kind and window leave out what they should and nothing else."""
        for run in self.runs[:2]:
            events = self.events[run["id"]]
            kinds = ("C_CALL", "C_RETURN", "MARK")
            self.assertEqual([e["t_ns"] for e in self.events_of(run["id"], ",".join(kinds))],
                             [e["t_ns"] for e in events if e["kind"] in kinds])
            low, high = events[len(events) // 3]["t_ns"], events[2 * len(events) // 3]["t_ns"]
            window = self.daemon.get("/api/v1/runs/%d/events?limit=10000&from_ns=%d&to_ns=%d"
                                     % (run["id"], low, high)).json()["events"]
            self.assertEqual([e["t_ns"] for e in window],
                             [e["t_ns"] for e in events if low <= e["t_ns"] <= high])
            self.assertEqual(self.events_of(run["id"], "CALL", "no_such_function"), [])

    # -- curve --

    @for_each_run
    def test_curve(self, run: Run) -> None:
        """At most the points that were asked for, times rising, and the highest point is kept."""
        whole = self.daemon.get("/api/v1/runs/%d/curve?points=100000" % run["id"]).json()
        thin = self.daemon.get("/api/v1/runs/%d/curve?points=100" % run["id"]).json()
        for curve, ceiling in ((whole, 100000), (thin, 100)):
            self.assertEqual(curve["run"], run["id"])
            self.assertEqual(curve["status"], "done")
            self.assertEqual(curve["points"], len(curve["t_ns"]))
            self.assertEqual(len(curve["rss"]), len(curve["t_ns"]))
            self.assertEqual(len(curve["function"]), len(curve["t_ns"]))
            self.assertLessEqual(len(curve["t_ns"]), ceiling)
            self.assertGreater(len(curve["t_ns"]), 10)
            self.assertTrue(rises(curve["t_ns"]))
            self.assertLessEqual(curve["t_ns"][-1], curve["end_ns"])
            named = {function["id"] for function in curve["functions"]}
            self.assertLessEqual(set(curve["function"]) - {0}, named)
        self.assertEqual(max(thin["rss"]), max(whole["rss"]))
        self.assertEqual(min(thin["rss"]), min(whole["rss"]))
        self.assertEqual(len(whole["t_ns"]), len(self.events[run["id"]]))
        names = {function["name"] for function in whole["functions"]}
        self.assertIn("tideconv.new_list_bytes", names)
        highest = whole["function"][whole["rss"].index(max(whole["rss"]))]
        inside = {function["id"]: function["name"] for function in whole["functions"]}
        self.assertIn(inside.get(highest), ("tideconv.new_list_bytes", "peakmem_list_bytes"))

    def test_curve_of_a_window(self) -> None:
        """A window holds the points of the whole that lie in it."""
        run = self.runs[0]
        whole = self.daemon.get("/api/v1/runs/%d/curve?points=100000" % run["id"]).json()
        low, high = whole["end_ns"] // 3, whole["end_ns"] // 2
        part = self.daemon.get("/api/v1/runs/%d/curve?points=100000&from_ns=%d&to_ns=%d"
                               % (run["id"], low, high)).json()
        self.assertEqual(part["t_ns"], [t for t in whole["t_ns"] if low <= t <= high])
        self.assertEqual((part["from_ns"], part["to_ns"]), (low, high))
        two = self.daemon.get("/api/v1/runs/%d/curve?points=2" % run["id"]).json()
        self.assertEqual(sorted(two["rss"]), [min(whole["rss"]), max(whole["rss"])])

    def test_curves_of_several_runs(self) -> None:
        """Each stands there as by itself, in the order asked for, in its own window."""
        first, second = self.runs[0]["id"], self.runs[-1]["id"]
        found = self.daemon.get("/api/v1/curves?points=50&runs=%d,%d:1000:90000000" % (second, first)).json()
        self.assertEqual(found["curves"], [
            self.daemon.get("/api/v1/runs/%d/curve?points=50%s" % (run, window)).json()
            for run, window in ((second, ""), (first, "&from_ns=1000&to_ns=90000000"))])
        self.assertEqual(self.daemon.get("/api/v1/curves?runs=%d,999999" % first).status, 404)

    # -- what else a run tells --

    def test_phases(self) -> None:
        """base, then original and result of each repetition, then end; times rise."""
        wanted = ["base"] + ["iteration", "original", "result"] * SMALL["repeat"] + ["iteration", "end"]
        for run in self.runs:
            phases = run["phases"]
            self.assertEqual([phase["name"] for phase in phases], wanted)
            self.assertTrue(rises([phase["t_ns"] for phase in phases]))
            self.assertEqual([phase["value"] for phase in phases if phase["name"] == "iteration"],
                             list(range(SMALL["repeat"] + 1)))
            self.assertEqual(phases[0]["rss"], run["base"])
            for phase in phases:
                if phase["name"] == "original":
                    self.assertGreaterEqual(phase["rss"] - run["base"], run["floor"])

    @for_each_run
    def test_expected(self, run: Run) -> None:
        """Bytes of payload that original, container and result hold at the least."""
        self.assertEqual(run["expected"],
                         {"original": PAYLOAD, "container": PAYLOAD, "result": PAYLOAD})
        self.assertEqual(run["params"], {"count": SMALL["count"], "length": 1024,
                                         "repeat": SMALL["repeat"]})

    @for_each_run
    def test_environment(self, run: Run) -> None:
        """Everything that moves a result is recorded."""
        told = run["environment"]
        for name in ("kernel", "cpu", "thp", "aslr_off", "hash_seed", "glibc", "allocator",
                     "compiler", "instrument"):
            self.assertIn(name, told)
            self.assertNotIn(told[name], ("", None), name)
        self.assertIs(told["aslr_off"], True)
        named = run["python"]["name"].split("@")[0]  # 3.11.2d, 3.13.0t: a build of another kind
        self.assertEqual(told["python"]["version"].split()[0].rstrip("+"), named.rstrip("dt"))

    @for_each_run
    def test_log(self, run: Run) -> None:
        """The log of a run and of its build are plain text."""
        for target in ("/api/v1/runs/%d/log" % run["id"],
                       "/api/v1/builds/%d/log" % run["build"]["id"]):
            answer = self.daemon.get(target)
            self.assertEqual(answer.status, 200)
            self.assertTrue(answer.headers["content-type"].startswith("text/plain"))
            text = answer.body.decode("utf-8")
            self.assertNotIn("Traceback", text)
        self.assertTrue(text, "a build's log is empty")

    def test_builds(self) -> None:
        """One build for each commit and python, done, telling how it was made."""
        ids = {run["build"]["id"] for run in self.runs}
        self.assertEqual(len(ids), 2 * len(self.pythons))
        for run in self.runs:
            build = self.daemon.get("/api/v1/builds/%d" % run["build"]["id"]).json()
            self.assertEqual(build["status"], "done")
            self.assertEqual(build["commit"]["sha"], run["commit"]["sha"])
            self.assertEqual(build["python"]["name"], run["python"]["name"])
            self.assertTrue(build["compiler"])
            self.assertGreaterEqual(build["finished_ns"], build["started_ns"])

    def test_resources_that_the_page_reads(self) -> None:
        """status, projects, commits and scenarios have the shape of docs/API.md."""
        status = self.daemon.get("/api/v1/status").json()
        self.assertEqual(status["queue"], {"queued": 0, "building": 0, "running": 0, "paused": False})
        self.assertEqual(status["pythons"]["usable"], len(self.pythons))
        self.assertIs(status["discovering"], False)
        for project in self.daemon.get("/api/v1/projects").json()["projects"]:
            self.assertLessEqual({"name", "repo"}, set(project))
        commits = self.daemon.get("/api/v1/projects/converters/commits?limit=2").json()["commits"]
        self.assertEqual(len(commits), 2)
        for commit in commits:
            self.assertEqual(set(commit), {"sha", "subject", "author", "committed_ns"})
        scenarios = self.daemon.get("/api/v1/scenarios").json()["scenarios"]
        (ours,) = [scenario for scenario in scenarios if scenario["name"] == "list_bytes"]
        self.assertEqual(ours["module"], "tideconv")
        self.assertEqual({param["name"]: (param["type"], param["minimum"], param["maximum"])
                          for param in ours["params"]}["count"], ("integer", 1, 16777216))

    # -- the event stream --

    def test_stream_tells_every_step(self) -> None:
        """Every run was seen queued, building, running, done, in this order; percents rise."""
        steps: Dict[int, List[str]] = {}
        percents: Dict[int, List[int]] = {}
        for event in self.told:
            if event.name in ("queued", "building", "running", "done", "failed"):
                of_run = steps.setdefault(event.data["id"], [])
                if of_run[-1:] != [event.name]:
                    of_run.append(event.name)
                self.assertEqual(event.data["status"], event.name)
            if event.name == "running":
                percents.setdefault(event.data["id"], []).append(event.data["percent"])
        for run in self.runs:
            self.assertEqual(steps.get(run["id"]), ["queued", "building", "running", "done"])
            self.assertTrue(rises(percents[run["id"]]), percents[run["id"]])
        self.assertTrue(any(max(seen) > 0 for seen in percents.values()), percents)

    def test_stream_tells_the_last_word(self) -> None:
        """What the stream said last of a run and of the batch is what the resources say."""
        last = {event.data["id"]: event.data for event in self.told if event.name == "done"}
        for run in self.runs:
            told = last[run["id"]]
            self.assertEqual({key: run[key] for key in told}, told)
        batches = [event.data for event in self.told if event.name == "batch"]
        self.assertEqual(batches[-1], self.batch)
        self.assertTrue(rises([event.id for event in self.told]))
        self.assertEqual(len({event.id for event in self.told}), len(self.told))

    def test_stream_tells_the_curve(self) -> None:
        """Pieces of the curve of runs of this batch, in order of time."""
        runs = {run["id"]: run for run in self.runs}
        reached: Dict[int, int] = {}
        for event in self.told:
            if event.name != "curve":
                continue
            self.assertIn(event.data["run"], runs)
            self.assertEqual(len(event.data["t_ns"]), len(event.data["rss"]))
            self.assertTrue(rises(event.data["t_ns"]))
            self.assertLessEqual(reached.get(event.data["run"], 0), event.data["t_ns"][0])
            reached[event.data["run"]] = event.data["t_ns"][-1]
            self.assertLessEqual(max(event.data["rss"]), runs[event.data["run"]]["tide_mark"])
        self.assertTrue(reached)

    # -- files, lists, and the second time --

    def test_files_of_the_data_folder(self) -> None:
        """The address for everyone, the token for its owner."""
        self.assertTrue(re.match(r"^http://127\.0\.0\.1:[1-9][0-9]*$", self.daemon.url))
        self.assertEqual(self.daemon.mode_of("token"), 0o600)
        self.assertTrue(re.match(r"^[0-9a-f]{32,}$", self.daemon.token))

    def test_lists_of_runs(self) -> None:
        """Filters and pages show each run that they should, once, newest first."""
        ids = [run["id"] for run in self.runs]
        paged: List[int] = []
        target = "/api/v1/runs?limit=5"
        page = self.daemon.get(target).json()
        while True:
            paged += [run["id"] for run in page["runs"]]
            if page["next"] is None:
                break
            page = self.daemon.get("%s&cursor=%s" % (target, page["next"])).json()
        self.assertEqual([number for number in paged if number in ids], sorted(ids, reverse=True))
        run = self.runs[0]
        for query, wanted in (
                ("python=" + quote(run["python"]["name"]),
                 lambda other: other["python"] == run["python"]),
                ("commit=" + run["commit"]["sha"][:12], lambda other: other["commit"] == run["commit"]),
                ("scenario=list_bytes", lambda other: True),
                ("status=done", lambda other: True),
                ("status=failed", lambda other: False),
                ("scenario=none", lambda other: False)):
            found = self.daemon.get("/api/v1/runs?batch=1&limit=1000&" + query).json()["runs"]
            self.assertEqual(sorted(other["id"] for other in found),
                             [other["id"] for other in self.runs if wanted(other)], query)

    def test_again_reuses_the_builds(self) -> None:
        """The same cells once more: new runs, no new build, the same build and cell ids."""
        builds = self.daemon.row_counts()["builds"]
        cells = self.daemon.row_counts()["cells"]
        before = {(run["commit"]["sha"], run["python"]["name"]): (run["build"]["id"], run["cell"])
                  for run in self.runs}
        commits = sorted({run["commit"]["sha"] for run in self.runs})
        batch = self.run_batch(commits=commits, pythons=["all"], samples=1, deadline_s=BATCH_S)
        again = self.daemon.get("/api/v1/runs?batch=%d&limit=1000" % batch).json()["runs"]
        self.assertEqual({(run["commit"]["sha"], run["python"]["name"]):
                          (run["build"]["id"], run["cell"]) for run in again}, before)
        self.assertEqual({run["status"] for run in again}, {"done"})
        self.assertEqual(self.daemon.row_counts()["builds"], builds)
        self.assertEqual(self.daemon.row_counts()["cells"], cells)

    def test_reading_leaks_no_descriptor(self) -> None:
        """A block of requests leaves as many open files as there were."""
        run = self.runs[0]["id"]
        before = self.daemon.descriptors()
        for _ in range(10):
            for target in ("/", "/api/v1/status", "/api/v1/runs", "/api/v1/runs/%d" % run,
                           "/api/v1/runs/%d/curve" % run, "/api/v1/runs/%d/events" % run,
                           "/api/v1/runs/%d/log" % run, "/api/v1/batches", "/api/v1/pythons",
                           "/api/v1/projects/converters/commits"):
                self.assertEqual(self.daemon.get(target).status, 200, target)
        self.assertFalse(self.daemon.await_descriptors(before))


if __name__ == "__main__":
    unittest.main(verbosity=2)
