"""`tidemark changepoints`: what it reads, prints, refuses, and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from daemon import PROGRAM

STEP = "commit,rss\n" + "".join(
    "c%d,%d\n" % (i, (50 << 20) + (i >= 6) * (1 << 20)) for i in range(10)
)


def changepoints(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """The command with this standard input, ended."""
    return subprocess.run(
        [PROGRAM, "changepoints", *arguments], input=text, capture_output=True, text=True,
        timeout=30, check=False, env={"PATH": os.environ["PATH"]},
    )


class ChangePoints(unittest.TestCase):
    """The command as a script sees it."""

    def test_json(self) -> None:
        """One object a change point, with the names that are promised."""
        done = changepoints("-", "--json", text=STEP)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        (change,) = json.loads(done.stdout)
        self.assertEqual(change, {
            "index": 6, "end": 6, "position": "c6", "status": "confirmed", "kind": "step",
            "effect": 1048576.0, "interval": [1048576.0, 1048576.0], "before": 52428800.0,
            "after": 53477376.0,
        })
        none = changepoints("-", "--json", text="1\n1\n1\n1\n")
        self.assertEqual((none.returncode, json.loads(none.stdout)), (0, []))

    def test_table(self) -> None:
        """A line a change point, from a file."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "rss.csv")
            path.write_text(STEP, encoding="utf-8")
            said = changepoints(str(path)).stdout
        self.assertIn("confirmed step  at c6 (index 6): +1048576 (+2 %)", said)
        suspect = changepoints("-", text="\n".join(STEP.splitlines()[:8])).stdout
        self.assertIn("suspect", suspect)
        self.assertEqual(changepoints("-", text="1\n1\n").stdout, "No change point.\n")

    def test_options(self) -> None:
        """Floors and the smallest change of interest; a gate fails on confirmed rises alone."""
        for option in ("--floor=2e6", "--floor-percent=3", "--least=2e6", "--least-percent=3"):
            self.assertEqual(changepoints("-", option, text=STEP).stdout, "No change point.\n")
        self.assertEqual(changepoints("-", "--gate", text=STEP).returncode, 1)
        suspect = "\n".join(STEP.splitlines()[:8])
        self.assertEqual(changepoints("-", "--gate", text=suspect).returncode, 0)
        fall = "5\n5\n5\n5\n5\n4\n4\n4\n4\n"
        self.assertEqual(changepoints("-", "--gate", text=fall).returncode, 0)

    def test_refused(self) -> None:
        """What is wrong is named, with its line; nothing is printed."""
        for arguments, text, code, says in (
            (["-"], "1,2\n2,x\n", 2, 'line 2: "x" is not a finite number'),
            (["-"], "[1,\n2,\n", 2, "line 3"),
            (["-"], "", 2, "there is no measurement"),
            (["/nowhere"], "", 3, "open /nowhere"),
            (["/"], "", 3, "read /"),
            ([], "", 2, "which file?"),
            (["a", "b"], "", 2, "one file at a time"),
            (["-", "--floor=x"], "", 2, "--floor"),
            (["-", "--least-percent=-1"], "", 2, "--least-percent"),
        ):
            done = changepoints(*arguments, text=text)
            self.assertEqual((done.returncode, done.stdout), (code, ""), arguments)
            self.assertIn(says, done.stderr)

    def test_help(self) -> None:
        """The help has examples."""
        self.assertIn("tidemark changepoints rss.csv", changepoints("--help").stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
