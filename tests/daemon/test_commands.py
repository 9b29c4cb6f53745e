"""Every command of `tidemark`: what all of them promise, what those that ask a daemon do, and what `run`
does without one."""

from __future__ import annotations

import functools
import json
import os
import pty
import re
import select
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

from daemon import (PROGRAM, DaemonCase, FaultCase, await_batch, commit_all, descendants, environment,
                    eventually, run_program, small_repository)

TINY = ("--param", "count=64", "--param", "repeat=1")
OPTION = re.compile(r"^ {2,6}(?:-\w, )?--([a-z][a-z-]*)", re.MULTILINE)


@functools.lru_cache(maxsize=None)
def titles(folder: Path) -> List[List[str]]:
    """The words of every command and of every command under one, from `tidemark complete`."""
    found: List[List[str]] = [[]]
    for words in found:
        said = run_program(folder, "complete", "--", *words, "").stdout
        for line in said.splitlines():
            word, _, about = line.partition("\t")
            if about and not word.startswith((":", "-")) and word.isalpha() and words[:1] != ["help"]:
                if " ".join(words) in ("", "projects", "pythons", "tokens", "config"):
                    found.append(words + [word])
    return found


def on_terminal(folder: Path, *arguments: str, variables: Dict[str, str] = {}, typed: bytes = b"",
                timeout_s: float = 300) -> Tuple[int, str]:
    """Run `tidemark ARGUMENTS` on a terminal of 100 columns; exit code and what it showed."""
    ours, terminal = pty.openpty()
    process = subprocess.Popen([str(PROGRAM), *arguments], stdin=terminal, stdout=terminal, stderr=terminal,
                               env={**environment(folder), "TERM": "xterm", **variables})
    os.close(terminal)
    os.write(ours, typed)
    shown = b""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end and select.select([ours], [], [], 1)[0] or process.poll() is None:
        try:
            shown += os.read(ours, 65536)
        except OSError:
            break  # the other side is closed
    os.close(ours)
    return process.wait(timeout_s), shown.decode("utf-8", "replace")


