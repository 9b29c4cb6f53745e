"""Comparisons: what a commit or a Python did, how surely, and what it takes to tell.

A small project whose every commit does what is known (sample_project.py): three samples of each commit on one
CPython, one of its first commit on another.
"""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path
from typing import Any, Dict, List
from urllib.parse import urlencode

import sample_project as sample
from daemon import DaemonCase, await_batch, run_program

MIB = 1 << 20
NOISE = 512 << 10
"""Bytes that a high-water mark may trail, and the interpreter may move, of eight MiB."""

HISTORY = (
    ("Pass over a block", {}),
    ("Say what a pass is", {}),
    ("Keep the last block for later", {"leak_bytes": MIB}),
    ("Compare with a second block", {"leak_bytes": 0, "peak_bytes": 8 * MIB}),
    ("Spell a name otherwise", {"compiles": False}),
)
FIRST, WORDS, LEAK, PEAK, BROKEN = range(5)


class Comparisons(DaemonCase):
    """One daemon, one repository."""

    scratch: "tempfile.TemporaryDirectory[str]"
    commits: List[sample.Commit]
    python: str
    other: str

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = tempfile.TemporaryDirectory(prefix="tidemark-repo-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.commits = sample.write_repository(Path(cls.scratch.name) / "work", HISTORY)
        super().setUpClass()
        try:
            usable = cls.daemon.usable_pythons()
            cls.python, cls.other = usable[0], usable[-1]
            cls.register()
            cls.measure(commits=[commit.sha for commit in cls.commits], samples=3)
            cls.measure(commits=[cls.commits[FIRST].sha], pythons=[cls.other], samples=3)
            cls.measure(commits=[cls.commits[PEAK].sha], params={"size": 4 * MIB})
            cls.measure(commits=[cls.commits[FIRST].sha], params={"size": 4 * MIB})
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def register(cls) -> None:
        """Add the repository as the project `ripple`."""
        answer = cls.daemon.post("/api/v1/projects", {
            "name": "ripple", "repo": str(Path(cls.scratch.name) / "work"), "branch": "main",
            "recipe": {"kind": "cmake", "folder": sample.FOLDER}, "scenarios": sample.SCENARIOS,
            "pythons": [cls.python, cls.other]})
        if answer.status != 201:
            raise AssertionError(answer.body.decode())

    @classmethod
    def measure(cls, **request: Any) -> None:
        """Queue runs of the project, and wait for them."""
        answer = cls.daemon.post("/api/v1/runs", {"project": "ripple", "pythons": [cls.python], "scenarios": [sample.SCENARIO],
                                                  **request})
        if answer.status != 202:
            raise AssertionError(answer.body.decode())
        await_batch(cls.daemon, answer.json()["id"], 200)

    def compare(self, base: int, head: int, **query: str) -> Dict[str, Any]:
        """Two commits compared."""
        query = {"project": "ripple", "base": self.commits[base].sha, "head": self.commits[head].sha, **query}
        answer = self.daemon.get("/api/v1/compare?" + urlencode(query))
        self.assertEqual(answer.status, 200, answer.body)
        found: Dict[str, Any] = answer.json()
        return found

    def cell(self, compared: Dict[str, Any], size: int = sample.SIZE) -> Dict[str, Any]:
        """Its one cell with this block."""
        found, = [cell for cell in compared["cells"] if cell["params"]["size"] == size]
        return found

    def test_a_higher_peak_is_worse(self) -> None:
        """By the second block, with its interval and its reason."""
        compared = self.compare(FIRST, PEAK)
        cell = self.cell(compared)
        self.assertEqual(cell["verdict"], "worse")
        self.assertAlmostEqual(cell["effect"], 8 * MIB, delta=NOISE)
        self.assertLessEqual(cell["low"], cell["effect"])
        self.assertLessEqual(cell["effect"], cell["high"])
        self.assertGreater(cell["percent"], 10)
        self.assertIn("MiB more", cell["why"])
        self.assertEqual(cell["base"]["n"], 3)
        self.assertEqual(len(cell["head"]["runs"]), 3)
        self.assertEqual(cell["differences"], [])
        self.assertEqual((compared["axis"], compared["metric"], compared["unit"]),
                         ("commit", "tide_mark", "bytes"))

    def test_a_lower_peak_is_better(self) -> None:
        """The same turned round."""
        self.assertEqual(self.cell(self.compare(PEAK, FIRST))["verdict"], "better")

    def test_what_changed_nothing_is_no_change(self) -> None:
        """A commit that touched the README: the same, or too few samples to say so on a noisy host."""
        cell = self.cell(self.compare(FIRST, WORDS))
        self.assertIn(cell["verdict"], ("same", "inconclusive"), cell)
        self.assertLess(abs(cell["effect"]), NOISE)

    def test_a_source_that_is_gone_hides_nothing(self) -> None:
        """What was measured can be compared while the repository cannot be had."""
        work = Path(self.scratch.name) / "work"
        work.rename(work.with_name("away"))
        try:
            self.assertEqual(self.cell(self.compare(FIRST, PEAK))["verdict"], "worse")
        finally:
            work.with_name("away").rename(work)

    def test_other_metrics(self) -> None:
        """What leaks shows in what is retained."""
        cell = self.cell(self.compare(FIRST, LEAK, metric="retained"))
        self.assertEqual(cell["verdict"], "worse")
        self.assertAlmostEqual(cell["effect"], sample.REPEAT * MIB, delta=NOISE)

    def test_one_sample_a_side(self) -> None:
        """Is judged where the noise is known from elsewhere, else it says how many more it takes."""
        cell = self.cell(self.compare(FIRST, PEAK), 4 * MIB)
        self.assertEqual(cell["base"]["n"], 1)
        self.assertEqual(cell["verdict"], "inconclusive")
        self.assertIsNone(cell["low"])
        self.assertEqual(cell["needs"], 2)
        self.assertIn("too few", cell["why"])

    def test_what_is_missing_is_named(self) -> None:
        """A commit that does not build, and cells that one side has alone."""
        compared = self.compare(FIRST, BROKEN)
        self.assertEqual(compared["cells"], [])
        why = {(missing["side"], missing["params"]["size"]): missing["why"] for missing in compared["missing"]
               if missing["python"] == self.python}
        self.assertIn("its build failed", why["head", sample.SIZE])
        self.assertEqual(why["head", 4 * MIB], "it is not measured")
        self.assertEqual(compared["summary"]["missing"], len(compared["missing"]))

    def test_pythons_are_compared_at_a_commit(self) -> None:
        """Python against Python, and what an empty run needs taken off."""
        compared = self.pythons()
        cell = self.cell(compared)
        self.assertEqual((compared["axis"], cell["python"], cell["base"]["n"]), ("python", self.python, 3))
        self.assertEqual(compared["base"]["label"], self.other)
        subtracted = self.compare(FIRST, PEAK, subtract="empty")
        self.assertEqual(subtracted["cells"], [])
        self.assertIn("scenario empty is not measured", subtracted["missing"][0]["why"])

    def attribution(self, base: int, head: int) -> Dict[str, Any]:
        """Of the cells of two commits, checked to add up."""
        cell = self.cell(self.compare(base, head))
        found: Dict[str, Any] = self.daemon.get("/api/v1/compare/attribution?" + urlencode({
            "base_cell": cell["base"]["cell"], "head_cell": cell["head"]["cell"]})).json()
        effects = {kind: sum(part["effect"] for part in found[kind])
                   for kind in ("functions", "phases", "iterations")}
        self.assertEqual(effects, {"functions": found["effect"] - found["unattributed"],
                                   "phases": found["effect"],
                                   "iterations": found["effect"] - found["outside_iterations"]})
        for side in ("base", "head"):
            run = self.daemon.get("/api/v1/runs/%d" % found[side]["run"]).json()
            self.assertEqual(found[side]["tide_mark"], run["tide_mark"])
            self.assertEqual(sum(phase[side] for phase in found["phases"]), run["tide_mark"])
        return found

    def test_the_planted_cause_is_named_first(self) -> None:
        """A second block, in the call that takes it; and a leak, in each iteration."""
        peak = self.attribution(FIRST, PEAK)
        self.assertEqual(peak["functions"][0]["name"], "ripple.pass_over")
        self.assertAlmostEqual(peak["functions"][0]["effect"], 8 * MIB, delta=NOISE)
        curves = peak["curves"]
        self.assertEqual([phase["name"] for phase in curves["phases"]][:2], ["base", "iteration"])
        self.assertEqual(len({len(curves[name]) for name in ("at", "base", "head", "difference")}), 1)
        leak = self.attribution(FIRST, LEAK)
        self.assertEqual(leak["functions"][0]["name"], "ripple.pass_over")
        self.assertAlmostEqual(leak["functions"][0]["effect"], leak["effect"], delta=NOISE)
        kept = [part["effect"] for part in leak["iterations"] if abs(part["effect"] - MIB) < NOISE]
        self.assertGreaterEqual(len(kept), sample.REPEAT - 2, leak["iterations"])

    def test_attribution_of_what_is_not_there(self) -> None:
        """Refused, and the cell is named."""
        for query, status, words in (("base_cell=1", 400, "head_cell"), ("base_cell=x&head_cell=1", 400, "base_cell"),
                                     ("base_cell=4711&head_cell=1", 404, "4711"), ("run=1", 400, "run")):
            answer = self.daemon.get("/api/v1/compare/attribution?" + query)
            self.assertEqual(answer.status, status, answer.body)
            self.assertIn(words, answer.body.decode())

    def test_more_than_one_difference_is_refused(self) -> None:
        """And named; so is everything else that is no comparison."""
        first, peak = self.commits[FIRST].sha, self.commits[PEAK].sha
        cases = (
            ({"base": "commit:%s,python:%s" % (first, self.python),
              "head": "commit:%s,python:%s" % (peak, self.other)}, 422, "head", "commit and python"),
            ({"base": first, "head": "python:" + self.python}, 422, "head", "commit and python"),
            ({"base": first, "head": first}, 422, "head", "are the same"),
            ({"base": first}, 422, "head", "missing"),
            ({"base": "colour:red", "head": first}, 422, "base", "commit, python, allocator"),
            ({"base": "commit:", "head": first}, 422, "base", "1 to"),
            ({"base": "%s,%s" % (first, peak), "head": first}, 422, "base", "two of the axis"),
            ({"base": "nowhere", "head": first}, 422, "base", "nowhere"),
            ({"base": "python:1.5", "head": "python:" + self.python}, 422, "base", "1.5"),
            ({"base": first, "head": peak, "metric": "rss"}, 422, "metric", "metrics"),
            ({"base": first, "head": peak, "subtract": "all"}, 422, "subtract", "empty"),
            ({"base": first, "head": peak, "metric": "wall_ns", "subtract": "empty"}, 422, "subtract", "base and"),
            ({"base": first, "head": peak, "colour": "red"}, 400, "colour", "allowed are"),
        )
        for query, status, field, words in cases:
            answer = self.daemon.get("/api/v1/compare?" + urlencode({"project": "ripple", **query}))
            problem = answer.json()
            self.assertEqual((answer.status, problem.get("field")), (status, field), problem)
            self.assertIn(words, problem["detail"])
        self.assertEqual(self.daemon.get("/api/v1/compare?project=none&base=a&head=b").status, 404)

    def matrix(self, commit: int, **query: str) -> Dict[str, Any]:
        """The matrix at a commit."""
        found: Dict[str, Any] = self.daemon.get("/api/v1/matrix?" + urlencode({
            "project": "ripple", "commit": self.commits[commit].sha, **query})).json()
        return found

    def test_matrix(self) -> None:
        """Scenario by Python, against the oldest; what is not measured is null."""
        matrix = self.matrix(FIRST)
        names = [python["name"] for python in matrix["pythons"]]
        self.assertEqual((names[0], names[-1]), (self.other, self.python), "oldest first")
        self.assertEqual(matrix["baseline"]["python"], self.other)
        row, = [row for row in matrix["rows"] if row["params"]["size"] == sample.SIZE]
        self.assertEqual(len(row["cells"]), len(names))
        base, head = row["cells"][0], row["cells"][-1]
        self.assertEqual((base["verdict"], base["effect"], base["status"]), ("same", 0, "done"))
        self.assertEqual(head["effect"], self.cell(self.pythons())["effect"])
        self.assertEqual((head["M"]["n"], head["interpreter"]), (3, None), "empty is not measured")
        self.assertEqual([cell for cell in row["cells"][1:-1] if cell], [])

    def test_matrix_against_a_commit(self) -> None:
        """Each Python against itself; the release that moved is named."""
        matrix = self.matrix(PEAK, baseline="@" + self.commits[FIRST].sha)
        row, = [row for row in matrix["rows"] if row["params"]["size"] == sample.SIZE]
        cell = row["cells"][-1]
        self.assertEqual((cell["verdict"], row["first_moved"]), ("worse", self.python))
        self.assertEqual(cell["spark"][-1], cell["M"]["median"])
        self.assertEqual(len(cell["spark"]), PEAK + 1, "a commit each")
        broken = self.matrix(BROKEN, baseline=self.python)
        self.assertEqual(broken["rows"][0]["cells"][-1]["status"], "build_failed")

    def test_matrix_refuses(self) -> None:
        """What names nothing."""
        for query, field in (({"baseline": "1.5"}, "baseline"), ({"baseline": "@nowhere"}, "baseline"),
                             ({"baseline": ""}, "baseline"), ({"commit": "nowhere"}, "commit"),
                             ({"metric": "rss"}, "metric")):
            answer = self.daemon.get("/api/v1/matrix?" + urlencode({"project": "ripple", **query}))
            self.assertEqual((answer.status, answer.json()["field"]), (422, field), answer.body)

    def test_y_matrix_command_fills_what_is_missing(self) -> None:
        """A Python that has no cell at the commit gets its own, the others no run."""
        words = self.commits[WORDS].sha
        before = {cell["id"] for cell in self.daemon.get("/api/v1/cells?limit=1000").json()["cells"]}
        done = run_program(self.folder, "matrix", "--data", str(self.daemon.data), "--project", "ripple",
                           "--commit", words, "--fill", "--json", timeout_s=240)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        row, = json.loads(done.stdout)["rows"]
        self.assertEqual({cell["status"] for cell in row["cells"]}, {"done"})
        self.assertEqual(row["cells"][-1]["runs"], 3, "it was measured before")
        new = [cell for cell in self.daemon.get("/api/v1/cells?limit=1000").json()["cells"]
               if cell["id"] not in before]
        self.assertEqual(len(new), len(row["cells"]) - 1)
        shown = run_program(self.folder, "matrix", "--data", str(self.daemon.data), "--project", "ripple",
                            "--commit", words)
        self.assertIn("pass_over", shown.stdout)

    def command(self, *arguments: str, code: int) -> str:
        """What `tidemark compare` prints."""
        done = run_program(self.folder, "compare", "--data", str(self.daemon.data), "--project", "ripple",
                           *arguments, timeout_s=240)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_the_command_and_its_exit_codes(self) -> None:
        """0 better, 1 worse, 2 no comparison, 3 not measured."""
        first, peak, broken = (self.commits[i].sha for i in (FIRST, PEAK, BROKEN))
        said = self.command(first, peak, code=1)
        self.assertIn("worse", said)
        self.assertIn("MiB more", said)
        self.assertIn("about 2 more samples a side would decide", said)
        self.assertIn("| **worse** | `pass_over ", self.command(first, peak, "--markdown", code=1))
        self.assertIn("its build failed", self.command(first, broken, code=3))
        self.assertIn("are the same", self.command(first, first, code=2))
        self.assertIn("two sides", self.command(first, code=2))
        verdict = self.cell(self.pythons())["verdict"]
        said = self.command(self.other, self.python, "--axis", "python", "--commit", first, "--json",
                            code={"worse": 1, "inconclusive": 4}.get(verdict, 0))
        self.assertEqual(json.loads(said)["cells"], self.pythons()["cells"])

    def pythons(self) -> Dict[str, Any]:
        """Both Pythons compared at the first commit."""
        found: Dict[str, Any] = self.daemon.get("/api/v1/compare?" + urlencode({
            "project": "ripple", "base": "python:" + self.other, "head": "python:" + self.python,
            "commit": self.commits[FIRST].sha})).json()
        return found

    def test_z_decide_measures_until_it_is_decided(self) -> None:
        """Base and head in turns, within the budget; the last test, for it measures more."""
        first, peak = self.commits[FIRST].sha, self.commits[PEAK].sha
        self.command(first, peak, "--decide", "--runs", "12", "--json", code=1)
        cell = self.cell(self.compare(FIRST, PEAK), 4 * MIB)
        self.assertEqual(cell["verdict"], "worse")
        self.assertAlmostEqual(cell["effect"], 8 * MIB, delta=NOISE)
        self.assertEqual((cell["base"]["n"], cell["head"]["n"]), (3, 3))
        batches = self.daemon.get("/api/v1/batches").json()["batches"]
        self.assertEqual([batch["reason"] for batch in batches].count("remeasure"), 1)


if __name__ == "__main__":
    unittest.main()
