"""Bisect: the commit that changed a metric, found over a real history of 200 commits, 20 of which do not build.

Each commit of the generated repository holds a C extension of its own content that one call of the
compiler builds; its one function takes and gives back native memory. From one commit on it takes more.
"""

from __future__ import annotations

import json
import math
import random
import re
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from daemon import PROGRAM, DaemonCase, FaultCase, Daemon, environment, eventually, git, run_program

MIB = 1 << 20
COMMITS, BROKEN, CULPRIT = 200, 20, 137
FIRST_DAY, DAY = 1_700_000_000, 86_400
RECIPE = {"kind": "command", "commands": [
    "cc -shared -fPIC -O1 $({python} -c \"import sysconfig; print('-I' + sysconfig.get_path('include'))\")"
    " -o {prefix}/ripple$({python} -c \"import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'))\")"
    " {src}/ripple.c"]}

SOURCE = """\
/* Commit %(number)d. */
#include <Python.h>
#include <string.h>
#include <sys/mman.h>
%(broken)s
static PyObject *pass_over(PyObject *module, PyObject *none)
{
    size_t n = %(bytes)dul;
    (void)module, (void)none;
    char *block = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return PyErr_NoMemory();
    memset(block, 1, n);
    munmap(block, n);
    Py_RETURN_NONE;
}
static PyMethodDef methods[] = {{"pass_over", pass_over, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "ripple", NULL, -1, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_ripple(void) { return PyModule_Create(&definition); }
"""

BENCHMARK = '''\
"""A pass over a block of native memory."""

module = ["ripple"]
params = [[1]]
param_names = ["repeat"]


def setup(repeat):
    """Take the module as the commit has it."""
    global pass_over
    from ripple import pass_over


def peakmem_pass_over(repeat):
    """One pass."""
    pass_over()
'''


def write_history(folder: Path, sizes: Sequence[int], broken: Sequence[int] = ()) -> List[str]:
    """A repository with a commit for each size of the block, in bytes; its hashes, oldest first."""
    git(folder.parent, "init", "--quiet", "--initial-branch", "main", str(folder))
    stream: List[str] = []

    def put(text: str) -> str:
        return "data %d\n%s\n" % (len(text.encode()), text)

    for i, size in enumerate(sizes):
        source = SOURCE % {"number": i, "bytes": size, "broken": "#error no" if i in broken else ""}
        stream += ["commit refs/heads/main\n", "committer A Test <test@example.org> %d +0000\n"
                   % (FIRST_DAY + i * DAY), put("Commit %d" % i),
                   "M 644 inline ripple.c\n", put(source)]
        if i == 0:
            stream += ["M 644 inline benchmarks/passes.py\n", put(BENCHMARK)]
    subprocess.run(["git", "fast-import", "--quiet"], cwd=str(folder), input="".join(stream).encode(),
                   check=True)
    return git(folder, "rev-list", "--reverse", "main").split()


def add_project(daemon: Daemon, name: str, repo: Path) -> None:
    """Register the repository."""
    answer = daemon.post("/api/v1/projects", {"name": name, "repo": str(repo), "branch": "main",
                                              "recipe": RECIPE, "scenarios": "benchmarks"})
    if answer.status != 201:
        raise AssertionError("%s was not added: %s" % (name, answer.body.decode()))


def finish(daemon: Daemon, bisect: int, deadline_s: float = 300) -> Dict[str, Any]:
    """The search once it runs no more."""
    def ended() -> Optional[Dict[str, Any]]:
        state = daemon.get("/api/v1/bisects/%d" % bisect).json()
        return state if state["status"] != "running" else None

    state = eventually(ended, deadline_s, 0.3)
    if not state:
        raise AssertionError("the search did not end: %s"
                             % daemon.get("/api/v1/bisects/%d" % bisect).body.decode())
    return dict(state)


def builds_made(daemon: Daemon) -> Dict[str, int]:
    """Builds by status."""
    return dict(daemon.query("SELECT status, count(*) FROM builds GROUP BY status"))


