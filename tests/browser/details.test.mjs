// details.test.mjs - runs, builds, batches, curves in every mode, projects and Pythons, on a real
// daemon: what each page shows, its states, its pictures in light and dark, large and small.
//
// One daemon serves the whole file; the tests below run in order and build on one another.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { execFileSync } from "node:child_process";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browse, Daemon, finish, PATIENCE_MS, until } from "./fixture.mjs";
import { exported, faultsInEveryLook, settled } from "./reader.mjs";

const artifacts = process.env.ARTIFACTS ?? "build/artifacts/browser";
const SMALL = { count: 4096, length: 1024, repeat: 3 };
const LONG_NAME = "converted_by_a_name_that_goes_on_and_on_".repeat(8).slice(0, 300);
const MARKUP = "<img src=x onerror=document.title='taken'>";
const HOSTILE = "<img src=x onerror=alert(1)>";
const LONG_SCENARIO = "a_scenario_whose_name_takes_all_of_the_eighty_letters_that_it_may" +
  "_have_here_xyz";

/** @type {Daemon} */
let daemon;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {import("playwright-core").Page} */
let page;
/** @type {string} the newest usable Python */
let newest;
/** @type {string[]} */
const complaints = [];
/** @type {any} the run that most tests look at */
let run;
/** @type {number[]} */
let extreme = [];

/** @param {import("playwright-core").BrowserContextOptions} [options] */
async function reader(options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 }, colorScheme: "light", reducedMotion: "reduce",
    ...options,
  });
  context.on("console", (message) => {
    if (message.type() === "error" && !/status of 4(09|22)/.test(message.text())) {
      complaints.push(message.text());
    }
  });
  context.on("weberror", (error) => complaints.push(String(error.error().stack)));
  return context.newPage();
}

/**
 * @param {import("playwright-core").Page} from
 * @param {string} name
 */
async function picture(from, name) {
  await from.evaluate(() => window.scrollTo(0, 0));
  await from.screenshot({ path: join(artifacts, `details-${name}.png`), fullPage: true });
}

/** @param {string} text @param {string} name */
async function imported(text, name) {
  const answer = await fetch(`${daemon.url}/api/v1/imports?name=${encodeURIComponent(name)}`, {
    method: "POST", body: text, headers: { Authorization: `Bearer ${daemon.token}`,
      "Content-Type": "application/octet-stream" },
  });
  assert.equal(answer.status, 201, await answer.clone().text());
  return (await answer.json()).id;
}

/**
 * @param {string} folder
 * @param {Record<string, string>} files
 */
async function repository(folder, files) {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const git = (/** @type {string[]} */ ...words) => execFileSync("git", ["-C", folder, ...words],
    { stdio: "ignore" });
  git("init", "-q", "-b", "main");
  git("add", ".");
  git("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-q", "-m", "Begin");
}

/**
 * Make a branch with one commit more.
 * @param {string} folder
 * @param {string} branch
 * @param {string} subject
 */
async function commit(folder, branch, subject) {
  await writeFile(join(folder, "README"), subject);
  for (const words of [["checkout", "-q", "-b", branch], ["add", "."],
    ["-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-q", "-m", subject],
    ["checkout", "-q", "main"]]) {
    execFileSync("git", ["-C", folder, ...words], { stdio: "ignore" });
  }
}

/** @param {number} id */
const open = async (id) => {
  await page.goto(`${daemon.url}/#/run/${id}`);
  await page.getByRole("heading", { name: `Run ${id}`, exact: true }).waitFor();
};

before(async () => {
  await mkdir(artifacts, { recursive: true });
  daemon = await Daemon.start();
  browser = await browse();
  page = await reader();
  await page.goto(daemon.entry);
  await until("the Pythons", async () => !(await daemon.get("/status")).discovering);
  const { pythons } = await daemon.get("/pythons");
  newest = pythons.find((/** @type {{usable: boolean}} */ one) => one.usable).name;
});

after(() => finish(browser, daemon));

