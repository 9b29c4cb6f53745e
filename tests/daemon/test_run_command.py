"""`tidemark run` against a real daemon: plan, progress, what failed by name, and exit codes."""

from __future__ import annotations

import json
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

from daemon import DaemonCase, await_batch, commit_all, git, run_program, small_repository

TINY = ("--param", "count=64", "--param", "repeat=1")


class Run(DaemonCase):
    """A repository of commits c1 to c4, of which c4 does not build."""

    scratch: "tempfile.TemporaryDirectory[str]"

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = tempfile.TemporaryDirectory(prefix="tidemark-repo-")
        cls.repo = small_repository(Path(cls.scratch.name), 3)
        source = cls.repo / "converters" / "tideconv.c"
        source.write_text(source.read_text() + "\nthis_is_no_declaration here;\n")
        commit_all(cls.repo, "c4")
        super().setUpClass()

    @classmethod
    def tearDownClass(cls) -> None:
        super().tearDownClass()
        cls.scratch.cleanup()

    def run_it(self, *arguments: str, scenario: str = "list_bytes") -> "subprocess.CompletedProcess[str]":
        """`tidemark run` for the newest python."""
        python = self.daemon.usable_pythons()[0]
        return run_program(self.folder, "run", "--data", str(self.daemon.data), "--pythons", python,
                           "--scenarios", scenario, *TINY, *arguments, timeout_s=150)

    def expect(self, code: int, *arguments: str, **kwargs: Any) -> "subprocess.CompletedProcess[str]":
        """It ends with this code and without a sanitizer's report."""
        done = self.run_it(*arguments, **kwargs)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def test_dry_run(self) -> None:
        """The plan, and nothing is written."""
        before = self.daemon.row_counts()
        said = self.expect(0, "--commits", "HEAD~3..HEAD", "--every", "2", "--dry-run").stdout
        self.assertIn("2 runs of 2 cells", said)
        self.assertIn(git(self.repo, "rev-parse", "--short=12", "HEAD~2") + "  c2", said)
        self.assertNotIn("  c3", said)
        self.assertRegex(said, "builds +[0-9]+ to make, [0-9]+ in the cache")
        plan = json.loads(self.expect(0, "--until", "2024-01-02", "--dry-run", "--json").stdout)
        self.assertEqual([commit["subject"] for commit in plan["commits"]], ["c1", "c2"])
        self.assertEqual(self.daemon.row_counts(), before)

    def test_all_measured(self) -> None:
        """Exit code 0, with progress and a link to the curves; the fields arrive."""
        said = self.expect(0, "--commits", "HEAD~2", "--commits", "HEAD~1", "--samples", "2", "--seed", "9",
                           "--interval-us", "500", "--recording", "all", "--allocator", "malloc").stdout
        self.assertIn("4 runs done, 0 failed. Their curves: %s/#/curves?batch=" % self.daemon.url, said)
        self.assertIn("100 %", said)
        batch = said.rsplit("=", 1)[1].strip()
        run = self.daemon.get("/api/v1/runs?batch=%s" % batch).json()["runs"][0]
        self.assertEqual((run["allocator"], run["measure"]["recording"], run["measure"]["interval_us"]),
                         ("malloc", "all", 500))
        self.assertEqual(self.daemon.get("/api/v1/batches/" + batch).json()["seed"], 9)

    def test_what_fails_is_named(self) -> None:
        """Exit code 3; the build that several runs wanted is named once, with the address of its log."""
        said = self.expect(3, "--commits", "HEAD", "--samples", "3").stdout
        self.assertEqual(said.count("does not build:"), 1)
        self.assertIn("c4, for ", said)
        self.assertIn("this_is_no_declaration", said)
        self.assertRegex(said, r"/api/v1/builds/\d+/log")
        again = self.expect(3, "--commits", "HEAD", "--retry-failed", "--json").stdout
        told = json.loads(again)
        self.assertEqual(told["plan"]["builds"]["needed"], 1)
        self.assertEqual((told["batch"]["failed"], told["failed"][0]["build"]["status"]), (1, "failed"))

    def test_detach(self) -> None:
        """It is queued, and the address to watch it is told."""
        said = self.expect(0, "--commits", "HEAD~1", "--detach").stdout
        self.assertRegex(said, r"batch \d+ is queued: http://127.0.0.1:\d+/#/trigger\?batch=\d+")
        await_batch(self.daemon, int(said.rsplit("=", 1)[1]), 60)

    def test_usage(self) -> None:
        """What the daemon refuses is told with its field; what is no option, by the command itself."""
        before = self.daemon.row_counts()
        for arguments, hint in ((("--commits", "nowhere"), "commits[0]"),
                                (("--since", "yesterday"), "since: must be a date"),
                                (("--samples", "many"), "samples: must be an integer"),
                                (("--recording", "some"), "recording: must be"),
                                (("--param", "nope=1"), "params.nope: no such parameter"),
                                (("--param", "nope"), "NAME=VALUE"),
                                (("--wrong",), "--wrong"), (("stray",), "stray")):
            with self.subTest(arguments=arguments):
                self.assertIn(hint, self.expect(2, *arguments).stderr)
        self.assertIn("no scenario", self.expect(2, scenario="list_nothing").stderr)
        self.assertEqual(self.daemon.row_counts(), before)

    def test_no_daemon(self) -> None:
        """What to do is said."""
        done = run_program(self.folder, "run", "--data", str(self.folder / "other"), "--scenarios", "x",
                           "--detach")
        self.assertEqual(done.returncode, 3)
        self.assertIn("start one with `tidemark serve --data", done.stderr)

    def test_help(self) -> None:
        """Teaches by example."""
        done = run_program(self.folder, "run", "--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("tidemark run --scenarios list_bytes --commits v1.0..HEAD --every 10 --dry-run",
                      " ".join(done.stdout.split()))


if __name__ == "__main__":
    unittest.main()
