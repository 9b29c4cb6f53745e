"""A real daemon for the tests of this folder: started on a free port, driven over HTTP, stopped, judged.

The program is $TIDEMARK. Each daemon gets a data folder of its own in a temporary folder, and none of the
configuration of whoever runs the tests. `Daemon.stop` ends it by SIGTERM and returns what a user would
call a fault whatever the test was about: an exit code, an error line or a sanitizer's report in the log,
a child that stayed, a worktree left behind. `DaemonCase` makes each of them a failure.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
import unittest
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("TIDEMARK") or ROOT / "build" / "release" / "tidemark").resolve()
ARTIFACTS = os.environ.get("ARTIFACTS")
START_S, STOP_S, ANSWER_S = 60, 60, 120

SMALL = {"count": 16384, "repeat": 3}
"""Parameters of list_bytes for tests: 16,384 objects of 1,024 bytes, 16 MiB a copy, three times."""

BAD_LINES = (
    re.compile(r"^\S+Z error "),
    re.compile(r"(Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer"),
    re.compile(r"runtime error: "),
)


class Answer(NamedTuple):
    """An HTTP answer. `headers` has lower-case names; of a header that repeats, the last value."""

    status: int
    headers: Dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body.decode("utf-8"))


class Event(NamedTuple):
    """A server-sent event; a comment line has the name ':'."""

    id: int
    name: str
    data: Any


class Stream:
    """A client of GET /api/v1/stream."""

    def __init__(self, daemon: "Daemon", batch: Optional[int] = None,
                 last_event_id: Optional[int] = None) -> None:
        self.connection = http.client.HTTPConnection(daemon.host, daemon.port, timeout=ANSWER_S)
        headers = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
        target = "/api/v1/stream" + ("" if batch is None else "?batch=%d" % batch)
        self.connection.request("GET", target, headers=headers)
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.last_id = last_event_id or 0

    def close(self) -> None:
        """Go away, as a browser does whose tab is closed."""
        self.response.close()
        self.connection.close()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        """Events and comments until the daemon ends the stream. The data of an event is its JSON."""
        fields: Dict[str, str] = {}
        while True:
            raw = self.response.readline()
            if not raw:
                return
            line = raw.decode("utf-8").rstrip("\r\n")
            if line.startswith(":"):
                yield Event(self.last_id, ":", None)
            elif line:
                name, _, value = line.partition(":")
                fields[name] = value[1:] if value.startswith(" ") else value
            elif fields:
                self.last_id = int(fields["id"])
                yield Event(self.last_id, fields.get("event", "message"), json.loads(fields["data"]))
                fields = {}

    def until(self, wanted: Callable[[Event], bool], deadline_s: float = 90) -> Event:
        """The next event of which this is true. Comments come every 10 s, so a deadline is noticed."""
        end = time.monotonic() + deadline_s
        for event in self:
            if event.name != ":" and wanted(event):
                return event
            if time.monotonic() > end:
                break
        raise AssertionError("the stream ended, or %d s went by, without the event waited for" % deadline_s)

    def until_batch_done(self, deadline_s: float, batch: Optional[int] = None) -> List[Event]:
        """Every event up to the one that says that this batch (else: any) is done, without comments."""
        seen: List[Event] = []
        end = time.monotonic() + deadline_s
        for event in self:
            if event.name != ":":
                seen.append(event)
            if (event.name == "batch" and event.data["status"] == "done"
                    and batch in (None, event.data["id"])):
                return seen
            if time.monotonic() > end:
                break
        shown = Counter(event.name for event in seen)
        raise AssertionError("the stream did not tell of the batch's end in %d s; it told of %s"
                             % (deadline_s, dict(shown)))


# ---- processes, as /proc tells ----


def open_more_files() -> None:
    """Let this process hold as many files as it may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def processes() -> Dict[int, Tuple[int, str]]:
    """Parent and command line of every live process (zombies, which have ended, are left out)."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            state = Path("/proc", name, "stat").read_text(errors="replace").rpartition(")")[2].split()
            line = Path("/proc", name, "cmdline").read_bytes()
        except OSError:
            continue  # it has ended meanwhile
        if state[0] not in "ZX":
            found[int(name)] = int(state[1]), line.replace(b"\0", b" ").decode(errors="replace")
    return found


def descendants(pid: int) -> Dict[int, str]:
    """Command lines of all live processes under this one."""
    known = processes()
    under: Dict[int, str] = {}
    grew = True
    while grew:
        grew = False
        for child, (parent, line) in known.items():
            if child not in under and (parent == pid or parent in under):
                under[child] = line
                grew = True
    return under


def eventually(found: Callable[[], Any], seconds: float, pause: float = 0.1) -> Any:
    """What `found` returns once that is true, or what it returned last."""
    end = time.monotonic() + seconds
    while True:
        value = found()
        if value or time.monotonic() > end:
            return value
        time.sleep(pause)


def environment(folder: Path) -> Dict[str, str]:
    """Ours, without configuration of the user's, and with sanitizers that are strict."""
    changed = dict(os.environ)
    changed["XDG_CONFIG_HOME"] = str(folder / "config")
    changed["XDG_DATA_HOME"] = str(folder / "share")
    changed["XDG_CACHE_HOME"] = str(folder / "caches")
    changed.setdefault("ASAN_OPTIONS", "detect_leaks=1:strict_string_checks=1:abort_on_error=0:quarantine_size_mb=16")
    changed.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
    return changed


