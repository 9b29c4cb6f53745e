// history.test.mjs - the view History on a project of which it is known what each commit does:
// gaps, a commit that does not build, releases, a regression that is accepted and searched for.
//
// Ten commits hold a small C extension that takes and gives back native memory, from the sixth on
// more of it; the third does not compile and the eighth is never measured. One daemon serves the
// whole file; the tests below run in order.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browse, Daemon, finish, PATIENCE_MS, until } from "./fixture.mjs";
import { exported, picture, reader } from "./reader.mjs";

const MIB = 1048576;
const COMMITS = 10;
const BROKEN = 2;
const CULPRIT = 5;
const UNMEASURED = 7;
const TAGGED = [0, 4, 9];
const RECIPE = { kind: "command", commands: [
  "cc -shared -fPIC -O1 $({python} -c \"import sysconfig; print('-I' + " +
  "sysconfig.get_path('include'))\") -o {prefix}/ripple$({python} -c \"import sysconfig; " +
  "print(sysconfig.get_config_var('EXT_SUFFIX'))\") {src}/ripple.c"] };

/** @param {number} i */
const source = (i) => `/* Commit ${i}. */
#include <Python.h>
#include <string.h>
#include <sys/mman.h>
${i === BROKEN ? "#error no" : ""}
static PyObject *pass_over(PyObject *module, PyObject *none)
{
    size_t n = ${(i < CULPRIT ? 8 : 24) * MIB}ul;
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
`;

const BENCHMARK = `"""A pass over a block of native memory."""

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
`;

/** @type {Daemon} */
let daemon;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {import("playwright-core").Page} */
let page;
/** @type {string} */
let folder;
/** @type {string[]} shas, oldest first */
let commits;
/** @type {string[]} one or two, old before new */
let pythons;
/** @type {string[]} */
const complaints = [];

/** Write the repository. @returns {string[]} its commits, oldest first */
function writeHistory() {
  const git = (/** @type {string[]} */ words, /** @type {string} */ input = "") =>
    execFileSync("git", ["-C", folder, ...words], { encoding: "utf8", input });
  const put = (/** @type {string} */ text) => `data ${Buffer.byteLength(text)}\n${text}\n`;
  git(["init", "--quiet", "--initial-branch", "main"]);
  git(["fast-import", "--quiet"], Array.from({ length: COMMITS }, (_, i) =>
    "commit refs/heads/main\ncommitter A Test <test@example.org> " +
    `${1_700_000_000 + i * i * 86_400} +0000\n${put(`Commit ${i}`)}` +
    `M 644 inline ripple.c\n${put(source(i))}` +
    (i ? "" : `M 644 inline benchmarks/passes.py\n${put(BENCHMARK)}`)).join(""));
  const found = git(["rev-list", "--reverse", "main"]).trim().split("\n");
  for (const i of TAGGED) git(["tag", `v${i}`, found[i]]);
  return found;
}

const series = () => daemon.get("/series?project=ripple&scenario=pass_over");

/** @param {string} [state] */
async function open(state = "") {
  await page.goto("about:blank"); // another hash alone leaves the last chart in place meanwhile
  await page.goto(`${daemon.url}/#/history?project=ripple&scenario=pass_over${state}`);
  await page.locator("figure.history[data-state=ready] .plot[data-series]").waitFor();
}

/**
 * Where a value of a commit stands in the page.
 * @param {number} place of the commit
 * @param {number} [value] without one, somewhere over it
 */
const placeOf = (place, value) => page.locator(".plot canvas").evaluate((node, [x, y]) => {
  const box = node.getBoundingClientRect();
  const { scales } = /** @type {any} */ (globalThis).Chart.getChart(node);
  return { x: box.left + scales.x.getPixelForValue(x),
    y: box.top + (y ? scales.y.getPixelForValue(y) : scales.y.top + 60) };
}, /** @type {[number, number]} */ ([place, value ?? 0]));

