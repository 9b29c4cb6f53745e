"""Measure the way of events from a program into the database, with a real daemon.

Part of bench/tracer.py. Starts `tidemark serve` on a folder of its own, registers a project whose one scenario calls a C function
that does nothing N times, and runs it with every event recorded. What it cannot send is waited for: the
ring between worker and probe never drops an event, so the time that the calls took is the time in which
probe, pipe, daemon and database took what they made. Afterwards the events of the run in the database are
counted.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any, Dict, List, Tuple

ROOT = Path(__file__).resolve().parents[1]
PAGE = os.sysconf("SC_PAGE_SIZE")
BATCH_S = 600
FLOOD = '''"""Calls that do nothing. Payload: 0 bytes."""


def peakmem_flood(count):
    function = "".isupper
    for _ in range(count):
        function()


peakmem_flood.params = [[1000000]]
peakmem_flood.param_names = ["count"]
'''


def make_project(folder: Path, git: Any) -> Path:
    """A repository with the scenario and nothing to build."""
    repo = folder / "flood"
    (repo / "scenarios").mkdir(parents=True)
    (repo / "scenarios" / "flood.py").write_text(FLOOD)
    git(folder, "init", "--quiet", "flood")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "Call what does nothing")
    return repo


class Watcher:
    """RSS of a process, read every 5 ms from outside."""

    def __init__(self, pid: int) -> None:
        self.seen: List[Tuple[float, int]] = []
        self.ended = threading.Event()
        self.statm = open("/proc/%d/statm" % pid, "rb", buffering=0)
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()

    def _watch(self) -> None:
        while not self.ended.wait(0.005):
            rss = int(os.pread(self.statm.fileno(), 128, 0).split()[1]) * PAGE
            self.seen.append((time.time(), rss))

    def stop(self) -> None:
        """End; what was seen stays."""
        self.ended.set()
        self.thread.join()
        self.statm.close()


def await_batch(daemon: Any, answer: Any) -> Dict[str, Any]:
    """The one run of the batch, when it has ended."""
    batch = answer.json()
    end = time.monotonic() + BATCH_S
    while daemon.get("/api/v1/batches/%d" % batch["id"]).json()["status"] != "done":
        if time.monotonic() > end:
            raise RuntimeError("the run did not end in %d s" % BATCH_S)
        time.sleep(0.05)
    run = daemon.get("/api/v1/runs?batch=%d" % batch["id"]).json()["runs"][0]
    if run["status"] != "done":
        raise RuntimeError("the run failed: %s" % run["error"])
    return daemon.get("/api/v1/runs/%d" % run["id"]).json()


def flood(daemon: Any, python: str, calls: int) -> Dict[str, Any]:
    """One run of that many calls."""
    answer = daemon.post("/api/v1/runs", {"project": "flood", "scenarios": ["flood"], "pythons": [python],
                                          "params": {"count": calls}, "recording": "all"})
    if answer.status != 202:
        raise RuntimeError(answer.body.decode())
    return await_batch(daemon, answer)


def measure(daemon: Any, python: str, calls: int) -> Dict[str, float]:
    """Figures of one run: events a second, events lost, bytes an event, how far the daemon's RSS went."""
    watcher = Watcher(daemon.pid)
    try:
        run = flood(daemon, python, calls)
    finally:
        watcher.stop()
    stored = daemon.query("SELECT sum(length(payload)) FROM event_chunks WHERE run = ?", run["id"])[0][0]
    curve = daemon.query("SELECT sum(length(data)) FROM curve_chunks WHERE run = ?", run["id"])[0][0]
    first, last = run["started_ns"] / 1e9, run["finished_ns"] / 1e9
    middle = first + (last - first) / 4  # the first quarter fills buffers and caches
    during = [rss for t, rss in watcher.seen if middle <= t <= last]
    return {"rate": run["events"] / (run["wall_ns"] / 1e9), "lost": 2 * calls - run["events"],
            "bytes": (stored + (curve or 0)) / run["events"],
            "range": max(during) - min(during), "rss": max(during)}


def rows(figures: List[Dict[str, float]]) -> List[Dict[str, Any]]:
    """Rows of name, value, unit, goal and met."""
    def row(name: str, key: str, unit: str, scale: float, goal: Any, met: Any) -> Dict[str, Any]:
        value = median(f[key] for f in figures) / scale
        return {"name": name, "value": round(value, 3), "unit": unit, "goal": goal,
                "met": None if met is None else met(value)}

    return [
        row("program to database", "rate", "M events/s", 1e6, 5, lambda v: v >= 5),
        row("events lost", "lost", "events", 1, 0, lambda v: v <= 0),
        row("stored, curve included", "bytes", "bytes/event", 1, 4, lambda v: v <= 4),
        row("daemon's RSS, highest less lowest", "range", "MiB", 1 << 20, None, None),
        row("daemon's RSS, highest", "rss", "MiB", 1 << 20, None, None),
    ]


def bench(tidemark: Path, rounds: int, calls: int = 10_000_000) -> List[Dict[str, Any]]:
    """Rows of the medians over so many runs."""
    os.environ["TIDEMARK"] = str(tidemark)
    sys.path.insert(0, str(ROOT / "tests" / "daemon"))
    from daemon import Daemon, git

    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as name:
        folder = Path(name)
        daemon = Daemon(folder, make_project(folder, git)).start().await_discovery()
        try:
            python = daemon.usable_pythons()[-1]
            answer = daemon.post("/api/v1/projects", {
                "name": "flood", "repo": str(folder / "flood"), "scenarios": "scenarios",
                "recipe": {"kind": "command", "commands": ["touch {prefix}/nothing"]}})
            if answer.status != 201:
                raise RuntimeError(answer.body.decode())
            flood(daemon, python, calls)  # warm: builds the worker
            return rows([measure(daemon, python, calls) for _ in range(rounds)])
        finally:
            daemon.stop()
