"""Projects of other people: added, built by each recipe, measured, changed and removed.

Every repository is a real one, made here with git; the extension in it is a dozen lines of C, built for real CPythons.
"""

from __future__ import annotations

import json
import socket
import subprocess
import textwrap
import threading
import unittest
from pathlib import Path
from typing import Any, Dict, List

from daemon import Daemon, FaultCase, await_batch, commit_all, eventually, git

MODULE = r"""
#define PY_SSIZE_T_CLEAN
#include <Python.h>
static PyObject *copy(PyObject *self, PyObject *bytes)
{
    char *at;
    Py_ssize_t n;
    (void)self;
    if (PyBytes_AsStringAndSize(bytes, &at, &n)) return NULL;
    return PyBytes_FromStringAndSize(at, n);
}
static PyMethodDef methods[] = {{"copy", copy, METH_O, ""}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "tiny", 0, -1, methods, 0, 0, 0, 0};
PyMODINIT_FUNC PyInit_tiny(void) { return PyModule_Create(&module); }
"""

SETUP = """\
from setuptools import Extension, setup
setup(name="tiny", version="1.0", ext_modules=[Extension("tiny", ["tiny.c"])])
"""

CMAKE = """\
cmake_minimum_required(VERSION 3.25)
project(tiny LANGUAGES C)
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
Python_add_library(tiny MODULE WITH_SOABI tiny.c)
"""

BENCHMARKS = '''\
"""Copies."""
module = "tiny"


class Copies:
    params = [[1000, 2000]]
    param_names = ["size"]

    def setup(self, size):
        import tiny
        self.tiny = tiny

    def peakmem_copy(self, size):
        """A copy of `size` bytes."""
        return self.tiny.copy(bytes(size))
'''

COMMAND = ("gcc -shared -fPIC -I$({python} -c 'import sysconfig; print(sysconfig.get_path(\"include\"))') "
           "tiny.c -o {prefix}/tiny$({python} -c 'import sysconfig; "
           "print(sysconfig.get_config_var(\"EXT_SUFFIX\"))')")


def write(folder: Path, files: Dict[str, str]) -> None:
    """Write files below the folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text))


def commit(folder: Path, files: Dict[str, str], message: str) -> str:
    """Write the files and commit them; the hash."""
    write(folder, files)
    return commit_all(folder, message)


def repository(folder: Path, files: Dict[str, str]) -> Path:
    """A new repository on branch main with one commit."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    commit(folder, files, "first")
    return folder


