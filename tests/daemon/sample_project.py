"""A small C extension project as a git repository, of whose every commit it is known what it does.

The module has one function: `pass_over(size)` takes `size` bytes of native memory from the kernel,
writes to each page and gives them back, so that RSS says exactly what it did. Into any commit can be planted
a leak, a higher peak, a line that does not compile, a crash, a hang and another name of the module.

`write_repository` writes a history, `rewrite` another one from some commit on. Dates, authors and
contents are fixed: the same changes give the same commits. What was changed and changed back gives the
same tree, as a revert does, and a commit without a change touches the README only, which is no part of
the folder that is built.
"""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

from daemon import commit_all, git

MIB = 1 << 20
FOLDER, SCENARIOS, SCENARIO = "extension", "benchmarks", "pass_over"
SIZE, REPEAT, TIMEOUT_S = 8 * MIB, 4, 5
FIRST_DAY, DAY = 1_700_000_000, 86_400  # seconds since the epoch


class Planted(NamedTuple):
    """What a commit does. A pass leaks `leak_bytes`, and takes `peak_bytes` beside its block."""

    leak_bytes: int = 0
    peak_bytes: int = 0
    compiles: bool = True
    crashes: bool = False
    hangs: bool = False
    module: str = "ripple"


class Commit(NamedTuple):
    """A commit that was written; `tree` is of the folder that is built."""

    sha: str
    subject: str
    planted: Planted
    tree: str


Change = Tuple[str, Dict[str, Any]]
"""The subject of a commit, and the fields of Planted in which it differs from the one before."""

HISTORY: Sequence[Change] = (
    ("Pass over a block", {}),
    ("Say what a pass is", {}),
    ("Keep the last block for later", {"leak_bytes": MIB}),
    ("Say what it is kept for", {}),
    ("Keep no block", {"leak_bytes": 0}),
    ("Compare with a second block", {"peak_bytes": 8 * MIB}),
    ("Compare in place", {"peak_bytes": 0}),
    ("Spell a name otherwise", {"compiles": False}),
    ("Spell it as before", {"compiles": True}),
    ("Trust the address", {"crashes": True}),
    ("Trust no address", {"crashes": False}),
    ("Wait for a signal", {"hangs": True}),
    ("Wait for nothing", {"hangs": False}),
    ("Call the module eddy", {"module": "eddy"}),
    ("Compare with a smaller second block", {"peak_bytes": 4 * MIB}),
)

SOURCE = Template("""\
/* $module.c - passes over blocks of memory. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LEAK_BYTES ((size_t)$leak_bytes)
#define PEAK_BYTES ((size_t)$peak_bytes)
#define CRASHES    $crashes
#define HANGS      $hangs

/* Pages of the kernel's own, each written to; NULL for none. */
static char *take(size_t n)
{
    if (!n) return NULL;
    char *block = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return NULL;
    memset(block, 1, n);
    return block;
}

static void give_back(char *block, size_t n)
{
    if (block) munmap(block, n);
}

static PyObject *pass_over(PyObject *module, PyObject *size)
{
    (void)module;
    size_t n = PyLong_AsSize_t(size);
    if (PyErr_Occurred()) return NULL;
    volatile char *volatile nowhere = NULL;
    if (CRASHES) *nowhere = 1;
    while (HANGS)
        pause();
    char *block = take(n), *second = take(PEAK_BYTES);
    give_back($name, n);
    give_back(second, PEAK_BYTES);
    take(LEAK_BYTES);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"pass_over", pass_over, METH_O, "Take so many bytes, write to each page, give them back."},
    {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "$module", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_$module(void)
{
    return PyModule_Create(&definition);
}
""")

CMAKE = Template("""\
cmake_minimum_required(VERSION 3.18)
project($module LANGUAGES C)
find_package(Python 3.8 REQUIRED COMPONENTS Interpreter Development.Module)
Python_add_library($module MODULE WITH_SOABI $module.c)
set_target_properties($module PROPERTIES LIBRARY_OUTPUT_DIRECTORY "$${CMAKE_CURRENT_BINARY_DIR}")
""")

SETUP = Template("""\
try:
    from setuptools import Extension, setup
except ImportError:
    from distutils.core import Extension, setup

setup(name="$module", version="1.0", ext_modules=[Extension("$module", ["$module.c"])])
""")

BENCHMARKS = Template('''\
"""Passes over a block of native memory."""

from tidemark import iterations

module = $modules
timeout = $timeout
params = [[$size], [$repeat]]
param_names = ["size", "repeat"]


def setup(size, repeat):
    """Take the module by the name that it has in the commit."""
    global pass_over
    for name in module:
        try:
            pass_over = __import__(name).pass_over
            return
        except ImportError:
            pass
    raise ImportError("no module of " + ", ".join(module))


def peakmem_pass_over(size, repeat):
    """Takes `size` bytes and gives them back, `repeat` times."""
    for _ in iterations(repeat):
        pass_over(size)
''')


def expected_tide(planted: Planted) -> int:
    """Bytes from the base to the tide mark of a run of peakmem_pass_over."""
    last = (REPEAT - 1) * planted.leak_bytes + SIZE + planted.peak_bytes
    return max(last, REPEAT * planted.leak_bytes)


def expected_end(planted: Planted) -> int:
    """Bytes from the base to the end of such a run."""
    return REPEAT * planted.leak_bytes


def write_repository(folder: Path, changes: Sequence[Change] = HISTORY) -> List[Commit]:
    """Make a repository with this history on its branch `main`, checked out; its commits, oldest first."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    return rewrite(folder, [], changes)


def rewrite(folder: Path, kept: Sequence[Commit], changes: Sequence[Change]) -> List[Commit]:
    """Put these changes in the place of all that came after the commits `kept`; the whole new history."""
    commits = list(kept)
    if kept:
        git(folder, "reset", "--quiet", "--hard", kept[-1].sha)
    planted = kept[-1].planted if kept else Planted()
    for subject, change in changes:
        planted = planted._replace(**change)
        names = {commit.planted.module: None for commit in commits}
        write_files(folder, planted, list({**names, planted.module: None}), subject)
        date = "%d +0000" % (FIRST_DAY + len(commits) * DAY)
        sha = commit_all(folder, subject, GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)
        commits.append(Commit(sha, subject, planted, git(folder, "rev-parse", "HEAD:" + FOLDER)))
    return commits


def write_files(folder: Path, planted: Planted, modules: List[str], subject: str) -> None:
    """The project as it stands at a commit; its scenarios know every name that the module had."""
    values = dict(planted._asdict(), crashes=int(planted.crashes), hangs=int(planted.hangs),
                  name="block" if planted.compiles else "blok", modules=repr(modules),
                  timeout=TIMEOUT_S, size=SIZE, repeat=REPEAT)
    for source in (folder / FOLDER).glob("*.c"):
        source.unlink()
    for name, text in (("%s/%s.c" % (FOLDER, planted.module), SOURCE),
                       (FOLDER + "/CMakeLists.txt", CMAKE), (FOLDER + "/setup.py", SETUP),
                       (SCENARIOS + "/passes.py", BENCHMARKS)):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text.substitute(values), encoding="utf-8")
    with open(folder / "README", "a", encoding="utf-8") as readme:
        readme.write(subject + "\n")
