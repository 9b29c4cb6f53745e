"""How builds go about it: what they share, what they say of a tool that is missing, and what a plan of many costs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path
from typing import Any, Dict, List
from unittest import mock

from daemon import Daemon, FaultCase, await_batch
from tiny_project import BENCHMARKS, CMAKE, COMMAND, MODULE, SETUP, commit, repository

PYPROJECT = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'


class Builds(FaultCase):
    """Each test has a daemon and a repository of its own."""

    def setUp(self) -> None:
        super().setUp()
        patched = mock.patch.dict(os.environ)
        patched.start()
        self.addCleanup(patched.stop)

    def started(self, *options: str) -> Daemon:
        """A daemon whose default project is an empty repository."""
        return self.make(repo=repository(self.folder / "own", {"README": "nothing\n"}),
                         options=options).start().await_discovery()

    def tiny(self, files: Dict[str, str]) -> Path:
        """The repository of an extension."""
        return repository(self.folder / "tiny", dict({"tiny.c": MODULE, "benchmarks/copies.py": BENCHMARKS}, **files))

    def add(self, daemon: Daemon, source: Path, recipe: Any) -> None:
        """POST /projects."""
        answer = daemon.post("/api/v1/projects", {"name": "tiny", "repo": str(source), "recipe": recipe,
                                                  "scenarios": "benchmarks"})
        self.assertEqual(answer.status, 201, answer.body)

    def measure(self, daemon: Daemon, **request: Any) -> List[Dict[str, Any]]:
        """Queue runs, wait, and return them whole."""
        answer = daemon.post("/api/v1/runs", dict({"project": "tiny", "scenarios": ["Copies.copy"]}, **request))
        self.assertEqual(answer.status, 202, answer.body)
        await_batch(daemon, answer.json()["id"], 240)
        return self.runs(daemon, answer.json()["id"])

    def log_of(self, daemon: Daemon, run: Dict[str, Any]) -> str:
        """What the build of a run said."""
        return daemon.get("/api/v1/builds/%d/log" % run["build"]["id"]).body.decode()

    def pythons(self, daemon: Daemon, modules: str, there: bool) -> List[str]:
        """Names of usable pythons that do, or do not, import all of these modules."""
        return [p["name"] for p in daemon.get("/api/v1/pythons").json()["pythons"]
                if p["usable"] and there == (not subprocess.run([p["program"], "-c", "import " + modules],
                                                                stderr=subprocess.DEVNULL).returncode)]

    # -- what builds share --

    def test_builds_side_by_side_share_the_cpus(self) -> None:
        config = self.folder / "config.json"
        config.write_text('{"build_jobs": 2, "build_memory": 1}')
        daemon = self.started("--config", str(config))
        pythons = daemon.usable_pythons()[:2]
        if len(pythons) < 2:
            self.skipTest("one CPython is here")
        self.add(daemon, self.tiny({}), {"kind": "command", "commands": [
            "echo level $CMAKE_BUILD_PARALLEL_LEVEL make $MAKEFLAGS", COMMAND]})
        alone, = self.measure(daemon, pythons=pythons[:1])
        cpus = os.cpu_count() or 1
        self.assertIn("\nlevel %d make -j%d\n" % (cpus, cpus), self.log_of(daemon, alone))
        commit(self.folder / "tiny", {"tiny.c": MODULE + "/* another */\n"}, "another")
        share = max(1, cpus // 2)
        for run in self.measure(daemon, pythons=pythons):
            self.assertEqual(run["status"], "done", run["error"])
            self.assertIn("\nlevel %d make -j%d\n" % (share, share), self.log_of(daemon, run))
        self.stop(daemon)

    def ccache(self, files: Dict[str, str], recipe: Any, modules: str) -> None:
        """A source that two commits have alike is compiled once, though the rest of the folder differs."""
        if not shutil.which("ccache"):
            self.skipTest("ccache is not here")
        os.environ["CCACHE_DIR"] = str(self.folder / "ccache")
        daemon = self.started()
        pythons = self.pythons(daemon, modules, True)
        if not pythons:
            self.skipTest("no usable CPython here has " + modules)
        source = self.tiny(files)
        self.add(daemon, source, recipe)
        commit(source, {"README": "another tree\n"}, "words")
        for commits, wanted in (["HEAD~1"], "cache_miss"), (["HEAD"], "direct_cache_hit|preprocessed_cache_hit"):
            run, = self.measure(daemon, pythons=pythons[:1], commits=commits)
            self.assertEqual(run["status"], "done", run["error"])
            counts = subprocess.run(["ccache", "--print-stats"], stdout=subprocess.PIPE, universal_newlines=True,
                                    env=dict(os.environ)).stdout
            found = re.findall(r"^(?:%s)\t([0-9]+)$" % wanted, counts, re.MULTILINE)
            self.assertGreater(sum(map(int, found)), 0, counts)
        self.stop(daemon)

    def test_ccache_by_cmake(self) -> None:
        self.ccache({"CMakeLists.txt": CMAKE}, "cmake", "sys")

    def test_ccache_by_setup_py(self) -> None:
        self.ccache({"setup.py": SETUP}, "setup.py", "setuptools")

    def test_ccache_by_pip(self) -> None:
        self.ccache({"setup.py": SETUP, "pyproject.toml": PYPROJECT}, "pip", "setuptools, wheel, pip")

    # -- what is missing --

    def test_a_python_without_setuptools(self) -> None:
        """What to install is said, and so is the recipe that does without."""
        daemon = self.started()
        pythons = self.pythons(daemon, "setuptools", False)
        if not pythons:
            self.skipTest("every usable CPython here has setuptools")
        self.add(daemon, self.tiny({"setup.py": SETUP}), "setup.py")
        run, = self.measure(daemon, pythons=pythons[:1])
        self.assertEqual(run["status"], "failed")
        self.assertIn("No module named 'setuptools'", run["error"])
        self.assertIn("CPython %s has no setuptools: `" % pythons[0], run["error"])
        self.assertRegex(run["error"], r"-m pip install setuptools`|apt-get install python3-setuptools`")
        self.assertIn('"isolation": true, "network": true', run["error"])
        self.assertIn("has no setuptools", self.log_of(daemon, run))
        self.stop(daemon)

    # -- plans --

    def count(self, name: str) -> int:
        """How often a counted program was run."""
        return len((self.folder / (name + ".count")).read_text())

    def test_a_plan_of_many_commits_runs_few_programs(self) -> None:
        """As many for 60 commits as for two, on any number of pythons: git and the compiler are asked once for all."""
        tools = self.folder / "tools"
        tools.mkdir()
        for name in ("git", "cc"):
            (self.folder / (name + ".count")).write_text("")
            (tools / name).write_text("#!/bin/sh\nprintf . >> %s/%s.count\nexec %s \"$@\"\n"
                                      % (self.folder, name, shutil.which(name)))
            (tools / name).chmod(0o755)
        source = self.tiny({"ext/CMakeLists.txt": CMAKE})
        stream = "".join("commit refs/heads/main\ncommitter a <a@b> %d +0000\ndata 2\n%02d\n%s"
                         "M 100644 inline ext/tiny.c\ndata %d\n%s\n\n"
                         % (2000000000 + i, i, "" if i else "from refs/heads/main^0\n", len(MODULE) + 3, MODULE + "//" + chr(65 + i))
                         for i in range(60))
        subprocess.run(["git", "-C", str(source), "fast-import", "--quiet"], input=stream.encode(), check=True)
        os.environ["PATH"] = "%s:%s" % (tools, os.environ["PATH"])
        daemon = self.started()
        self.add(daemon, source, {"kind": "cmake", "folder": "ext"})
        counts = []
        for commits in (["HEAD~1", "HEAD"], ["HEAD~60..HEAD"]):
            before = self.count("git"), self.count("cc")
            answer = daemon.post("/api/v1/runs?dry_run=true", {"project": "tiny", "scenarios": ["Copies.copy"],
                                                               "commits": commits, "pythons": ["all"]})
            self.assertEqual(answer.status, 200, answer.body)
            plan = answer.json()
            self.assertEqual(plan["builds"]["needed"], len(plan["commits"]) * len(plan["pythons"]))
            counts.append((self.count("git") - before[0], self.count("cc") - before[1]))
        self.assertEqual(len(plan["commits"]), 60)
        self.assertEqual([cc for _, cc in counts], [1, 1])
        self.assertLessEqual(counts[1][0], counts[0][0] + 1)
        self.stop(daemon)


if __name__ == "__main__":
    unittest.main()
