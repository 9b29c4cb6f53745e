"""Where and when a run may start: memory that must be free, CPUs that it has for itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any, Dict, List

from daemon import Daemon, FaultCase, await_batch, commit_all, descendants, eventually, small_repository

MIB = 1 << 20

SUITE = '''\
"""Scenarios that state what they need."""


def peakmem_small():
    """Needs next to nothing."""


def peakmem_large():
    """Says that it needs a gibibyte."""


peakmem_large.memory = 1 << 30


def peakmem_endless():
    """Says that it needs more than there is."""


peakmem_endless.memory = 1 << 60


def peakmem_long():
    """Takes two seconds."""
    import time
    time.sleep(2)
'''

BALLOON = """\
import mmap, sys
held = mmap.mmap(-1, int(sys.argv[1]))
for at in range(0, len(held), 4096):
    held[at] = 1
print("full", flush=True)
sys.stdin.read()
"""


def available() -> int:
    """Bytes that the kernel thinks can be had."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel does not tell")


class Memory(FaultCase):
    """A balloon of 1 GiB in 1.5 GiB: a run that wants 1 GiB waits, others do not."""

    def start(self, **config: Any) -> Daemon:
        """A daemon with this configuration and the project `own` with the suite above."""
        repo = self.folder / "own"
        if not repo.exists():
            small_repository(self.folder, 1).rename(repo)
            (repo / "benchmarks").mkdir()
            (repo / "benchmarks" / "suite.py").write_text(SUITE)
            commit_all(repo, "suite")
        file = self.folder / "config.json"
        file.write_text(json.dumps({**config, "projects": [
            {"name": "own", "repo": str(repo), "recipe": {"kind": "cmake", "folder": "converters"},
             "scenarios": "benchmarks"}]}))
        return self.make(repo, ["--config", str(file)]).start().await_discovery()

    def queue_own(self, daemon: Daemon, scenario: str, **fields: Any) -> int:
        """One run of the scenario."""
        return self.queue(daemon, project="own", scenarios=[scenario], params={}, **fields)

    def run_of(self, daemon: Daemon, batch: int) -> Dict[str, Any]:
        """The only run of the batch."""
        return self.runs(daemon, batch)[0]

    def test_balloon(self) -> None:
        """While a balloon takes the memory, the large run waits and says why, the small one behind it is done;
        when the balloon is gone the large one is done too. One that can never fit fails with words."""
        daemon = self.start(memory_reserve=max(0, available() - 3 * MIB * 512))
        warm = self.queue_own(daemon, "small")
        await_batch(daemon, warm, 120)
        balloon = subprocess.Popen([sys.executable, "-c", BALLOON, str(1 << 30)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        try:
            self.assertEqual(balloon.stdout.readline(), b"full\n")
            large = self.queue_own(daemon, "large")
            small = self.queue_own(daemon, "small")
            await_batch(daemon, small, 150)
            waiting = self.run_of(daemon, large)
            self.assertEqual((waiting["status"], waiting["attempt"]), ("queued", 1))
            self.assertRegex(waiting["waiting"], r"waits for memory: it needs about 1[0-9]{3} MiB")
        finally:
            balloon.communicate()
        await_batch(daemon, large, 150)
        done = self.run_of(daemon, large)
        self.assertEqual((done["status"], done["waiting"], done["attempt"]), ("done", None, 1))
        never = self.queue_own(daemon, "endless")
        await_batch(daemon, never, 150)
        failed = self.run_of(daemon, never)
        self.assertEqual((failed["status"], failed["outside"]), ("failed", True))
        self.assertIn("memory_reserve", failed["error"])
        self.stop(daemon)

    def test_a_waiting_run_is_cancelled(self) -> None:
        """A run that waits for memory can be cancelled, and the daemon stops while one waits."""
        daemon = self.start(memory_reserve=max(0, available() - 512 * MIB))
        first, second = (self.queue_own(daemon, "large") for _ in range(2))
        told = eventually(lambda: self.run_of(daemon, first)["waiting"], 120)
        self.assertTrue(told)
        self.assertEqual(daemon.post("/api/v1/batches/%d/cancel" % first, {}).json()["cancelled"], 1)
        self.assertEqual(self.run_of(daemon, second)["status"], "queued")
        self.stop(daemon)


def allowed(process: str) -> List[int]:
    """The CPUs that a process or thread may use."""
    for line in Path(process, "status").read_text().splitlines():
        if line.startswith("Cpus_allowed_list:"):
            found: List[int] = []
            for part in line.split()[1].split(","):
                first, _, last = part.partition("-")
                found += range(int(first), int(last or first) + 1)
            return found
    raise AssertionError("the kernel does not tell")


@unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "nothing is pinned where there is one CPU")
class Cpus(Memory):
    """Runs are pinned, and the rest stays off their CPUs."""

    test_balloon = test_a_waiting_run_is_cancelled = None  # type: ignore[assignment]

    def at_work(self, daemon: Daemon, program: str) -> List[str]:
        """/proc folders of what runs under the daemon by this name."""
        return ["/proc/%d" % pid for pid, line in descendants(daemon.pid).items()
                if program in line.split(" ")[0]]

    def test_last_cpu(self) -> None:
        """By default the last CPU is the run's alone: no thread of the daemon's and no probe may use it while it
        is measured; the run records it."""
        mine = sorted(os.sched_getaffinity(0))
        daemon = self.start()
        batch = self.queue_own(daemon, "long")
        workers = eventually(lambda: self.at_work(daemon, "tidemark-worker"), 120)
        self.assertEqual(allowed(workers[0]), mine[-1:])
        for probe in self.at_work(daemon, "tidemark-probe"):
            self.assertEqual(allowed(probe), mine[:-1])
        for thread in Path("/proc/%d/task" % daemon.pid).iterdir():
            self.assertEqual(allowed(str(thread)), mine[:-1])
        await_batch(daemon, batch, 150)
        self.assertEqual(self.run_of(daemon, batch)["environment"]["cpus_allowed"], str(mine[-1]))
        self.stop(daemon)

    def test_sets(self) -> None:
        """Two sets measure two runs at once, each on its own; a set that is wrong is refused with words."""
        mine = sorted(os.sched_getaffinity(0))[:2]
        daemon = self.start(measure_cpus=[str(cpu) for cpu in mine])
        batch = self.queue_own(daemon, "long", samples=4)
        both = eventually(lambda: len(self.at_work(daemon, "tidemark-worker")) == 2
                          and self.at_work(daemon, "tidemark-worker"), 120)
        self.assertTrue(both)
        self.assertEqual(sorted(allowed(worker)[0] for worker in both), mine)
        self.assertEqual({len(allowed(worker)) for worker in both}, {1})
        await_batch(daemon, batch, 150)
        self.assertEqual([run["status"] for run in self.runs(daemon, batch)], ["done"] * 4)
        self.assertEqual(len({run["environment"]["cpus_allowed"] for run in self.runs(daemon, batch)}), 2)
        self.stop(daemon)
        for wrong, hint in ((["1000"], "may not use"), (["x"], "must be a list of CPUs"), ("0", "must be a list"),
                            ([str(mine[0]), str(mine[0])], "another set has")):
            (self.folder / "config.json").write_text(json.dumps({"measure_cpus": wrong}))
            done = subprocess.run(daemon.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  universal_newlines=True, timeout=60)
            self.assertEqual(done.returncode, 2)
            self.assertIn(hint, done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
