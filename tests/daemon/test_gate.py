"""Gate: branches of a generated repository judged against where they left the main one, as CI does it.

The main branch moves on after the others have left it, to a commit that needs more than any: a gate that
compared with its tip would let everything pass.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Dict, List
from urllib.parse import quote

from daemon import DaemonCase, commit_all, git, run_program
from test_bisect import MIB, RECIPE, SOURCE, add_project, write_history


class Gate(DaemonCase):
    """A project with the branches worse, level and broken, and one CPython."""

    scratch: "tempfile.TemporaryDirectory[str]"
    shas: Dict[str, str]
    python: str

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = tempfile.TemporaryDirectory(prefix="tidemark-repo-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.repo = Path(cls.scratch.name) / "ripple"
        line = write_history(cls.repo, [8 * MIB, 8 * MIB, 24 * MIB])
        cls.shas = {"main": line[2], "parted": line[1], "root": line[0]}
        for name, size, broken in (("worse", 12, ""), ("level", 8, ""), ("broken", 8, "#error no")):
            git(cls.repo, "checkout", "--quiet", "-B", name, line[1])
            text = SOURCE % {"number": len(cls.shas) + 100, "bytes": size * MIB, "broken": broken}
            (cls.repo / "ripple.c").write_text(text)
            cls.shas[name] = commit_all(cls.repo, "Be %s" % name)
        super().setUpClass()
        try:
            add_project(cls.daemon, "ripples", cls.repo)
            cls.python = cls.daemon.usable_pythons()[0]
        except BaseException:
            cls.tearDownClass()
            raise

    def gate(self, head: str, *words: str) -> "subprocess.CompletedProcess[str]":
        """`tidemark gate` of a branch."""
        return run_program(self.folder, "gate", "--project", "ripples", "--base", "main", "--head", head, "-y",
                           self.python, "-n", "5", "--data", str(self.folder / "data"), *words, timeout_s=400)

    def test_worse_fails_with_every_report(self) -> None:
        """Exit 1; the terminal, Markdown, JUnit XML and JSON name the cell and its effect."""
        files = [self.folder / "gate.md", self.folder / "gate.xml"]
        done = self.gate("worse", "--fresh", "--markdown", str(files[0]), "--junit", str(files[1]))
        self.assertEqual((done.returncode, done.stderr), (1, ""), done.stdout)
        self.assertIn("%s against %s" % (self.shas["worse"][:12], self.shas["parted"][:12]), done.stdout)
        self.assertIn("tide_mark fails: 1 worse by 2%,256KiB or more", done.stdout)
        markdown = files[0].read_text()
        self.assertIn("### Tidemark: fail", markdown)
        self.assertIn("| **worse** | `pass_over ", markdown)
        suite = ElementTree.parse(str(files[1])).getroot().find("testsuite")
        assert suite is not None
        self.assertEqual((suite.get("tests"), suite.get("failures"), suite.get("errors")), ("1", "1", "0"))
        (case,) = suite.findall("testcase")
        self.assertEqual(case.get("classname"), self.python)
        failure = case.find("failure")
        assert failure is not None
        self.assertIn("MiB", failure.get("message") or "")
        self.check_turns()
        # everything is measured now: nothing is queued again
        batches = len(self.daemon.get("/api/v1/batches").json()["batches"])
        again = self.gate("worse", "--json")
        self.assertEqual(len(self.daemon.get("/api/v1/batches").json()["batches"]), batches)
        report = json.loads(again.stdout)
        self.assertEqual((report["verdict"], report["exit"], again.returncode), ("fail", 1, 1))
        self.assertLess(abs(report["cells"][0]["effect"] - 4 * MIB), MIB)
        self.assertEqual(report["merge_base"]["sha"], self.shas["parted"])
        # more is let pass, or meant
        within = json.loads(self.gate("worse", "--json", "--worse-than", "90%").stdout)
        self.assertEqual((within["verdict"], within["cells"][0]["outcome"]), ("pass", "within"))
        meant = self.gate("worse", "--accept", "pass_over=a second block is meant")
        self.assertEqual((meant.returncode, meant.stderr), (0, ""), meant.stdout)
        self.assertIn("is accepted: a second block is meant", meant.stdout)
    def check_turns(self) -> None:
        """The newest batch measured base and head in turns: each round of it holds both."""
        newest = self.daemon.get("/api/v1/batches").json()["batches"][0]["id"]
        runs = self.daemon.get("/api/v1/runs?limit=1000&batch=%d" % newest).json()["runs"]
        order = [run["commit"]["sha"] for run in sorted(runs, key=lambda run: int(run["id"]))]
        both = {self.shas["worse"], self.shas["parted"]}
        self.assertEqual(len(order), 10)
        for at in range(0, len(order), 2):
            self.assertEqual(set(order[at:at + 2]), both, "base and head were not measured in turns")

    def test_level_passes(self) -> None:
        """Exit 0 for a branch that needs no more, and for a head that the base holds."""
        done = self.gate("level")
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertIn("tide_mark passes: 0 worse", done.stdout)
        held = self.gate("main")
        self.assertEqual((held.returncode, held.stderr), (0, ""), held.stdout)
        self.assertIn("nothing to judge", held.stdout)

    def test_what_cannot_be_measured_is_no_pass(self) -> None:
        """Exit 3 for a branch that does not build, which JUnit calls an error."""
        junit = self.folder / "broken.xml"
        done = self.gate("broken", "--junit", str(junit))
        self.assertEqual((done.returncode, done.stderr), (3, ""), done.stdout)
        self.assertIn("is missing at head", done.stdout)
        suite = ElementTree.parse(str(junit)).getroot().find("testsuite")
        assert suite is not None
        self.assertEqual(suite.get("errors"), "1")

    def test_undecided(self) -> None:
        """Exit 4 where there are too few samples and no budget for more."""
        done = run_program(self.folder, "gate", "--project", "ripples", "--base", self.shas["root"], "--head",
                           self.shas["main"], "-y", self.daemon.usable_pythons()[-1], "-n", "1", "--runs", "0",
                           "--data", str(self.folder / "data"), timeout_s=400)
        self.assertEqual((done.returncode, done.stderr), (4, ""), done.stdout)
        self.assertIn("is not decided", done.stdout)

    def test_merge_base_and_what_is_refused(self) -> None:
        """The merge base with what lies between; wrong commits, limits and scenarios are usage errors."""
        answer = self.daemon.get("/api/v1/projects/ripples/merge-base?base=main&head=worse").json()
        self.assertEqual(answer["merge_base"]["sha"], self.shas["parted"])
        self.assertEqual(answer["commits"], [self.shas["worse"]])
        for query, field in (("head=worse", "base"), ("base=main", "head"), ("base=main&head=nowhere", "head")):
            refused = self.daemon.get("/api/v1/projects/ripples/merge-base?" + query)
            self.assertEqual((refused.status, refused.json()["field"]), (422, field), query)
        self.assertEqual(self.daemon.get("/api/v1/projects/none/merge-base?base=a&head=b").status, 404)

    def test_branches(self) -> None:
        """Every branch with its tip; commits and a history along one that is not the project's."""
        project = "/api/v1/projects/ripples"
        branches = {one["name"]: one["sha"] for one in self.daemon.get(project + "/branches").json()["branches"]}
        for name in ("main", "worse", "level"):
            self.assertEqual(branches[name], self.shas[name])
        line = [one["sha"] for one in self.daemon.get(project + "/commits?branch=worse").json()["commits"]]
        self.assertEqual(line[0], self.shas["worse"])
        self.assertNotIn(self.shas["main"], line)
        history = self.daemon.get("/api/v1/series?project=ripples&branch=worse&scenario=pass_over").json()
        self.assertEqual(history["commits"]["sha"], line[::-1])
        for wrong in ("nowhere", "worse~1", "worse@{1}", "a..b", ""):
            for path, status in ((project + "/commits?", 400), ("/api/v1/series?project=ripples&scenario=pass_over&", 422)):
                refused = self.daemon.get(path + "branch=" + quote(wrong))
                self.assertEqual((refused.status, refused.json()["field"]), (status, "branch"), wrong)
        self.assertEqual(self.daemon.get("/api/v1/projects/none/branches").status, 404)
        for words in (("nowhere",), ("worse", "--worse-than", "lots"), ("worse", "--scenarios", "other"),
                      ("worse", "--accept", "pass_over")):
            done = self.gate(words[0], *words[1:])
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)

    def test_baseline_of_a_project(self) -> None:
        """It is pinned, shown and let go; what is none is refused."""
        headers = {"Authorization": "Bearer " + self.daemon.token, "Content-Type": "application/json"}

        def patch(value: object) -> "tuple[int, object]":
            answer = self.daemon.request("PATCH", "/api/v1/projects/ripples",
                                         json.dumps({"baseline": value}).encode(), headers)
            return answer.status, answer.json().get("baseline", answer.json().get("field"))

        for value in ("3.11", "@v1.2", "3.11@main", None):
            self.assertEqual(patch(value), (200, value))
        for value in ("", "3.11@", 3, "x" * 201):
            self.assertEqual(patch(value), (422, "baseline"))
        words = ("--data", str(self.folder / "data"))
        done = run_program(self.folder, "projects", "baseline", "ripples", "3.12@main", *words)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.daemon.get("/api/v1/projects/ripples").json()["baseline"], "3.12@main")
        run_program(self.folder, "projects", "baseline", "ripples", "none", *words)
        self.assertIsNone(self.daemon.get("/api/v1/projects/ripples").json()["baseline"])


class GateAlone(unittest.TestCase):
    """Without a daemon: the command does it all, on a data folder of its own."""

    def test_alone(self) -> None:
        """The project comes from the configuration; the exit code is the verdict."""
        with tempfile.TemporaryDirectory(prefix="tidemark-gate-") as name:
            folder = Path(name)
            write_history(folder / "ripple", [8 * MIB, 12 * MIB])
            config = folder / "config.json"
            config.write_text(json.dumps({"projects": [{
                "name": "ripples", "repo": str(folder / "ripple"), "branch": "main", "recipe": RECIPE,
                "scenarios": "benchmarks"}]}))
            listed = run_program(folder, "pythons", "--json", "--data", str(folder / "data"))
            pythons: List[str] = [p["name"] for p in json.loads(listed.stdout)["pythons"] if p["usable"]]
            done = run_program(folder, "gate", "--data", str(folder / "data"), "--repo", str(folder / "ripple"),
                               "--config", str(config), "--project", "ripples", "--base", "main~1", "-y", pythons[0],
                               "-n", "5", timeout_s=400)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn("tide_mark fails: 1 worse", done.stdout)


if __name__ == "__main__":
    unittest.main()