def run_program(folder: Path, *arguments: str, timeout_s: float = 180) -> "subprocess.CompletedProcess[str]":
    """Run `tidemark ARGUMENTS` to its end."""
    return subprocess.run([str(PROGRAM), *arguments], env=environment(folder), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                          timeout=timeout_s)


class Daemon:
    """`tidemark serve` on a data folder. Start it, talk to it, stop it."""

    def __init__(self, folder: Path, repo: Optional[Path] = None, options: Sequence[str] = (),
                 data: str = "data") -> None:
        self.folder = folder
        self.data = folder / data
        self.log_file = folder / (data + ".log")
        self.command = [str(PROGRAM), "serve", "--data", str(self.data), "--listen", "127.0.0.1:0"]
        if repo is not None:
            self.command += ["--repo", str(repo)]
        self.command += options
        self.process: Optional["subprocess.Popen[bytes]"] = None
        self.url = self.host = self.token = ""
        self.port = 0
        self._read_before = 0  # what the log held when this process was started

    # -- life --

    @property
    def pid(self) -> int:
        """Of the running daemon."""
        assert self.process is not None, "the daemon was not started"
        return self.process.pid

    def start(self) -> "Daemon":
        """Start it and wait until it has written its address."""
        self._read_before = self.log_file.stat().st_size if self.log_file.exists() else 0
        url_file = self.data / "url"
        if url_file.exists():
            url_file.unlink()  # of a daemon that was killed
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(self.command, env=environment(self.folder), stdout=log,
                                            stdin=subprocess.DEVNULL, stderr=log)
        eventually(lambda: url_file.exists() or self.process.poll() is not None, START_S, 0.02)
        if not url_file.exists():
            self.kill()
            raise AssertionError("the daemon did not start:\n" + self.log())
        self.url = url_file.read_text()
        matched = re.match(r"^http://([0-9.]+):([0-9]+)$", self.url)
        assert matched, "DATA/url is no address: %r" % self.url
        self.host, self.port = matched.group(1), int(matched.group(2))
        self.token = (self.data / "token").read_text().strip()
        return self

    def await_discovery(self) -> "Daemon":
        """Wait until Pythons and scenarios are known."""
        if not eventually(lambda: not self.get("/api/v1/status").json()["discovering"], START_S):
            raise AssertionError("discovery did not end in %d s" % START_S)
        trouble = self.get("/api/v1/status").json().get("trouble")
        if trouble:
            raise AssertionError("discovery failed: %s" % trouble)
        return self

    def kill(self) -> None:
        """SIGKILL, as the kernel's out-of-memory killer gives it. Nothing is judged."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def log(self) -> str:
        """What this process has logged so far."""
        with open(self.log_file, "rb") as log:
            log.seek(self._read_before)
            return log.read().decode("utf-8", "replace")

    def stop(self, expected_errors: Sequence[str] = ()) -> List[str]:
        """SIGTERM, wait, and the list of what is wrong afterwards. Error lines that match one of
        `expected_errors` (regular expressions) are not."""
        if self.process is None:
            return []
        wrong = []
        children = descendants(self.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_S)
            if code:
                wrong.append("exit code %d" % code)
        except subprocess.TimeoutExpired:
            wrong.append("it did not end within %d s of SIGTERM" % STOP_S)
            self.kill()
        self.process = None
        if (self.data / "url").exists():
            wrong.append("DATA/url was left behind")
        return wrong + self.leftovers(children) + self.complaints(expected_errors)

    def complaints(self, expected_errors: Sequence[str] = ()) -> List[str]:
        """Lines of the log that no daemon should write."""
        return ["log: " + line for line in self.log().splitlines()
                if any(bad.search(line) for bad in BAD_LINES)
                and not any(re.search(expected, line) for expected in expected_errors)]

    def leftovers(self, children: Dict[int, str], seconds: float = 5) -> List[str]:
        """Processes and worktrees that stayed after the daemon's end, given those seconds to go."""
        def staying() -> List[str]:
            return ["process %d stayed: %s" % (pid, line[:200])
                    for pid, (_, line) in processes().items()
                    if (pid in children and line == children[pid]) or str(self.data) in line]

        eventually(lambda: not staying(), seconds)
        trees = self.data / "worktrees"
        return staying() + ["worktree %s was left behind" % tree.name
                            for tree in (trees.iterdir() if trees.is_dir() else ())]

    # -- what it holds --

    def descriptors(self) -> Counter:
        """Its open files by what they are. The database's count once: readers open it when needed."""
        found: Counter = Counter()
        folder = "/proc/%d/fd" % self.pid
        for name in os.listdir(folder):
            try:
                target = os.readlink(os.path.join(folder, name))
            except OSError:
                continue
            target = re.sub(r":\[\d+\]$", "", target)
            if "tidemark.db" in target:
                found[target] = 1
            else:
                found[target] += 1
        return found

    def await_descriptors(self, before: Counter, seconds: float = 60) -> Counter:
        """What is open beyond `before`, once that is nothing or the seconds are over."""
        eventually(lambda: not self.descriptors() - before, seconds, 0.25)
        return self.descriptors() - before

    def threads(self) -> int:
        """Number of its threads."""
        return len(os.listdir("/proc/%d/task" % self.pid))

    def children(self) -> Dict[int, str]:
        """Live processes under it."""
        return descendants(self.pid)

    def row_counts(self) -> Dict[str, int]:
        """Rows of each table, read beside the daemon through a read-only connection. What waits to be
        analysed (stale_series) is left out: it comes and goes by itself."""
        uri = "file:%s?mode=ro" % (self.data / "tidemark.db")
        database = sqlite3.connect(uri, uri=True, timeout=60)
        try:
            tables = [row[0] for row in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
            return {table: database.execute('SELECT count(*) FROM "%s"' % table).fetchone()[0]
                    for table in tables if table not in ("sqlite_sequence", "stale_series")}
        finally:
            database.close()

    def query(self, sql: str, *values: Any) -> List[Tuple[Any, ...]]:
        """Rows of a query, read beside the daemon through a read-only connection."""
        database = sqlite3.connect("file:%s?mode=ro" % (self.data / "tidemark.db"), uri=True, timeout=60)
        try:
            return database.execute(sql, values).fetchall()
        finally:
            database.close()

    # -- clients --

    def request(self, method: str, target: str, body: Any = None,
                headers: Optional[Dict[str, str]] = None) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_S)
        try:
            connection.request(method, target, body=body, headers=headers or {})
            response = connection.getresponse()
            content = response.read()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, content)
        finally:
            connection.close()

    def get(self, target: str, headers: Optional[Dict[str, str]] = None) -> Answer:
        """GET."""
        return self.request("GET", target, headers=headers)

    def post(self, target: str, body: Any, headers: Optional[Dict[str, str]] = None) -> Answer:
        """POST with the token. A body that is no bytes is sent as JSON; a header that is None is left out."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode("utf-8")
        all_headers: Dict[str, Any] = {"Content-Type": "application/json",
                                       "Authorization": "Bearer " + self.token}
        all_headers.update(headers or {})
        sent = {name: value for name, value in all_headers.items() if value is not None}
        return self.request("POST", target, content, sent)

    def stream(self, batch: Optional[int] = None, last_event_id: Optional[int] = None) -> Stream:
        """Open an event stream."""
        return Stream(self, batch, last_event_id)

    def raw(self, timeout_s: float = ANSWER_S) -> socket.socket:
        """A bare connection."""
        return socket.create_connection((self.host, self.port), timeout=timeout_s)

    def usable_pythons(self) -> List[str]:
        """Names of the CPythons that can be measured, newest first."""
        return [python["name"] for python in self.get("/api/v1/pythons").json()["pythons"]
                if python["usable"]]

    def mode_of(self, name: str) -> int:
        """Permission bits of a file in the data folder."""
        return stat.S_IMODE((self.data / name).stat().st_mode)


# ---- repositories ----


def git(folder: Path, *arguments: str, **variables: str) -> str:
    """Run git in a folder, with these variables too; its output without the last newline. The
    committer is no person's."""
    names = {"GIT_AUTHOR_NAME": "A Test", "GIT_AUTHOR_EMAIL": "test@example.org",
             "GIT_COMMITTER_NAME": "A Test", "GIT_COMMITTER_EMAIL": "test@example.org"}
    done = subprocess.run(["git", *arguments], cwd=str(folder), env={**os.environ, **names, **variables},
                          check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          universal_newlines=True)
    return done.stdout.rstrip("\n")


