// tiny.mjs - a small repository to measure, and what only weeks of use would bring about: a change
// that was found along the history, and a webhook that nobody took.

import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const MODULE = `#define PY_SSIZE_T_CLEAN
#include <Python.h>
static PyObject *copy(PyObject *self, PyObject *size)
{
    (void)self;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, PyLong_AsSsize_t(size));
    if (bytes) memset(PyBytes_AS_STRING(bytes), 1, (size_t)PyBytes_GET_SIZE(bytes));
    return bytes;
}
static PyMethodDef methods[] = {{"copy", copy, METH_O, ""}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "tiny", 0, -1, methods, 0, 0, 0, 0};
PyMODINIT_FUNC PyInit_tiny(void) { return PyModule_Create(&module); }
`;

const BENCHMARK = `"""Copies."""
module = "tiny"
params = [[262144]]
param_names = ["size"]


def setup(size):
    global copy
    from tiny import copy


def peakmem_copy(size):
    """A copy of \`size\` bytes."""
    return copy(size)
`;

const QUOTE = "sysconfig.get_path('include')";
const SUFFIX = "sysconfig.get_config_var('EXT_SUFFIX')";
/** How it is built: one call of the compiler. */
export const RECIPE = {
  kind: "command",
  commands: [`cc -shared -fPIC -I$({python} -c "import sysconfig; print(${QUOTE})") ` +
    `-o {prefix}/tiny$({python} -c "import sysconfig; print(${SUFFIX})") {src}/tiny.c`],
};

/**
 * @param {string} folder
 * @param {string[]} words
 */
function git(folder, ...words) {
  const who = ["-c", "user.name=A Test", "-c", "user.email=test@example.org"];
  return execFileSync("git", [...who, ...words], { cwd: folder, encoding: "utf8" }).trim();
}

/**
 * A repository of three commits, of which a build is made each.
 * @param {string} folder that does not exist yet
 */
export async function makeRepository(folder) {
  await mkdir(join(folder, "benchmarks"), { recursive: true });
  await writeFile(join(folder, "benchmarks", "copies.py"), BENCHMARK);
  git(folder, "init", "--quiet", "--initial-branch", "main");
  for (const subject of ["first", "second", "third"]) {
    await writeFile(join(folder, "tiny.c"), `/* ${subject} */\n${MODULE}`);
    git(folder, "add", "--all");
    git(folder, "commit", "--quiet", "--message", subject);
  }
}

const PLANT = `
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
with database:
    series, older, newer = database.execute("""
        SELECT l.series, min(l.commit_id), max(l.commit_id) FROM cells l
        JOIN scenarios n ON n.id = l.scenario JOIN projects p ON p.id = n.project
        WHERE p.name = 'tiny' GROUP BY l.series""").fetchone()
    change = database.execute("""
        INSERT INTO changes (series, metric, commit_id, previous, last, kind, status, before,
        after, effect, found_ns)
        VALUES (?, 2, ?, ?, ?, 'step', 'confirmed', 4096, 8192, 4096, 1)""",
        (series, newer, older, newer)).lastrowid
    letters = [database.execute("""
        INSERT INTO deliveries (project, event, url, secret, body, status, attempts, created_ns,
        next_ns, ended_ns, error) SELECT id, 'batch_failed', 'http://127.0.0.1:9/', '', '{}', ?,
        12, 1, 1, 2, 'refused' FROM projects WHERE name = 'tiny'""",
        (status,)).lastrowid for status in ("dead", "delivered")]
    print(change, *letters)
database.close()
`;

/**
 * Write a change, a dead letter and a delivered one into the data folder; no daemon may run there.
 * @param {string} data
 * @returns {{change: number, dead: number, delivered: number}} their ids
 */
export function plant(data) {
  const ids = execFileSync("python3", ["-c", PLANT, join(data, "tidemark.db")],
    { encoding: "utf8" }).trim().split(" ").map(Number);
  return { change: ids[0], dead: ids[1], delivered: ids[2] };
}
