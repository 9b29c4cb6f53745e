"""Released versions in the place of a repository: sdists, unpacked folders and wheels, measured one beside the other."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import tarfile
import unittest
import zipfile
from pathlib import Path
from typing import Any, Dict, List, Optional

from daemon import Answer, Daemon, FaultCase, await_batch, commit_all, git, run_program
from tiny_project import BENCHMARKS, COMMAND, MODULE

YEAR = 365 * 86400
DAY_ONE = 1000000000

PURE = '''\
def copy(data):
    return bytes(bytearray(data))
'''


def sdist(path: Path, files: Dict[str, str], when: int = DAY_ONE) -> None:
    """An archive with these files below one folder, as setuptools makes it; .zip or .tar.gz."""
    top = path.name.replace(".tar.gz", "").replace(".zip", "")
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in files.items():
                archive.writestr(zipfile.ZipInfo("%s/%s" % (top, name), (2002, 1, 1, 0, 0, 0)), text)
        return
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            put_member(tar, "%s/%s" % (top, name), text, when)


def put_member(tar: tarfile.TarFile, name: str, text: str, when: int = DAY_ONE) -> None:
    """One file of a tar archive."""
    member = tarfile.TarInfo(name)
    member.size, member.mtime = len(text.encode()), when
    tar.addfile(member, io.BytesIO(text.encode()))


def wheel(folder: Path, version: str, tags: str, module: str) -> None:
    """A wheel of the module `tiny`, made by hand: no tool of packaging is needed."""
    info = "tiny-%s.dist-info" % version
    with zipfile.ZipFile(folder / ("tiny-%s-%s.whl" % (version, tags)), "w") as archive:
        archive.writestr("tiny.py", module)
        archive.writestr(info + "/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: %s\n" % version)
        archive.writestr(info + "/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: %s\n" % tags)
        archive.writestr(info + "/RECORD", "tiny.py,,\n%s/METADATA,,\n%s/WHEEL,,\n%s/RECORD,,\n" % (info, info, info))


class Versions(FaultCase):
    """Each test has a daemon and a folder of versions of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.releases = self.folder / "releases"
        (self.releases / "benchmarks").mkdir(parents=True)
        (self.releases / "benchmarks" / "copies.py").write_text(BENCHMARKS)
        (self.releases / "README").write_text("not a version\n")

    def started(self) -> Daemon:
        """A daemon whose default project is an empty repository."""
        own = self.folder / "own"
        own.mkdir()
        (own / "README").write_text("nothing\n")
        git(own, "init", "-q", "-b", "main")
        commit_all(own, "first")
        return self.make(repo=own).start().await_discovery()

    def add(self, daemon: Daemon, **wish: Any) -> Answer:
        """POST /projects of the folder."""
        return daemon.post("/api/v1/projects", dict({"name": "tiny", "versions": str(self.releases)}, **wish))

    def listed(self, daemon: Daemon) -> List[str]:
        """The versions, oldest first."""
        commits = daemon.get("/api/v1/projects/tiny/commits").json()["commits"]
        return [commit["subject"] for commit in reversed(commits)]

    def measure(self, daemon: Daemon, python: str, commits: List[Any]) -> List[Dict[str, Any]]:
        """Measure the versions to the end."""
        answer = daemon.post("/api/v1/runs", {"project": "tiny", "scenarios": ["Copies.copy"], "commits": commits,
                                              "pythons": [python]})
        self.assertEqual(answer.status, 202, answer.body)
        await_batch(daemon, answer.json()["id"], 240)
        runs = self.runs(daemon, answer.json()["id"])
        for run in runs:
            self.assertEqual(run["status"], "done", run["error"])
        return runs

    def python_with(self, daemon: Daemon, modules: str) -> Optional[str]:
        """The name of a usable python that imports these modules."""
        for python in daemon.get("/api/v1/pythons").json()["pythons"]:
            if python["usable"] and not subprocess.run([python["program"], "-c", "import " + modules],
                                                       stderr=subprocess.DEVNULL).returncode:
                return str(python["name"])
        return None

    def test_they_stand_in_the_order_of_pep_440(self) -> None:
        daemon = self.started()
        ordered = ["0.9", "1.0.dev1", "1.0a1.dev2", "1.0a1", "1.0-beta.2", "1.0rc1", "v1.0", "1.0+deb.1", "1.0.post1.dev1",
                   "1.0-1", "1.1.dev3", "1.2", "1.10", "2023.4", "1!0.1"]
        for version in sorted(ordered):
            (self.releases / ("my-tiny-" + version)).mkdir()
            (self.releases / ("my-tiny-" + version) / "setup.py").write_text("# %s\n" % version)
        answer = self.add(daemon, scenarios="benchmarks")
        self.assertEqual(answer.status, 201, answer.body)
        project = answer.json()
        self.assertEqual((project["repo"], project["versions"], project["recipe"]),
                         (None, str(self.releases), {"kind": "setup.py"}))
        self.assertEqual(self.listed(daemon), ordered)
        commits = daemon.get("/api/v1/projects/tiny/commits").json()["commits"]
        times = [commit["committed_ns"] for commit in commits]
        self.assertEqual(times, sorted(times, reverse=True))
        plan = daemon.post("/api/v1/runs?dry_run=true", {
            "project": "tiny", "scenarios": ["Copies.copy"], "commits": ["1.0rc1..1.0-1", "tags"]}).json()
        self.assertEqual([commit["subject"] for commit in plan["commits"]][:4],
                         ["v1.0", "1.0+deb.1", "1.0.post1.dev1", "1.0-1"])
        self.assertEqual(len(plan["commits"]), len(ordered))
        self.stop(daemon)

    def test_sdists_are_built_and_measured_and_keep_their_runs(self) -> None:
        """One that comes between others later moves nothing that was measured."""
        daemon = self.started()
        python = daemon.usable_pythons()[0]
        for i, name in enumerate(("tiny-1.0.tar.gz", "tiny-1.2.zip", "tiny-1.10.tar.gz")):
            sdist(self.releases / name, {"tiny.c": MODULE + "/* %d */\n" % i}, DAY_ONE + i * YEAR)
        answer = self.add(daemon, scenarios="benchmarks", recipe={"kind": "command", "commands": [COMMAND]})
        self.assertEqual(answer.status, 201, answer.body)
        first = self.measure(daemon, python, ["1.0", "1.2", "HEAD"])
        self.assertEqual(sorted(run["commit"]["subject"] for run in first), ["1.0", "1.10", "1.2"])
        self.assertEqual(len({run["build"]["id"] for run in first}), 3)
        sdist(self.releases / "tiny-1.1.tar.gz", {"tiny.c": MODULE + "/* between */\n"}, DAY_ONE + 9 * YEAR)
        self.assertEqual(self.listed(daemon), ["1.0", "1.1", "1.2", "1.10"])
        line = {c["subject"]: c for c in daemon.get("/api/v1/projects/tiny/commits").json()["commits"]}
        for run in self.runs(daemon, first[0]["batch"]):
            self.assertEqual(run["commit"]["sha"], line[run["commit"]["subject"]]["sha"])
        new, = self.measure(daemon, python, ["new"])
        self.assertEqual(new["commit"]["subject"], "1.1")
        sdist(self.releases / "tiny-1.0.tar.gz", {"tiny.c": MODULE + "/* another 1.0 */\n"})
        again, = self.measure(daemon, python, ["new"])
        self.assertEqual(again["commit"]["subject"], "1.0")
        daemon.kill()
        daemon.start().await_discovery()
        (self.releases / "tiny-1.10.tar.gz").unlink()
        self.assertEqual(self.listed(daemon), ["1.0", "1.1", "1.2"])
        answer = daemon.post("/api/v1/runs", {"project": "tiny", "scenarios": ["Copies.copy"], "commits": ["1.10"]})
        self.assertEqual((answer.status, answer.json()["field"]), (422, "commits[0]"))
        self.stop(daemon)

    def test_wheels(self) -> None:
        """Of each version the wheel that fits the python; none that fits is said."""
        daemon = self.started()
        python = self.python_with(daemon, "pip")
        if not python:
            self.skipTest("no usable CPython here has pip")
        wheel(self.releases, "1.0", "py3-none-any", PURE)
        wheel(self.releases, "1.0", "cp27-cp27m-win32", "this is for another\n")
        wheel(self.releases, "1.1", "py3-none-any", "import array\n" + PURE)
        answer = self.add(daemon, scenarios="benchmarks")
        self.assertEqual(answer.status, 201, answer.body)
        self.assertEqual(answer.json()["recipe"], {"kind": "wheel"})
        runs = self.measure(daemon, python, ["tags"])
        self.assertEqual(sorted(run["commit"]["subject"] for run in runs), ["1.0", "1.1"])
        log = daemon.get("/api/v1/builds/%d/log" % runs[0]["build"]["id"]).body.decode()
        self.assertIn("py3-none-any.whl", log)
        wheel(self.releases, "1.2", "cp27-cp27m-win32", "this is for another\n")
        answer = daemon.post("/api/v1/runs", {"project": "tiny", "scenarios": ["Copies.copy"], "pythons": [python]})
        await_batch(daemon, answer.json()["id"], 240)
        run, = self.runs(daemon, answer.json()["id"])
        self.assertIn("no wheel fits CPython", run["error"])
        self.assertIn("tiny-1.2-cp27-cp27m-win32.whl", run["error"])
        self.stop(daemon)

    def test_what_leaves_its_archive_is_refused(self) -> None:
        daemon = self.started()
        outside = self.folder / "outside"
        harm = [("../../outside", None), ("/" + str(outside).lstrip("/"), None), ("tiny-1.0/.git/config", None),
                ("tiny-1.0/link", "/etc/passwd"), ("tiny-1.0/link", "../../outside")]
        for name, target in harm:
            with tarfile.open(self.releases / "tiny-1.0.tar.gz", "w:gz") as tar:
                put_member(tar, "tiny-1.0/setup.py", "")
                if target is None:
                    put_member(tar, name, "harm")
                else:
                    member = tarfile.TarInfo(name)
                    member.type, member.linkname = tarfile.SYMTYPE, target
                    tar.addfile(member)
            answer = self.add(daemon)
            self.assertEqual((answer.status, answer.json()["field"]), (422, "versions"), answer.body)
            self.assertIn("tiny-1.0.tar.gz has", answer.json()["detail"])
        with zipfile.ZipFile(self.releases / "tiny-1.1.zip", "w") as archive:
            archive.writestr("../outside", "harm")
        (self.releases / "tiny-1.0.tar.gz").unlink()
        answer = self.add(daemon)
        self.assertIn("outside of itself", answer.json()["detail"])
        self.assertFalse(outside.exists())
        self.stop(daemon)

    def refuse(self, daemon: Daemon, field: str, text: str, **wish: Any) -> None:
        """POST /projects is refused in these words."""
        answer = daemon.post("/api/v1/projects", dict({"name": "tiny"}, **wish))
        self.assertEqual((answer.status, answer.json()["field"]), (422, field), answer.body)
        self.assertIn(text, answer.json()["detail"])

    def test_what_is_no_folder_of_versions_is_refused(self) -> None:
        daemon = self.started()
        place = str(self.releases)
        self.refuse(daemon, "versions", "holds no version", versions=place)
        self.refuse(daemon, "versions", "absolute path", versions="releases")
        self.refuse(daemon, "versions", "there is no folder", versions=str(self.folder / "nowhere"))
        self.refuse(daemon, "versions", "there is a repo too", versions=place, repo=str(self.folder / "own"))
        self.refuse(daemon, "branch", "no branches", versions=place, branch="main")
        (self.releases / "tiny-1.0.tar.gz").write_text("this is no archive")
        self.refuse(daemon, "versions", "tiny-1.0.tar.gz cannot be read", versions=place)
        sdist(self.releases / "tiny-1.0.tar.gz", {"setup.py": ""})
        self.refuse(daemon, "scenarios", "has no folder nowhere", versions=place, scenarios="nowhere")
        sdist(self.releases / "other-1.0.tar.gz", {"setup.py": ""})
        self.refuse(daemon, "versions", "several projects", versions=place)
        (self.releases / "other-1.0.tar.gz").unlink()
        self.assertEqual(self.add(daemon).status, 201)
        headers = {"Authorization": "Bearer " + daemon.token, "Content-Type": "application/json"}
        for wish, field in (({"branch": "main"}, "branch"), ({"versions": "/"}, "versions")):
            answer = daemon.request("PATCH", "/api/v1/projects/tiny", json.dumps(wish), headers)
            self.assertEqual((answer.status, answer.json()["field"]), (422, field))
        with sqlite3.connect("file:%s?mode=ro" % (daemon.data / "tidemark.db"), uri=True) as database:
            self.assertEqual(database.execute("SELECT count(*) FROM projects WHERE name = 'tiny'").fetchone(), (1,))
        self.stop(daemon)

    def test_the_command_and_the_configuration(self) -> None:
        sdist(self.releases / "tiny-1.0.tar.gz", {"setup.py": ""})
        daemon = self.started()
        done = run_program(self.folder, "projects", "add", "tiny", "--versions", str(self.releases), "--scenarios",
                           "benchmarks", "--json", "--data", str(daemon.data))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["versions"], str(self.releases))
        shown = run_program(self.folder, "projects", "--data", str(daemon.data)).stdout
        self.assertIn(str(self.releases), shown)
        done = run_program(self.folder, "projects", "add", "x", "--versions", "/nowhere/at/all", "--data",
                           str(daemon.data))
        self.assertEqual(done.returncode, 2)
        self.stop(daemon)
        config = self.folder / "tidemark.json"
        config.write_text(json.dumps({"projects": [{"name": "same", "versions": str(self.releases)},
                                                   {"name": "tiny", "versions": "/elsewhere"}]}))
        daemon.command += ["--config", str(config)]
        daemon.start().await_discovery()
        self.assertEqual({p["name"]: p["versions"] for p in daemon.get("/api/v1/projects").json()["projects"]
                          if p["versions"]}, {"same": str(self.releases), "tiny": str(self.releases)})
        self.assertIn("is made of %s: remove it first" % self.releases, daemon.log())
        self.stop(daemon)


if __name__ == "__main__":
    unittest.main()
