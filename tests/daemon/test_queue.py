"""What a request can ask for beyond commits, pythons and scenarios, on the real daemon."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any, Dict, List, Tuple

from daemon import (PROGRAM, Answer, Daemon, DaemonCase, FaultCase, await_batch, commit_all, commit_module,
                    eventually, git, small_repository)

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
            page = self.daemon.get("%s&cursor=%s" % (target, page["next"])).json()
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

    def test_rare_samples_hold_nothing_up(self) -> None:
        """More events than the ring holds, between two samples that are a second apart: the ring is drained
        meanwhile, so that no event waits for the next sample."""
        batch = self.run_batch(pythons=self.daemon.usable_pythons()[:1], scenarios=["list_one_item"],
                               params={"repeat": 150_000}, recording="all", interval_us=1_000_000)
        run = self.daemon.get("/api/v1/runs?batch=%d" % batch).json()["runs"][0]
        times = [event["t_ns"] for event in self.events(run, "C_CALL")]
        self.assertGreaterEqual(len(times), 150_000)
        self.assertLess(max(later - earlier for earlier, later in zip(times, times[1:])), 400_000_000)

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


TINY = {"count": 64, "repeat": 1}


class Plans(DaemonCase):
    """Ranges, the plan of a request, and what is queued of it, on a repository of six commits c1 to c6,
    of which c5 does not build and c2 and c4 are tagged."""

    scratch: "tempfile.TemporaryDirectory[str]"

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = tempfile.TemporaryDirectory(prefix="tidemark-repo-")
        cls.repo = small_repository(Path(cls.scratch.name), 4)
        git(cls.repo, "tag", "v1", "HEAD~2")
        git(cls.repo, "tag", "-a", "-m", "release", "v2")
        source = cls.repo / "converters" / "tideconv.c"
        source.write_text(source.read_text() + "\nthis_is_no_declaration here;\n")
        commit_all(cls.repo, "c5")
        commit_module(cls.repo, "c6")
        super().setUpClass()

    @classmethod
    def tearDownClass(cls) -> None:
        super().tearDownClass()
        cls.scratch.cleanup()

    def setUp(self) -> None:
        self.python = self.daemon.usable_pythons()[0]

    def post(self, target: str = "", **fields: Any) -> Answer:
        """POST /runs for the newest python."""
        return self.daemon.post("/api/v1/runs" + target, {
            "scenarios": ["list_bytes"], "params": TINY, "pythons": [self.python], **fields})

    def plan(self, **fields: Any) -> Dict[str, Any]:
        """The plan, which writes nothing."""
        before = self.daemon.row_counts()
        answer = self.post("?dry_run=true", **fields)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(self.daemon.row_counts(), before)
        return answer.json()

    def subjects(self, **fields: Any) -> List[str]:
        """Of the commits that the plan names."""
        return [commit["subject"] for commit in self.plan(**fields)["commits"]]

    def do(self, **fields: Any) -> int:
        """Queue a batch and wait for its end."""
        answer = self.post(**fields)
        self.assertEqual(answer.status, 202, answer.body)
        await_batch(self.daemon, answer.json()["id"], 150)
        return int(answer.json()["id"])

    def test_a_forms_of_ranges(self) -> None:
        """Each form, before anything was measured."""
        for wanted, fields in (
                (["c6"], {}),
                (["c5", "c6"], {"commits": ["HEAD~2..HEAD"]}),
                (["c3", "c4"], {"commits": ["v1..v2"]}),
                (["c2", "c4"], {"commits": ["tags"]}),
                (["c4", "c5", "c6"], {"since": "2024-01-04", "commits": ["v1.."]}),
                (["c1", "c2"], {"until": "2024-01-02"}),
                (["c1", "c3"], {"commits": [{"until": "2024-01-03", "every": 2}]}),
                (["c2", "c4", "c6"], {"every": 2}),
                (["c1", "c2", "c3", "c4", "c5", "c6"], {"commits": ["new"]}),
                (["c3", "c4"], {"commits": ["v1..v2", "missing"]})):
            with self.subTest(fields=fields):
                self.assertEqual(self.subjects(**fields), wanted)

    def test_b_refusals(self) -> None:
        """A range that names nothing, dates out of shape, too many runs: by name, with the figure."""
        before = self.daemon.row_counts()
        for field, hint, fields in (
                ("commits[0]", "HEAD..HEAD names no commit", {"commits": ["HEAD..HEAD"]}),
                ("commits[1]", "nowhere", {"commits": ["HEAD", "nowhere..HEAD"]}),
                ("commits[0]", "three dots", {"commits": ["v1...v2"]}),
                ("commits", "between since and until", {"since": "2199-01-01"}),
                ("since", "must be a date", {"since": "last week"}),
                ("every", "from 1 to", {"every": 0}),
                ("commits", "bound a range", {"commits": ["HEAD"], "every": 2}),
                ("allocators", "there is pymalloc", {"allocators": ["hoard"]}),
                ("demo", "the only field", {"demo": True}),
                ("seed", "from 0 to", {"seed": -1}),
                ("retry_failed", "true or false", {"retry_failed": "yes"})):
            for target in ("", "?dry_run=true"):
                with self.subTest(fields=fields, target=target):
                    answer = self.post(target, **fields)
                    self.assertEqual(answer.status, 422, answer.body)
                    self.assertEqual(answer.json()["field"], field)
                    self.assertIn(hint, answer.json()["detail"])
        self.assertEqual(self.post("?dry_run=maybe").status, 400)
        demo = self.daemon.post("/api/v1/runs?dry_run=true", {"demo": True}).json()
        self.assertEqual([commit["subject"] for commit in demo["commits"]], ["c6", "c1"])
        self.assertEqual(demo["pythons"], self.daemon.usable_pythons())
        self.assertEqual(self.daemon.row_counts(), before)

    def test_c_plan_and_what_comes_of_it(self) -> None:
        """Nothing is known at first; then builds are cached or known to fail, and time is estimated."""
        wish = {"commits": ["v2..HEAD"], "samples": 2}
        plan = self.plan(**wish)
        self.assertEqual((plan["runs"], plan["cells"], plan["builds"]),
                         (4, 2, {"needed": 2, "cached": 0, "failed": 0}))
        self.assertEqual(plan["estimate"], {"seconds": None, "unknown_runs": 4, "unknown_builds": 2})
        batch = self.do(**wish)
        runs = self.daemon.get("/api/v1/runs?batch=%d" % batch).json()["runs"]
        self.assertEqual(sorted((run["commit"]["subject"], run["status"]) for run in runs),
                         [("c5", "failed")] * 2 + [("c6", "done")] * 2)
        plan = self.plan(**wish)
        self.assertEqual(plan["builds"], {"needed": 0, "cached": 1, "failed": 1})
        self.assertEqual(plan["known_failures"][0]["python"], self.python)
        self.assertIn("this_is_no_declaration", plan["known_failures"][0]["error"])
        self.assertEqual((plan["estimate"]["unknown_runs"], plan["estimate"]["unknown_builds"]), (0, 0))
        self.assertGreater(plan["estimate"]["seconds"], 0)
        done = [run["tide_mark"] for run in runs if run["status"] == "done"]
        self.assertEqual(plan["memory"]["largest"], max(done))
        other = self.plan(params={"count": 65, "repeat": 1}, **wish)
        self.assertGreater(other["estimate"]["seconds"], 0, "the scenario's own mean")
        self.assertIsNone(other["memory"]["largest"], "other parameters take other memory")
        self.check_new_and_missing()
        self.check_retry()

    def check_new_and_missing(self) -> None:
        """Judged by the cells asked for."""
        self.assertEqual(self.subjects(commits=["new"]), ["c1", "c2", "c3", "c4"])
        self.assertEqual(len(self.subjects(commits=["new"], params={"count": 65, "repeat": 1})), 6)
        plan = self.plan(commits=["missing"], samples=3)
        self.assertEqual([commit["subject"] for commit in plan["commits"]], ["c1", "c2", "c3", "c4", "c6"])
        self.assertEqual(plan["runs"], 13)
        self.assertEqual(plan["left_out"], [{
            "what": "1 cells", "why": "their build failed before; retry_failed tries it again"}])
        answer = self.post(commits=["v2..HEAD", "missing"])
        self.assertEqual((answer.status, answer.json()["field"]), (422, "commits[1]"))

    def check_retry(self) -> None:
        """A build that failed is not tried again until asked, and then once."""
        c5 = git(self.repo, "rev-parse", "HEAD~1")
        began = "SELECT started_ns FROM builds JOIN commits c ON c.id = commit_id WHERE c.sha = ?"
        first = self.daemon.query(began, c5)
        self.do(commits=[c5])
        self.assertEqual(self.daemon.query(began, c5), first)
        self.assertEqual(self.plan(commits=[c5], retry_failed=True)["builds"],
                         {"needed": 1, "cached": 0, "failed": 0})
        batch = self.do(commits=[c5], retry_failed=True, samples=2)
        second = self.daemon.query(began, c5)
        self.assertGreater(second, first)
        log = self.daemon.get("/api/v1/runs?batch=%d" % batch).json()["runs"][0]["id"]
        self.assertIn("this_is_no_declaration", self.daemon.get("/api/v1/runs/%d/log" % log).body.decode())
        tries = [line for line in self.daemon.log().splitlines() if "failed: " in line and " build=" in line]
        self.assertEqual(len(tries), 2, tries)

    def test_d_a_seed_gives_the_order(self) -> None:
        """Two batches of the same request and seed run in the same order; the batch shows its seed."""
        orders = []
        for _ in range(2):
            batch = self.do(commits=["v1..v2", "v1"], samples=2, seed=5)
            self.assertEqual(self.daemon.get("/api/v1/batches/%d" % batch).json()["seed"], 5)
            orders.append(self.daemon.query(
                "SELECT cell, sample FROM runs WHERE batch = ? ORDER BY started_ns", batch))
        self.assertEqual(orders[0], orders[1])
        self.assertEqual(sorted(cell for cell, _ in orders[0][:3]), sorted(set(c for c, _ in orders[0])))


class Builds(FaultCase):
    """Builds side by side."""

    def start(self, commits: int, **config: Any) -> Daemon:
        """A daemon with this configuration on a repository of that many commits."""
        file = self.folder / "config.json"
        file.write_text(json.dumps(config))
        if not (self.folder / "small").exists():
            small_repository(self.folder, commits)
        return self.make(self.folder / "small", ["--config", str(file)]).start().await_discovery()

    def queue_all(self, daemon: Daemon, **fields: Any) -> int:
        """Every commit on the newest python."""
        return self.queue(daemon, until="2024-12-31", **fields)

    @staticmethod
    def spans(daemon: Daemon, table: str) -> List[Tuple[int, int]]:
        """Beginning and end of each of its rows."""
        return daemon.query("SELECT started_ns, finished_ns FROM %s WHERE status = 'done'"
                            " ORDER BY started_ns" % table)

    @staticmethod
    def meet(one: Tuple[int, int], other: Tuple[int, int]) -> bool:
        """Whether two spans overlap."""
        return one[0] < other[1] and other[0] < one[1]

    def most_at_once(self, spans: List[Tuple[int, int]]) -> int:
        """How many overlap at the beginning of any."""
        return max(sum(other[0] <= one[0] < other[1] for other in spans) for one in spans)

    def test_side_by_side_and_never_beside_a_run(self) -> None:
        """Up to `build_jobs` builds overlap, no build overlaps a run, and the first run does not wait for
        the last build."""
        daemon = self.start(6, build_jobs=3)
        batch = self.queue_all(daemon, samples=2)
        await_batch(daemon, batch, 150)
        builds, runs = self.spans(daemon, "builds"), self.spans(daemon, "runs")
        self.assertEqual((len(builds), len(runs)), (6, 12))
        self.assertEqual(self.most_at_once(builds), 3)
        self.assertEqual([(build, run) for build in builds for run in runs if self.meet(build, run)], [])
        self.assertLess(runs[0][0], builds[-1][0])
        self.stop(daemon)

    def test_one_at_a_time(self) -> None:
        """With one job, and where no more has room in memory."""
        for config in ({"build_jobs": 1}, {"build_jobs": 3, "build_memory": 1 << 60}):
            daemon = self.start(3, **config)
            await_batch(daemon, self.queue_all(daemon), 150)
            self.assertEqual(self.most_at_once(self.spans(daemon, "builds")), 1)
            self.stop(daemon)
            shutil.rmtree(str(daemon.data))

    def test_beside_runs(self) -> None:
        """Only where the configuration says so."""
        daemon = self.start(3, build_jobs=1, build_beside_runs=True)
        await_batch(daemon, self.queue_all(daemon, params={"count": 16384, "repeat": 60}), 150)
        builds, runs = self.spans(daemon, "builds"), self.spans(daemon, "runs")
        self.assertEqual((len(builds), len(runs)), (3, 3))
        self.assertTrue([1 for build in builds for run in runs if self.meet(build, run)])
        self.stop(daemon)

    def await_building(self, daemon: Daemon, least: int) -> None:
        """Wait until that many builds are at work."""
        count = "SELECT count(*) FROM builds WHERE status = 'building'"
        self.assertTrue(eventually(lambda: daemon.query(count)[0][0] >= least, 60, 0.005))

    def check_all_done(self, daemon: Daemon, batch: int) -> None:
        """Every run once, every build once, and the database whole."""
        await_batch(daemon, batch, 150)
        runs = self.runs(daemon, batch)
        self.assertEqual([(run["status"], run["error"]) for run in runs], [("done", None)] * 4)
        self.assertEqual(daemon.query("SELECT status, count(*) FROM builds GROUP BY status"), [("done", 4)])
        self.assertEqual(daemon.query("PRAGMA foreign_key_check"), [])

    def test_killed_with_builds_at_work(self) -> None:
        """kill -9: no child stays, no half a build is taken for one, and the batch goes on."""
        daemon = self.start(4, build_jobs=3)
        batch = self.queue_all(daemon)
        self.await_building(daemon, 3)
        children = daemon.children()
        daemon.kill()
        self.assertEqual(daemon.leftovers(children), [line for line in daemon.leftovers(children)
                                                      if line.startswith("worktree")])
        daemon.start().await_discovery()
        self.check_all_done(daemon, batch)
        self.stop(daemon)

    def test_stopped_with_builds_at_work(self) -> None:
        """SIGTERM leaves neither child nor worktree, and the batch goes on at the next start."""
        daemon = self.start(4, build_jobs=3)
        batch = self.queue_all(daemon)
        self.await_building(daemon, 3)
        self.stop(daemon)
        daemon.start().await_discovery()
        self.check_all_done(daemon, batch)
        self.assertEqual(list((daemon.data / "cache" / "tmp").iterdir()), [])
        self.stop(daemon)

    def test_a_full_disk(self) -> None:
        """Without room for a build its runs fail and say so; nothing is held against the commit."""
        daemon = self.start(2, build_disk=1 << 60)
        batch = self.queue_all(daemon)
        await_batch(daemon, batch, 60)
        for run in self.runs(daemon, batch):
            self.assertEqual((run["status"], run["build"]), ("failed", None))
            self.assertIn("lower build_disk in the configuration", run["error"])
        self.assertEqual(daemon.row_counts()["builds"], 0)
        self.stop(daemon)

    def cached(self, daemon: Daemon) -> Dict[str, bool]:
        """Of each commit's subject, whether its build stands in the cache."""
        folder = daemon.data / "cache" / "builds"
        return {subject: (folder / key / "prefix").is_dir() for subject, key in daemon.query(
            "SELECT c.subject, b.key FROM builds b JOIN commits c ON c.id = b.commit_id ORDER BY c.subject")}

    def measure(self, daemon: Daemon, *commits: str, **fields: Any) -> None:
        """One batch of these commits on the newest python, to its end."""
        batch = self.queue(daemon, commits=list(commits), **fields)
        await_batch(daemon, batch, 150)
        self.assertEqual({run["error"] for run in self.runs(daemon, batch)}, {None})

    def test_the_cache_has_a_limit(self) -> None:
        """The build that was not used for longest goes, whole, but none that a queued run needs; it is made
        again when a run asks for it."""
        daemon = self.start(3, build_jobs=1)
        self.measure(daemon, "HEAD~2")
        self.measure(daemon, "HEAD~1")
        self.measure(daemon, "HEAD~2")
        self.assertEqual(self.cached(daemon), {"c1": True, "c2": True})
        self.stop(daemon)
        builds = daemon.data / "cache" / "builds"
        size = sum(int(line.split()[0]) for line in subprocess.check_output(
            ["du", "--block-size=1", "-s", *map(str, builds.iterdir())], universal_newlines=True).splitlines())
        daemon = self.start(3, build_jobs=1, cache_bytes=size * 5 // 4)
        self.measure(daemon, "HEAD")
        self.assertEqual(self.cached(daemon), {"c1": True, "c2": False, "c3": True})
        self.assertRegex(daemon.log(), "removed builds=1 ")
        self.measure(daemon, "HEAD~1")
        self.assertEqual(self.cached(daemon), {"c1": False, "c2": True, "c3": True})
        made = daemon.query("SELECT count(*) FROM runs WHERE build IN"
                            " (SELECT id FROM builds WHERE finished_ns > started_ns AND used_ns > finished_ns)")
        self.assertEqual(made, [(5,)])
        self.assertEqual(list((daemon.data / "cache" / "tmp").iterdir()), [])
        self.stop(daemon)

    def test_a_full_cache_keeps_what_the_queue_needs(self) -> None:
        """Where nothing may stay, a build stays until its last run in the queue has ended: each is made
        once. One that commits share, of which no row tells yet, too. Then it goes."""
        small_repository(self.folder, 3)
        repo = self.folder / "small"
        (repo / "README").write_text("no part of the folder that is built\n")
        commit_all(repo, "c4")
        daemon = self.start(4, build_jobs=2, cache_bytes=0)
        self.measure(daemon, "HEAD~3", "HEAD~2", "HEAD~1", "HEAD", samples=3)
        done = [line for line in daemon.log().splitlines() if " build=" in line and line.endswith(" done")]
        self.assertEqual(len(done), 3, done)
        self.assertTrue(eventually(lambda: not any(self.cached(daemon).values()), 120))
        self.stop(daemon)
        cpus = sorted(os.sched_getaffinity(0))[:2]
        if len(cpus) < 2:
            return
        daemon = self.start(4, build_jobs=2, cache_bytes=0, measure_cpus=[str(cpu) for cpu in cpus])
        self.measure(daemon, "HEAD~3", "HEAD~2", "HEAD~1", "HEAD", samples=3)  # two at once
        self.assertTrue(eventually(lambda: not any(self.cached(daemon).values()), 120), daemon.log())
        self.stop(daemon)

    def test_configuration(self) -> None:
        """What is out of range or of another type is refused by name."""
        for entry, value, hint in (("build_jobs", 0, "from 1 to 64"), ("build_jobs", "2", "an integer"),
                                   ("build_memory", 0, "from 1"), ("build_disk", -1, "from 0"),
                                   ("cache_bytes", -1, "from 0"), ("cache_bytes", 1.5, "an integer"),
                                   ("build_beside_runs", 1, "true or false"), ("build_cpus", 1, "unknown")):
            with self.subTest(entry=entry, value=value):
                file = self.folder / "wrong.json"
                file.write_text(json.dumps({entry: value}))
                done = subprocess.run([str(PROGRAM), "serve", "--data", str(self.folder / "none"),
                                       "--config", str(file)], stderr=subprocess.PIPE, check=False)
                self.assertEqual(done.returncode, 2)
                self.assertIn('"%s"' % entry, done.stderr.decode())
                self.assertIn(hint, done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
