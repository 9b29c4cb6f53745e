"""Faults: the daemon, its probes and workers killed, and commits that do not build or that crash."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
import unittest
from pathlib import Path
from typing import Any, Dict, List

from daemon import (Daemon, FaultCase, Stream, await_batch, clone, commit_all, commit_module, descendants,
                    eventually, git, processes, two_commits)

LONG = {"count": 16384, "repeat": 20}
"""16,384 objects of 1,024 bytes, 20 times: half a second or more, long enough to be interrupted."""
GONE_S = 5  # how long a child may outlive the daemon

# ---- killed ----


class Killed(FaultCase):
    """kill -9 of the daemon and of what runs under it."""

    def kill_at(self, daemon: Daemon, stream: Stream, name: str, percent: int = 0) -> None:
        """SIGKILL when the stream tells of a run in this state; its children must go too."""
        stream.until(lambda event: event.name == name and event.data["percent"] >= percent)
        eventually(lambda: descendants(daemon.pid), 2, 0.001)
        children = descendants(daemon.pid)
        daemon.kill()
        stayed = eventually(lambda: not self.survivors(daemon, children), GONE_S)
        self.assertTrue(stayed, "outlived the kill: %s" % self.survivors(daemon, children))

    @staticmethod
    def survivors(daemon: Daemon, children: Dict[int, str]) -> List[str]:
        """Processes that should have gone with the daemon."""
        return [line for pid, (_, line) in processes().items()
                if (pid in children and line == children[pid]) or str(daemon.data) in line]

    def check_run(self, daemon: Daemon, run: Dict[str, Any], repeat: int) -> None:
        """The run is done, and has exactly one set of events."""
        self.assertEqual((run["status"], run["error"]), ("done", None))
        target = "/api/v1/runs/%d/events?limit=10000" % run["id"]
        events = daemon.get(target).json()["events"]
        times = [event["t_ns"] for event in events]
        self.assertEqual(times, sorted(times))
        samples = sum(event["kind"] == "SAMPLE" for event in events)
        self.assertEqual((samples, len(events) - samples), (run["samples_taken"], run["events"]))
        for kind in ("C_CALL", "C_RETURN"):
            calls = daemon.get(target + "&kind=%s&function=new_list_bytes" % kind).json()["events"]
            self.assertEqual(len(calls), repeat, kind)
        names = [phase["name"] for phase in run["phases"]]
        self.assertEqual(names, ["base"] + ["iteration", "original", "result"] * repeat
                         + ["iteration", "end"])
        curve = daemon.get("/api/v1/runs/%d/curve?points=100000" % run["id"]).json()
        self.assertEqual(len(curve["t_ns"]), len(events))
        self.assertLessEqual(max(curve["rss"]), run["tide_mark"])

    def test_daemon_killed_at_every_step(self) -> None:
        """Killed when the batch was acknowledged, while building, while running: restarted each time, the
        batch ends with every run done once, and runs that were done are untouched."""
        daemon = self.make(two_commits(self.folder)).start().await_discovery()
        batch = self.queue(daemon, 1, commits=["HEAD", "HEAD~1"], samples=2, params=LONG)
        daemon.kill()
        daemon.start().await_discovery()
        self.assertEqual(daemon.get("/api/v1/batches/%d" % batch).json()["runs"], 4)
        for state, percent in (("building", 0), ("running", 5), ("done", 0), ("running", 50)):
            with self.subTest(state=state):
                first = {run["id"]: run for run in self.runs(daemon, batch) if run["status"] == "done"}
                with daemon.stream(batch) as stream:
                    self.kill_at(daemon, stream, state, percent)
                daemon.start().await_discovery()
                for run in self.runs(daemon, batch):
                    if run["id"] in first:
                        self.assertEqual(run, first[run["id"]], "a run that was done has changed")
        await_batch(daemon, batch, 120)
        runs = self.runs(daemon, batch)
        self.assertEqual(len(runs), 4)
        self.assertEqual(len({(run["commit"]["sha"], run["sample"]) for run in runs}), 4)
        for run in runs:
            self.check_run(daemon, run, LONG["repeat"])
        self.assertEqual(daemon.get("/api/v1/batches/%d" % batch).json()["done"], 4)
        self.assertEqual(daemon.query("PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(daemon.query("PRAGMA foreign_key_check"), [])
        self.assertEqual(daemon.query("SELECT status, count(*) FROM builds GROUP BY status"), [("done", 2)])
        self.stop(daemon)

    def test_worker_or_probe_killed(self) -> None:
        """A worker or probe that is killed is a failed run that says so; the next runs are done."""
        daemon = self.make().start().await_discovery()
        for program, wanted in (("tidemark-worker", "9"), ("tidemark-probe", "")):
            with self.subTest(killed=program):
                with daemon.stream() as stream:
                    batch = self.queue(daemon, samples=2, params={"count": 16384, "repeat": 200})
                    stream.until(lambda event: event.name == "running" and event.data["percent"] > 0)
                    victims = [pid for pid, line in descendants(daemon.pid).items()
                               if program in line.split(" ")[0]]
                    self.assertEqual(len(victims), 1, victims)
                    os.kill(victims[0], signal.SIGKILL)
                    event = stream.until(lambda event: event.name == "failed")
                run = daemon.get("/api/v1/runs/%d" % event.data["id"]).json()
                self.assertEqual(run["status"], "failed")
                self.assertTrue(run["error"])
                if wanted:
                    self.assertEqual(run["exit"]["signal"], int(wanted))
                    self.assertRegex(run["error"], "signal 9|SIGKILL|[Kk]illed")
                    calls = daemon.get("/api/v1/runs/%d/events?kind=C_CALL" % run["id"]).json()["events"]
                    self.assertTrue(calls, "what the run had measured is gone")
                await_batch(daemon, batch, 120)
                self.assertEqual([run["status"] for run in self.runs(daemon, batch)], ["failed", "done"])
        self.stop(daemon)

    def test_stopped_in_the_middle(self) -> None:
        """SIGTERM while building, while running and under load: the daemon ends by itself, nothing stays,
        and the next one finishes the batch."""
        daemon = self.make(two_commits(self.folder)).start().await_discovery()
        batch = self.queue(daemon, 1, commits=["HEAD", "HEAD~1"], params=LONG)
        for state in ("building", "running"):
            with daemon.stream(batch) as stream:
                stream.until(lambda event: event.name == state)
            self.load_and_stop(daemon)
            daemon.start().await_discovery()
        await_batch(daemon, batch, 120)
        for run in self.runs(daemon, batch):
            self.check_run(daemon, run, LONG["repeat"])
        self.stop(daemon)

    def load_and_stop(self, daemon: Daemon) -> None:
        """SIGTERM while clients ask and streams are open."""
        over = threading.Event()
        answers: List[int] = []

        def ask() -> None:
            while not over.is_set():
                for target in ("/api/v1/status", "/api/v1/projects/converters/commits", "/",
                               "/api/v1/runs"):
                    try:
                        answers.append(daemon.get(target).status)
                    except OSError:
                        pass  # it has gone
                    except Exception:  # http.client's own: cut in the middle of an answer
                        pass

        clients = [threading.Thread(target=ask) for _ in range(4)]
        streams = [daemon.stream() for _ in range(8)]
        for client in clients:
            client.start()
        time.sleep(0.3)
        try:
            self.stop(daemon)
        finally:
            over.set()
            for client in clients:
                client.join()
        self.assertLessEqual(set(answers), {200, 503})
        for stream in streams:
            stream.close()

    def test_stopped_at_once(self) -> None:
        """SIGTERM and SIGINT right after the start, in the middle of discovery."""
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon = self.make().start()
            if number == signal.SIGINT:
                daemon.process.send_signal(number)
                self.assertEqual(daemon.process.wait(30), 0)
            self.stop(daemon)


# ---- commits that fail ----


class Commits(FaultCase):
    """Commits that do not build, or whose extension misbehaves, are results; their neighbours are measured."""

    def test_builds_that_fail(self) -> None:
        """C that does not compile, a recipe that does not configure, and no extension at all: the runs
        fail, the builds are kept with their logs, and are not tried again for the next sample."""
        repo = clone(self.folder)
        good = git(repo, "rev-parse", "HEAD")
        source = next(iter(sorted((repo / "converters").glob("*module.c"))))
        source.write_text(source.read_text() + "\nthis_is_no_declaration here;\n")
        broken = commit_all(repo, "Break the module")
        (repo / "converters" / "CMakeLists.txt").write_text('message(FATAL_ERROR "no such thing as this")\n')
        recipe = commit_all(repo, "Break the recipe")
        shutil.rmtree(str(repo / "converters"))
        absent = commit_all(repo, "Drop the extension")
        daemon = self.make(repo).start().await_discovery()
        batch = self.queue(daemon, commits=[broken, good, recipe, absent], samples=2)
        await_batch(daemon, batch, 150)
        runs = self.runs(daemon, batch)
        self.assertEqual(len(runs), 8)
        for run in runs:
            with self.subTest(commit=run["commit"]["subject"], sample=run["sample"]):
                if run["commit"]["sha"] == good:
                    self.assertEqual((run["status"], run["error"]), ("done", None))
                    continue
                hint = {broken: "this_is_no_declaration", recipe: "no such thing as this",
                        absent: "converters"}[run["commit"]["sha"]]
                self.check_failed_build(daemon, run, hint)
        builds = daemon.query("SELECT status, count(*) FROM builds GROUP BY status ORDER BY status")
        self.assertEqual(builds, [("done", 1), ("failed", 3)])
        done = daemon.get("/api/v1/batches/%d" % batch).json()
        self.assertEqual((done["status"], done["done"], done["failed"], done["percent"]),
                         ("done", 2, 6, 100))
        self.stop(daemon)

    def check_failed_build(self, daemon: Daemon, run: Dict[str, Any], hint: str) -> None:
        """The run, its build and both logs name what is wrong."""
        self.assertEqual(run["status"], "failed")
        self.assertIn(hint, run["error"])
        self.assertNotIn("\n", run["error"])
        self.assertEqual(run["build"]["status"], "failed")
        self.assertEqual([run[name] for name in ("base", "original", "tide_mark", "end")], [None] * 4)
        build = daemon.get("/api/v1/builds/%d" % run["build"]["id"]).json()
        self.assertEqual((build["status"], build["commit"]["sha"]), ("failed", run["commit"]["sha"]))
        for target in ("/api/v1/builds/%d/log" % build["id"], "/api/v1/runs/%d/log" % run["id"]):
            answer = daemon.get(target)
            self.assertEqual(answer.status, 200)
            self.assertTrue(answer.headers["content-type"].startswith("text/plain"))
            self.assertIn(hint, answer.body.decode())
        curve = daemon.get("/api/v1/runs/%d/curve" % run["id"])
        self.assertEqual((curve.status, curve.json()["points"]), (200, 0))
        events = daemon.get("/api/v1/runs/%d/events" % run["id"])
        self.assertEqual((events.status, events.json()["events"]), (200, []))

    def test_extensions_that_misbehave(self) -> None:
        """An extension that crashes, leaves, lies, cannot be imported, or leaves a child behind."""
        repo = clone(self.folder)
        fork = "if (fork() == 0) { setsid(); sleep(600); _exit(0); }"
        cases = {
            commit_module(repo, "Do as told"): ("done", "", None),
            commit_module(repo, "Crash", "raise(SIGSEGV);"): ("failed", "11|SEGV|[Ss]egmentation", 11),
            commit_module(repo, "Abort", "abort();"): ("failed", "6|ABRT|[Aa]bort", 6),
            commit_module(repo, "Leave", "_exit(7);"): ("failed", "7", None),
            commit_module(repo, "Lie", "Py_INCREF(list); return list;"): ("failed", "differs", None),
            commit_module(repo, "Raise", 'PyErr_SetString(PyExc_OSError, "no luck"); return NULL;'):
                ("failed", "no luck", None),
            commit_module(repo, "Refuse", "", 'PyErr_SetString(PyExc_ImportError, "not today");'
                               " return NULL;"): ("failed", "not today", None),
            commit_module(repo, "Fork", fork): ("done", "", None),
        }
        daemon = self.make(repo).start().await_discovery()
        batch = self.queue(daemon, commits=list(cases), params={"count": 16384, "repeat": 2})
        await_batch(daemon, batch, 150)
        runs = self.runs(daemon, batch)
        self.assertEqual(len(runs), len(cases))
        for run in runs:
            status, hint, number = cases[run["commit"]["sha"]]
            with self.subTest(deed=run["commit"]["subject"]):
                self.assertEqual(run["status"], status, run["error"])
                self.assertEqual(run["build"]["status"], "done")
                if status == "done":
                    continue
                self.assertRegex(run["error"], hint)
                self.assertEqual(run["exit"]["signal"], number)
                if run["commit"]["subject"] == "Leave":
                    self.assertEqual(run["exit"]["code"], 7)
                if run["commit"]["subject"] != "Refuse":
                    self.assertGreater(run["original"], run["base"])
                    calls = daemon.get("/api/v1/runs/%d/events?kind=C_CALL&function=new_list_bytes"
                                       % run["id"]).json()["events"]
                    self.assertEqual(len(calls), 1, "the call that it died in is not told")
                if run["commit"]["subject"] == "Raise":
                    raised = daemon.get("/api/v1/runs/%d/events?kind=C_EXCEPTION&function=new_list_bytes"
                                        % run["id"]).json()["events"]
                    self.assertEqual(len(raised), 1)
        stayed = eventually(lambda: not daemon.children(), GONE_S)
        self.assertTrue(stayed, daemon.children())
        self.stop(daemon)


if __name__ == "__main__":
    unittest.main(verbosity=2)
