// browser.test.mjs - the dashboard in a real browser, on a real daemon with real runs.
//
// One daemon serves the whole file; the tests below run in order and build on one another.
// Environment: TIDEMARK (the program), CHROMIUM (the browser), ARTIFACTS (where pictures go).

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browse, Daemon, PATIENCE_MS, until } from "./fixture.mjs";
import { faultsInEveryLook, settled, tabTo } from "./reader.mjs";

const artifacts = process.env.ARTIFACTS ?? "build/artifacts/browser";
const SMALL = { count: 4096, length: 1024, repeat: 3 };
const LONG = { count: 65536, length: 1024, repeat: 20 };

/** @type {Daemon} */
let daemon;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {import("playwright-core").Page} */
let page;
/** @type {string} the newest usable Python */
let newest;
/** @type {string[]} what a browser complained about, or asked others for */
const complaints = [];
/** @type {RegExp[]} complaints that the test at hand provokes */
let provoked = [];

/**
 * A browser of a reader of its own; every complaint of its pages is kept.
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
async function reader(options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 }, colorScheme: "light", ...options,
  });
  let closed = false;
  context.on("close", () => { closed = true; });
  /** @param {string} text */
  const complain = (text) => {
    // What a closed context tells late belongs to the test that closed it.
    if (!closed && !provoked.some((pattern) => pattern.test(text))) complaints.push(text);
  };
  context.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complain(message.text());
  });
  context.on("weberror", (error) => complain(String(error.error().stack)));
  context.on("request", (request) => {
    if (!request.url().startsWith(daemon.url + "/")) complain(`asked elsewhere: ${request.url()}`);
  });
  return context.newPage();
}

/**
 * @param {import("playwright-core").Page} from
 * @param {string} name
 */
const picture = (from, name) => from.screenshot({ path: join(artifacts, name + ".png") });

/** @param {import("playwright-core").Page} of */
const figure = (of) => of.locator("figure.curves");

/**
 * Wait until this many curves are drawn, and say how many points they have.
 * @param {import("playwright-core").Page} on
 * @param {number} series
 * @param {number} [timeout]
 */
async function drawn(on, series, timeout = 30000) {
  const plot = on.locator(`figure.curves[data-state=ready] .plot[data-series="${series}"]`);
  await plot.waitFor({ timeout });
  return Number(await plot.getAttribute("data-points"));
}

/** @param {import("playwright-core").Page} of */
const scrollsSideways = (of) =>
  of.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);

before(async () => {
  await mkdir(artifacts, { recursive: true });
  daemon = await Daemon.start();
  browser = await browse();
  page = await reader();
});

after(async () => {
  await browser?.close();
  await daemon?.stop();
  await daemon?.remove();
});

test("an empty database says what to do next", async () => {
  await page.goto(daemon.entry);
  assert.equal(new URL(page.url()).search, "", "the token must not stay in the address");
  await page.getByRole("heading", { name: "No runs yet" }).waitFor();
  const demo = page.getByRole("button", { name: "Run the demo suite" });
  await until("the demo button", () => demo.isEnabled());
  await picture(page, "empty");
});

test("every view of an empty database offers a next step, and passes axe", async () => {
  provoked = [/status of 404/];
  const other = await reader({ reducedMotion: "reduce" });
  await other.goto(daemon.entry);
  /** @type {string[]} */
  const found = [];
  for (const view of ["overview", "curves", "history", "releases", "compare", "runs", "hosts",
    "batch/1", "build/1"]) {
    await settled(other, `${daemon.url}/#/${view}`);
    await other.locator(".empty, .note").first().waitFor();
    if (!await other.locator("main .view a, main .view button").count()) {
      found.push(`${view}: no next step`);
    }
    found.push(...await faultsInEveryLook(other, `empty-${view.replace("/", "-")}`));
  }
  await other.context().close();
  provoked = [];
  assert.deepEqual(found, []);
});