class LongHistory(FaultCase):
    """Two hundred commits, a daemon that is killed on the way, and the command that watches."""

    def test_finds_the_commit_within_the_bound_over_a_kill(self) -> None:
        """Found in ceil(log2(n)) builds and one more for each skipped commit, beside both ends."""
        random_ = random.Random(20)
        broken = random_.sample([i for i in range(1, COMMITS - 1) if abs(i - CULPRIT) > 1], BROKEN)
        sizes = [(8 if i < CULPRIT else 12) * MIB for i in range(COMMITS)]
        shas = write_history(self.folder / "ripple", sizes, broken)
        daemon = self.make(self.folder / "ripple").start().await_discovery()
        add_project(daemon, "ripples", self.folder / "ripple")
        python = daemon.usable_pythons()[0]
        answer = daemon.post("/api/v1/bisects", {
            "project": "ripples", "good": shas[0], "bad": "main", "scenario": "pass_over",
            "python": python, "samples": 1})
        self.assertEqual(answer.status, 202, answer.body)
        bisect = answer.json()["id"]
        self.assertEqual(answer.headers["location"], "/api/v1/bisects/%d" % bisect)

        def has_steps() -> bool:
            steps = daemon.get("/api/v1/bisects/%d" % bisect).json()["steps"]
            return len([step for step in steps if step["outcome"] != "measuring"]) >= 4

        self.assertTrue(eventually(has_steps, 200, 0.2))
        daemon.kill()
        daemon.start().await_discovery()
        state = finish(daemon, bisect)
        self.assertEqual(state["status"], "done", state["error"])
        self.assertEqual(state["result"]["commit"]["sha"], shas[CULPRIT])
        self.assertEqual(state["result"]["previous"]["sha"], shas[CULPRIT - 1])
        effect = state["result"]["effect"]
        self.assertLess(abs(effect - 4 * MIB), MIB / 2, effect)
        self.assertLessEqual(state["result"]["low"], effect)
        self.assertGreaterEqual(state["result"]["high"], effect)
        skipped = [step for step in state["steps"] if step["outcome"] == "skipped"]
        self.assertTrue(all("build" in step["why"] for step in skipped))
        made = builds_made(daemon)
        self.assertLessEqual(sum(made.values()) - 2, math.ceil(math.log2(COMMITS)) + len(skipped))
        self.assertEqual(made.get("failed", 0), len(skipped))

        # again: everything is known, nothing is built
        answer = daemon.post("/api/v1/bisects", {
            "project": "ripples", "good": shas[0], "bad": "main", "scenario": "pass_over",
            "python": python, "samples": 1})
        again = finish(daemon, answer.json()["id"])
        self.assertEqual(again["result"]["commit"]["sha"], shas[CULPRIT])
        self.assertGreater(again["known"], 0)
        self.assertEqual(builds_made(daemon), made)
        self.command_tells(python, shas)
        self.stop(daemon)

    def command_tells(self, python: str, shas: List[str]) -> None:
        """`tidemark bisect` names the commit, and as JSON gives what the interface gives."""
        words = ["bisect", shas[0], "main", "--project", "ripples", "-s", "pass_over", "-y", python,
                 "-n", "1", "--data", str(self.folder / "data")]
        done = run_program(self.folder, *words, timeout_s=120)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("%s Commit %d" % (shas[CULPRIT][:12], CULPRIT), done.stdout)
        changed = re.search(r"changed tide_mark by \+([0-9.]+) MiB", done.stdout)
        self.assertTrue(changed, done.stdout)
        self.assertAlmostEqual(float(changed.group(1)), 4, delta=0.25)
        state = json.loads(run_program(self.folder, *words, "--json", timeout_s=120).stdout)
        self.assertEqual(state["result"]["commit"]["sha"], shas[CULPRIT])