test("a batch is watched: the build's log comes in while it is at work", async () => {
  // A build that ends when this test lets it.
  const folder = await mkdtemp(join(tmpdir(), "tidemark-slow-"));
  await repository(folder, { "README": "nothing to compile\n" });
  const made = await fetch(`${daemon.url}/api/v1/projects`, {
    method: "POST",
    headers: { Authorization: `Bearer ${daemon.token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ name: "slow", repo: folder, recipe: { kind: "command", commands: [
      "echo the build has begun", `until test -e ${folder}/go; do sleep 0.1; done`,
      "echo it goes on", "mkdir -p {prefix}"] } }),
  });
  assert.equal(made.status, 201, await made.clone().text());
  const batch = await daemon.trigger({ project: "slow", pythons: [newest], scenarios: ["empty"] });
  await page.goto(`${daemon.url}/#/batch/${batch.id}`);
  const log = page.getByRole("region", { name: "Log of the build at work" });
  await log.getByText("the build has begun").waitFor({ timeout: PATIENCE_MS });
  await picture(page, "batch-building");
  const [build] = (await daemon.get("/builds?status=building")).builds;
  await page.goto(`${daemon.url}/#/build/${build.id}`);
  const alone = page.getByRole("region", { name: "Log of the build", exact: true });
  await alone.getByText("the build has begun").waitFor();
  assert.doesNotMatch(await alone.innerText(), /^it goes on/m);
  await picture(page, "build-at-work");
  await writeFile(join(folder, "go"), "");
  await alone.getByText(/^it goes on/m).waitFor();
  await page.locator(".steps tbody tr").first().waitFor();
  await daemon.batchDone(batch.id);
  await rm(folder, { recursive: true, force: true });
});

test("a batch that is done shows its runs and the last curve", async () => {
  const batch = await daemon.trigger({ commits: ["HEAD"], pythons: [newest], samples: 2,
    scenarios: ["list_bytes"], params: SMALL, recording: "all" });
  await page.goto(`${daemon.url}/#/batch/${batch.id}`);
  await page.locator(".watch[data-status=done]").waitFor({ timeout: PATIENCE_MS });
  await page.locator(".plot[data-series='1']").waitFor();
  assert.equal(await page.locator(".watch tbody tr[data-status=done]").count(), 2);
  await picture(page, "batch-done");
  const { runs } = await daemon.get(`/runs?batch=${batch.id}`);
  run = await daemon.get(`/runs/${runs[0].id}`);
  assert.equal(run.status, "done", run.error);
});

test("a build shows its steps and its log", async () => {
  await page.goto(`${daemon.url}/#/build/${run.build.id}`);
  await page.locator(".steps tbody tr").first().waitFor();
  const build = await daemon.get(`/builds/${run.build.id}`);
  assert.equal(await page.locator(".steps tbody tr").count(), build.steps.length);
  assert.equal(await page.locator(".steps tbody td", { hasText: /^exit 0$/ }).count(),
    build.steps.length);
  await page.locator(".log", { hasText: "Linking" }).waitFor();
  await picture(page, "build");
  await page.getByRole("link", { name: "runs of this commit" }).click();
  await page.locator(".runs tbody tr").first().waitFor();
  assert.equal(await page.locator(".runs tbody tr").count(), 2);
});

test("a run shows its figures, phases and functions", async () => {
  await open(run.id);
  await page.locator("figure[data-state=ready] .plot[data-series='1']").waitFor();
  for (const what of ["tide_mark", "base", "original", "end"]) {
    const exact = `${run[what].toLocaleString("en")} bytes`;
    const shown = await page.locator(`.sizes dd[title="${exact}"] .fig`).first().innerText();
    assert.equal(shown, (run[what] / 1048576).toFixed(1), what);
  }
  const phases = page.getByRole("region", { name: "Phases of the run" });
  assert.equal(await phases.locator("tbody tr").count(), run.phases.length);
  const table = page.getByRole("region", { name: "Functions of the run" });
  const { functions } = await daemon.get(`/runs/${run.id}/functions`);
  await until("the functions", async () =>
    await table.locator("tbody tr").count() === functions.length);
  await table.getByRole("button", { name: "Calls" }).click();
  assert.equal(await table.locator("th[aria-sort=descending]").innerText(), "Calls");
  const calls = (await table.locator("tbody td:nth-child(3)").allInnerTexts())
    .filter((text) => text !== "–").map((text) => Number(text.replaceAll(",", "")));
  assert.deepEqual(calls, [...calls].sort((a, b) => b - a));
  assert.match(page.url(), /sort=-calls/);
  await picture(page, "run");
  for (const link of await page.locator(".downloads a").all()) {
    const answer = await fetch(daemon.url + await link.getAttribute("href"));
    assert.equal(answer.status, 200, await link.innerText());
    await answer.body?.cancel();
  }
});

test("a curve is exported as picture, CSV, link and table", async () => {
  await open(run.id);
  const figure = page.locator("figure.curves");
  await page.locator("figure[data-state=ready] .plot[data-series='1']").waitFor();
  const [head, ...rows] = await exported(page, figure);
  assert.equal(head.length, 3);
  assert.equal(rows.length, Number(await figure.locator(".plot").getAttribute("data-points")));
  const highest = Math.max(...rows.map((row) => Number(row[2])));
  assert.ok(highest > run.original / 1048576 && highest <= run.tide_mark / 1048576, `${highest}`);
});

test("any event of a run is found: by place, instant, function and kind", async () => {
  const all = run.events + run.samples_taken;
  await page.locator(".event-count", { hasText: `${all.toLocaleString("en")} events` }).waitFor();
  await page.locator(".vrows-body .vrow", { hasText: /\d\.\d{6}/ }).first().waitFor();
  const rows = await page.locator(".vrows-body .vrow").count();
  assert.ok(rows < 60, `${rows} rows stand in the page`);
  const box = page.getByRole("rowgroup", { name: /rows$/ });
  await box.focus();
  await page.keyboard.press("End");
  await page.locator(`.vrow[data-index="${all - 1}"]`, { hasText: (all - 1).toLocaleString("en") })
    .waitFor();

  const { events: [mark] } = await daemon.get(`/runs/${run.id}/events?kind=MARK&limit=1`);
  await page.getByRole("textbox", { name: /^Instant/ }).fill(String(mark.t_ns / 1e9));
  await page.getByRole("button", { name: "Go there" }).click();
  const there = page.locator(".vrow[aria-current]");
  await until("the mark", async () => /MARK/.test(await there.innerText().catch(() => "")));
  assert.match(await there.innerText(), new RegExp(mark.index.toLocaleString("en")));

  await page.getByRole("region", { name: "Functions of the run" })
    .getByRole("button", { name: "tideconv.new_list_bytes" }).click();
  const { events } = await daemon.get(`/runs/${run.id}/events?function=tideconv.new_list_bytes`);
  await page.locator(".event-count", { hasText: `${events.length} events` }).waitFor();
  assert.match(page.url(), /fn=tideconv.new_list_bytes/);
  const other = await reader();
  await other.goto(page.url());
  await other.locator(".event-count", { hasText: `${events.length} events` }).waitFor();
  await other.context().close();
  await page.getByLabel("Function", { exact: true }).fill("no_such_function");
  await page.locator(".event-count", { hasText: "0 events like that" }).waitFor();
});

test("pressing a curve shows the events there", async () => {
  await open(run.id);
  await page.locator("figure[data-state=ready] .plot[data-series='1']").waitFor();
  await page.locator(".plot").click({ position: { x: 600, y: 200 } });
  await page.locator(".vrow[aria-current]").waitFor();
  assert.match(page.url(), /at=\d+/);

  const { runs } = await daemon.get(`/runs?batch=${run.batch}`);
  await page.goto(`${daemon.url}/#/curves?runs=${runs.map((/** @type {any} */ r) => r.id).join()}`);
  await page.locator("figure[data-state=ready] .plot[data-series='2']").waitFor();
  const plot = page.locator(".plot");
  await plot.focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: /^Events around/ }).waitFor();
  await page.locator(".around tr[aria-current]").waitFor();
  await picture(page, "events-around");
});

test("curves are aligned, subtracted, gathered and split", async () => {
  const { runs } = await daemon.get(`/runs?batch=${run.batch}`);
  const ids = runs.map((/** @type {any} */ one) => one.id).join();
  await page.goto(`${daemon.url}/#/curves?runs=${ids}&samples=all`);
  await page.locator(".plot[data-series='2']").waitFor();
  const press = (/** @type {string} */ name) =>
    page.getByRole("button", { name, exact: true }).click();
  await press("Phase");
  assert.match(page.url(), /align=phase/);
  await press("Difference");
  await page.locator(".plot[data-series='1'][data-values=signed]").waitFor();
  await page.locator(".plot-bar .hint", { hasText: " less " }).waitFor();
  await picture(page, "difference");
  await press("Change");
  await page.locator(".plot[data-series='2'][data-values=signed]").waitFor();
  await press("Iteration");
  await picture(page, "change-by-iteration");
  await press("RSS");
  await press("Band");
  await page.locator(".plot[data-series='1'][data-values=rss]").waitFor();
  await picture(page, "band");
  const [head] = await exported(page, page.locator("figure.curves"));
  assert.deepEqual(head.slice(3), ["lowest", "highest"]);
  await page.getByLabel("One chart for each Python").check();
  await page.locator(".multiple .plot").first().waitFor();
  assert.equal(await page.locator(".multiple").count(), 1);
  assert.match(page.url(), /split=python/);
  const other = await reader();
  await other.goto(page.url());
  await other.locator(".multiple .plot[data-series='1']").waitFor();
  await other.context().close();
});

test("extreme data keeps its shape, and none of it becomes markup", async () => {
  const names = [LONG_NAME, MARKUP];
  const lines = names.flatMap((name, i) => [
    `FUNC ${name.replaceAll(" ", "_")} 10.0 ${1000.1 + i} 20.0 ${1000.6 + i} 0`,
  ]);
  const tall = Array.from({ length: 40 }, (_, i) =>
    `MEM ${i % 2 ? 10485760 : 0.000001} ${1000 + i / 10}`);
  extreme = [
    await imported(["CMDLINE python x.py", ...tall, ...lines, ""].join("\n"), LONG_SCENARIO),
    await imported("CMDLINE python x.py\nMEM 12.5 1000.0\n", "one-sample.dat"),
  ];
  await open(extreme[0]);
  await page.locator("figure[data-state=ready] .plot[data-series='1']").waitFor();
  await page.getByText("10,485,760.0").first().waitFor();
  await until("the long name", async () => (await page.locator(".vrows").innerText())
    .includes(LONG_NAME.slice(0, 20)));
  assert.equal(await page.locator("main img").count(), 0);
  assert.doesNotMatch(await page.title(), /taken/);
  assert.equal(await page.evaluate(() =>
    document.documentElement.scrollWidth > window.innerWidth), false);
  await picture(page, "extreme");
  await open(extreme[1]);
  await page.locator("figure[data-state=ready] .plot[data-points='1']").waitFor();
  await page.locator(".plot").focus();
  await page.keyboard.press("End");
  await page.locator(".plot-tip", { hasText: "12.5 MiB" }).waitFor();
  await picture(page, "one-sample");
});

test("what is left of a batch is cancelled once that is confirmed", async () => {
  const batch = await daemon.trigger({ commits: ["HEAD"], pythons: [newest], samples: 60,
    scenarios: ["list_bytes"], params: { count: 65536, length: 1024, repeat: 20 } });
  await page.goto(`${daemon.url}/#/batch/${batch.id}`);
  await page.getByRole("button", { name: "Cancel what is left" }).click();
  await page.getByRole("dialog").getByText("will not be measured").waitFor();
  await picture(page, "cancel");
  await page.getByRole("button", { name: "Leave it as it is" }).click();
  assert.equal((await daemon.get(`/batches/${batch.id}`)).cancelled, 0);
  await page.getByRole("button", { name: "Cancel what is left" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel what is left" }).click();
  await page.locator(".watch[data-status=done]").waitFor({ timeout: PATIENCE_MS });
  const held = await daemon.get(`/batches/${batch.id}`);
  assert.ok(held.cancelled > 0, JSON.stringify(held));
  await page.locator(".watch-facts", { hasText: "cancelled" }).waitFor();
});

test("a project is added, refused at its field, changed and removed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-project-"));
  await repository(folder,
    { "setup.py": "from setuptools import setup\nsetup(name='tiny')\n" });

  await page.goto(`${daemon.url}/#/projects`);
  await page.getByRole("button", { name: "Add a project" }).click();
  const form = page.getByRole("form", { name: "Add a project" });
  await form.getByLabel("Name").fill("tiny");
  await form.getByLabel("Repository").fill("relative/path");
  await form.getByRole("button", { name: "Check and add" }).click();
  await form.locator("#error-project-repo:not([hidden])").waitFor();
  assert.equal(await form.getByLabel("Repository").getAttribute("aria-invalid"), "true");
  await picture(page, "project-refused");
  await form.getByLabel("Repository").fill(folder);
  await form.getByRole("button", { name: "Check and add" }).click();
  await page.getByText("tiny is added.").waitFor();
  assert.equal((await daemon.get("/projects/tiny")).recipe.kind, "setup.py");

  const tiny = page.locator(".project", { has: page.getByRole("heading", { name: "tiny" }) });
  await tiny.getByRole("button", { name: "Disable" }).click();
  await tiny.getByText("disabled", { exact: true }).waitFor();
  assert.equal((await daemon.get("/projects/tiny")).enabled, false);
  await tiny.getByRole("button", { name: "Edit" }).click();
  await page.getByRole("form", { name: "Edit tiny" }).getByLabel("Branch").fill("main");
  await page.getByRole("button", { name: "Check and save" }).click();
  await tiny.getByText("tiny is saved.").waitFor();
  assert.equal((await daemon.get("/projects/tiny")).branch, "main");
  await picture(page, "projects");

  await tiny.getByRole("button", { name: "Edit" }).click();
  const edit = page.getByRole("form", { name: "Edit tiny" });
  const request = { scenarios: ["list_bytes"], commits: ["new"] };
  for (const [label, wrong, id, right] of [
    ["What is queued by itself", "{", "trigger", JSON.stringify(request)],
    ["At these times", "61 3 * * *", "cron", "0 3 * * *"],
    ["Time zone", "Mars/Olympus", "timezone", "Europe/Berlin"],
    ["Look for commits every", "5", "poll_s", ""],
    ["Secret of its webhook", "short", "webhook_secret", "long enough"],
    ["Who is told", "ftp://x", "notify", "https://example.org/hook its-secret"]]) {
    await edit.getByLabel(label).fill(wrong);
    await page.getByRole("button", { name: "Check and save" }).click();
    await edit.locator(`#error-project-${id}:not([hidden])`).waitFor();
    assert.equal(await edit.getByLabel(label).getAttribute("aria-invalid"), "true", label);
    await edit.getByLabel(label).fill(right);
  }
  await edit.getByLabel("When a Python is found").check();
  await picture(page, "project-triggers");
  await page.getByRole("button", { name: "Check and save" }).click();
  await tiny.getByText("when /hooks/tiny is told of a push").waitFor();
  const held = await daemon.get("/projects/tiny");
  assert.deepEqual([held.trigger, held.cron, held.timezone, held.poll_s, held.webhook,
    held.on_new_python, held.notify.length],
  [request, ["0 3 * * *"], "Europe/Berlin", null, true, true, 1]);
  await tiny.getByRole("button", { name: "Edit" }).click();
  await edit.getByLabel("Secret of its webhook").fill("-");
  await edit.getByLabel("Who is told").fill("-");
  await page.getByRole("button", { name: "Check and save" }).click();
  await edit.waitFor({ state: "detached" });
  const after = await daemon.get("/projects/tiny");
  assert.deepEqual([after.webhook, after.notify, after.cron], [false, [], ["0 3 * * *"]]);

  await commit(folder, "side", HOSTILE);
  await tiny.getByRole("button", { name: "Check" }).click();
  await tiny.getByText("It can be fetched and its scenarios are understood.").waitFor();
  await page.goto(`${daemon.url}/#/trigger?project=tiny`);
  await page.locator(".ticks .subject", { hasText: "Begin" }).waitFor();
  assert.equal(await page.locator(".ticks .subject", { hasText: HOSTILE }).count(), 0);
  await page.getByLabel("Branch").selectOption("side");
  await page.locator(".ticks .subject", { hasText: HOSTILE }).waitFor();
  assert.match(page.url(), /project=tiny&branch=side/);
  const other = await reader();
  await other.goto(daemon.entry); // without a token its plan would be refused
  await other.goto(page.url().replace("trigger", "overview"));
  await other.getByRole("link", { name: "Trigger" }).click();
  await other.locator(".ticks .subject", { hasText: HOSTILE }).waitFor();
  assert.equal(await other.locator("main img").count(), 0);
  await other.context().close();
  await page.goto(`${daemon.url}/#/projects?project=converters`);

  await tiny.getByRole("button", { name: "Remove" }).click();
  const dialog = page.getByRole("dialog");
  const yes = dialog.getByRole("button", { name: "Remove it for good" });
  await yes.waitFor();
  assert.equal(await yes.isDisabled(), true);
  await dialog.getByRole("textbox").fill("tiny");
  await picture(page, "project-remove");
  await yes.click();
  await tiny.waitFor({ state: "detached" });
  assert.equal((await fetch(`${daemon.url}/api/v1/projects/tiny`)).status, 404);
  await rm(folder, { recursive: true, force: true });
});