test("a run is triggered from the form and its curve drawn", async () => {
  const { pythons } = await daemon.get("/pythons");
  newest = pythons.find((/** @type {{usable: boolean}} */ one) => one.usable).name;
  await page.getByRole("link", { name: "Trigger" }).click();
  await page.getByRole("button", { name: "Newest" }).click();
  await page.getByRole("checkbox", { checked: true, name: "dict_bytes" }).uncheck();
  await page.getByRole("checkbox", { name: "list_bytes" }).check();
  for (const [name, value] of Object.entries(SMALL)) {
    await page.getByLabel(name, { exact: true }).fill(String(value));
  }
  await page.getByText("1 commit × 1 Python × 1 scenario × 1 sample = 1 run").waitFor();
  await picture(page, "trigger");
  await page.getByRole("button", { name: "Start 1 run" }).click();
  await page.locator(".watch[data-status=done]").waitFor({ timeout: PATIENCE_MS });
  await picture(page, "trigger-done");
  await page.getByRole("link", { name: "Overlay its curves" }).click();
  assert.ok(await drawn(page, 1) > 20, "too few points");
});

test("the plan of a range is shown before it is started", async () => {
  const before = (await daemon.get("/runs?limit=1000")).runs.length;
  const other = await browser.newContext().then((context) => context.newPage());
  await other.goto(daemon.entry);
  await other.goto(`${daemon.url}/#/trigger?commits=HEAD~3..HEAD&pythons=${newest}` +
    "&scenarios=list_bytes&params=" +
    Object.entries(SMALL).map(([name, value]) => `${name}:${value}`).join(","));
  const facts = other.locator(".plan-facts");
  await facts.getByText("3 commits").waitFor();
  const said = await facts.innerText();
  const trees = new Set(execFileSync("git",
    ["rev-parse", "HEAD:converters", "HEAD~1:converters", "HEAD~2:converters"],
    { encoding: "utf8" }).trim().split("\n"));
  const needed = trees.size > 1 ? `${trees.size - 1} to make, ` : "";
  assert.match(said, new RegExp(`Builds\\s+${needed}1 in the cache`));
  assert.match(said, /Time\s+about /);
  await other.getByText("3 commits × 1 Python × 1 scenario × 1 sample = 3 runs").waitFor();
  await facts.getByText("3 commits").click();
  assert.equal(await facts.locator("li").count(), 3);
  await picture(other, "trigger-plan");
  await other.getByLabel("Every Nth").fill("3");
  await facts.getByText("1 commit", { exact: true }).waitFor();
  await other.getByRole("button", { name: "Start 1 run" }).waitFor();
  assert.match(other.url(), /every=3/);
  await other.getByLabel("Other revisions and ranges").fill("HEAD..HEAD");
  await other.locator(".plan", { hasText: "HEAD..HEAD names no commit" }).waitFor();
  assert.equal((await daemon.get("/runs?limit=1000")).runs.length, before);
  await other.context().close();
});

test("the demo button asks for what serve --demo queues", async () => {
  const fresh = await Daemon.start();
  const other = await browser.newContext().then((context) => context.newPage());
  await other.goto(fresh.entry);
  const demo = other.getByRole("button", { name: "Run the demo suite" });
  await until("the demo button", () => demo.isEnabled());
  const posted = other.waitForRequest((request) => request.method() === "POST");
  await demo.click();
  assert.deepEqual((await posted).postDataJSON(), { demo: true });
  const runs = await until("its runs", async () => {
    const { runs: found } = await fresh.get("/runs?limit=1000");
    return found.length && found;
  });
  const shas = new Set(runs.map((/** @type {any} */ run) => run.commit.sha));
  const log = (/** @type {string[]} */ ...args) =>
    execFileSync("git", ["log", "--first-parent", "--format=%H", ...args, "--", "converters"],
      { encoding: "utf8" }).trim().split("\n");
  const history = log("HEAD");
  assert.deepEqual(shas, new Set([history[0], history[history.length - 1]]));
  await other.context().close();
  await fresh.stop();
  await fresh.remove();
});

test("the legend names Python and commit, the table its figures", async () => {
  const run = await daemon.get("/runs/1");
  assert.equal(run.status, "done", run.error);
  assert.deepEqual(run.params, SMALL);
  const legend = await page.locator(".readout-row .series-name").innerText();
  assert.equal(legend, `${newest} · ${run.commit.sha.slice(0, 7)}`);
  const exact = `${run.tide_mark.toLocaleString("en")} bytes`;
  const cell = page.locator(`.figures td[title="${exact}"]`);
  assert.equal(await cell.innerText(), (run.tide_mark / 1048576).toFixed(1));
});

