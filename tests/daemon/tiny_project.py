"""A project of a dozen lines of C, for the tests of what is done with projects.

Every repository is a real one, made with git; the extension in it is built for real CPythons.
"""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path
from typing import Any, Dict, List

from daemon import Daemon, FaultCase, await_batch, commit_all, git

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


class ProjectCase(FaultCase):
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

    def tiny(self, name: str = "tiny") -> Path:
        """A repository that CMake builds."""
        return repository(self.folder / name, {"CMakeLists.txt": CMAKE, "tiny.c": MODULE,
                                               "benchmarks/copies.py": BENCHMARKS})