test("the host says how exact it is and how far runs lie apart", async () => {
  const { hosts } = await daemon.get("/hosts");
  const [host] = hosts;
  assert.equal(host.current, true);
  assert.equal(host.kernel, release());
  const { runs } = await daemon.get(`/runs?batch=${run.batch}`);
  assert.equal(typeof host.noise.tide_mark, "number");
  assert.ok(runs.length > 1);
  await page.goto(`${daemon.url}/#/hosts`);
  await page.getByText(release(), { exact: true }).waitFor();
  assert.equal(host.cores, cpus().length);
  await page.locator(`dd span[title="${host.memory.toLocaleString("en")} bytes"]`).waitFor();
  const exact = `${host.noise.tide_mark.toLocaleString("en")} bytes`;
  await page.locator(`.noise td[title="${exact}"]`).first().waitFor();
});

test("Pythons that cannot be used say why", async () => {
  await page.goto(`${daemon.url}/#/pythons`);
  await page.getByRole("button", { name: "Look again" }).click();
  const { pythons } = await daemon.get("/pythons");
  const bad = pythons.filter((/** @type {{usable: boolean}} */ one) => !one.usable);
  await page.getByText(`${pythons.length - bad.length} can be used, ${bad.length} cannot`)
    .waitFor({ timeout: PATIENCE_MS });
  for (const { reason } of bad) await page.getByText(reason).first().waitFor();
});

test("every view passes axe and keeps its width in light and dark, large and small", async () => {
  const { runs } = await daemon.get(`/runs?batch=${run.batch}`);
  const views = {
    run: `run/${run.id}`, build: `build/${run.build.id}`, batch: `batch/${run.batch}`,
    curves: `curves?runs=${runs.map((/** @type {any} */ one) => one.id).join()}`, runs: "runs",
    trigger: "trigger", projects: "projects?edit=converters", pythons: "pythons", hosts: "hosts",
    missing: "run/999999", "extreme-run": `run/${extreme[0]}`,
  };
  /** @type {string[]} */
  const found = [];
  const other = await reader();
  await other.goto(daemon.entry);
  for (const [name, hash] of Object.entries(views)) {
    await settled(other, `${daemon.url}/#/${hash}`);
    found.push(...await faultsInEveryLook(other, name));
  }
  await other.context().close();
  assert.deepEqual(found, []);
});

test("no page complained", () => {
  assert.deepEqual(complaints.filter((text) => !/404/.test(text)), []);
});