test("the cursor names what was executing", async () => {
  const plot = page.locator(".plot");
  const box = await plot.boundingBox();
  assert.ok(box);
  const tip = page.locator(".plot-tip");
  /** @type {Set<string>} */
  const seen = new Set();
  for (let x = 70; x < box.width - 16; x += 6) {
    await page.mouse.move(box.x + x, box.y + box.height / 2);
    if (await tip.isVisible()) seen.add((await tip.locator("div").first().innerText()).trim());
  }
  assert.ok([...seen].some((name) => name.includes("new_list_bytes")), [...seen].join(" | "));
  await page.mouse.move(5, 5);

  await plot.focus();
  await page.keyboard.press("Home");
  const first = await plot.getAttribute("aria-valuetext");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Shift+ArrowRight");
  const later = await plot.getAttribute("aria-valuetext");
  assert.match(later ?? "", /^\d+\.\d+ s: .* MiB at \d+\.\d+ s, /);
  assert.notEqual(first, later);
  await plot.blur();
});

test("dragging zooms, fetches finer data and stands in the URL", async () => {
  const box = await page.locator(".plot").boundingBox();
  assert.ok(box);
  const finer = page.waitForRequest((request) => /curve\?.*from_ns=\d+/.test(request.url()));
  await page.mouse.move(box.x + box.width * 0.4, box.y + 120);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 140, { steps: 5 });
  await page.mouse.up();
  await finer;
  await page.locator(".plot[data-zoomed=true]").waitFor();
  assert.match(page.url(), /from=\d+&to=\d+/);
  await picture(page, "zoomed");

  const other = await reader();
  await other.goto(page.url());
  await drawn(other, 1);
  assert.equal(await other.locator(".plot").getAttribute("data-zoomed"), "true");
  assert.equal(await other.locator(".window-text").innerText(),
    await page.locator(".window-text").innerText());
  await other.context().close();

  await page.getByRole("button", { name: "Reset zoom" }).click();
  await page.locator(".plot[data-zoomed=false]").waitFor();
  assert.doesNotMatch(page.url(), /from=/);
});

test("a run that another client starts grows on the open page", async () => {
  await page.goto(daemon.url + "/#/curves");
  await page.reload();
  await drawn(page, 1);
  const batch = await daemon.trigger({
    commits: ["HEAD"], pythons: [newest], scenarios: ["list_bytes"], params: LONG, samples: 1,
  });
  const live = page.locator("figure.curves[data-live='1']");
  await live.waitFor({ timeout: PATIENCE_MS });
  const points = () => page.locator(".plot").getAttribute("data-points").then(Number);
  const some = await until("first growth", async () => {
    const now = await points();
    return now > 5 && now;
  });
  await until("more growth", async () => await points() > some + 5);
  assert.equal(await live.count(), 1, "it was to grow before it was done");
  await picture(page, "live");
  await daemon.batchDone(batch.id);
  await page.locator("figure.curves[data-live='0']").waitFor();
  assert.ok(await drawn(page, 1) > 100);
});

test("two commits over each other; the link shows the same to a reader without a token",
  async () => {
    const { commits } = await daemon.get("/projects/converters/commits?limit=2");
    const revisions = commits.map((/** @type {{sha: string}} */ one) => one.sha);
    const batch = await daemon.trigger({
      commits: revisions, pythons: [newest], scenarios: ["list_bytes"],
      params: { count: 16384, length: 1024, repeat: 3 }, samples: 2,
    });
    await daemon.batchDone(batch.id);
    await drawn(page, revisions.length);
    await page.getByRole("button", { name: "Every", exact: true }).click();
    await drawn(page, revisions.length * 2);
    await picture(page, "two-commits");

    const other = await reader({ colorScheme: "dark" });
    await other.goto(page.url());
    await drawn(other, revisions.length * 2);
    for (const what of [".series-name", ".readout-row .fig"]) {
      assert.deepEqual(await other.locator(what).allInnerTexts(),
        await page.locator(what).allInnerTexts());
    }
    assert.equal(await figure(other).getAttribute("data-runs"),
      await figure(page).getAttribute("data-runs"));
    const box = await other.locator(".plot").boundingBox();
    assert.ok(box);
    await other.mouse.move(box.x + box.width * 0.55, box.y + box.height * 0.4);
    await picture(other, "two-commits-dark");
    await other.context().close();
  });

