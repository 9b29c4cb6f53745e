"""What docs/PROJECTS.md tells a newcomer to paste, pasted."""

from __future__ import annotations

import os
import re
import subprocess
import unittest
from typing import List

from daemon import PROGRAM, ROOT, Daemon, FaultCase, environment


def blocks(document: str, heading: str) -> List[str]:
    """The shell lines of one section, block by block."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    section = text.split("\n## %s\n" % heading)[1].split("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


class Documents(FaultCase):
    """In a home of its own; the daemon's terminal is this test."""

    def test_a_project_in_five_minutes(self) -> None:
        found = blocks("PROJECTS.md", "One of your own in five minutes")
        self.assertIn("tidemark serve\n", found)
        tools = self.folder / "tools"
        tools.mkdir()
        (tools / "tidemark").symlink_to(PROGRAM)
        os.makedirs(str(self.folder / "share"))
        # One Python is enough: those of pyenv and of PATH's other folders are not looked at.
        changed = {"HOME": str(self.folder), "PATH": "%s:/usr/local/bin:/usr/bin:/bin" % tools, "PYENV_ROOT": "/nonexistent",
                   "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.org", "GIT_COMMITTER_NAME": "Ann",
                   "GIT_COMMITTER_EMAIL": "ann@example.org"}
        before = dict(os.environ)
        self.addCleanup(os.environ.update, before)
        os.environ.update(changed)
        daemon = Daemon(self.folder, repo=None, data="share/tidemark")
        self.daemons.append(daemon)
        daemon.start().await_discovery()
        script = "".join(block for block in found if block != "tidemark serve\n")
        done = subprocess.run(["bash", "-euc", script], env=environment(self.folder), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, timeout=400)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("exit code 1: worse is 1", done.stdout)
        self.assertRegex(done.stdout, r"worse\b")
        listed = daemon.get("/api/v1/projects/tiny").json()
        self.assertEqual((listed["recipe"], listed["scenarios"]), ({"kind": "cmake"}, "benchmarks"))
        runs = daemon.get("/api/v1/runs?limit=1000").json()["runs"]
        self.assertEqual({run["status"] for run in runs}, {"done"})
        growth = {run["commit"]["subject"]: run["tide_mark"] - run["base"] for run in runs}
        found_mib = (growth["Be quicker"] - growth["Turn bytes to upper case"]) / (1 << 20)
        self.assertTrue(14 < found_mib < 18, growth)
        self.stop(daemon)


if __name__ == "__main__":
    unittest.main()
