"""What a daemon cannot be started on, what it mends by itself, and the command line around it."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import unittest
from pathlib import Path

from daemon import PROGRAM, FaultCase, environment, eventually, git, run_program


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
        self.assertRegex(first, "^[0-9a-f]{64}$")
        self.assertEqual(daemon.mode_of("token"), 0o600)
        self.stop(daemon)
        token.chmod(0o644)
        daemon.start()
        self.assertEqual(daemon.token, first, "a browser that was signed in is not any more")
        self.assertEqual(daemon.mode_of("token"), 0o600)
        self.stop(daemon)

    def test_repository_that_is_absent(self) -> None:
        """A folder that is not there is refused at once."""
        nowhere = str(self.folder / "nowhere")
        self.refuse(2, "--data", self.data, "--listen", "127.0.0.1:0", "--repo", nowhere, says=nowhere)

    def test_repository_that_is_none(self) -> None:
        """A daemon without its project says so where it is asked, and stops like any other."""
        for name in ("plain", "empty"):
            (self.folder / name).mkdir()
        git(self.folder / "empty", "init", "--quiet")
        for repo in (self.folder / "plain", self.folder / "empty"):
            with self.subTest(repo=repo.name):
                daemon = self.make(repo).start()
                ended = eventually(lambda: not daemon.get("/api/v1/status").json()["discovering"], 120)
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
