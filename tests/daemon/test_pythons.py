"""Ways to run a Python (environments, launchers, library paths, allocators), and Pythons that come, change
and go. The extension under test prints into the run's log what its process is made of."""

from __future__ import annotations

import fcntl
import glob
import json
import os
import shutil
import subprocess
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Dict, List

from daemon import Answer, Daemon, FaultCase, await_batch, commit_module, eventually, git, run_program

MIRROR = "http://deb.debian.org/debian/dists/trixie/InRelease"

TELL = r"""PyRun_SimpleString(
    "import sys\n"
    "print('PATH', *sys.path)\n"
    "print('BLOCKS', sys.getallocatedblocks())\n"
    "print('FILES', *sorted({line.split()[-1] for line in open('/proc/self/maps') if '/' in line}))\n"
    "sys.stdout.flush()\n");"""

SLOW = "{ struct timespec second = {1, 0}; nanosleep(&second, NULL); }"


def is_reachable() -> bool:
    """Whether Debian's mirror answers."""
    try:
        with urllib.request.urlopen(MIRROR, timeout=20) as answer:
            return bool(answer.read(1))
    except (OSError, urllib.error.URLError):
        return False


def queue_on(daemon: Daemon, *pythons: str, **request: Any) -> int:
    """Queue list_bytes on these pythons; the batch's id."""
    body = {"scenarios": ["list_bytes"], "params": {"count": 64, "repeat": 1}, "pythons": list(pythons)}
    answer = daemon.post("/api/v1/runs", dict(body, **request))
    if answer.status != 202:
        raise AssertionError(answer.body)
    return int(answer.json()["id"])