test("a commit that cannot be built stands as failed, with its reason and log", async (t) => {
  const git = (/** @type {string[]} */ ...words) =>
    execFileSync("git", words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  let first = "";
  try {
    first = git("rev-list", "--max-parents=0", "HEAD").split("\n").at(-1) ?? "";
    if (git("ls-tree", first, "converters/CMakeLists.txt")) first = "";
  } catch {
    first = "";
  }
  if (!first) {
    t.skip("every commit here holds the extension");
    return;
  }
  const batch = await daemon.trigger({
    commits: [first], pythons: [newest], scenarios: ["list_bytes"], params: SMALL,
  });
  await daemon.batchDone(batch.id);
  const { runs } = await daemon.get(`/runs?batch=${batch.id}`);
  assert.equal(runs[0].status, "failed");
  await page.goto(`${daemon.url}/#/curves?runs=${runs[0].id},1`);
  await drawn(page, 1);
  const row = page.locator(".readout-row[data-status=failed]");
  await row.waitFor();
  assert.ok((await row.innerText()).includes(runs[0].error.slice(0, 20)));
  const log = await row.getByRole("link", { name: "log" }).getAttribute("href");
  assert.equal((await fetch(daemon.url + log)).status, 200);
  await page.locator(".cell[data-kind=failed]").waitFor();
  await picture(page, "failed");
});

test("without the cookie nothing starts, and the page says how to get in", async () => {
  provoked = [/status of 401/];
  const stranger = await reader();
  await stranger.goto(daemon.url + "/#/trigger");
  await stranger.getByRole("button", { name: "Newest" }).click();
  await stranger.getByRole("button", { name: /^Start 1 run/ }).click();
  await stranger.getByText("tidemark serve").waitFor();
  await picture(stranger, "no-token");
  await stranger.context().close();
  provoked = [];
});

test("what the API refuses is said at its field", async () => {
  provoked = [/status of 422/];
  await page.goto(`${daemon.url}/#/trigger?pythons=${newest}&commits=HEAD&scenarios=list_bytes`);
  await page.getByLabel("count", { exact: true }).fill("0");
  await page.getByRole("button", { name: "Start 1 run" }).click();
  const said = page.locator(".param[data-key=count] .field-error");
  await said.waitFor();
  assert.match(await said.innerText(), /1/);
  const input = page.getByLabel("count", { exact: true });
  assert.equal(await input.getAttribute("aria-invalid"), "true");
  await picture(page, "refused");

  await page.goto(`${daemon.url}/#/trigger?pythons=${newest}&commits=no-such-rev` +
    "&scenarios=list_bytes");
  await page.getByRole("button", { name: "Start 1 run" }).click();
  const commit = page.locator("[data-field=commits] .field-error");
  await commit.waitFor();
  assert.match(await commit.innerText(), /no-such-rev/);
  await page.locator(".plan", { hasText: "no-such-rev" }).waitFor();
  provoked = [];
});

test("on a phone no view scrolls sideways", async () => {
  provoked = [/status of 401/]; // these readers have no token, so nothing is planned for them
  const looks = /** @type {const} */ ([["light", "phone"], ["dark", "phone-dark"]]);
  for (const [scheme, name] of looks) {
    const phone = await reader({
      viewport: { width: 360, height: 740 }, colorScheme: scheme, hasTouch: true, isMobile: true,
      deviceScaleFactor: 2,
    });
    await phone.goto(daemon.url + "/#/curves");
    await phone.locator("figure.curves[data-state=ready]").waitFor();
    assert.equal(await scrollsSideways(phone), false, "Curves");
    await phone.locator(".plot").tap();
    await phone.locator(".plot-tip").first().waitFor();
    await picture(phone, name);
    for (const view of ["Runs", "Trigger"]) {
      await phone.getByRole("button", { name: "More" }).click();
      await phone.getByRole("link", { name: view }).click();
      await phone.getByRole("heading", { name: view, level: 1 }).waitFor();
      assert.equal(await scrollsSideways(phone), false, view);
      await picture(phone, `${name}-${view.toLowerCase()}`);
    }
    await phone.context().close();
  }
  provoked = [];
});

test("how runs are measured is said behind More, and a refusal stands there", async () => {
  provoked = [/status of 4(22|01)/];
  await page.goto(`${daemon.url}/#/trigger?pythons=${newest}&commits=HEAD&scenarios=list_bytes`);
  await page.getByText("More: allocators, recording, order").click();
  for (const name of ["pymalloc", "malloc"]) await page.getByLabel(name, { exact: true }).check();
  await page.getByLabel("Recording").selectOption("all");
  assert.equal(await page.getByLabel("Threshold").isVisible(), false, "only changes has one");
  await page.getByLabel("Precision").selectOption("exact");
  await page.getByLabel("Interval").fill("500");
  await page.getByLabel("Priority").fill("7");
  await page.getByLabel("Order", { exact: true }).fill("4711");
  await page.getByText("× 2 allocators × 1 scenario × 1 sample = 2 runs").waitFor();
  await page.locator(".plan-facts dt", { hasText: "Memory" }).waitFor();
  await picture(page, "trigger-more");
  const other = await reader();
  await other.goto(page.url());
  await other.getByText("2 allocators").waitFor();
  for (const name of ["Recording", "Precision", "Interval", "Priority", "Order"]) {
    const value = (/** @type {import("playwright-core").Page} */ on) =>
      on.getByLabel(name, { exact: true }).inputValue();
    assert.equal(await value(other), await value(page), name);
  }
  await other.context().close();
  await page.getByLabel("Priority").fill("101");
  await page.getByRole("button", { name: /^Start/ }).click();
  await page.locator("[data-field=priority] .field-error", { hasText: "100" }).waitFor();
  assert.equal(await page.getByLabel("Priority").getAttribute("aria-invalid"), "true");
  await page.getByLabel("Priority").fill("7");
  const asked = page.waitForRequest((request) => request.method() === "POST" &&
    !request.url().includes("dry_run"));
  await page.getByRole("button", { name: /^Start 2 runs/ }).click();
  const { allocators, recording, precision, interval_us: interval, priority, seed } =
    (await asked).postDataJSON();
  assert.deepEqual({ allocators, recording, precision, interval, priority, seed }, {
    allocators: ["pymalloc", "malloc"], recording: "all", precision: "exact", interval: 500,
    priority: 7, seed: 4711 });
  await page.locator(".watch[data-status=done]").waitFor({ timeout: 120000 });
  provoked = [];
});

test("two allocators are compared, and the table is copied", async () => {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"],
    { origin: daemon.url });
  await page.goto(`${daemon.url}/#/compare`);
  await page.getByRole("button", { name: "Allocators" }).click();
  await page.getByRole("combobox", { name: "Base" }).fill("pymalloc");
  await page.getByRole("combobox", { name: "Head" }).fill("malloc");
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await page.getByRole("button", { name: "All", exact: true }).click();
  await page.locator(".compared tbody tr").first().waitFor();
  const answer = await daemon.get("/compare?base=allocator:pymalloc&head=allocator:malloc");
  assert.equal(answer.axis, "allocator");
  assert.equal(await page.locator(".compared tbody tr").count(), answer.cells.length);
  await picture(page, "compare-allocators");
  await page.getByRole("button", { name: "Copy as Markdown" }).click();
  await page.getByText("The table is copied.").waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /\| scenario \| Python \| verdict \| change \| by \| pymalloc \| malloc \|/);
  assert.ok(copied.trim().endsWith(page.url()), copied);
});