def clone(folder: Path) -> Path:
    """A clone of this repository to commit to."""
    target = folder / "clone"
    git(ROOT, "clone", "--quiet", str(ROOT), str(target))
    return target


def two_commits(folder: Path) -> Path:
    """This repository where its two newest commits hold different converters, so that each needs a build of
    its own; else a clone with one more commit."""
    if int(git(ROOT, "rev-list", "--count", "--first-parent", "HEAD")) > 1 and \
            git(ROOT, "rev-parse", "HEAD:converters") != git(ROOT, "rev-parse", "HEAD~1:converters"):
        return ROOT
    target = clone(folder)
    with open(target / "converters" / "README.md", "a", encoding="utf-8") as readme:
        readme.write("\n")
    git(target, "add", "converters/README.md")
    git(target, "commit", "--quiet", "--message", "One more commit to measure")
    return target


def commit_all(repo: Path, subject: str, **variables: str) -> str:
    """Commit everything; the hash."""
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message", subject, **variables)
    return git(repo, "rev-parse", "HEAD")


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


def commit_module(repo: Path, subject: str, deed: str = "", on_import: str = "",
                  **variables: str) -> str:
    """Commit an extension that does this in new_list_bytes, or when it is imported; the hash."""
    converters = repo / "converters"
    if converters.exists():
        shutil.rmtree(str(converters))
    converters.mkdir()
    (converters / "CMakeLists.txt").write_text(SMALL_PROJECT)
    module = SMALL_MODULE.replace("@DEED@", deed).replace("@IMPORT@", on_import)
    (converters / "tideconv.c").write_text("/* %s */\n" % subject + module)
    return commit_all(repo, subject, **variables)