class ShortHistories(DaemonCase):
    """What cannot be found, and what is refused."""

    repo = None
    scratch: "tempfile.TemporaryDirectory[str]"
    shas: Dict[str, List[str]] = {}

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = tempfile.TemporaryDirectory(prefix="tidemark-repo-")
        cls.addClassCleanup(cls.scratch.cleanup)
        folder = Path(cls.scratch.name)
        histories = {
            "level": ([8 * MIB] * 5, ()),
            "gap": ([8 * MIB] * 2 + [12 * MIB] * 4, (2, 3)),
            "lost": ([8 * MIB] * 3, (0,)),
        }
        for name, (sizes, broken) in histories.items():
            cls.shas[name] = write_history(folder / name, sizes, broken)
        cls.repo = folder / "level"
        super().setUpClass()
        for name in histories:
            add_project(cls.daemon, name, folder / name)

    def bisect(self, project: str, **fields: Any) -> Dict[str, Any]:
        """Search through a whole history."""
        body = dict({"project": project, "good": self.shas[project][0], "bad": "main", "samples": 1,
                     "scenario": "pass_over", "python": self.daemon.usable_pythons()[0]}, **fields)
        answer = self.daemon.post("/api/v1/bisects", body)
        self.assertEqual(answer.status, 202, answer.body)
        return finish(self.daemon, answer.json()["id"])

    def test_ends_that_do_not_differ(self) -> None:
        """There is nothing to look for, and it says so."""
        state = self.bisect("level")
        self.assertEqual(state["status"], "done")
        self.assertEqual(state["result"]["why"], "good and bad do not differ")
        self.assertEqual(state["result"]["from"]["sha"], self.shas["level"][0])

    def test_the_smallest_range_where_nothing_builds(self) -> None:
        """The commit is one of three, two of which do not build."""
        state = self.bisect("gap")
        self.assertEqual(state["status"], "done", state["error"])
        self.assertEqual(state["result"]["from"]["sha"], self.shas["gap"][1])
        self.assertEqual(state["result"]["to"]["sha"], self.shas["gap"][4])
        self.assertIn("none of the 2 commits", state["result"]["why"])

    def test_an_end_that_does_not_build(self) -> None:
        """The search fails, and names the end."""
        state = self.bisect("lost")
        self.assertEqual(state["status"], "failed")
        self.assertIn("the good commit", state["error"])

    def test_what_is_refused(self) -> None:
        """Each wrong field by its name; nothing is begun."""
        good = {"project": "level", "good": self.shas["level"][0], "bad": "main",
                "scenario": "pass_over", "python": self.daemon.usable_pythons()[0]}
        before = self.daemon.row_counts()["bisects"]
        wrong = [
            ({"good": "nowhere"}, "good"), ({"bad": "nowhere"}, "bad"), ({"bad": good["good"]}, "bad"),
            ({"good": "main", "bad": good["good"]}, "good"), ({"good": None}, "good"),
            ({"scenario": "other"}, "scenario"), ({"python": "2.7"}, "python"),
            ({"python": "all"}, "python"), ({"metric": "weight"}, "metric"), ({"samples": 0}, "samples"),
            ({"samples": 21}, "samples"), ({"worse_than": "lots"}, "worse_than"),
            ({"params": {"size": 1}}, "params.size"), ({"colour": "red"}, "colour"),
            ({"allocator": "tin"}, "allocator"), ({"good": "tags"}, "good"), ({"project": "none"}, "project"),
        ]
        for change, field in wrong:
            with self.subTest(change):
                body = {k: v for k, v in dict(good, **change).items() if v is not None}
                answer = self.daemon.post("/api/v1/bisects", body)
                self.assertEqual((answer.status, answer.json()["field"]), (422, field), answer.body)
        self.assertEqual(self.daemon.row_counts()["bisects"], before)
        self.assertEqual(self.daemon.get("/api/v1/bisects/999").status, 404)
        self.assertEqual(self.daemon.post("/api/v1/bisects/999/cancel", {}).status, 404)

    def test_cancel_and_list(self) -> None:
        """A search that is cancelled ends; the newest stands first in the list."""
        answer = self.daemon.post("/api/v1/bisects", {
            "project": "gap", "good": self.shas["gap"][0], "bad": "main", "samples": 3, "metric": "original",
            "scenario": "pass_over", "python": self.daemon.usable_pythons()[-1]})
        bisect = answer.json()["id"]
        self.assertEqual(self.daemon.post("/api/v1/bisects/%d/cancel" % bisect, {}).json()["status"],
                         "cancelled")
        self.assertEqual(self.daemon.post("/api/v1/bisects/%d/cancel" % bisect, {}).status, 409)
        listed = self.daemon.get("/api/v1/bisects?limit=1&project=gap").json()
        self.assertEqual([one["id"] for one in listed["bisects"]], [bisect])


if __name__ == "__main__":
    unittest.main()
