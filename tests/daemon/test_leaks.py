"""Leaks: what an extension keeps of each of 100,000 calls is found to the byte, and nothing else is.

A small extension keeps as many bytes of each call as it is told, one after the other in memory of its own, so
that RSS grows by exactly that, a page at a time.
"""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from typing import Any, Dict, List
from urllib.parse import urlencode

from daemon import DaemonCase, await_batch, commit_all, git

CALLS = 100_000
LEAKS = (1, 8, 64, 1024)

SOURCE = r"""
/* drip.c - keeps what it is told of each call. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>
#include <sys/mman.h>

#define ROOM ((size_t)1 << 30)

static char *next, *warm;

/* Room that costs nothing until it is written to. */
static char *reserve(void)
{
    char *at = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static PyObject *keep(PyObject *module, PyObject *size)
{
    (void)module;
    size_t n = PyLong_AsSize_t(size);
    if (PyErr_Occurred()) return NULL;
    if (!next && !(next = reserve())) return PyErr_NoMemory();
    memset(next, 1, n);
    next += n;
    Py_RETURN_NONE;
}

/* As an allocator does: a megabyte that is taken once. */
static PyObject *warm_up(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    if (!warm && !(warm = reserve())) return PyErr_NoMemory();
    memset(warm, 1, (size_t)1 << 20);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"keep", keep, METH_O, "Keep so many bytes."},
                                {"warm_up", warm_up, METH_NOARGS, "Take a megabyte, once."},
                                {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "drip", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_drip(void)
{
    return PyModule_Create(&definition);
}
"""

CMAKE = """\
cmake_minimum_required(VERSION 3.18)
project(drip LANGUAGES C)
find_package(Python 3.8 REQUIRED COMPONENTS Interpreter Development.Module)
Python_add_library(drip MODULE WITH_SOABI drip.c)
set_target_properties(drip PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
"""

SCENARIO = '''\
"""Calls that keep some bytes each. The payload is what they keep."""

from tidemark import iterations

module = "drip"
params = [[0], [%d]]
param_names = ["size", "calls"]


def setup(size, calls):
    global keep, warm_up
    from drip import keep, warm_up


def peakmem_drip(size, calls):
    """Keeps `size` bytes of each call, and a megabyte of the first ones."""
    for i in iterations(calls):
        keep(size)
        if i == calls // 50:
            warm_up()
''' % CALLS


class Leaks(DaemonCase):
    """Each leak on the oldest and the newest CPython."""

    scratch: "tempfile.TemporaryDirectory[str]"
    pythons: List[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = tempfile.TemporaryDirectory(prefix="tidemark-repo-")
        cls.addClassCleanup(cls.scratch.cleanup)
        work = Path(cls.scratch.name) / "work"
        for name, text in (("extension/drip.c", SOURCE), ("extension/CMakeLists.txt", CMAKE),
                           ("benchmarks/drip.py", SCENARIO)):
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text(text, encoding="utf-8")
        git(work, "init", "--quiet", "--initial-branch", "main")
        commit_all(work, "Drip")
        super().setUpClass()
        try:
            usable = cls.daemon.usable_pythons()
            cls.pythons = [usable[0], usable[-1]]
            answer = cls.daemon.post("/api/v1/projects", {
                "name": "drip", "repo": str(work), "branch": "main", "scenarios": "benchmarks",
                "recipe": {"kind": "cmake", "folder": "extension"}})
            if answer.status != 201:
                raise AssertionError(answer.body.decode())
            for size in (0,) + LEAKS:
                cls.measure(size=size)
            cls.measure(size=0, calls=100)
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def measure(cls, **params: int) -> None:
        """One run on each of the pythons."""
        answer = cls.daemon.post("/api/v1/runs", {
            "project": "drip", "pythons": cls.pythons, "scenarios": ["drip"], "recording": "marks",
            "params": params})
        if answer.status != 202:
            raise AssertionError(answer.body.decode())
        await_batch(cls.daemon, answer.json()["id"], 200)

    def verdicts(self, size: int, calls: int = CALLS) -> List[Dict[str, Any]]:
        """On the leak of this size, of each Python."""
        listed = self.daemon.get("/api/v1/cells?limit=1000&" + urlencode({"scenario": "drip"})).json()["cells"]
        cells = [cell for cell in listed if cell["params"] == {"size": size, "calls": calls}]
        self.assertEqual(len(cells), len(set(self.pythons)))
        return [self.daemon.get("/api/v1/cells/%d" % cell["id"]).json()["leak"] for cell in cells]

    def test_leaks_are_found_and_measured(self) -> None:
        """1 to 1,024 bytes of each call, to within half a byte and a twentieth."""
        for size in LEAKS:
            for leak in self.verdicts(size):
                self.assertEqual(leak["verdict"], "leak", (size, leak))
                self.assertAlmostEqual(leak["slope"], size, delta=0.5 + size / 20)
                self.assertLessEqual(leak["low"], leak["slope"])
                self.assertEqual((leak["iterations"], leak["needed"]), (CALLS, None))

    def test_warm_up_is_no_leak(self) -> None:
        """A megabyte that is taken once, early."""
        for leak in self.verdicts(0):
            self.assertEqual(leak["verdict"], "no leak", leak)
            self.assertLess(abs(leak["slope"]), 0.1)

    def test_too_few_calls_say_how_many_it_takes(self) -> None:
        """100 calls cannot show one byte each."""
        for leak in self.verdicts(0, calls=100):
            self.assertEqual(leak["verdict"], "inconclusive")
            self.assertGreater(leak["needed"], 10_000)
            self.assertLessEqual(leak["needed"], 10 * CALLS)

    def test_our_own_round_trips_do_not_leak(self) -> None:
        """The converters, by the scenarios of one item."""
        batch = self.run_batch(pythons=[self.pythons[0]], params={"repeat": 60_000},
                               scenarios=["list_one_item", "set_one_item", "dict_one_item"],
                               recording="marks")
        runs = self.daemon.get("/api/v1/runs?batch=%d" % batch).json()["runs"]
        self.assertEqual(len(runs), 3)
        for run in runs:
            leak = self.daemon.get("/api/v1/cells/%d" % run["cell"]).json()["leak"]
            self.assertEqual(leak["verdict"], "no leak", (run["scenario"], leak))


if __name__ == "__main__":
    unittest.main()
