"""`tidemark watch` over a daemon that is killed and started again."""

from __future__ import annotations

import json
import subprocess
import threading
import unittest
from typing import List

from daemon import PROGRAM, Daemon, FaultCase, environment, eventually, small_repository


class Watch(FaultCase):
    """One data folder, two daemons."""

    def test_over_a_restart(self) -> None:
        """It says that the daemon has gone and is back, and tells each event once, in order, to the end."""
        self.see_few_pythons()
        daemon = self.make(small_repository(self.folder, 1)).start().await_discovery()
        batch = self.queue(daemon, samples=3, params={"count": 16384, "repeat": 40})
        with subprocess.Popen([str(PROGRAM), "watch", str(batch), "--json", "--data", str(daemon.data)],
                              env=environment(self.folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True) as watcher:
            assert watcher.stdout and watcher.stderr
            lines: List[str] = []
            told: List[str] = []
            readers = [threading.Thread(target=kept.extend, args=(stream,))
                       for kept, stream in ((lines, watcher.stdout), (told, watcher.stderr))]
            for reader in readers:
                reader.start()
            try:
                self.kill_and_start(daemon, batch, lines, told)
                self.assertEqual(watcher.wait(300), 0, told)
            finally:
                watcher.kill()
                for reader in readers:
                    reader.join()
        self.assertEqual(told, ["The daemon has gone; waiting for it.\n", "The daemon is back.\n"])
        events = [json.loads(line) for line in lines]
        ids = [event["id"] for event in events]
        self.assertEqual(ids, sorted(set(ids)))
        done = [event["data"]["id"] for event in events if event["event"] == "done"]
        self.assertEqual(len(done), 3, "a run was told twice, or not at all")
        self.assertEqual(len(set(done)), 3)
        self.stop(daemon)

    def kill_and_start(self, daemon: Daemon, batch: int, lines: List[str], told: List[str]) -> None:
        """Killed when it is seen that a run has ended; started once that is noticed."""
        self.assertTrue(eventually(lambda: any('"event":"done"' in line for line in list(lines)), 150), batch)
        daemon.kill()
        self.assertTrue(eventually(lambda: told, 60))
        daemon.start()


if __name__ == "__main__":
    unittest.main(verbosity=2)
