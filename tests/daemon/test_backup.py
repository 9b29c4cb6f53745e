"""`tidemark backup` and `restore`: beside a daemon at work, and from one folder to another."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import threading
import time
import unittest
from pathlib import Path
from typing import Any, List, Optional, Tuple

from daemon import PROGRAM, Daemon, FaultCase, environment, run_program, small_repository

KILLS = 12
LOG = b"CMDLINE example.py\nMEM 10.0 1700000000.0000\nMEM 12.0 1700000001.0000\n"
FILE = {"Content-Type": "application/octet-stream"}


class Backup(FaultCase):
    """Each test has a daemon of its own on a small repository."""

    def setUp(self) -> None:
        super().setUp()
        self.repo = small_repository(self.folder, 1)
        self.file = str(self.folder / "kept.backup")

    def expect(self, code: int, *arguments: str) -> "Any":
        """The command ends with this code and without a sanitizer's report."""
        done = run_program(self.folder, *arguments, timeout_s=300)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotIn("Sanitizer", done.stderr)
        return done

    def serve(self) -> Daemon:
        """A daemon on the folder `data`."""
        return self.make(self.repo).start().await_discovery()

    def runs(self, folder: str) -> List[Any]:
        """What a restored folder holds, by the command line."""
        return json.loads(self.expect(0, "runs", "--data", folder, "--json").stdout)["runs"]

    def test_beside_a_daemon_at_work(self) -> None:
        """Copies that are made while runs are stored are whole; the last holds what was done before it."""
        daemon = self.serve()
        batch = self.queue(daemon, samples=6)
        done = threading.Event()
        wrong: List[str] = []

        def keep_copying() -> None:
            while not done.is_set():
                copy = run_program(self.folder, "backup", self.file, "--force", "--data", str(daemon.data))
                if copy.returncode:
                    wrong.append(copy.stderr)

        thread = threading.Thread(target=keep_copying)
        thread.start()
        try:
            self.expect(0, "watch", str(batch), "--data", str(daemon.data))
        finally:
            done.set()
            thread.join()
        self.assertEqual(wrong, [])
        told = json.loads(self.expect(0, "backup", self.file, "--force", "--data", str(daemon.data), "--json").stdout)
        self.assertEqual((told["token"], told["bytes"]), (False, os.path.getsize(self.file)))
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)
        self.assertFalse(os.path.exists(self.file + ".part"))
        there = daemon.get("/api/v1/runs?limit=100").json()["runs"]
        refused = self.expect(3, "restore", self.file, "--force", "--data", str(daemon.data))
        self.assertIn("stop it first", refused.stderr)
        self.stop(daemon)
        other = str(self.folder / "other")
        self.expect(0, "restore", self.file, "--data", other)
        self.assertEqual(self.runs(other), there)
        database = sqlite3.connect(os.path.join(other, "tidemark.db"))
        self.assertEqual(database.execute("PRAGMA integrity_check").fetchone()[0], "ok")
        self.assertEqual(database.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'backup_files'")
                         .fetchone()[0], 0)
        database.close()

    def test_configuration_and_token(self) -> None:
        """The configuration is in it, the token when it is asked for; a configuration that is there stays."""
        daemon = self.serve()
        token = daemon.token
        self.stop(daemon)
        config = self.folder / "config" / "tidemark" / "config.json"
        config.parent.mkdir(parents=True)
        config.write_text('{"build_jobs": 1}\n')
        data = str(daemon.data)
        told = json.loads(self.expect(0, "backup", self.file, "--with-token", "--data", data, "--json").stdout)
        self.assertEqual((told["configuration"], told["token"]), (True, True))
        config.write_text('{"build_jobs": 2}\n')
        other = self.folder / "other"
        self.assertIn("left out", self.expect(0, "restore", self.file, "--data", str(other)).stderr)
        self.assertEqual(config.read_text(), '{"build_jobs": 2}\n')
        config.unlink()
        self.expect(0, "restore", self.file, "--data", str(other), "--force")
        self.assertEqual(config.read_text(), '{"build_jobs": 1}\n')
        self.assertEqual((other / "token").read_text(), token)
        self.assertEqual((other / "token").stat().st_mode & 0o777, 0o600)

    def test_a_restore_that_is_killed(self) -> None:
        """kill -9 at moments spread over a restore: the folder holds what it held, or all of the backup. What it
        held had been left by a daemon that was killed, so that the newest of it stands in the WAL."""
        self.see_few_pythons()
        daemon = self.serve()
        self.stop(daemon)
        self.expect(0, "backup", self.file, "--data", str(daemon.data))  # of an empty one
        daemon.start().await_discovery()
        self.assertEqual(daemon.post("/api/v1/imports?name=a.dat", LOG, FILE).status, 201)
        daemon.kill()
        self.assertGreater((daemon.data / "tidemark.db-wal").stat().st_size, 0)
        words = [str(PROGRAM), "restore", self.file, "--force", "--config", str(self.folder / "none.json"), "--data"]
        begun = time.monotonic()
        self.restore_killed(daemon.data, words, None)
        took = time.monotonic() - begun
        held = [self.restore_killed(daemon.data, words, took * i / KILLS) for i in range(KILLS)]
        self.assertIn((1, True), held, "none was killed before the folder changed")
        self.assertLessEqual({runs for runs, _ in held}, {0, 1}, held)
        self.assertNotIn((1, False), held, "one ended, and changed nothing")

    def restore_killed(self, data: Path, words: List[str], after_s: Optional[float]) -> Tuple[int, bool]:
        """Restore into a copy of the folder, and kill that after so long: the runs it holds then, and whether
        that was in time."""
        copy = self.folder / "copy"
        shutil.rmtree(str(copy), True)
        shutil.copytree(str(data), str(copy), ignore=shutil.ignore_patterns("cache", "url"))
        with subprocess.Popen([*words, str(copy)], env=environment(self.folder), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as restore:
            if after_s is not None:
                time.sleep(after_s)
                restore.kill()
            code = restore.wait(60)
        self.assertIn(code, (0, -9) if after_s is not None else (0,))
        database = sqlite3.connect(str(copy / "tidemark.db"))
        self.assertEqual(database.execute("PRAGMA integrity_check").fetchone()[0], "ok")
        runs = database.execute("SELECT count(*) FROM runs").fetchone()[0]
        database.close()
        return int(runs), code != 0

    def test_what_is_wrong_changes_nothing(self) -> None:
        """Damaged, newer, foreign and absent files are refused, and a database that is there without --force."""
        daemon = self.serve()
        self.queue(daemon)
        self.expect(0, "watch", "--data", str(daemon.data))
        self.stop(daemon)
        data = str(daemon.data)
        before = self.runs(data)
        self.assertEqual(len(before), 1)
        self.expect(0, "backup", self.file, "--data", data)
        self.assertIn("--force replaces", self.expect(2, "backup", self.file, "--data", data).stderr)
        self.assertIn("--force replaces", self.expect(2, "restore", self.file, "--data", data).stderr)
        self.expect(3, "backup", self.file + "2", "--data", str(self.folder / "none"))
        whole = Path(self.file).read_bytes()
        for name, code, hint in (("damaged", 3, "damaged"), ("cut", 3, ""), ("newer", 3, "newer Tidemark"),
                                 ("foreign", 2, "no database of Tidemark's"), ("text", 2, "no database"),
                                 ("absent", 3, "No such file")):
            path = self.folder / name
            if name in ("damaged", "newer"):
                path.write_bytes(whole)
            if name == "damaged":
                pages = [at for at in range(4096, len(whole), 4096) if whole[at] in (5, 13)]
                for at in pages[2:8]:  # pages of tables and inner nodes: no cell stands where it should
                    path.write_bytes(path.read_bytes()[:at + 8] + b"\xff" * 64 + path.read_bytes()[at + 72:])
            elif name == "cut":
                path.write_bytes(whole[:len(whole) // 2])
            elif name in ("newer", "foreign"):
                database = sqlite3.connect(str(path))
                database.execute("PRAGMA user_version = 999" if name == "newer" else "CREATE TABLE t (x)")
                database.commit()
                database.close()
            elif name == "text":
                path.write_text("no database" * 1000)
            with self.subTest(name=name):
                self.assertIn(hint, self.expect(code, "restore", str(path), "--force", "--data", data).stderr)
        self.assertEqual(self.runs(data), before)
        again = self.serve()
        self.assertEqual(len(again.get("/api/v1/runs").json()["runs"]), 1)
        self.stop(again)


if __name__ == "__main__":
    unittest.main()