class Ways(FaultCase):
    """One python, run in several ways."""

    def setUp(self) -> None:
        super().setUp()
        self.repo = self.folder / "small"
        self.repo.mkdir()
        git(self.repo, "init", "--quiet", "--initial-branch", "main")
        commit_module(self.repo, "tells", on_import=TELL)
        listed = json.loads(run_program(self.folder, "pythons", "--json").stdout)["pythons"]
        self.plain = [python for python in listed
                      if python["usable"] and python["source"] in ("pyenv", "debian")]

    def start(self, pythons: List[Any]) -> Daemon:
        """A daemon with this configuration."""
        config = self.folder / "config.json"
        config.write_text(json.dumps({"pythons": pythons}))
        return self.make(self.repo, ["--config", str(config)]).start().await_discovery()

    def run_on(self, daemon: Daemon, *pythons: str, **request: Any) -> Dict[str, Dict[str, Any]]:
        """A run on each of them by the python's name; its log's lines by their first word are in "told"."""
        batch = queue_on(daemon, *pythons, **request)
        await_batch(daemon, batch, 150)
        runs = self.runs(daemon, batch)
        for run in runs:
            log = daemon.get("/api/v1/runs/%d/log" % run["id"]).body.decode()
            self.assertIsNone(run["error"], log)
            lines = [line.split() for line in log.splitlines() if line.strip()]
            run["told"] = {line[0]: line[1:] for line in lines}
        return {run["python"]["name"]: run for run in runs}

    def listed(self, daemon: Daemon) -> Dict[str, Dict[str, Any]]:
        """The daemon's pythons by name."""
        return {python["name"]: python for python in daemon.get("/api/v1/pythons").json()["pythons"]}

    def make_environment(self, name: str, *options: str) -> Path:
        """A virtual environment of the newest plain python."""
        place = self.folder / name
        subprocess.run([self.plain[0]["program"], "-m", "venv", "--without-pip", *options, str(place)],
                       check=True)
        return place

    def test_environment(self) -> None:
        """A virtual environment with its site-packages and without is two pythons beside its base."""
        place = self.make_environment("environment")
        os.environ["VIRTUAL_ENV"] = str(self.make_environment("active"))
        try:
            daemon = self.start([{"path": str(place), "name": "with"},
                                 {"path": str(place), "name": "without", "site_packages": False}])
        finally:
            del os.environ["VIRTUAL_ENV"]
        found = self.listed(daemon)
        self.assertEqual({found[name]["prefix"] for name in ("with", "without")}, {str(place)})
        active = [name for name, python in found.items() if python["prefix"] == str(self.folder / "active")]
        self.assertEqual(active, [self.plain[0]["version"] + "@venv"])
        self.assertIn(self.plain[0]["name"], found)
        runs = self.run_on(daemon, "with", "without", active[0])
        own = str(place) + "/lib"
        self.assertTrue(any(path.startswith(own) for path in runs["with"]["told"]["PATH"]))
        self.assertFalse(any("site-packages" in path for path in runs["without"]["told"]["PATH"]))
        self.assertNotEqual(runs["with"]["cell"], runs["without"]["cell"])
        self.stop(daemon)

    def test_environment_that_changes(self) -> None:
        """Another package in an environment makes it another python; its runs stay with the old one."""
        place = self.make_environment("environment")
        daemon = self.start([{"path": str(place), "name": "mine"}])
        before = self.run_on(daemon, "mine")["mine"]
        site = glob.glob(str(place / "lib" / "python3*" / "site-packages"))[0]
        (Path(site) / "added-1.0.dist-info").mkdir()
        answer = daemon.post("/api/v1/pythons/refresh", {})
        self.assertEqual(answer.status, 200, answer.body)
        after = self.run_on(daemon, "mine")["mine"]
        self.assertNotEqual(before["python"]["id"], after["python"]["id"])
        self.assertEqual(daemon.get("/api/v1/runs/%d" % before["id"]).json()["python"], before["python"])
        self.stop(daemon)

    def test_launcher(self) -> None:
        """The launcher stands before the worker and nothing else; its settings reach the run."""
        program = self.plain[0]["program"]
        daemon = self.start([{"path": program, "name": "launched",
                              "launcher": ["env", "MALLOC_ARENA_MAX=1", "nice", "-n", "1"]}])
        plain = self.plain[0]["name"]
        runs = self.run_on(daemon, "launched", plain)
        self.assertEqual(runs["launched"]["environment"]["variables"]["MALLOC_ARENA_MAX"], "1")
        self.assertNotIn("MALLOC_ARENA_MAX", runs[plain]["environment"]["variables"])
        self.stop(daemon)

    def test_library_path(self) -> None:
        """A libpython in the library path is taken before the one that the interpreter names."""
        shared = next(python for python in self.plain if ".so" in python["libpython"])
        library = Path(shared["libpython"]).resolve()
        folder = self.folder / "libraries"
        folder.mkdir()
        shutil.copy(str(library), str(folder / library.name))
        if Path(shared["libpython"]).name != library.name:
            os.symlink(library.name, str(folder / Path(shared["libpython"]).name))
        daemon = self.start([{"path": shared["program"], "name": "moved", "library_path": [str(folder)]}])
        told = self.run_on(daemon, "moved")["moved"]["told"]
        self.assertIn(str(folder / library.name), told["FILES"])
        self.assertNotIn(str(library), told["FILES"])
        self.stop(daemon)

    def test_allocators(self) -> None:
        """Each allocator that can be had here is what the run's process uses."""
        daemon = self.start([])
        name = self.plain[0]["name"]
        wanted = ["pymalloc", "malloc"]
        if tuple(map(int, self.plain[0]["version"].split(".")[:2])) >= (3, 13):
            wanted.append("mimalloc")
        libraries = {"jemalloc": "libjemalloc.so", "tcmalloc": "libtcmalloc"}
        wanted += [key for key, file in libraries.items() if glob.glob("/usr/lib/*-linux-gnu/%s*" % file)]
        for allocator in wanted:
            with self.subTest(allocator=allocator):
                run = self.run_on(daemon, name, allocators=[allocator])[name]
                self.assertEqual(run["allocator"], allocator)
                through = "malloc" if allocator in libraries else allocator
                self.assertEqual(run["environment"]["variables"]["PYTHONMALLOC"], through)
                blocks = int(run["told"]["BLOCKS"][0])
                self.assertEqual(blocks > 0, through != "malloc", "counted are blocks of Python's own allocator")
                for key, file in libraries.items():
                    loaded = any(file in path for path in run["told"]["FILES"])
                    self.assertEqual(loaded, allocator == key)
        self.stop(daemon)

    def test_one_that_vanishes_and_comes_back(self) -> None:
        """A run whose python was removed meanwhile fails and says so; what stands there later is another."""
        commit_module(self.repo, "slow", deed=SLOW)
        place = self.make_environment("copied", "--copies")
        daemon = self.start([{"path": str(place), "name": "fleeting"}])
        old = self.listed(daemon)["fleeting"]
        batch = queue_on(daemon, "fleeting", samples=2, params={"count": 64, "repeat": 2})
        running = eventually(lambda: self.runs(daemon, batch)[0]["status"] == "running", 60, 0.02)
        self.assertTrue(running)
        shutil.rmtree(str(place / "bin"))
        await_batch(daemon, batch, 150)
        first, second = self.runs(daemon, batch)
        self.assertEqual(second["status"], "failed")
        self.assertIn("CPython fleeting is no longer on this machine: there is no %s" % place, second["error"])
        refused = daemon.post("/api/v1/runs", {"pythons": ["fleeting"], "scenarios": ["list_bytes"]})
        self.assertEqual((refused.status, refused.json()["field"]), (422, "pythons[0]"))
        self.make_environment("copied", "--copies")
        again = self.run_on(daemon, "fleeting", params={"count": 64, "repeat": 1})["fleeting"]
        self.assertNotEqual(again["python"]["id"], old["id"])
        self.assertEqual(first["python"]["id"], old["id"])
        self.stop(daemon)