def small_repository(folder: Path, commits: int) -> Path:
    """A repository of commits c1, c2, ... of a small extension, one a day from 2024-01-01."""
    repo = folder / "small"
    repo.mkdir()
    git(repo, "init", "--quiet", "--initial-branch", "main")
    for i in range(1, commits + 1):
        commit_module(repo, "c%d" % i, GIT_COMMITTER_DATE="2024-01-%02d 12:00 +0000" % i)
    return repo


# ---- test cases ----


class DaemonCase(unittest.TestCase):
    """A test case with one daemon for all of its tests."""

    repo: Optional[Path] = ROOT
    options: Sequence[str] = ()
    expected_errors: Sequence[str] = ()
    folder: Path
    daemon: Daemon

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = make_folder()
        cls.daemon = Daemon(cls.folder, cls.repo, cls.options)
        try:
            cls.daemon.start()
            cls.daemon.await_discovery()
        except BaseException:
            keep_log(cls.daemon, cls.__name__)
            cls.daemon.kill()
            shutil.rmtree(cls.folder, ignore_errors=True)
            raise

    @classmethod
    def tearDownClass(cls) -> None:
        finish(cls.daemon, cls.__name__, cls.expected_errors)
        shutil.rmtree(cls.folder, ignore_errors=True)

    def run_batch(self, deadline_s: float = 150, **request: Any) -> int:
        """Queue a batch of list_bytes, wait on the event stream for its end; its id."""
        body = {"scenarios": ["list_bytes"], "params": SMALL}
        body.update(request)
        answer = self.daemon.post("/api/v1/runs", body)
        self.assertEqual(answer.status, 202, answer.body)
        batch = int(answer.json()["id"])
        await_batch(self.daemon, batch, deadline_s)
        return batch


