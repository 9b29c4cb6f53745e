"""Any project, any commit, any CPython: a small project with known faults, measured whole on three.

The project is written by sample_project.py. Its history is measured once, by one request, and each test looks at
what came of it or asks for more.
"""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple

import sample_project as sample
from daemon import DaemonCase, Event, await_batch, git, run_program

NOISE = 64 << 10
"""Bytes that the interpreter may take or give back between two marks, for the marks themselves."""
LAG = 256 << 10
"""Bytes by which a high-water mark was seen to trail beyond the `mark_error` that its run measured, at the
most: the kernel keeps up to 32 pages a CPU of each kind back from it."""

Run = Dict[str, Any]


class AnyProject(DaemonCase):
    """One daemon, one repository with a bare origin, one batch of every commit."""

    scratch: "tempfile.TemporaryDirectory[str]"
    work: Path
    origin: Path
    commits: List[sample.Commit]
    pythons: List[str]
    plan: Dict[str, Any]
    batch: int
    events: List[Event]
    measured: List[Run]

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = tempfile.TemporaryDirectory(prefix="tidemark-repo-")
        cls.addClassCleanup(cls.scratch.cleanup)
        folder = Path(cls.scratch.name)
        cls.work, cls.origin = folder / "work", folder / "origin.git"
        cls.commits = sample.write_repository(cls.work)
        git(folder, "clone", "--quiet", "--bare", "work", "origin.git")
        config = folder / "config.json"
        config.write_text(json.dumps({"build_jobs": 2, "build_memory": 64 * sample.MIB}))
        cls.options = ["--config", str(config)]
        super().setUpClass()
        try:
            cls.measure_all()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def measure_all(cls) -> None:
        """Register the project; plan and measure its history on the oldest, a middle and the newest CPython."""
        usable = cls.daemon.usable_pythons()
        cls.pythons = [usable[0], usable[len(usable) // 2], usable[-1]]
        if len(set(cls.pythons)) < 3:
            raise unittest.SkipTest("three usable CPythons are needed, there are %s" % usable)
        cls.register("ripple", {"kind": "cmake", "folder": sample.FOLDER})
        cls.plan = cls.dry_run("--project", "ripple", "--since", "2023-11-01")
        cls.batch = cls.queue(since="2023-11-01")
        with cls.daemon.stream(cls.batch) as stream:
            cls.events = stream.until_batch_done(480)
        cls.measured = cls.runs_of(cls.batch)

    @classmethod
    def register(cls, name: str, recipe: Dict[str, str]) -> None:
        """Add the repository as a project of this name."""
        answer = cls.daemon.post("/api/v1/projects", {
            "name": name, "repo": str(cls.origin), "branch": "main", "recipe": recipe,
            "scenarios": sample.SCENARIOS})
        if answer.status != 201:
            raise AssertionError("%s was not added: %s" % (name, answer.body.decode()))

    @classmethod
    def command(cls, *arguments: str) -> List[str]:
        """Arguments of `tidemark run` for the scenario and the pythons."""
        return ["run", "--data", str(cls.daemon.data), "--scenarios", sample.SCENARIO, "--json",
                "--pythons", ",".join(cls.pythons), *arguments]

    @classmethod
    def dry_run(cls, *arguments: str) -> Dict[str, Any]:
        """The plan of `tidemark run`."""
        done = run_program(cls.folder, *cls.command("--dry-run", *arguments))
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)
        plan: Dict[str, Any] = json.loads(done.stdout)
        return plan

    @classmethod
    def queue(cls, **request: Any) -> int:
        """Queue runs of the project; the batch's id."""
        answer = cls.daemon.post("/api/v1/runs", {"project": "ripple", "pythons": cls.pythons,
                                                  "scenarios": [sample.SCENARIO], **request})
        if answer.status != 202:
            raise AssertionError(answer.body.decode())
        return int(answer.json()["id"])

    @classmethod
    def runs_of(cls, batch: int) -> List[Run]:
        """Every run of a batch, whole."""
        listed = cls.daemon.get("/api/v1/runs?batch=%d&limit=1000" % batch).json()["runs"]
        return [cls.daemon.get("/api/v1/runs/%d" % run["id"]).json() for run in listed]

    # -- what was planted --

    def pairs(self) -> List[Tuple[Run, sample.Commit]]:
        """Each run of the whole history with its commit."""
        by_sha = {commit.sha: commit for commit in self.commits}
        return [(run, by_sha[run["commit"]["sha"]]) for run in self.measured]

    def runs_where(self, field: str, value: object) -> List[Run]:
        """The runs of the commits where a field of Planted has this value: one for each python."""
        found = [run for run, commit in self.pairs() if getattr(commit.planted, field) == value]
        self.assertEqual({run["python"]["name"] for run in found}, set(self.pythons))
        return found

    def healthy(self) -> List[Tuple[Run, sample.Commit]]:
        """The runs that nothing hinders."""
        return [(run, commit) for run, commit in self.pairs() if commit.planted.compiles
                and not commit.planted.crashes and not commit.planted.hangs]

    def check_figures(self, run: Run, planted: sample.Planted) -> None:
        """Tide mark and end stand as far above the base as planted, within the errors that the run states."""
        self.assertEqual((run["status"], run["error"]), ("done", None))
        low = run["environment"]["mark_error"] + LAG
        tide = run["tide_mark"] - run["base"] - sample.expected_tide(planted)
        self.assertTrue(-low <= tide <= NOISE, "the tide mark is off by %d, allowed are %d" % (tide, low))
        self.assertAlmostEqual(run["end"] - run["base"], sample.expected_end(planted), delta=NOISE)

    def test_every_commit_was_measured_once(self) -> None:
        """Each commit on each python has one run, and the stream told of the end of each."""
        cells = sorted((run["commit"]["sha"], run["python"]["name"]) for run in self.measured)
        self.assertEqual(cells, sorted((commit.sha, python) for commit in self.commits
                                       for python in self.pythons))
        ended = [event.data["id"] for event in self.events if event.name in ("done", "failed")]
        self.assertEqual(sorted(ended), sorted(run["id"] for run in self.measured))

    def test_healthy_commits(self) -> None:
        """The figures of every commit that builds and ends are those planted, on every python."""
        for run, commit in self.healthy():
            with self.subTest(commit=commit.subject, python=run["python"]["name"]):
                self.check_figures(run, commit.planted)

    def test_leak(self) -> None:
        """What a pass leaks stays from one iteration to the next, in the leaking commits only."""
        for run, commit in self.healthy():
            with self.subTest(commit=commit.subject, python=run["python"]["name"]):
                held = [phase["rss"] for phase in run["phases"] if phase["name"] == "iteration"]
                self.assertEqual(len(held), sample.REPEAT + 1)
                for before, after in zip(held, held[1:]):
                    self.assertAlmostEqual(after - before, commit.planted.leak_bytes, delta=NOISE)

    def test_peak_regression(self) -> None:
        """The tide mark is higher in precisely the commits with a second block, on every python."""
        for python in self.pythons:
            higher = {commit.subject for run, commit in self.healthy() if run["python"]["name"] == python
                      and run["tide_mark"] - run["end"] > sample.SIZE + sample.MIB}
            self.assertEqual(higher, {commit.subject for commit in self.commits if commit.planted.peak_bytes})

    def test_rename(self) -> None:
        """Calls carry their peak under either name of the module."""
        for run, commit in self.healthy():
            target = "/api/v1/runs/%d/events?kind=C_RETURN&function=pass_over" % run["id"]
            calls = self.daemon.get(target).json()["events"]
            self.assertEqual([call["function"] for call in calls],
                             [commit.planted.module + ".pass_over"] * sample.REPEAT)
            least = run["base"] + sample.SIZE - run["environment"]["mark_error"] - LAG
            self.assertGreater(min(call["peak"] for call in calls), least)

    # -- what fails --

    def test_does_not_compile(self) -> None:
        """The compiler's line is the run's error and in both logs; the build is not tried again."""
        failed = self.runs_where("compiles", False)
        builds = self.daemon.row_counts()["builds"]
        for run in failed:
            self.assertEqual((run["status"], run["build"]["status"]), ("failed", "failed"))
            self.assertRegex(run["error"], r"ripple\.c:\d+:\d+: error: .*blok.* undeclared")
            for log in ("/runs/%d/log" % run["id"], "/builds/%d/log" % run["build"]["id"]):
                text = self.daemon.get("/api/v1" + log).body.decode()
                self.assertRegex(text, r"ripple\.c:\d+:\d+: error: .*blok.* undeclared")
        batch = self.queue(commits=[failed[0]["commit"]["sha"]])
        await_batch(self.daemon, batch, 60)
        again = self.runs_of(batch)
        self.assertEqual({(run["status"], run["build"]["id"], run["error"]) for run in again},
                         {("failed", run["build"]["id"], run["error"]) for run in failed})
        self.assertEqual(self.daemon.row_counts()["builds"], builds)

    def test_crash(self) -> None:
        """A crash is told with its signal, and what was measured before it is kept."""
        for run in self.runs_where("crashes", True):
            self.assertEqual((run["status"], run["exit"]["signal"]), ("failed", 11))
            self.assertRegex(run["error"], "signal 11|SIGSEGV")
            self.assertGreater(run["base"], 0)

    def test_hang(self) -> None:
        """A hang is ended by the scenario's timeout and told as such."""
        for run in self.runs_where("hangs", True):
            self.assertEqual((run["status"], run["exit"]["deadline"]), ("failed", True))
            self.assertIn("deadline", run["error"])
            self.assertGreater(run["samples_taken"], 0)

    # -- builds and plans --

    def builds(self) -> Dict[Tuple[str, str], Set[int]]:
        """The builds of each tree and python."""
        found: Dict[Tuple[str, str], Set[int]] = {}
        for run, commit in self.pairs():
            found.setdefault((commit.tree, run["python"]["name"]), set()).add(run["build"]["id"])
        return found

    def test_same_tree_builds_once(self) -> None:
        """Commits whose folder holds the same share one build for each python."""
        trees = {commit.tree for commit in self.commits}
        self.assertLess(len(trees), len(self.commits))
        self.assertEqual([len(ids) for ids in self.builds().values()], [1] * len(trees) * len(self.pythons))

    def test_builds_side_by_side(self) -> None:
        """At some time two builds were at work, and never more."""
        ids = set().union(*self.builds().values())
        edges = []
        for row in (self.daemon.get("/api/v1/builds/%d" % build).json() for build in ids):
            edges += [(row["started_ns"], 1), (row["finished_ns"], -1)]
        at_work, most = 0, 0
        for _, step in sorted(edges):
            at_work += step
            most = max(most, at_work)
        self.assertEqual(most, 2)

    def test_plan_came_true(self) -> None:
        """What --dry-run told is what was then done."""
        cells = len(self.commits) * len(self.pythons)
        self.assertEqual((self.plan["runs"], self.plan["cells"]), (cells, cells))
        self.assertEqual([commit["sha"] for commit in self.plan["commits"]],
                         [commit.sha for commit in self.commits])
        self.assertEqual(self.plan["builds"], {"needed": len(self.builds()), "cached": 0, "failed": 0})
        ended = self.daemon.get("/api/v1/batches/%d" % self.batch).json()
        self.assertEqual((ended["runs"], ended["done"], ended["failed"], ended["percent"]),
                         (cells, len(self.healthy()), cells - len(self.healthy()), 100))

    def test_plan_of_the_same_again(self) -> None:
        """Afterwards nothing is to be built, and what is known to fail is named."""
        first, last = self.commits[0].sha, self.commits[-1].sha
        commits = ("--project", "ripple", "--commits", first, "--commits", "%s..%s" % (first, last))
        plan = self.dry_run(*commits)
        broken = {commit.sha for commit in self.commits if not commit.planted.compiles}
        self.assertEqual(plan["builds"], {"needed": 0, "cached": len(self.builds()) - len(self.pythons),
                                          "failed": len(self.pythons)})
        self.assertEqual({failure["commit"] for failure in plan["known_failures"]}, broken)

    # -- more of the same --

    def test_setup_py(self) -> None:
        """The same repository as another project, built by setup.py and measured by `tidemark run`: on pythons
        that bring neither setuptools nor distutils it is told so."""
        self.register("ripple-setup", {"kind": "setup.py", "folder": sample.FOLDER})
        around = "%s..%s" % (self.commits[4].sha, self.commits[6].sha)
        done = run_program(self.folder, *self.command("--project", "ripple-setup", "--commits", around),
                           timeout_s=120)
        runs = self.runs_of(json.loads(done.stdout)["batch"]["id"])
        planted = {commit.sha: commit.planted for commit in self.commits[5:7]}
        self.assertEqual({run["commit"]["sha"] for run in runs}, set(planted))
        lacking = [run for run in runs if run["status"] == "failed"]
        self.assertEqual(done.returncode, 3 if lacking else 0, done.stderr)
        for run in lacking:
            self.assertGreaterEqual(int(run["python"]["name"].split(".")[1]), 12)
            self.assertIn("No module named 'setuptools'", run["error"])
        for run in runs:
            if run not in lacking:
                self.check_figures(run, planted[run["commit"]["sha"]])
        self.assertLess(len(lacking), len(runs))

    def test_force_push(self) -> None:
        """The branch is rewritten: HEAD and ranges are the new line, the old runs stay with their commits,
        and a commit that is on no branch any more can be measured again."""
        gone = self.commits[-1]
        new = sample.rewrite(self.work, self.commits[:13], (
            ("Name the module eddy", {"module": "eddy"}),
            ("Compare with a third block", {"peak_bytes": 6 * sample.MIB})))
        git(self.work, "push", "--quiet", "--force", str(self.origin), "main")
        git(self.origin, "gc", "--quiet", "--prune=now")
        plan = self.dry_run("--project", "ripple", "--commits", "new")
        self.assertEqual([commit["sha"] for commit in plan["commits"]], [c.sha for c in new[13:]])
        self.assertEqual(plan["builds"], {"needed": 3, "cached": 3, "failed": 0})
        batch = self.queue(commits=["HEAD~1", "HEAD", gone.sha])
        await_batch(self.daemon, batch, 120)
        planted = {commit.sha: commit.planted for commit in [*new[13:], gone]}
        runs = self.runs_of(batch)
        self.assertEqual({run["commit"]["sha"] for run in runs}, set(planted))
        for run in runs:
            self.check_figures(run, planted[run["commit"]["sha"]])
        listed = self.daemon.get("/api/v1/projects/ripple/commits").json()["commits"]
        self.assertEqual([commit["sha"] for commit in listed], [commit.sha for commit in reversed(new)])
        for run in self.measured:
            self.assertEqual(self.daemon.get("/api/v1/runs/%d" % run["id"]).json(), run)


if __name__ == "__main__":
    unittest.main()