class Configured(FaultCase):
    """What is wrong in the configuration is named."""

    def test_refusals(self) -> None:
        """Every key with what it must be."""
        for entry, said in (({"name": "x"}, "[0].path must be an absolute path"),
                            ({"path": "bin/python3"}, "[0].path must be an absolute path"),
                            ({"path": "/p", "name": "3.12"}, "[0].name must be a letter"),
                            ({"path": "/p", "name": "all"}, "[0].name must be a letter"),
                            ({"path": "/p", "launcher": []}, "[0].launcher must be a list of 1 to 32"),
                            ({"path": "/p", "launcher": ["x"] * 33}, "[0].launcher must be a list of 1 to 32"),
                            ({"path": "/p", "launcher": ["nice", ""]}, "[0].launcher must be a list of words"),
                            ({"path": "/p", "library_path": ["lib"]}, "[0].library_path must be a list of abs"),
                            ({"path": "/p", "site_packages": "no"}, "[0].site_packages must be true or false"),
                            ({"path": "/p", "site": True}, "[0].site is unknown; allowed are path, name")):
            with self.subTest(entry=entry):
                config = self.folder / "config.json"
                config.write_text(json.dumps({"pythons": [entry]}))
                done = run_program(self.folder, "pythons", "--config", str(config))
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(said, done.stderr)

    def test_names_differ(self) -> None:
        """Two pythons of one name are refused."""
        config = self.folder / "config.json"
        config.write_text(json.dumps({"pythons": [{"path": "/a", "name": "x"}, {"path": "/b", "name": "x"}]}))
        done = run_program(self.folder, "pythons", "--config", str(config))
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("[1].name must be one that no other python has", done.stderr)


class Fetched(FaultCase):
    """`tidemark pythons get`."""

    def get(self, code: int, *options: str, command: str = "get") -> "subprocess.CompletedProcess[str]":
        """Run it on the test's data folder."""
        done = run_program(self.folder, "pythons", command, "--data", str(self.folder / "data"), *options,
                           timeout_s=400)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_refusals(self) -> None:
        """What cannot be fetched is refused with what was wrong."""
        unreachable = "http://127.0.0.1:9/debian"
        self.assertIn("no minor version", self.get(2, "3.14.1").stderr)
        self.assertIn("no minor version", self.get(2, "latest").stderr)
        self.assertIn("no free-threaded CPython", self.get(2, "3.14t").stderr)
        self.assertIn("name a version", self.get(2).stderr)
        self.assertIn("no name of a Debian suite", self.get(2, "3.14", "--suite", "../sid").stderr)
        self.assertIn("is no http:", self.get(2, "3.14", "--mirror", "gopher://x").stderr)
        self.assertIn("takes for something else", self.get(2, "3.14", "--mirror", "http://x/ [y]").stderr)
        self.assertIn("127.0.0.1", self.get(3, "3.14", "--mirror", unreachable).stderr)
        with open(str(self.folder / "data" / "pythons" / ".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertIn("is at work in", self.get(3, "3.14", "--mirror", unreachable).stderr)
        self.assertIn("no Python \"3.14.1\" was fetched; there is none",
                      self.get(2, "3.14.1", "--yes", command="remove").stderr)
        self.assertIn("no Python \"..\"", self.get(2, "..", "--yes", command="remove").stderr)
        self.assertEqual(run_program(self.folder, "pythons", "--data", str(self.folder / "data")).returncode, 0)

    @unittest.skipUnless(is_reachable(), "Debian's mirror cannot be reached: " + MIRROR)
    def test_get(self) -> None:
        """A running daemon finds one that was fetched, runs on it with its own C library, and misses it."""
        repo = self.folder / "small"
        repo.mkdir()
        git(repo, "init", "--quiet", "--initial-branch", "main")
        commit_module(repo, "tells", on_import=TELL)
        daemon = self.make(repo).start().await_discovery()
        said = self.get(2, "3.99", "--allow-expired").stderr
        for suite in ("trixie has 3.13", "forky has", "sid has", "experimental has"):
            self.assertIn(suite, said)
        said = self.get(0, "3.14", "--allow-expired").stdout
        name = said.split()[said.split().index("CPython") + 1]
        self.assertIn("is there already", self.get(0, "3.14", "--allow-expired").stdout)
        batch = queue_on(daemon, name, allocators=["pymalloc", "jemalloc"])
        await_batch(daemon, batch, 150)
        prefix = str(self.folder / "data" / "pythons" / name)
        for run in self.runs(daemon, batch):
            log = daemon.get("/api/v1/runs/%d/log" % run["id"]).body.decode()
            self.assertIsNone(run["error"], log)
            files = next(line for line in log.splitlines() if line.startswith("FILES")).split()[1:]
            loaded = [os.path.basename(file) for file in files if ".so" in file and not file.startswith(prefix)]
            self.assertEqual([file for file in loaded if not file.startswith("tideconv")], [])
            self.assertEqual(any("jemalloc" in file for file in files), run["allocator"] == "jemalloc")
        self.assertIn("add --yes", self.get(2, name, command="remove").stderr)
        self.get(0, name, "--yes", command="remove")
        refused: Answer = daemon.post("/api/v1/runs", {"pythons": [name], "scenarios": ["list_bytes"]})
        self.assertEqual((refused.status, refused.json()["field"]), (422, "pythons[0]"))
        self.stop(daemon)


if __name__ == "__main__":
    unittest.main()
