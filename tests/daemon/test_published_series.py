"""`tidemark changepoints` on published series whose change points are known: tests/data/series/.

Each file holds its values, where they come from, and the indices that whoever published them names.
"""

from __future__ import annotations

import json
import subprocess
import unittest

from daemon import PROGRAM, ROOT

SERIES = ROOT / "tests" / "data" / "series"


class PublishedSeries(unittest.TestCase):
    """What others found, found again, and nothing else."""

    def test_every_file(self) -> None:
        """The confirmed change points are those that are expected, within the file's tolerance."""
        files = sorted(SERIES.glob("*.json"))
        self.assertGreaterEqual(len(files), 6)
        for path in files:
            with self.subTest(path.name):
                known = json.loads(path.read_text(encoding="utf-8"))
                for field in ("title", "source", "licence"):
                    self.assertTrue(known[field])
                done = subprocess.run([str(PROGRAM), "changepoints", str(path), "--json"], timeout=30,
                                      check=True, stdout=subprocess.PIPE)
                found = [change["index"] for change in json.loads(done.stdout)
                         if change["status"] == "confirmed"]
                self.assertEqual(len(found), len(known["expected"]), found)
                for index, expected in zip(found, known["expected"]):
                    self.assertLessEqual(abs(index - expected), known["tolerance"], path.name)


if __name__ == "__main__":
    unittest.main()