test("without a mouse, from Overview to a batch that was started", async () => {
  await page.goto(`${daemon.url}/#/overview`);
  await page.locator(".gcell").first().waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await page.getByRole("heading", { name: "Trigger", level: 1 }).waitFor();
  await tabTo(page, "[data-field=pythons] .row-actions button:nth-child(2)");
  await page.keyboard.press("Enter");
  await tabTo(page, "[data-field=scenarios] input[value=list_bytes]");
  if (!await page.locator("input[value=list_bytes]").isChecked()) {
    await page.keyboard.press("Space");
  }
  for (const [name, value] of Object.entries(SMALL)) {
    await tabTo(page, `#param-${name}`);
    await page.keyboard.press("Control+a");
    await page.keyboard.type(String(value));
  }
  await tabTo(page, "#samples");
  await page.keyboard.press("Control+a");
  await page.keyboard.type("2");
  await tabTo(page, "button[type=submit].primary");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: /^Batch \d+$/ }).waitFor();
  await page.locator(".watch[data-status=done]").waitFor({ timeout: PATIENCE_MS });
});

test("a paused queue is said on every page and resumed from there; all of it is cancelled",
  async () => {
    await page.goto(`${daemon.url}/#/runs`);
    await page.getByRole("button", { name: "Pause the queue" }).click();
    await page.locator(".notice-paused").waitFor();
    const other = await reader();
    await other.goto(`${daemon.url}/#/overview`);
    await other.locator(".notice-paused", { hasText: "The queue is paused" }).waitFor();
    const batch = await daemon.trigger({ commits: ["HEAD"], pythons: [newest], samples: 3,
      scenarios: ["list_bytes"], params: SMALL });
    await page.locator(".notice-paused", { hasText: "3 runs waiting" }).waitFor();
    await page.goto(`${daemon.url}/#/batch/${batch.id}`);
    await page.locator(".watch-facts", { hasText: "the queue is paused" }).waitFor();
    await picture(page, "paused");
    assert.equal((await daemon.get(`/batches/${batch.id}`)).queued, 3);
    await page.goto(`${daemon.url}/#/runs`);
    await page.getByRole("button", { name: "Cancel everything" }).click();
    await page.getByRole("dialog").getByText("3 runs will not be measured").waitFor();
    await page.getByRole("button", { name: "Leave it as it is" }).click();
    assert.equal((await daemon.get(`/batches/${batch.id}`)).queued, 3);
    await page.getByRole("button", { name: "Cancel everything" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel everything" }).click();
    await until("the end of it", async () =>
      (await daemon.get(`/batches/${batch.id}`)).cancelled === 3);
    await page.locator(".notice-paused").getByRole("button", { name: "Resume" }).click();
    await page.locator(".notice-paused").waitFor({ state: "detached" });
    await other.locator(".notice-paused").waitFor({ state: "detached" });
    assert.equal((await daemon.get("/status")).queue.paused, false);

    await page.goto(`${daemon.url}/#/batch/${batch.id}`);
    await page.getByRole("button", { name: "Try 3 runs again" }).click();
    await page.locator(".watch[data-status=done] tbody tr[data-status=done]").nth(2)
      .waitFor({ timeout: 120000 });
    const { runs } = await daemon.get(`/runs?batch=${batch.id}`);
    assert.deepEqual(runs.map((/** @type {any} */ run) => [run.status, run.attempt]),
      Array(3).fill(["done", 2]));
    await other.context().close();
  });

test("every run is listed", async () => {
  await page.goto(daemon.url + "/#/runs");
  const { runs } = await daemon.get("/runs?limit=1000");
  await until("the table", async () =>
    await page.locator(".runs tbody tr").count() === runs.length);
  await picture(page, "runs");
});

test("the daemon ends cleanly, the page says so and finds it again", async () => {
  provoked = [/ERR_|status of 5/];
  await page.goto(daemon.url + "/#/curves");
  await page.locator("figure.curves[data-state=ready]").waitFor();
  assert.deepEqual(await daemon.stop(), { code: 0, signal: null }, daemon.log);
  await page.locator(".notice-stream").waitFor();
  await picture(page, "stream-lost");
  assert.deepEqual(await daemon.leftovers(), []);
  await page.goto(`${daemon.url}/#/pythons`);
  await page.getByRole("heading", { name: "Pythons could not be loaded" }).waitFor();
  await page.locator(".problem", { hasText: "tidemark serve" }).waitFor();
  await picture(page, "daemon-gone");

  const { folder, url } = daemon;
  daemon = await Daemon.start({ data: folder, listen: new URL(url).host });
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("link", { name: /^Measure on/ }).first().waitFor();
  await page.goto(`${daemon.url}/#/curves`);
  await page.locator(".notice-stream").waitFor({ state: "detached", timeout: 20000 });
  await page.locator("figure.curves[data-state=ready]").waitFor();
  assert.equal((await daemon.stop()).code, 0, daemon.log);
  assert.deepEqual(await daemon.leftovers(), []);
});

test("no page complained and none asked anyone but the daemon", () => {
  assert.deepEqual(complaints, []);
});
