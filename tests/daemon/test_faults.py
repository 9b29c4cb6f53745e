"""Faults: the daemon, its probes and workers killed, commits that do not build or that crash, start-up on
what cannot be used, and wrong command lines."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import unittest
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from daemon import (PROGRAM, ROOT, Daemon, Stream, await_batch, clone, descendants, environment,
                    eventually, finish, git, make_folder, processes, run_program, two_commits)

LONG = {"count": 16384, "repeat": 20}
"""16,384 objects of 1,024 bytes, 20 times: half a second or more, long enough to be interrupted."""
GONE_S = 5  # how long a child may outlive the daemon

SMALL_PROJECT = """\
cmake_minimum_required(VERSION 3.25)
project(tideconv LANGUAGES C)
find_package(Python 3.8 REQUIRED COMPONENTS Interpreter Development.Module)
Python_add_library(tideconv MODULE WITH_SOABI tideconv.c)
set_target_properties(tideconv PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
"""

SMALL_MODULE = """\
/* A stand-in for tideconv: what one call of new_list_bytes does is put in below. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static PyObject *new_list_bytes(PyObject *module, PyObject *list)
{
    (void)module;
    @DEED@
    return PyList_GetSlice(list, 0, PyList_GET_SIZE(list));
}

static PyMethodDef methods[] = {{"new_list_bytes", new_list_bytes, METH_O, NULL}, {0}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "tideconv", NULL, -1, methods,
                                        NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_tideconv(void)
{
    @IMPORT@
    return PyModule_Create(&definition);
}
"""


class FaultCase(unittest.TestCase):
    """Daemons of a test's own, in a temporary folder that goes with it."""

    def setUp(self) -> None:
        self.folder = make_folder()
        self.addCleanup(shutil.rmtree, str(self.folder), True)
        self.daemons: List[Daemon] = []
        self.addCleanup(self.kill_all)

    def kill_all(self) -> None:
        """Whatever a test that failed has left running."""
        for daemon in self.daemons:
            daemon.kill()

    def make(self, repo: Optional[Path] = ROOT, options: Sequence[str] = ()) -> Daemon:
        """A daemon on this test's data folder, not started."""
        daemon = Daemon(self.folder, repo, options)
        self.daemons.append(daemon)
        return daemon

    def queue(self, daemon: Daemon, pythons: int = 1, **request: Any) -> int:
        """Queue list_bytes on the newest pythons; the batch's id."""
        body = {"scenarios": ["list_bytes"], "params": {"count": 64, "repeat": 1},
                "pythons": daemon.usable_pythons()[:pythons]}
        body.update(request)
        answer = daemon.post("/api/v1/runs", body)
        self.assertEqual(answer.status, 202, answer.body)
        return int(answer.json()["id"])

    def runs(self, daemon: Daemon, batch: int) -> List[Dict[str, Any]]:
        """Every run of a batch in the order of its id, whole."""
        listed = daemon.get("/api/v1/runs?batch=%d&limit=1000" % batch).json()["runs"]
        return [daemon.get("/api/v1/runs/%d" % run["id"]).json() for run in reversed(listed)]

    def stop(self, daemon: Daemon, expected_errors: Sequence[str] = ()) -> None:
        """SIGTERM, and nothing may be wrong afterwards."""
        finish(daemon, self.id().rpartition(".")[2], expected_errors)


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
        began = time.monotonic()
        try:
            self.stop(daemon)
        finally:
            over.set()
            for client in clients:
                client.join()
        self.assertLess(time.monotonic() - began, 20)
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

    def commit(self, repo: Path, subject: str) -> str:
        """Commit everything; the hash."""
        git(repo, "add", "--all")
        git(repo, "commit", "--quiet", "--message", subject)
        return git(repo, "rev-parse", "HEAD")

    def commit_module(self, repo: Path, subject: str, deed: str = "", on_import: str = "") -> str:
        """Commit an extension that does this in new_list_bytes, or when it is imported."""
        converters = repo / "converters"
        if converters.exists():
            shutil.rmtree(str(converters))
        converters.mkdir()
        (converters / "CMakeLists.txt").write_text(SMALL_PROJECT)
        module = SMALL_MODULE.replace("@DEED@", deed).replace("@IMPORT@", on_import)
        (converters / "tideconv.c").write_text("/* %s */\n" % subject + module)
        return self.commit(repo, subject)

    def test_builds_that_fail(self) -> None:
        """C that does not compile, a recipe that does not configure, and no extension at all: the runs
        fail, the builds are kept with their logs, and are not tried again for the next sample."""
        repo = clone(self.folder)
        good = git(repo, "rev-parse", "HEAD")
        source = next(iter(sorted((repo / "converters").glob("*module.c"))))
        source.write_text(source.read_text() + "\nthis_is_no_declaration here;\n")
        broken = self.commit(repo, "Break the module")
        (repo / "converters" / "CMakeLists.txt").write_text('message(FATAL_ERROR "no such thing as this")\n')
        recipe = self.commit(repo, "Break the recipe")
        shutil.rmtree(str(repo / "converters"))
        absent = self.commit(repo, "Drop the extension")
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
            self.commit_module(repo, "Do as told"): ("done", "", None),
            self.commit_module(repo, "Crash", "raise(SIGSEGV);"): ("failed", "11|SEGV|[Ss]egmentation", 11),
            self.commit_module(repo, "Abort", "abort();"): ("failed", "6|ABRT|[Aa]bort", 6),
            self.commit_module(repo, "Leave", "_exit(7);"): ("failed", "7", None),
            self.commit_module(repo, "Lie", "Py_INCREF(list); return list;"): ("failed", "differs", None),
            self.commit_module(repo, "Raise", 'PyErr_SetString(PyExc_OSError, "no luck"); return NULL;'):
                ("failed", "no luck", None),
            self.commit_module(repo, "Refuse", "", 'PyErr_SetString(PyExc_ImportError, "not today");'
                               " return NULL;"): ("failed", "not today", None),
            self.commit_module(repo, "Fork", fork): ("done", "", None),
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


# ---- start-up ----


class Start(FaultCase):
    """What a daemon cannot be started on is refused with a message and an exit code."""

    def refuse(self, code: int, *arguments: str, says: str = "") -> str:
        """`tidemark serve ARGUMENTS` ends by itself with this code; what it said."""
        try:
            done = run_program(self.folder, "serve", *arguments, timeout_s=15)
        except subprocess.TimeoutExpired:
            self.fail("it serves all the same: %s" % " ".join(arguments))
        self.assertEqual(done.returncode, code, (arguments, done.stderr))
        self.assertIn("tidemark", done.stderr)
        self.assertNotIn("Sanitizer", done.stderr)
        if says:
            self.assertIn(says, done.stderr)
        self.assertNotIn(" serves http", done.stdout)
        return done.stderr

    @property
    def data(self) -> str:
        """The data folder of this test."""
        return str(self.folder / "data")

    def test_second_daemon(self) -> None:
        """One daemon per data folder; the first is not disturbed."""
        daemon = self.make().start().await_discovery()
        said = self.refuse(3, "--data", self.data, "--listen", "127.0.0.1:0", says=self.data)
        self.assertIn("another daemon", said)
        self.assertEqual((daemon.data / "url").read_text(), daemon.url)
        self.assertEqual((daemon.data / "token").read_text().strip(), daemon.token)
        self.assertEqual(daemon.get("/api/v1/status").status, 200)
        self.stop(daemon)
        daemon.start()  # and the lock goes with its holder
        self.stop(daemon)

    def test_port_in_use(self) -> None:
        """Who has the port is not asked; what to do is said."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen(1)
            port = taken.getsockname()[1]
            said = self.refuse(3, "--data", self.data, "--listen", "127.0.0.1:%d" % port, says=str(port))
            self.assertIn("in use", said)
        self.assertFalse((self.folder / "data" / "url").exists())

    def test_addresses(self) -> None:
        """Only the loopback, and only what is an address."""
        for listen in ("0.0.0.0:0", "example.org:80", "[::]:0", "192.0.2.1:0", "8421", "127.0.0.1",
                       "127.0.0.1:", ":8421", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:x",
                       "127.0.0.1:80x", "127.0.0.1: 80", "127.0.0.1:+80", "", "127.1:0"):
            with self.subTest(listen=listen):
                self.refuse(2, "--data", self.data, "--listen", listen, says="--listen")

    def test_data_that_cannot_be_used(self) -> None:
        """A folder that cannot be made, and a file in its place."""
        file = self.folder / "file"
        file.write_text("mine")
        for data, named in (("/proc/tidemark", "/proc/tidemark"), (str(file), str(file)),
                            (str(file / "below"), str(file))):
            with self.subTest(data=data):
                self.refuse(3, "--data", data, "--listen", "127.0.0.1:0", says=named)
        self.assertEqual(file.read_text(), "mine")

    def put_database(self, content: bytes) -> Path:
        """A file where the database is looked for."""
        path = self.folder / "data" / "tidemark.db"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    def test_database_that_is_none(self) -> None:
        """Garbage is refused and left as it is."""
        for content in (b"not a database, but a letter to grandmother\n" * 100,
                        b"SQLite format 3\0" + b"\xff" * 8000):
            path = self.put_database(content)
            said = self.refuse(3, "--data", self.data, "--listen", "127.0.0.1:0", says="tidemark.db")
            self.assertNotIn("prepare", said)
            self.assertEqual(path.read_bytes(), content)

    def test_database_of_a_newer_tidemark(self) -> None:
        """A schema from the future is refused, not touched."""
        path = self.put_database(b"")
        database = sqlite3.connect(str(path))
        database.executescript("PRAGMA user_version = 9999; CREATE TABLE later (a)")
        database.close()
        self.refuse(3, "--data", self.data, "--listen", "127.0.0.1:0", says="newer")
        database = sqlite3.connect(str(path))
        self.assertEqual(database.execute("SELECT name FROM sqlite_master").fetchall(), [("later",)])
        self.assertEqual(database.execute("PRAGMA user_version").fetchone(), (9999,))
        database.close()

    def test_what_can_be_mended(self) -> None:
        """An empty database is filled; a damaged or public token file is replaced or closed."""
        self.put_database(b"")
        token = self.folder / "data" / "token"
        token.write_text("short")
        token.chmod(0o644)
        daemon = self.make().start()
        first = daemon.token
        self.assertRegex(first, "^[0-9a-f]{48}$")
        self.assertEqual(daemon.mode_of("token"), 0o600)
        self.stop(daemon)
        token.chmod(0o644)
        daemon.start()
        self.assertEqual(daemon.token, first, "a browser that was signed in is not any more")
        self.assertEqual(daemon.mode_of("token"), 0o600)
        self.stop(daemon)

    def test_repository_that_is_none(self) -> None:
        """A daemon without its project says so where it is asked, and stops like any other."""
        (self.folder / "empty").mkdir()
        git(self.folder / "empty", "init", "--quiet")
        for repo in (self.folder / "nowhere", self.folder / "empty"):
            with self.subTest(repo=repo.name):
                daemon = self.make(repo).start()
                ended = eventually(lambda: not daemon.get("/api/v1/status").json()["discovering"], 30)
                self.assertTrue(ended)
                answer = daemon.post("/api/v1/runs", {"scenarios": ["list_bytes"]})
                self.assertGreaterEqual(answer.status, 400)
                self.assertEqual(answer.headers["content-type"], "application/problem+json")
                self.assertIn(str(repo), answer.json()["detail"])
                self.assertEqual(daemon.row_counts()["runs"], 0)
                self.stop(daemon, ("discovery failed", str(repo)))

    def test_config(self) -> None:
        """A configuration with anything wrong in it is refused with its name."""
        file = self.folder / "config.json"
        for content in ("", "no JSON", "[]", "1", "{", '{"python": []}', '{"pythons": {}}',
                        '{"pythons": "/usr/bin/python3"}', '{"pythons": [1]}', '{"pythons": [null]}',
                        '{"pythons": ["bin/python3"]}', '{"pythons": [""]}', '{"pythons": [], "pythons": []}',
                        '{"pythons": ["/a", "b"]}', '{"pythons": ["/a\\u0000b"]}'):
            with self.subTest(content=content):
                file.write_text(content)
                self.refuse(2, "--data", self.data, "--config", str(file), "--listen", "127.0.0.1:0",
                            says=str(file))
        self.refuse(2, "--data", self.data, "--config", str(self.folder / "none"), "--listen", "127.0.0.1:0",
                    says=str(self.folder / "none"))

    def test_config_names_a_python(self) -> None:
        """An interpreter that only the configuration names is found; one that is not there is shown with
        the reason."""
        found = json.loads(run_program(self.folder, "pythons", "--json").stdout)["pythons"]
        usable = [python for python in found if python["usable"]]
        self.assertTrue(usable)
        hidden = [python for python in usable if python["source"] not in ("debian", "path")] or usable
        (self.folder / "config.json").write_text(json.dumps(
            {"pythons": [hidden[0]["program"], "/nowhere/python3.12"]}))
        changed = environment(self.folder)
        changed.update(HOME=str(self.folder), PATH="/usr/bin:/bin")
        for name in ("PYENV_ROOT", "CONDA_PREFIX", "UV_PYTHON_INSTALL_DIR", "VIRTUAL_ENV"):
            changed.pop(name, None)
        done = subprocess.run([str(PROGRAM), "pythons", "--json", "--config", str(self.folder / "config.json")],
                              env=changed, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        named = {python["program"]: python for python in json.loads(done.stdout.decode())["pythons"]}
        self.assertIn(hidden[0]["program"], named)
        self.assertTrue(named[hidden[0]["program"]]["usable"])
        absent = named["/nowhere/python3.12"]
        self.assertFalse(absent["usable"])
        self.assertTrue(absent["reason"])
        self.assertEqual(absent["source"], "configuration")


# ---- the command line ----


class CommandLine(FaultCase):
    """`tidemark` as people type it."""

    def test_help(self) -> None:
        """Without arguments: help and 2; asked for: help and 0."""
        bare = run_program(self.folder)
        self.assertEqual((bare.returncode, bare.stdout), (2, ""))
        self.assertIn("usage: tidemark", bare.stderr)
        for word in ("--help", "-h", "help"):
            asked = run_program(self.folder, word)
            self.assertEqual((asked.returncode, asked.stderr), (0, ""))
            self.assertEqual(asked.stdout, bare.stderr)
        for name in ("serve", "pythons"):
            self.assertIn(name, bare.stderr)
            told = run_program(self.folder, name, "--help")
            self.assertEqual((told.returncode, told.stderr), (0, ""))
            self.assertIn("Examples:", told.stdout)
        version = run_program(self.folder, "--version")
        self.assertEqual(version.returncode, 0)
        self.assertRegex(version.stdout, r"^tidemark \d+\.\d+\.\d+\n$")

    def test_usage(self) -> None:
        """What is not understood is named, with 2 as help promises."""
        for arguments, says in ((("nope",), "nope"), (("--nope",), "--nope"), (("serve", "--nope"), "--nope"),
                                (("serve", "extra"), "extra"), (("serve", "--data"), "data"),
                                (("pythons", "--nope"), "--nope"), (("pythons", "extra"), "extra")):
            with self.subTest(arguments=arguments):
                done = run_program(self.folder, *arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(says, done.stderr)
                self.assertIn("help", done.stderr)
                self.assertEqual(done.stdout, "")

    def test_pythons(self) -> None:
        """`tidemark pythons --json` and GET /api/v1/pythons agree; the table names each."""
        daemon = self.make().start().await_discovery()
        printed = run_program(self.folder, "pythons", "--json")
        self.assertEqual((printed.returncode, printed.stderr), (0, ""))
        listed = daemon.get("/api/v1/pythons").json()["pythons"]
        for python in listed:
            self.assertGreater(python.pop("id"), 0)
            self.assertEqual(python["usable"], python["reason"] is None)
        self.assertEqual(json.loads(printed.stdout)["pythons"], listed)
        names = [python["name"] for python in listed]
        self.assertEqual(len(set(names)), len(names))
        table = run_program(self.folder, "pythons").stdout
        for python in listed:
            self.assertIn(python["name"], table)
            self.assertIn(python["reason"] or python["prefix"], table)
        self.stop(daemon)


if __name__ == "__main__":
    unittest.main(verbosity=2)