class Projects(FaultCase):
    """Each test has a daemon of its own."""

    def started(self) -> Daemon:
        """A daemon that knows its Pythons; its default project is an empty repository."""
        own = repository(self.folder / "own", {"README": "nothing\n"})
        return self.make(repo=own).start().await_discovery()

    def add(self, daemon: Daemon, expected: int = 201, **wish: Any) -> Dict[str, Any]:
        """POST /projects."""
        answer = daemon.post("/api/v1/projects", wish)
        self.assertEqual(answer.status, expected, answer.body)
        return answer.json()

    def measure(self, daemon: Daemon, **request: Any) -> List[Dict[str, Any]]:
        """Queue runs, wait, and return them whole."""
        answer = daemon.post("/api/v1/runs", request)
        self.assertEqual(answer.status, 202, answer.body)
        batch = answer.json()["id"]
        await_batch(daemon, batch, 240)
        return self.runs(daemon, batch)

    def pythons_with(self, daemon: Daemon, modules: str) -> List[str]:
        """Names of usable pythons that import these modules; the test is skipped where there are none."""
        found = []
        for python in daemon.get("/api/v1/pythons").json()["pythons"]:
            if python["usable"] and subprocess.run([python["program"], "-c", "import " + modules],
                                                   stderr=subprocess.DEVNULL).returncode == 0:
                found.append(python["name"])
        if not found:
            self.skipTest("no usable CPython here has " + modules)
        return found

    def assert_done(self, runs: List[Dict[str, Any]]) -> None:
        """Every run went well."""
        for run in runs:
            self.assertEqual(run["status"], "done", "%s: %s" % (run["python"]["name"], run["error"]))

    # -- recipes --

    def recipe(self, files: Dict[str, str], modules: str, recipe: Any = None, most: int = 2) -> None:
        """Build and measure by a recipe on up to two pythons that have the modules."""
        daemon = self.started()
        pythons = self.pythons_with(daemon, modules)
        chosen = [pythons[0], pythons[-1]][:most] if len(pythons) > 1 else pythons
        source = repository(self.folder / "tiny", dict(files, **{
            "tiny.c": MODULE, "benchmarks/__init__.py": "", "benchmarks/copies.py": BENCHMARKS}))
        wish = {} if recipe is None else {"recipe": recipe}
        project = self.add(daemon, name="tiny", repo=str(source), scenarios="benchmarks", **wish)
        self.assertEqual(project["left_out"], [])
        runs = self.measure(daemon, project="tiny", scenarios=["Copies.copy"], pythons=chosen)
        self.assertEqual(len(runs), len(chosen))
        self.assert_done(runs)
        for run in runs:
            build = daemon.get("/api/v1/builds/%d" % run["build"]["id"]).json()
            self.assertEqual(build["project"], "tiny")
            self.assertTrue(build["steps"])
            self.assertEqual({step["exit"] for step in build["steps"]}, {0})
            log = daemon.get("/api/v1/builds/%d/log" % run["build"]["id"]).body.decode()
            self.assertIn("$ " + build["steps"][0]["command"], log)
            tail = daemon.get("/api/v1/builds/%d/log?from=%d" % (run["build"]["id"], len(log) - 5))
            self.assertEqual(tail.body.decode(), log[-5:])
        self.stop(daemon)

    def test_cmake_is_told_from_the_tree(self) -> None:
        self.recipe({"CMakeLists.txt": CMAKE}, "sys")

    def test_cmake_installs_into_the_prefix(self) -> None:
        """Where the rule names the interpreter's own site-packages, nothing is written there."""
        self.recipe({"CMakeLists.txt": CMAKE + "install(TARGETS tiny DESTINATION ${Python_SITEARCH})\n"
                                               "set_target_properties(tiny PROPERTIES "
                                               "LIBRARY_OUTPUT_DIRECTORY deep/below)\n"}, "sys")

    def test_setup_py(self) -> None:
        self.recipe({"setup.py": SETUP}, "setuptools")

    def test_pip(self) -> None:
        self.recipe({"setup.py": SETUP, "pyproject.toml":
                     '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'},
                    "setuptools, wheel, pip", "pip")

    def test_command(self) -> None:
        self.recipe({}, "sys", {"kind": "command", "commands": [COMMAND]})

    # -- builds --

    def test_the_same_tree_is_built_once(self) -> None:
        daemon = self.started()
        source = repository(self.folder / "tiny", {"ext/CMakeLists.txt": CMAKE, "ext/tiny.c": MODULE,
                                                   "benchmarks/copies.py": BENCHMARKS})
        commit(source, {"README": "words\n"}, "words")
        third = commit(source, {"ext/tiny.c": MODULE + "\n"}, "a line")
        self.add(daemon, name="tiny", repo=str(source), recipe={"folder": "ext"}, scenarios="benchmarks")
        runs = self.measure(daemon, project="tiny", scenarios=["Copies.copy"],
                            commits=["HEAD~2", "HEAD~1", "HEAD"], pythons=daemon.usable_pythons()[:1])
        self.assert_done(runs)
        builds = {run["commit"]["sha"]: run["build"]["id"] for run in runs}
        self.assertEqual(len(builds), 3)
        self.assertEqual(len(set(builds.values())), 2)
        self.assertEqual(list(builds.values()).count(builds[third]), 1)
        self.stop(daemon)

    def test_only_the_folder_is_seen(self) -> None:
        daemon = self.started()
        source = repository(self.folder / "tiny", {
            "ext/CMakeLists.txt": CMAKE.replace("tiny.c", "../tiny.c"), "tiny.c": MODULE,
            "benchmarks/copies.py": BENCHMARKS})
        self.add(daemon, name="tiny", repo=str(source), recipe={"folder": "ext"}, scenarios="benchmarks")
        run, = self.measure(daemon, project="tiny", scenarios=["Copies.copy"],
                            pythons=daemon.usable_pythons()[:1])
        self.assertEqual(run["status"], "failed")
        self.assertIn("Cannot find source file", run["error"])
        build = daemon.get("/api/v1/builds/%d" % run["build"]["id"]).json()
        self.assertEqual(build["status"], "failed")
        self.assertIn(1, [step["exit"] for step in build["steps"]])
        self.stop(daemon)

    def test_a_deadline_ends_a_step(self) -> None:
        daemon = self.started()
        source = repository(self.folder / "tiny", {"benchmarks/copies.py": BENCHMARKS})
        self.add(daemon, name="tiny", repo=str(source), scenarios="benchmarks",
                 recipe={"kind": "command", "commands": ["echo begun; sleep 600"], "deadline_s": 1})
        run, = self.measure(daemon, project="tiny", scenarios=["Copies.copy"],
                            pythons=daemon.usable_pythons()[:1])
        self.assertIn("deadline of 1 s", run["error"])
        self.assertIn("begun", daemon.get("/api/v1/builds/%d/log" % run["build"]["id"]).body.decode())
        self.stop(daemon)

    def test_a_log_grows_while_it_is_built_and_a_kill_leaves_nothing(self) -> None:
        daemon = self.started()
        source = repository(self.folder / "tiny", {"benchmarks/copies.py": BENCHMARKS})
        go = self.folder / "go"
        self.add(daemon, name="tiny", repo=str(source), scenarios="benchmarks",
                 recipe={"kind": "command", "commands": [
                     "echo waiting for it; while ! test -e %s; do sleep 0.1; done; echo here it is" % go]})
        request = {"project": "tiny", "scenarios": ["Copies.copy"], "pythons": daemon.usable_pythons()[:1]}
        answer = daemon.post("/api/v1/runs", request)
        self.assertEqual(answer.status, 202, answer.body)
        batch = answer.json()["id"]

        def said() -> str:
            run = daemon.get("/api/v1/runs?batch=%d" % batch).json()["runs"][0]
            if not run["build"]:
                return ""
            return daemon.get("/api/v1/builds/%d/log" % run["build"]["id"]).body.decode()

        found = eventually(lambda: "\nwaiting for it" in said() or None, 60)
        self.assertTrue(found, said())
        self.assertNotIn("\nhere it is", said())
        children = daemon.children()
        daemon.kill()
        self.assertEqual([line for line in daemon.leftovers(children) if "worktree" not in line], [])
        go.write_text("")
        daemon.start().await_discovery()
        await_batch(daemon, batch, 240)
        self.assertEqual(list((daemon.data / "cache" / "tmp").iterdir()), [])
        self.assertIn("\nhere it is", said())
        self.assertIn("left nothing in the prefix", self.runs(daemon, batch)[0]["error"])
        self.stop(daemon)

    # -- repositories --

    def tiny(self, name: str = "tiny") -> Path:
        """A repository that CMake builds."""
        return repository(self.folder / name, {"CMakeLists.txt": CMAKE, "tiny.c": MODULE,
                                               "benchmarks/copies.py": BENCHMARKS})

    def test_a_branch_that_was_rewritten(self) -> None:
        """What was measured before a force-push can be measured again; HEAD is the new line."""
        daemon = self.started()
        source = self.tiny()
        git(source, "checkout", "-q", "-b", "work")
        gone = commit(source, {"tiny.c": MODULE + "/* one */\n"}, "one")
        git(source, "checkout", "-q", "main")
        self.add(daemon, name="tiny", repo=str(source), branch="work", scenarios="benchmarks")
        first = daemon.get("/api/v1/projects/tiny/commits").json()["commits"]
        self.assertEqual(first[0]["sha"], gone)
        git(source, "checkout", "-q", "work")
        git(source, "reset", "-q", "--hard", "HEAD~1")
        new = commit(source, {"tiny.c": MODULE + "/* two */\n"}, "two")
        git(source, "checkout", "-q", "main")
        git(source, "reflog", "expire", "--expire=now", "--all")
        git(source, "gc", "-q", "--prune=now")
        listed = daemon.get("/api/v1/projects/tiny/commits").json()["commits"]
        self.assertEqual([c["sha"] for c in listed][0], new)
        self.assertNotIn(gone, [c["sha"] for c in listed])
        self.assert_done(self.measure(daemon, project="tiny", scenarios=["Copies.copy"],
                                      commits=[gone, "HEAD"], pythons=daemon.usable_pythons()[:1]))
        self.assertEqual(git(source, "worktree", "list").count("\n"), 0)
        self.stop(daemon)

    def test_a_submodule(self) -> None:
        daemon = self.started()
        inner = repository(self.folder / "inner", {"tiny.c": MODULE})
        source = repository(self.folder / "tiny", {"CMakeLists.txt": CMAKE.replace("tiny.c", "sub/tiny.c"),
                                                   "benchmarks/copies.py": BENCHMARKS})
        git(source, "-c", "protocol.file.allow=always", "submodule", "add", "-q", "../inner", "sub")
        commit(source, {}, "submodule")
        self.add(daemon, name="tiny", repo=str(source), scenarios="benchmarks")
        request = {"project": "tiny", "scenarios": ["Copies.copy"], "pythons": daemon.usable_pythons()[:1]}
        self.assert_done(self.measure(daemon, **request))
        commit(source, {"README": "another tree\n"}, "another")
        inner.rename(self.folder / "elsewhere")
        run, = self.measure(daemon, **request)
        self.assertIn("submodule", run["error"])
        (self.folder / "elsewhere").rename(inner)
        self.assert_done(self.measure(daemon, **request))
        self.stop(daemon)

    def test_a_shallow_clone(self) -> None:
        daemon = self.started()
        full = self.tiny("full")
        old = git(full, "rev-parse", "HEAD")
        commit(full, {"README": "words\n"}, "words")
        git(self.folder, "clone", "-q", "--depth=1", "file://%s" % full, "shallow")
        self.add(daemon, name="tiny", repo=str(self.folder / "shallow"), scenarios="benchmarks")
        self.assertEqual(len(daemon.get("/api/v1/projects/tiny/commits").json()["commits"]), 1)
        answer = daemon.post("/api/v1/runs", {"project": "tiny", "scenarios": ["Copies.copy"],
                                              "commits": [old]})
        self.assertEqual(answer.status, 422)
        self.assertEqual(answer.json()["field"], "commits[0]")
        self.assertIn("shallow", answer.json()["detail"])
        git(self.folder / "shallow", "fetch", "-q", "--unshallow")
        self.assert_done(self.measure(daemon, project="tiny", scenarios=["Copies.copy"], commits=[old],
                                      pythons=daemon.usable_pythons()[:1]))
        self.stop(daemon)

    # -- scenarios --

    def test_scenarios_follow_the_branch_and_keep_their_history(self) -> None:
        daemon = self.started()
        source = self.tiny()
        self.add(daemon, name="tiny", repo=str(source), scenarios="benchmarks")
        request = {"project": "tiny", "scenarios": ["Copies.copy"], "pythons": daemon.usable_pythons()[:1]}
        first, = self.measure(daemon, **request)
        commit(source, {"benchmarks/copies.py": BENCHMARKS.replace("[1000, 2000]", "[3000]"),
                        "benchmarks/broken.py": "raise ValueError('not today')\n"}, "other sizes")
        listed = daemon.get("/api/v1/scenarios?project=tiny").json()["scenarios"]
        self.assertEqual([p["default"] for s in listed for p in s["params"]], [3000])
        second, = self.measure(daemon, **request)
        self.assert_done([first, second])
        self.assertNotEqual(first["cell"], second["cell"])
        self.assertEqual(daemon.get("/api/v1/runs/%d" % first["id"]).json()["params"], {"size": 1000})
        self.assertEqual(daemon.get("/api/v1/scenarios?project=nothing").status, 404)
        self.stop(daemon)

    # -- life of a project --

    def test_what_is_refused(self) -> None:
        daemon = self.started()
        source, bare = self.tiny(), repository(self.folder / "bare", {"README": "x\n"})
        good = {"name": "tiny", "repo": str(source)}
        cases = [
            ({}, "name", "missing"),
            ({"name": "tiny"}, "repo", "missing"),
            (dict(good, name="no/slash"), "name", "letters"),
            (dict(good, name="converters"), "name", "already"),
            (dict(good, repo="relative/path"), "repo", "absolute"),
            (dict(good, repo="/nowhere/at/all"), "repo", "no repository"),
            (dict(good, repo=str(self.folder / "own" / "README")), "repo", "git"),
            (dict(good, branch="nothing"), "branch", "no branch nothing"),
            (dict(good, branch="a..b"), "branch", "cannot be the name"),
            (dict(good, scenarios="../up"), "scenarios", ".."),
            (dict(good, scenarios="nowhere"), "scenarios", "no folder"),
            (dict(good, recipe="make"), "recipe", "cmake, setup.py"),
            (dict(good, recipe={"kind": "command"}), "recipe.commands", "at least one"),
            (dict(good, recipe={"folder": "none"}), "recipe.folder", "no folder"),
            (dict(good, recipe={"kind": "cmake", "isolation": True}), "recipe.isolation", "pip"),
            (dict(good, recipe={"deadline_s": 0}), "recipe.deadline_s", "from 1"),
            (dict(good, recipe={"environment": {"A=B": "x"}}), "recipe.environment.A=B", "name"),
            (dict(good, recipe={"flags": [1]}), "recipe.flags[0]", "string"),
            (dict(good, pythons=[]), "pythons", "list"),
            (dict(good, colour="red"), "colour", "allowed are"),
            ({"name": "bare", "repo": str(bare)}, "recipe", "CMakeLists.txt"),
        ]
        before = daemon.row_counts()
        for wish, field, word in cases:
            answer = self.add(daemon, 422, **wish)
            self.assertEqual(answer.get("field"), field, answer)
            self.assertIn(word, answer["detail"])
        self.assertEqual(daemon.row_counts(), before)
        self.assertEqual(sorted(p.name for p in (daemon.data / "repos").iterdir()), ["1.git"])
        self.assertEqual(daemon.get("/api/v1/projects/tiny").status, 404)
        self.assertEqual(daemon.request("POST", "/api/v1/projects", "{}").status, 401)
        self.assertEqual(daemon.request("DELETE", "/api/v1/projects/converters").status, 401)
        self.assertEqual(daemon.request("PATCH", "/api/v1/projects/converters", "{}").status, 401)
        unknown = daemon.post("/api/v1/runs", {"project": "other", "scenarios": ["list_bytes"]})
        self.assertEqual((unknown.status, unknown.json()["field"]), (422, "project"))
        self.assertIn("there is converters", unknown.json()["detail"])
        put = daemon.request("PUT", "/api/v1/projects/converters")
        self.assertEqual((put.status, put.headers["allow"]), (405, "GET, HEAD, PATCH, DELETE"))
        self.stop(daemon)

    def test_a_source_that_does_not_answer_holds_one_request(self) -> None:
        """Others are told to come again, and everything else is answered."""
        daemon = self.started()
        source = self.tiny()
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(60)
        answers: List[Any] = []
        stuck = threading.Thread(target=lambda: answers.append(daemon.post("/api/v1/projects", {
            "name": "stuck", "repo": "git://127.0.0.1:%d/stuck" % listener.getsockname()[1]})))
        stuck.start()
        connection, _ = listener.accept()
        for _ in range(8):
            answer = daemon.post("/api/v1/projects", {"name": "tiny", "repo": str(source)})
            self.assertEqual((answer.status, answer.json()["type"]), (503, "/problems/busy"), answer.body)
            self.assertGreater(int(answer.headers["retry-after"]), 0)
        self.add(daemon, 422, name="converters", repo=str(source))
        self.assertEqual(daemon.get("/api/v1/projects").status, 200)
        connection.close()
        listener.close()
        stuck.join(60)
        self.assertEqual((answers[0].status, answers[0].json()["field"]), (422, "repo"), answers[0].body)
        self.add(daemon, name="tiny", repo=str(source))
        self.stop(daemon)

    def change(self, daemon: Daemon, method: str, target: str, body: Any = None) -> Any:
        """PATCH or DELETE with the token."""
        headers = {"Authorization": "Bearer " + daemon.token}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return daemon.request(method, target, None if body is None else json.dumps(body), headers)

    def test_disable_rename_and_remove(self) -> None:
        daemon = self.started()
        source = self.tiny()
        self.add(daemon, name="tiny", repo=str(source), scenarios="benchmarks")
        request = {"project": "tiny", "scenarios": ["Copies.copy"], "pythons": daemon.usable_pythons()[:1]}
        before = daemon.row_counts()
        runs = self.measure(daemon, **request)
        self.assert_done(runs)

        answer = self.change(daemon, "PATCH", "/api/v1/projects/tiny", {"enabled": False})
        self.assertEqual((answer.status, answer.json()["enabled"]), (200, False))
        refused = daemon.post("/api/v1/runs", request)
        self.assertEqual((refused.status, refused.json()["field"]), (422, "project"))
        self.assertIn("disabled", refused.json()["detail"])
        answer = self.change(daemon, "PATCH", "/api/v1/projects/tiny", {"enabled": True, "name": "small"})
        self.assertEqual((answer.status, answer.json()["name"]), (200, "small"), answer.body)
        self.assertEqual(daemon.get("/api/v1/projects/tiny").status, 404)
        again, = self.measure(daemon, **dict(request, project="small"))
        self.assertEqual(again["build"]["id"], runs[0]["build"]["id"])
        for wish, field in (({"name": "converters"}, "name"), ({"repo": "/x"}, "repo"),
                            ({"branch": "nothing"}, "branch"), ({"recipe": "setup.py", "x": 1}, "x")):
            answer = self.change(daemon, "PATCH", "/api/v1/projects/small", wish)
            self.assertEqual((answer.status, answer.json()["field"]), (422, field), answer.body)

        asked = self.change(daemon, "DELETE", "/api/v1/projects/small")
        self.assertEqual(asked.status, 409)
        self.assertEqual(asked.json()["removes"]["runs"], 2)
        self.assertEqual(asked.json()["removes"]["builds"], 1)
        self.assertGreater(asked.json()["removes"]["cache_bytes"], 0)
        wrong = self.change(daemon, "DELETE", "/api/v1/projects/small?confirm=tiny")
        self.assertEqual(wrong.status, 409)
        gone = self.change(daemon, "DELETE", "/api/v1/projects/small?confirm=small")
        self.assertEqual(gone.status, 204, gone.body)
        after = daemon.row_counts()
        for table in ("runs", "cells", "builds", "batches", "phases", "event_chunks", "curve_chunks", "names"):
            self.assertEqual(after[table], 0, table)
        self.assertEqual(after["projects"], before["projects"] - 1)
        self.assertEqual(list((daemon.data / "cache" / "builds").iterdir()), [])
        self.assertEqual([p.name for p in (daemon.data / "repos").iterdir()], ["1.git"])
        own = self.change(daemon, "DELETE", "/api/v1/projects/converters?confirm=converters")
        self.assertEqual((own.status, own.json()["field"]), (422, "name"))
        self.assertEqual(self.change(daemon, "DELETE", "/api/v1/projects/small").status, 404)
        self.stop(daemon)


if __name__ == "__main__":
    unittest.main(verbosity=2)