/** @param {number} from @param {number} to */
async function drag(from, to) {
  const [a, b] = [await placeOf(from - 0.4), await placeOf(to + 0.4)];
  await page.mouse.move(a.x, a.y);
  await page.mouse.down();
  await page.mouse.move(b.x, b.y, { steps: 4 });
  await page.mouse.up();
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tidemark-history-"));
  commits = writeHistory();
  daemon = await Daemon.start();
  await until("the Pythons", async () => !(await daemon.get("/status")).discovering);
  const usable = (await daemon.get("/pythons")).pythons
    .filter((/** @type {any} */ one) => one.usable).map((/** @type {any} */ one) => one.name);
  pythons = usable.slice(0, 2).reverse();
  const made = await fetch(`${daemon.url}/api/v1/projects`, {
    method: "POST",
    headers: { Authorization: `Bearer ${daemon.token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ name: "ripple", repo: folder, branch: "main", recipe: RECIPE,
      scenarios: "benchmarks" }),
  });
  assert.equal(made.status, 201, await made.clone().text());
  const batch = await daemon.trigger({ project: "ripple", pythons, scenarios: ["pass_over"],
    commits: commits.filter((_, i) => i !== UNMEASURED), samples: 2 });
  await daemon.batchDone(batch.id);
  browser = await browse();
  page = await reader(browser, complaints);
  await page.goto(daemon.entry);
});

after(async () => {
  await finish(browser, daemon);
  await rm(folder, { recursive: true, force: true });
});

test("failed builds, releases and the change are marked, a gap stays a gap", async () => {
  await until("the change point", async () => {
    const { series: lines } = await series();
    return lines.every((/** @type {any} */ line) => line.changes.length);
  }, PATIENCE_MS);
  await open();
  const plot = page.locator(".plot");
  assert.equal(await plot.getAttribute("data-series"), String(pythons.length));
  assert.equal(await plot.getAttribute("data-failed"), "1");
  assert.equal(await plot.getAttribute("data-changes"), "1");
  assert.equal(await plot.getAttribute("data-rules"), String(TAGGED.length));
  await plot.focus();
  await page.keyboard.press("End");
  for (const commit of [9, 8, 6, 5, 4, 3, 1, 0]) { // the keyboard steps over what has no point
    const said = await plot.getAttribute("aria-valuetext") ?? "";
    assert.ok(said.includes(commits[commit].slice(0, 7)), `${commit}: ${said}`);
    await page.keyboard.press("ArrowLeft");
  }
  await picture(page, "history-marks");
});

test("commits stand evenly, by date or by tag", async () => {
  await open();
  const places = () => page.locator(".plot canvas").evaluate((node) => {
    const { scales } = /** @type {any} */ (globalThis).Chart.getChart(node);
    return { from: scales.x.min, to: scales.x.max };
  });
  const even = await places();
  assert.ok(even.from < 0 && even.to > COMMITS - 1 && even.to < COMMITS, JSON.stringify(even));
  await page.getByRole("button", { name: "By date" }).click();
  await until("the dates", async () => (await places()).from > 1.6e9);
  const dates = await places();
  assert.ok(Math.abs(dates.to - dates.from - 81 * 86400) < 3 * 86400, JSON.stringify(dates));
  assert.match(page.url(), /x=date/);
  await picture(page, "history-by-date");
  await page.getByRole("button", { name: "By tag" }).click();
  await until("the tags", async () => (await places()).to < TAGGED.length);
  assert.equal((await exported(page, page.locator("main .view"))).length, TAGGED.length + 1);
  await page.reload();
  await page.locator("figure.history[data-state=ready]").waitFor();
  assert.equal(await page.getByRole("button", { name: "By tag" }).getAttribute("aria-pressed"),
    "true");
});

test("values are told as measured, from the first commit and from the baseline", async () => {
  const { series: lines } = await series();
  const last = COMMITS - 1;
  const percent = (/** @type {number} */ value, /** @type {number} */ of) =>
    `${((value / of - 1) * 100).toFixed(1).replace("-", "−")} %`;
  const [oldest] = pythons;
  const reference = lines.find((/** @type {any} */ one) => one.python.name === oldest);
  /** @type {[string, (line: any) => number][]} */
  const references = [["&y=first", (line) => line.median[0]],
    ["&y=baseline", () => reference.median[last]],
    [`&y=baseline&baseline=@${commits[0]}`, (line) => line.median[0]],
    [`&y=baseline&baseline=${oldest}@${commits[0]}`, () => reference.median[0]]];
  for (const [state, of] of references) {
    await open(state);
    await page.locator(".plot").focus();
    await until(state, async () => {
      await page.keyboard.press("End");
      const text = await page.locator(".plot").getAttribute("aria-valuetext") ?? "";
      const line = lines.find((/** @type {any} */ one) => text.includes(`${one.python.name} at`));
      return line && text.includes(percent(line.median[last], of(line)));
    });
  }
});

test("a point opens its run, and two open their comparison", async () => {
  const { series: lines } = await series();
  await open();
  const [line] = lines;
  const point = await placeOf(0, line.median[0]);
  await page.mouse.click(point.x, point.y);
  await until("the run", async () => /#\/run\/\d+/.test(page.url()));
  const id = Number(/run\/(\d+)/.exec(page.url())?.[1]);
  const run = await daemon.get(`/runs/${id}`);
  assert.deepEqual([run.commit.sha, run.python.name], [commits[0], line.python.name]);
  await open();
  for (const place of [0, COMMITS - 1]) {
    const at = await placeOf(place, line.median[place]);
    await page.mouse.move(at.x, at.y);
    await page.keyboard.down("Shift");
    await page.mouse.click(at.x, at.y);
    await page.keyboard.up("Shift");
  }
  await page.locator(".view[data-axis=commit]").waitFor();
  assert.ok(decodeURIComponent(page.url()).includes(
    `base=commit:${commits[0]}&head=commit:${commits[9]}&python=${line.python.name}`), page.url());
});

test("a regression is accepted with a reason, and taken back", async () => {
  await open();
  const row = page.locator(".changes tbody tr", { hasText: commits[CULPRIT].slice(0, 7) });
  await row.getByRole("button", { name: "Accept" }).click();
  await row.getByRole("textbox", { name: "Reason" }).fill("needs <b>more</b> room");
  await page.keyboard.press("Enter");
  await row.getByText("accepted: needs <b>more</b> room").waitFor();
  const accepted = async () => (await daemon.get("/regressions?project=ripple")).regressions
    .filter((/** @type {any} */ one) => one.accepted).length;
  assert.equal(await accepted(), pythons.length);
  await picture(page, "history-accepted");
  await row.getByRole("button", { name: "Take back" }).click();
  await row.getByRole("button", { name: "Accept" }).waitFor();
  assert.equal(await accepted(), 0);
});

test("a dragged range is zoomed, compared, or bisected down to its commit", async () => {
  await open();
  await drag(3, 8);
  await page.getByRole("button", { name: "Zoom", exact: true }).click();
  await page.locator(".plot[data-zoomed=true]").waitFor();
  await page.getByRole("button", { name: "Reset zoom" }).click();
  await drag(0, 9);
  const ends = await page.getByRole("link", { name: "Compare the ends" }).getAttribute("href");
  assert.ok(ends?.includes(`base=commit:${commits[0]}&head=commit:${commits[9]}`), String(ends));
  await page.getByRole("button", { name: /^Bisect on/ }).click();
  await page.getByRole("button", { name: "Start the bisection" }).click();
  const panel = page.getByRole("region", { name: "Bisection" });
  await panel.getByText(/looked at|moved it/).waitFor();
  assert.match(page.url(), /bisect=\d+/);
  await panel.getByText("moved it").waitFor({ timeout: PATIENCE_MS });
  assert.ok((await panel.innerText()).includes(commits[CULPRIT].slice(0, 7)));
  await picture(page, "history-bisected");
  const [found] = (await daemon.get("/bisects")).bisects;
  assert.equal(found.result.commit.sha, commits[CULPRIT]);
});

test("releases are exported like any chart", async () => {
  await page.goto(`${daemon.url}/#/releases?project=ripple&commit=${commits[9]}`);
  await page.locator(".bars[data-bars]").first().waitFor();
  const rows = await exported(page, page.locator(".release").first());
  const { pythons: columns } = await daemon.get(`/matrix?project=ripple&commit=${commits[9]}`);
  assert.equal(rows.length, columns.length + 1);
});

test("a run whose build failed says why instead of drawing nothing", async () => {
  const { runs } = await daemon.get("/runs?project=ripple&status=failed&limit=1");
  await page.goto(`${daemon.url}/#/run/${runs[0].id}`);
  await page.getByText("The run failed before its process recorded anything").waitFor();
  assert.equal(await page.locator("figure.curves").isVisible(), false);
  await page.locator(".event-count", { hasText: "0 events" }).waitFor();
  await page.locator(".log", { hasText: "#error no" }).waitFor();
  await picture(page, "run-failed");
});

test("no page complained", () => {
  assert.deepEqual(complaints, []);
});