class Promises(unittest.TestCase):
    """What needs no daemon."""

    scratch: "tempfile.TemporaryDirectory[str]"
    folder: Path

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = tempfile.TemporaryDirectory(prefix="tidemark-test-")
        cls.folder = Path(cls.scratch.name).resolve()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.scratch.cleanup()

    @functools.lru_cache(maxsize=None)
    def help_of(self, title: str) -> str:
        """`tidemark TITLE --help`."""
        return self.expect(0, *title.split(), "--help").stdout

    def expect(self, code: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The program ends with this code and without a sanitizer's report."""
        done = run_program(self.folder, *arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def test_every_help_teaches_by_example(self) -> None:
        """Usage, options, examples that are of the command itself, exit codes."""
        commands = titles(self.folder)
        self.assertGreater(len(commands), 20)
        for words in commands[1:]:
            title = " ".join(["tidemark"] + words)
            with self.subTest(title=title):
                said = self.help_of(" ".join(words))
                self.assertIn("usage: %s " % title, said)
                self.assertIn("  -h, --help", said)
                examples = said.partition("Examples:\n")[2].partition("Exit codes:")[0]
                self.assertRegex(examples, r"(?m)^  .*%s" % re.escape("tidemark " + words[0]))
                self.assertIn("Exit codes:\n  0  ", said)

    def test_the_whole(self) -> None:
        """The list of commands and the exit codes; without a command it is a fault of usage."""
        said = self.expect(0, "--help").stdout
        for words in titles(self.folder)[1:]:
            if len(words) == 1:
                self.assertRegex(said, r"(?m)^  %s +[a-z]" % words[0])
        for code in range(5):
            self.assertRegex(said, r"(?m)^  %d  [a-z]" % code)
        self.assertEqual(self.expect(2).stderr, said)
        self.assertEqual(self.expect(0, "help").stdout, said)
        self.assertEqual(self.expect(0, "help", "projects", "add").stdout, self.help_of("projects add"))
        self.assertRegex(self.expect(0, "--version").stdout, r"^tidemark \d+\.\d+\.\d+\n$")

    def test_bad_usage(self) -> None:
        """Exit code 2, and what is wrong on standard error alone."""
        for arguments, hint in ((("nosuch",), 'no command "nosuch"'), (("run", "--nosuch"), "--nosuch"),
                                (("runs", "first"), "RUN must be a whole number"), (("runs", "1", "2"), "one run"),
                                (("runs", "--log"), "which run"), (("batches", "0"), "BATCH must be"),
                                (("batches", "--limit", "1001"), "--limit must be"), (("watch", "1", "--run", "1"), "not both"),
                                (("cancel",), "name one batch"), (("cancel", "1", "--run", "2"), "name one batch"),
                                (("retry", "all"), "BATCH must be"), (("pause", "1"), "unexpected"),
                                (("completion",), "which shell"), (("completion", "tcsh"), "bash, zsh or fish"),
                                (("help", "nosuch"), "no command"), (("export",), "which run"),
                                (("runs", "--db", "none.db"), "no database none.db"),
                                (("runs", "--db", "none.db", "--data", "x"), "not both")):
            with self.subTest(arguments=arguments):
                done = self.expect(2, *arguments)
                self.assertIn(hint, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_no_daemon(self) -> None:
        """Exit code 3, what to do is said, and no folder is made."""
        data = str(self.folder / "none")
        for words in (["batches"], ["runs"], ["scenarios"], ["watch"], ["cancel", "1"], ["retry", "1"],
                      ["pause"], ["resume"], ["projects"]):
            with self.subTest(words=words):
                done = self.expect(3, *words, "--data", data)
                self.assertIn("start one with `tidemark serve --data", done.stderr)
        self.assertFalse(os.path.exists(data))

    def test_manual(self) -> None:
        """A page for the program and one for each command, without a warning of groff's; it has every option
        of --help."""
        self.expect(0, "help", "--man", str(self.folder / "man1"))
        pages = sorted(page.name for page in (self.folder / "man1").iterdir())
        commands = {words[0] for words in titles(self.folder)[1:]}
        self.assertEqual(set(pages), {"tidemark.1"} | {"tidemark-%s.1" % word for word in commands})
        for name in pages:
            done = subprocess.run(["man", "--warnings", "-l", str(self.folder / "man1" / name)],
                                  env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100", "MAN_KEEP_FORMATTING": ""},
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            shown = re.sub(".\b", "", done.stdout)
            for words in titles(self.folder)[1:]:
                if name == "tidemark-%s.1" % words[0]:
                    for option in OPTION.findall(self.help_of(" ".join(words))):
                        self.assertIn("--" + option, shown, name)

    def test_doctor(self) -> None:
        """Each finding is ok, warn or fail, says what it found, and what would be better unless it is ok."""
        done = run_program(self.folder, "doctor", "--data", str(self.folder / "data"), "--json")
        told = json.loads(done.stdout)
        failed = [finding for finding in told["findings"] if finding["status"] == "fail"]
        self.assertEqual(done.returncode, 3 if failed else 0)
        self.assertIs(told["fit"], not failed)
        names = {finding["check"] for finding in told["findings"]}
        self.assertLessEqual({"resident set", "high-water mark", "reset of the mark", "reads of /proc", "huge pages",
                              "address layout", "clock", "CPUs", "CPU frequency", "swap", "memory limit", "disk",
                              "file system", "port", "cc", "git", "SQLite", "Pythons"}, names)
        for finding in told["findings"]:
            self.assertTrue(finding["text"])
            self.assertEqual(bool(finding["advice"]), finding["status"] != "ok", finding)

    def test_doctor_finds_faults(self) -> None:
        """Without git and a compiler in PATH, and where nothing can be written, measuring does not work."""
        (self.folder / "empty").mkdir()
        done = subprocess.run([str(PROGRAM), "doctor", "--data", str(self.folder / "data")],
                              env={**environment(self.folder), "PATH": str(self.folder / "empty")},
                              stdout=subprocess.PIPE, universal_newlines=True, timeout=60)
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stdout, r"(?m)^fail   git +is not there")
        said = " ".join(done.stdout.split())
        self.assertIn("apt-get install git", said)
        self.assertIn("fail cc is not there, or does not run Workers and extensions are compiled", said)
        self.assertRegex(said, r"\d+ ok, \d+ could be better, [1-9]\d* must be mended\.$")

    def test_colours_on_a_terminal_alone(self) -> None:
        """Escape sequences on a terminal, none in a file, none with NO_COLOR or TERM=dumb."""
        self.assertNotIn("\033", self.expect(0, "--help").stdout)
        self.assertIn("\033[1m", on_terminal(self.folder, "--help")[1])
        self.assertNotIn("\033", on_terminal(self.folder, "--help", variables={"NO_COLOR": "1"})[1])
        self.assertNotIn("\033", on_terminal(self.folder, "--help", variables={"TERM": "dumb"})[1])


class WithDaemon(DaemonCase):
    """Commands that ask one. c3 of the small repository does not build."""

    scratch: "tempfile.TemporaryDirectory[str]"

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = tempfile.TemporaryDirectory(prefix="tidemark-repo-")
        cls.repo = small_repository(Path(cls.scratch.name), 2)
        source = cls.repo / "converters" / "tideconv.c"
        source.write_text(source.read_text() + "\nthis_is_no_declaration here;\n")
        commit_all(cls.repo, "c3")
        super().setUpClass()

    @classmethod
    def tearDownClass(cls) -> None:
        super().tearDownClass()
        cls.scratch.cleanup()

    def expect(self, code: int, *arguments: str) -> str:
        """The command ends with this code; what it printed."""
        done = run_program(self.folder, *arguments, "--data", str(self.daemon.data), timeout_s=300)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotIn("Sanitizer", done.stderr)
        return done.stdout

    def queue(self, *arguments: str) -> int:
        """Queue runs of the newest Python; the batch."""
        python = self.daemon.usable_pythons()[0]
        said = self.expect(0, "run", "--scenarios", "list_bytes", "--pythons", python, *TINY, "--detach", "--json",
                           *arguments)
        return int(json.loads(said)["id"])

    def test_json_is_what_the_daemon_answers(self) -> None:
        """With --json every list is the resource."""
        batch = self.queue("--commits", "HEAD~1")
        await_batch(self.daemon, batch, 120)
        run = self.daemon.get("/api/v1/runs?batch=%d" % batch).json()["runs"][0]["id"]
        for words, target in ((["batches"], "/api/v1/batches?limit=20"), (["batches", str(batch)], "/api/v1/batches/%d" % batch),
                              (["runs", "--batch", str(batch)], "/api/v1/runs?batch=%d" % batch),
                              (["runs", str(run)], "/api/v1/runs/%d" % run),
                              (["scenarios"], "/api/v1/scenarios?project=converters"),
                              (["projects"], "/api/v1/projects")):
            with self.subTest(words=words):
                self.assertEqual(json.loads(self.expect(0, *words, "--json")), self.daemon.get(target).json())
        one = json.loads(self.expect(0, "scenarios", "list_bytes", "--json"))
        self.assertEqual(one["name"], "list_bytes")
        self.assertIn("no scenario", run_program(self.folder, "scenarios", "none", "--data",
                                                 str(self.daemon.data)).stderr)

    def test_words_for_people(self) -> None:
        """Tables, a run in detail, its log."""
        batch = self.queue("--commits", "HEAD~1", "--samples", "2")
        await_batch(self.daemon, batch, 120)
        run = self.daemon.get("/api/v1/runs?batch=%d" % batch).json()["runs"][0]
        self.assertRegex(self.expect(0, "batches"), r"(?m)^ *%d  done +100 %% +2 +2 +0 +0 .* cli$" % batch)
        listed = self.expect(0, "runs", "--batch", str(batch), "--status", "done")
        self.assertRegex(listed, r"(?m)^ *%d  done +list_bytes  %.10s  " % (run["id"], run["commit"]["sha"]))
        self.assertEqual(len(listed.splitlines()), 3)
        self.assertIn("  list_bytes  ", self.expect(0, "batches", str(batch)))
        detail = self.expect(0, "runs", str(run["id"]))
        self.assertIn("%d bytes" % run["tide_mark"], detail)
        self.assertRegex(detail, r"(?m)^original +[0-9.]+ m?s +[0-9.]+ MiB")
        self.assertRegex(self.expect(0, "scenarios"), r"(?m)^list_bytes +count=1048576 ")
        self.assertRegex(self.expect(0, "scenarios", "list_bytes"), r"(?m)^count +integer +1048576 +65536 ")
        self.expect(0, "runs", str(run["id"]), "--log")

    def test_nothing_there(self) -> None:
        """What is not there is a fault of the request."""
        for words in (["runs", "999999"], ["batches", "999999"], ["watch", "999999"], ["watch", "--run", "999999"],
                      ["cancel", "999999"], ["retry", "--run", "999999"], ["runs", "999999", "--log"],
                      ["scenarios", "--project", "none"]):
            with self.subTest(words=words):
                self.expect(2, *words)

    def await_watcher(self) -> None:
        """Until somebody reads the event stream."""
        watching = lambda: b"\ntidemark_streams 0\n" not in self.daemon.get("/metrics").body
        self.assertTrue(eventually(watching, 120))

    def test_watch_to_the_end(self) -> None:
        """Lines for what ends, percent, exit code 0; as JSON each event is a line."""
        self.expect(0, "pause")
        batch = self.queue("--commits", "HEAD~1", "--samples", "2")
        watcher = subprocess.Popen([str(PROGRAM), "watch", str(batch), "--json", "--data", str(self.daemon.data)],
                                   env=environment(self.folder), stdout=subprocess.PIPE, universal_newlines=True)
        self.await_watcher()
        self.expect(0, "resume")
        said = self.expect(0, "watch", str(batch))
        self.assertRegex(said, r"(?m)^\[#+\] 100 %  2 of 2 runs$")
        self.assertIn("2 runs done, 0 failed. Their curves: " + self.daemon.url, said)
        events = [json.loads(line) for line in watcher.communicate(timeout=300)[0].splitlines()]
        self.assertEqual(watcher.returncode, 0)
        self.assertEqual(sum(event["event"] == "done" for event in events), 2)
        self.assertEqual([e["id"] for e in events], sorted(e["id"] for e in events))

    def test_watch_a_failure(self) -> None:
        """Exit code 3; the end of the log of the build that failed is shown."""
        self.expect(0, "pause")
        batch = self.queue("--commits", "HEAD")
        watcher = subprocess.Popen([str(PROGRAM), "watch", str(batch), "--data", str(self.daemon.data)],
                                   env=environment(self.folder), stdout=subprocess.PIPE, universal_newlines=True)
        self.await_watcher()
        self.expect(0, "resume")
        said = watcher.communicate(timeout=300)[0]
        self.assertEqual(watcher.returncode, 3, said)
        self.assertRegex(said, r"(?m)^failed +run \d+, sample 1 of list_bytes at \w{10} c3, Python ")
        self.assertRegex(said, r"(?ms)^failed +build \d+ of \w{10} for Python .*^    [^\n]*this_is_no_declaration")
        self.assertIn("1 failed", said)
        run = self.daemon.get("/api/v1/runs?batch=%d" % batch).json()["runs"][0]["id"]
        self.assertIn("this_is_no_declaration", self.expect(0, "runs", str(run), "--log"))
        self.expect(3, "watch", "--run", str(run))

    def test_cancel_pause_resume_retry(self) -> None:
        """Each does what it says; all asks."""
        self.expect(0, "pause")
        self.assertIs(self.daemon.get("/api/v1/status").json()["queue"]["paused"], True)
        first, second = self.queue("--commits", "HEAD~1"), self.queue("--commits", "HEAD~1", "--samples", "2")
        self.assertIn("batch %d is cancelled" % first, self.expect(0, "cancel", str(first)))
        runs = [run["id"] for run in self.daemon.get("/api/v1/runs?batch=%d" % second).json()["runs"]]
        self.assertEqual(json.loads(self.expect(0, "cancel", "--run", str(runs[0]), "--json"))["status"], "cancelled")
        done = run_program(self.folder, "cancel", "all", "--data", str(self.daemon.data))
        self.assertEqual((done.returncode, "--yes" in done.stderr), (2, True))
        data = ("--data", str(self.daemon.data))
        self.assertEqual(on_terminal(self.folder, "cancel", "all", *data, typed=b"n\n")[0], 3)
        self.assertEqual(self.daemon.get("/api/v1/batches/%d" % second).json()["cancelled"], 1)
        self.assertEqual(on_terminal(self.folder, "cancel", "all", *data, typed=b"y\n")[0], 0)
        self.assertEqual(self.daemon.get("/api/v1/batches/%d" % second).json()["cancelled"], 2)
        self.assertIn("2 queued again", self.expect(0, "retry", str(second), "--all"))
        self.assertIs(json.loads(self.expect(0, "resume", "--json"))["paused"], False)
        self.expect(0, "watch", str(second))
        self.expect(0, "watch")  # nothing is queued any more

    def test_tokens(self) -> None:
        """One is made, told once, does what its scopes say, and is worthless once it is revoked."""
        made = json.loads(self.expect(0, "tokens", "add", "ci", "--scope", "read,trigger", "--days", "2", "--json"))
        self.assertEqual(made["scopes"], ["read", "trigger"])
        self.assertLess(abs(made["expires_ns"] - time.time_ns() - 2 * 86400 * 10**9), 60 * 10**9)
        text = self.expect(0, "tokens", "add", "reader").strip()
        listed = self.expect(0, "tokens")
        self.assertRegex(listed, r"(?m)^ *%d  ci +read,trigger +" % made["id"])
        self.assertNotIn(text, listed)
        asked = {"Authorization": "Bearer " + text}
        self.assertEqual(self.daemon.post("/api/v1/queue/pause", {}, asked).status, 403)
        reader = next(t["id"] for t in json.loads(self.expect(0, "tokens", "--json"))["tokens"] if t["name"] == "reader")
        self.expect(2, "tokens", "revoke", str(reader))
        self.expect(0, "tokens", "revoke", str(reader), "--yes")
        self.assertEqual(self.daemon.post("/api/v1/queue/pause", {}, asked).status, 401)
        self.assertEqual(json.loads(self.expect(0, "tokens", "revoke", str(made["id"]), "--yes", "--json")),
                         {"revoked": made["id"]})
        self.expect(2, "tokens", "add", "x", "--scope", "nonsense")
        self.expect(2, "tokens", "revoke", "999999", "--yes")

    def test_a_bar_on_a_terminal(self) -> None:
        """It is drawn in place."""
        batch = self.queue("--commits", "HEAD~1", "--samples", "2")
        code, shown = on_terminal(self.folder, "watch", str(batch), "--data", str(self.daemon.data))
        self.assertEqual(code, 0)
        self.assertIn("\r\033[K[####", shown)
        self.assertRegex(shown, r"\[#{24}\] 100 %  2 of 2 runs\r\n2 runs done, 0 failed\. ")

    def test_completion_asks_the_daemon(self) -> None:
        """Names of what is there, the rest of a list with commas, values after '='."""
        batch = self.queue("--commits", "HEAD~1")
        python = self.daemon.usable_pythons()[0]
        data = str(self.daemon.data)

        def candidates(*words: str) -> List[str]:
            said = run_program(self.folder, "complete", "--", *words).stdout
            return [line.partition("\t")[0] for line in said.splitlines()]

        self.assertEqual(candidates("run", "--data", data, "--project", "conv"), ["converters"])
        self.assertEqual(candidates("run", "--data=" + data, "--scenarios", "list_bytes,list_float_a"),
                         ["list_bytes,list_float_array"])
        self.assertEqual(candidates("run", "-d", data, "--pythons=" + python[:-1])[:1], ["--pythons=" + python])
        self.assertIn(str(batch), candidates("watch", "--data", data, ""))
        self.assertIn("all", candidates("cancel", "--data", data, "a"))
        self.assertTrue(candidates("runs", "--data", data, ""))
        await_batch(self.daemon, batch, 120)


class Alone(FaultCase):
    """`tidemark run` and others where no daemon serves the data."""

    def command(self, *words: str) -> List[str]:
        """`tidemark run` of a small repository with a database file."""
        return ["run", "--db", str(self.folder / "m.db"), "--repo", str(self.repo), "--scenarios", "list_bytes",
                "--pythons", self.python(), *TINY, *words]

    def python(self) -> str:
        """The newest usable one."""
        told = json.loads(run_program(self.folder, "pythons", "--json").stdout)
        return next(python["name"] for python in told["pythons"] if python["usable"])

    def setUp(self) -> None:
        super().setUp()
        self.repo = small_repository(self.folder, 1)
        self.database = str(self.folder / "m.db")

    def test_a_database_file(self) -> None:
        """It is measured, and everything reads it afterwards; what is queued stays so while it is only read."""
        done = run_program(self.folder, *self.command("--samples", "2", "--json"), timeout_s=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("No daemon serves " + self.database, done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual((told["batch"]["done"], told["batch"]["reason"]), (2, "cli"))
        runs = json.loads(run_program(self.folder, "runs", "--db", self.database, "--json").stdout)["runs"]
        self.assertEqual([run["status"] for run in runs], ["done", "done"])
        exported = run_program(self.folder, "export", str(runs[0]["id"]), "--db", self.database, "--format", "json")
        self.assertEqual(json.loads(exported.stdout)["run"]["id"], runs[0]["id"])
        planned = run_program(self.folder, *self.command("--dry-run"))
        self.assertIn("1 runs of 1 cells", planned.stdout)
        self.assertFalse((self.folder / "m.db.data" / "url").exists())
        with sqlite3.connect(self.database) as database:
            database.execute("UPDATE runs SET status = 'queued' WHERE id = ?", (runs[0]["id"],))
            database.execute("UPDATE batches SET finished_ns = NULL")
        database.close()
        again = json.loads(run_program(self.folder, "runs", "--db", self.database, "--json").stdout)["runs"]
        self.assertEqual(sorted(run["status"] for run in again), ["done", "queued"])
        watched = run_program(self.folder, "watch", "--db", self.database)  # nobody works what is queued
        self.assertEqual((watched.returncode, "no daemon serves" in watched.stderr), (3, True), watched.stderr)

    def test_no_second_one(self) -> None:
        """While one works the data a daemon refuses it, and other commands ask the one that works."""
        first = subprocess.Popen([str(PROGRAM), *self.command("--samples", "50")], env=environment(self.folder),
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        try:
            url = self.folder / "m.db.data" / "url"
            self.assertTrue(eventually(url.exists, 60))
            refused = run_program(self.folder, "serve", "--db", self.database, "--listen", "127.0.0.1:0")
            self.assertEqual(refused.returncode, 3, refused.stderr)
            self.assertIn("another daemon serves", refused.stderr)
            self.assertTrue(eventually(lambda: json.loads(run_program(
                self.folder, "batches", "--db", self.database, "--json").stdout)["batches"], 90, 1))
            self.assertTrue(eventually(lambda: json.loads(run_program(
                self.folder, "runs", "--db", self.database, "--status", "done", "--json").stdout)["runs"], 120, 1))
            children = descendants(first.pid)
            first.send_signal(signal.SIGINT)
            said = first.communicate(timeout=60)[0]
        finally:
            first.kill()
        self.assertEqual(first.returncode, -signal.SIGINT, said)
        self.assertIn("What is not done stays queued", said)
        self.assertNotIn("Sanitizer", said)
        self.assertFalse(url.exists())
        self.assertEqual(eventually(lambda: [pid for pid in children if os.path.exists("/proc/%d" % pid)] or None, 0.1)
                         or [], [])
        left = json.loads(run_program(self.folder, "batches", "--db", self.database, "--json").stdout)["batches"][0]
        self.assertEqual(left["status"], "running")
        self.assertEqual(left["running"] + left["building"], 0)
        self.assertGreater(left["queued"], 0)

    def test_usage(self) -> None:
        """What is wrong is told, and leaves no daemon behind."""
        done = run_program(self.folder, *self.command("--commits", "nowhere"))
        self.assertEqual((done.returncode, "commits[0]" in done.stderr), (2, True), done.stderr)
        done = run_program(self.folder, *self.command("--detach"))
        self.assertEqual(done.returncode, 3)
        self.assertIn("no daemon serves", done.stderr)
        daemon = self.make().start()
        done = run_program(self.folder, "run", "--data", str(daemon.data), "--repo", str(self.repo))
        self.assertEqual((done.returncode, "--repo" in done.stderr), (2, True), done.stderr)
        self.stop(daemon)


if __name__ == "__main__":
    unittest.main()
