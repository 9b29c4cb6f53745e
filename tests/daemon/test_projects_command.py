"""`tidemark projects` against a real daemon and real git repositories, and projects of the configuration."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any, Dict, List

from daemon import PROGRAM, DaemonCase, FaultCase, commit_all, environment, git, run_program

SCENARIO = '''\
"""Lists."""


def peakmem_list():
    """A list of 1,000 integers."""
    return list(range(1000))
'''


def repository(folder: Path) -> Path:
    """A new repository on branch main: a CMake project in `native`, scenarios in `benchmarks`."""
    for name, text in (("native/CMakeLists.txt", "project(tiny)\n"), ("setup.py", "# builds nothing\n"),
                       ("benchmarks/lists.py", SCENARIO), ("benchmarks/broken.py", "holds = None\n")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "init", "-q", "-b", "main")
    commit_all(folder, "first")
    return folder


class Command(DaemonCase):
    """Projects come and go; each test uses names of its own."""

    scratch: "tempfile.TemporaryDirectory[str]"

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = tempfile.TemporaryDirectory(prefix="tidemark-repo-")
        cls.source = repository(Path(cls.scratch.name).resolve() / "tiny")
        super().setUpClass()

    @classmethod
    def tearDownClass(cls) -> None:
        super().tearDownClass()
        cls.scratch.cleanup()

    def expect(self, code: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """`tidemark projects` ends with this code and without a sanitizer's report."""
        done = run_program(self.folder, "projects", *arguments, "--data", str(self.daemon.data))
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def add(self, name: str, *arguments: str) -> Dict[str, Any]:
        """`projects add` of the repository, as its JSON."""
        return json.loads(self.expect(0, "add", name, "--repo", str(self.source), "--json", *arguments).stdout)

    def known(self) -> List[str]:
        """Names of the projects there are."""
        return [p["name"] for p in self.daemon.get("/api/v1/projects").json()["projects"]]

    def test_options_reach_the_daemon(self) -> None:
        """Each option is the field of its name."""
        made = self.add("native", "--branch", "main", "--recipe", "cmake", "--folder", "native",
                        "--flag=-DA=1", "--flag", "-DB=2", "--scenarios", "benchmarks")
        self.assertEqual((made["repo"], made["branch"], made["scenarios"]), (str(self.source), "main", "benchmarks"))
        self.assertEqual(made["recipe"], {"kind": "cmake", "folder": "native", "flags": ["-DA=1", "-DB=2"]})
        self.assertEqual([left["file"] for left in made["left_out"]], ["broken.py"])
        lines = self.add("lines", "--command", "true {src}", "--command", "cp a {prefix}")
        self.assertEqual(lines["recipe"], {"kind": "command", "commands": ["true {src}", "cp a {prefix}"]})
        self.assertEqual(self.add("told")["recipe"], {"kind": "setup.py"})

    def test_words_for_people(self) -> None:
        """The list has a row of each, and says which files of scenarios were left out."""
        said = self.expect(0, "add", "shown", "--repo", os.path.relpath(str(self.source)),
                           "--scenarios", "benchmarks").stdout
        self.assertRegex(said, r"shown +setup.py +- +%s\n" % self.source)
        self.assertRegex(said, r"left out  broken.py: ScenarioError: ")
        self.expect(0, "disable", "shown")
        listed = self.expect(0).stdout
        self.assertRegex(listed, r"NAME +RECIPE +BRANCH +REPOSITORY\n")
        self.assertRegex(listed, r"converters +cmake .*, folder converters\n")
        self.assertRegex(listed, r"shown +setup.py .*\n  scenarios benchmarks\n  disabled\n")
        self.assertEqual([p["name"] for p in json.loads(self.expect(0, "--json").stdout)["projects"]], self.known())

    def test_rename_disable_enable(self) -> None:
        """Each changes what it says."""
        self.add("before")
        self.assertIn("after", self.expect(0, "rename", "before", "after").stdout)
        self.assertIn("after", self.known())
        self.assertNotIn("before", self.known())
        self.assertIs(json.loads(self.expect(0, "disable", "after", "--json").stdout)["enabled"], False)
        self.assertIs(json.loads(self.expect(0, "enable", "after", "--json").stdout)["enabled"], True)

    def test_remove_says_what_goes(self) -> None:
        """Without a terminal it shows what goes and removes nothing; --yes removes."""
        self.add("gone")
        refused = self.expect(2, "remove", "gone")
        self.assertIn("gone holds 0 runs (0 unfinished) of 0 cells", refused.stdout)
        self.assertIn("add --yes", refused.stderr)
        self.assertIn("gone", self.known())
        self.assertIn("removed project gone", self.expect(0, "remove", "gone", "--yes").stdout)
        self.assertNotIn("gone", self.known())
        self.add("again")
        told = json.loads(self.expect(0, "remove", "again", "--yes", "--json").stdout)
        self.assertEqual((told["removed"], told["removes"]["runs"]), ("again", 0))

    def answered(self, answer: bytes) -> int:
        """`projects remove asked` on a terminal where this is typed; its exit code."""
        ours, terminal = pty.openpty()
        try:
            os.write(ours, answer)
            return subprocess.run([str(PROGRAM), "projects", "remove", "asked", "--data", str(self.daemon.data)],
                                  env=environment(self.folder), stdin=terminal, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, timeout=60).returncode
        finally:
            os.close(ours)
            os.close(terminal)

    def test_remove_asks(self) -> None:
        """On a terminal, no leaves it and yes removes it."""
        self.add("asked")
        self.assertEqual(self.answered(b"n\n"), 3)
        self.assertIn("asked", self.known())
        self.assertEqual(self.answered(b"y\n"), 0)
        self.assertNotIn("asked", self.known())

    def test_refused(self) -> None:
        """What the daemon refuses has its field; what is no option is told by the command. Nothing changes."""
        before = self.daemon.row_counts()
        repo = ("--repo", str(self.source))
        for arguments, hint in ((("add",), "name the project"), (("add", "x"), "repo: is missing"),
                                (("add", "x y", *repo), "name: must be"),
                                (("add", "converters", *repo), "name: there is a project"),
                                (("add", "x", "--repo", "nowhere"), "repo: must be an absolute path"),
                                (("add", "x", "--repo", "/nowhere"), "repo: "),
                                (("add", "x", *repo, "--branch", "none"), "none"),
                                (("add", "x", *repo, "--recipe", "make"), "recipe.kind: no recipe"),
                                (("add", "x", *repo, "--folder", ".."), "recipe.folder: "),
                                (("add", "x", *repo, "--scenarios", "none"), "scenarios: "),
                                (("rename", "x"), "name its new name"),
                                (("rename", "converters", "x"), "cannot be renamed"),
                                (("remove", "converters", "--yes"), "cannot be removed"),
                                (("disable", "none"), "no project \"none\""),
                                (("enable", "a", "b"), "unexpected argument \"b\""),
                                (("list",), "unexpected argument \"list\""), (("--wrong",), "--wrong")):
            with self.subTest(arguments=arguments):
                self.assertIn(hint, self.expect(2, *arguments).stderr)
        self.assertEqual(self.daemon.row_counts(), before)

    def test_no_daemon(self) -> None:
        """What to do is said."""
        done = run_program(self.folder, "projects", "--data", str(self.folder / "other"))
        self.assertEqual(done.returncode, 3)
        self.assertIn("start one with `tidemark serve --data", done.stderr)

    def test_help(self) -> None:
        """Each verb teaches by example."""
        for verb in ((), ("add",), ("rename",), ("disable",), ("enable",), ("remove",)):
            with self.subTest(verb=verb):
                self.assertIn(" ".join(("tidemark projects",) + verb), self.expect(0, *verb, "--help").stdout)


