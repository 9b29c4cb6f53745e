"""The configuration: checked with the line that is wrong, and taken over by a daemon that runs."""

from __future__ import annotations

import json
import os
import signal
import unittest
from pathlib import Path
from typing import Any

from daemon import Daemon, FaultCase, await_batch, eventually, run_program, small_repository


class Check(FaultCase):
    """`tidemark config check`."""

    def check(self, text: str) -> "tuple[int, str]":
        """Exit code and what it says of a file with this text."""
        file = self.folder / "config.json"
        file.write_text(text)
        done = run_program(self.folder, "config", "check", str(file))
        return done.returncode, (done.stdout + done.stderr).replace(str(file), "FILE")

    def test_lines(self) -> None:
        """Each mistake is told with its line, and what is allowed."""
        self.assertEqual(self.check('{"build_jobs": 2}'), (0, "FILE: fine\n"))
        for text, line, hint in (
                ('{\n"build_jobs": 2,\n}', 3, "expected"),
                ('{\n"build_jobs": 2,\n"build_jbos": 3}', 3, "allowed are"),
                ('{\n\n"build_jobs":\n0}', 3, "from 1 to 64"),
                ('{"cache_bytes": 1,\n "measure_cpus":\n [\n"x"]}', 4, "list of CPUs"),
                ('{"pythons": ["/a",\n {"path": "/b",\n "name": "3.9"}]}', 3, "a letter and"),
                ('{"a\\"b": {"x": [1, {"}": "]"}]},\n "build_jobs": true}', 1, "is unknown"),
                ('{"projects": [\n{"name": "a", "repo": "/x"},\n{"name": "b",\n "repo": "/x",\n'
                 ' "trigger": {"scenarios": ["s"]},\n "cron": ["@daily",\n "0 3"]}]}', 7, "five fields"),
                ('{"projects": [\n{"name": "a",\n "repo": "/x",\n "branch": 5}]}', 4, "string"),
                ('[]', 1, "object")):
            code, told = self.check(text)
            self.assertEqual(code, 2, told)
            self.assertIn("FILE:%d:" % line, told)
            self.assertIn(hint, told)
        missing = run_program(self.folder, "config", "check", str(self.folder / "nowhere.json"))
        self.assertEqual(missing.returncode, 2)

    def test_reload(self) -> None:
        """SIGHUP takes limits and projects over while a run goes on; a file that is wrong changes nothing."""
        repo = small_repository(self.folder, 2)
        file = self.folder / "config.json"
        file.write_text("{}")
        daemon = self.make(repo, ["--config", str(file)]).start().await_discovery()
        batch = self.queue(daemon, params={"count": 16384, "repeat": 200})
        running = lambda: daemon.get("/api/v1/runs?batch=%d&status=running" % batch).json()["runs"]
        self.assertTrue(eventually(running, 150))
        own = {"name": "own", "repo": str(repo), "recipe": {"kind": "cmake", "folder": "converters"}}
        self.reload(daemon, file, {"projects": [own], "memory_reserve": 1 << 60})
        self.assertTrue(eventually(lambda: daemon.get("/api/v1/projects/own").status == 200, 60), daemon.log())
        await_batch(daemon, batch, 150)
        self.assertEqual([(run["status"], run["attempt"]) for run in self.runs(daemon, batch)], [("done", 1)])
        late = self.queue(daemon)
        await_batch(daemon, late, 150)
        self.assertIn("memory_reserve", self.runs(daemon, late)[0]["error"])
        self.reload(daemon, file, {"memory_reserve": -1})
        self.assertTrue(eventually(lambda: "stays as it was" in daemon.log(), 120), daemon.log())
        self.reload(daemon, file, {"projects": [dict(own, enabled=False)], "memory_reserve": 0})
        self.assertTrue(eventually(lambda: not daemon.get("/api/v1/projects/own").json()["enabled"], 60))
        late = self.queue(daemon)
        await_batch(daemon, late, 150)
        self.assertEqual(self.runs(daemon, late)[0]["status"], "done")
        self.check_places(daemon, file)
        self.stop(daemon)

    def check_places(self, daemon: Daemon, file: Path) -> None:
        """Pythons and pages of other origins are taken over too; of CPUs it is said that they are not yet."""
        program = next(python["program"] for python in daemon.get("/api/v1/pythons").json()["pythons"]
                       if python["usable"])
        page = "https://wiki.example"
        allowed = lambda: daemon.get("/api/v1/status", {"Origin": page}).headers.get("access-control-allow-origin")
        self.assertIsNone(allowed())
        cpu = str(max(os.sched_getaffinity(0)))
        self.reload(daemon, file, {"pythons": [{"path": program, "name": "mine"}], "cors_origins": [page],
                                   "measure_cpus": [cpu]})
        self.assertTrue(eventually(lambda: "measure_cpus holds from the next start" in daemon.log(), 60), daemon.log())
        self.assertEqual(allowed(), page)
        self.assertIn("mine", daemon.usable_pythons())
        late = daemon.post("/api/v1/runs", {"scenarios": ["list_bytes"], "size": "demo", "pythons": ["mine"]})
        self.assertEqual(late.status, 202, late.body)
        await_batch(daemon, late.json()["id"], 150)
        self.assertEqual(self.runs(daemon, late.json()["id"])[0]["status"], "done")
        self.reload(daemon, file, {})
        self.assertTrue(eventually(lambda: "mine" not in daemon.usable_pythons(), 60), daemon.log())
        self.assertIsNone(allowed())
        told = run_program(self.folder, "config", "check", str(self.written(file, {"measure_cpus": [cpu]})))
        self.assertIn("measure_cpus is taken over when a daemon starts", told.stdout)
        told = run_program(self.folder, "config", "check", str(file), "--json")
        self.assertEqual(json.loads(told.stdout), {"file": str(file), "there": True, "at_start": ["measure_cpus"]})

    @staticmethod
    def written(file: Path, config: Any) -> Path:
        """The file, which says this now."""
        file.write_text(json.dumps(config))
        return file

    @staticmethod
    def reload(daemon: Any, file: Path, config: Any) -> None:
        """Write the file, and tell the daemon."""
        Check.written(file, config)
        daemon.process.send_signal(signal.SIGHUP)


if __name__ == "__main__":
    unittest.main(verbosity=2)