class FaultCase(unittest.TestCase):
    """Daemons of a test's own, in a temporary folder that goes with it."""

    def setUp(self) -> None:
        self.folder = make_folder()
        self.addCleanup(shutil.rmtree, str(self.folder), True)
        self.daemons: List[Daemon] = []
        self.addCleanup(self.kill_all)

    def set_variable(self, name: str, value: str) -> None:
        """In the environment of what is started, until the test's end."""
        before = os.environ.get(name)
        os.environ[name] = value
        if before is None:
            self.addCleanup(os.environ.pop, name, None)
        else:
            self.addCleanup(os.environ.__setitem__, name, before)

    def see_few_pythons(self) -> None:
        """Those of the system only, so that a start takes a fraction of a second."""
        self.set_variable("HOME", str(self.folder))
        self.set_variable("PATH", "/usr/local/bin:/usr/bin:/bin")

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


def await_batch(daemon: Daemon, batch: int, deadline_s: float) -> None:
    """Wait on the event stream until the batch is done, which it may be already."""
    with daemon.stream(batch) as stream:
        if daemon.get("/api/v1/batches/%d" % batch).json()["status"] != "done":
            stream.until_batch_done(deadline_s)


def make_folder() -> Path:
    """A temporary folder; the caller removes it."""
    return Path(tempfile.mkdtemp(prefix="tidemark-test-")).resolve()


def keep_log(daemon: Daemon, name: str) -> None:
    """Copy the log to where the artefacts of a test run are kept."""
    if ARTIFACTS and daemon.log_file.exists():
        os.makedirs(ARTIFACTS, exist_ok=True)
        shutil.copyfile(str(daemon.log_file), os.path.join(ARTIFACTS, "daemon-%s.log" % name))


def finish(daemon: Daemon, name: str, expected_errors: Sequence[str] = ()) -> None:
    """Stop the daemon; raise AssertionError with everything that is wrong."""
    wrong = daemon.stop(expected_errors)
    keep_log(daemon, name)
    if not wrong:
        return
    sys.stderr.write("---- the log's end ----\n" + "\n".join(daemon.log().splitlines()[-40:]) + "\n")
    raise AssertionError("after the daemon was stopped:\n  " + "\n  ".join(wrong))