class Configured(FaultCase):
    """`projects` of the configuration file."""

    def configure(self, *projects: Any) -> List[str]:
        """Write it; the options of `tidemark serve`."""
        path = self.folder / "config.json"
        path.write_text(json.dumps({"projects": list(projects)}))
        return ["--config", str(path)]

    def test_is_there_and_follows(self) -> None:
        """It is added at the start, and made what the file says at the next; one that cannot be had is left out."""
        source = repository(self.folder / "tiny")
        wish = {"name": "tiny", "repo": str(source), "recipe": {"kind": "cmake", "folder": "native"}}
        lost = {"name": "lost", "repo": "/nowhere"}
        daemon = self.make(options=self.configure(wish, lost)).start().await_discovery()
        projects = {p["name"]: p for p in daemon.get("/api/v1/projects").json()["projects"]}
        self.assertEqual(projects["tiny"]["recipe"], wish["recipe"])
        self.assertNotIn("lost", projects)
        self.assertIn("project lost of the configuration", daemon.log())
        self.stop(daemon)
        self.configure(dict(wish, recipe="setup.py", enabled=False))
        daemon.start().await_discovery()
        tiny = daemon.get("/api/v1/projects/tiny").json()
        self.assertEqual((tiny["recipe"], tiny["enabled"]), ({"kind": "setup.py"}, False))
        self.stop(daemon)

    def test_refused(self) -> None:
        """The daemon does not start with an entry that is wrong, and names it."""
        fine = {"name": "tiny", "repo": "/srv/tiny"}
        for projects, hint in (([fine, {"repo": "/x"}], '"projects"[1].name: is missing'),
                               ([dict(fine, nope=1)], '"projects"[0].nope: no such field'),
                               ([dict(fine, repo="here")], '"projects"[0].repo: must be an absolute path'),
                               ([dict(fine, recipe="make")], '"projects"[0].recipe: no recipe'),
                               ([fine, dict(fine, repo="/srv/other")], '"projects"[1].name must be one'),
                               (["tiny"], '"projects"[0]: ')):
            with self.subTest(hint=hint):
                done = run_program(self.folder, "serve", "--data", str(self.folder / "data"),
                                   *self.configure(*projects))
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(hint, done.stderr)
        (self.folder / "config.json").write_text('{"projects": {}}')
        done = run_program(self.folder, "pythons", "--config", str(self.folder / "config.json"))
        self.assertIn('"projects" must be a list', done.stderr)
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
