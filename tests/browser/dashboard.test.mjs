// dashboard.test.mjs - the shell, Overview, History, Releases and Compare, on a real daemon that
// has measured two commits on two Pythons. What a view shows is held against what the API answers.
//
// One daemon serves the whole file; the tests below run in order.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { browse, Daemon, finish, until } from "./fixture.mjs";
import {
  faultsInEveryLook, picture, printedPages, reader, settled, stateOf,
} from "./reader.mjs";

const PARAMS = { count: 4096, length: 1024, repeat: 2 };
const HOSTILE = "<img src=x onerror=alert(1)>";

/** @type {Daemon} */
let daemon;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {import("playwright-core").Page} */
let page;
/** @type {string[]} old before new */
let pythons;
/** @type {string[]} shas, old before new */
let commits;
/** @type {string[]} */
const complaints = [];

/**
 * @param {string} view what stands behind #/
 * @param {import("playwright-core").Page} [on]
 */
async function open(view, on = page) {
  await on.goto(`${daemon.url}/#/${view}`);
  await on.locator("main .view").first().waitFor();
}

before(async () => {
  daemon = await Daemon.start();
  await until("the Pythons", async () => !(await daemon.get("/status")).discovering);
  const usable = (await daemon.get("/pythons")).pythons
    .filter((/** @type {any} */ one) => one.usable).map((/** @type {any} */ one) => one.name);
  pythons = [usable[1] ?? usable[0], usable[0]];
  const line = (await daemon.get("/projects/converters/commits?limit=2")).commits;
  commits = line.map((/** @type {any} */ one) => one.sha).reverse();
  const batch = await daemon.trigger({
    commits, pythons: [...new Set(pythons)], scenarios: ["list_bytes", "set_bytes"],
    params: PARAMS, samples: 2,
  });
  await daemon.batchDone(batch.id);
  browser = await browse();
  page = await reader(browser, complaints);
  await page.goto(daemon.entry);
});

after(() => finish(browser, daemon));

test("the overview shows every cell of the matrix with its figure and verdict", async () => {
  await open(`overview?commit=${commits[1]}`);
  const matrix = await daemon.get(`/matrix?project=converters&commit=${commits[1]}`);
  await page.locator(".gcell[data-verdict]").first().waitFor();
  const rows = await page.locator(".grid tbody tr").count();
  assert.equal(rows, matrix.rows.length);
  for (const row of matrix.rows) {
    for (const [i, cell] of row.cells.entries()) {
      if (cell?.status !== "done") continue;
      const shown = page.locator(`.grid tr:has-text("${row.scenario}") td`).nth(i);
      assert.equal(await shown.locator(".gfig").innerText(),
        (cell.M.median / 1048576).toFixed(1));
    }
  }
  assert.match(await page.locator(".summary").innerText(), /against/);
  await picture(page, "overview");
});

test("the overview's transfer stays under 150 KiB, without the chart library", async () => {
  const fresh = await reader(browser, complaints);
  let bytes = 0;
  const client = await fresh.context().newCDPSession(fresh);
  await client.send("Network.enable");
  client.on("Network.loadingFinished", ({ encodedDataLength }) => { bytes += encodedDataLength; });
  const asked = /** @type {string[]} */ ([]);
  fresh.on("request", (request) => asked.push(request.url()));
  await fresh.goto(daemon.url + "/#/overview");
  await fresh.locator(".gcell[data-verdict]").first().waitFor();
  assert.ok(bytes > 10000 && bytes < 150 * 1024, `${bytes} bytes`);
  assert.deepEqual(asked.filter((url) => url.includes("/vendor/")), []);
  await fresh.context().close();
});

test("a cell opens its history, whose points arrow keys walk along and speak", async () => {
  await open("overview");
  await page.locator(".gcell[data-verdict]").first().click();
  await page.locator("figure.history[data-state=ready]").waitFor();
  assert.match(page.url(), /#\/history\?.*scenario=\w+/);
  await open("history?scenario=list_bytes");
  await page.locator("figure.history[data-state=ready]").waitFor();
  const answer = await daemon.get("/series?project=converters&scenario=list_bytes");
  assert.equal(await page.locator(".legend-line").count(), answer.series.length);
  const plot = page.locator(".plot");
  await plot.focus();
  await page.keyboard.press("End");
  const last = await plot.getAttribute("aria-valuetext") ?? "";
  await page.keyboard.press("ArrowLeft");
  const before = await plot.getAttribute("aria-valuetext") ?? "";
  assert.match(last, /MiB.* at [0-9a-f]{7}/);
  assert.ok(last.includes(commits[1].slice(0, 7)), last);
  assert.ok(before.includes(commits[0].slice(0, 7)), before);
  await picture(page, "history");
});

test("what history shows stands in its link, also for a fresh browser", async () => {
  await open("history?scenario=list_bytes");
  await page.locator("figure.history[data-state=ready]").waitFor();
  await page.getByRole("button", { name: "% from first" }).click();
  await page.locator(".legend-line").first().click();
  await until("the URL", async () => /y=first/.test(page.url()) && /off=/.test(page.url()));
  const other = await reader(browser, complaints, { colorScheme: "dark" });
  await other.goto(page.url());
  await other.locator("figure.history[data-state=ready]").waitFor();
  const pressed = (/** @type {import("playwright-core").Page} */ on) =>
    on.locator("[aria-pressed=true]").allInnerTexts();
  assert.deepEqual(await pressed(other), await pressed(page));
  await other.context().close();
});

test("a chart's data is a table and a CSV, with the figures of the API", async () => {
  await open("history?scenario=list_bytes");
  await page.locator("figure.history[data-state=ready]").waitFor();
  await page.locator(".chart-menu summary").click();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Data (CSV)" }).click();
  const csv = await readFile(await (await download).path(), "utf8");
  const answer = await daemon.get("/series?project=converters&scenario=list_bytes");
  const measured = answer.series[0].median.filter((/** @type {any} */ one) => one !== null);
  assert.ok(measured.length > 0);
  for (const value of measured) assert.ok(csv.includes(String(value)), csv);
  await page.getByRole("button", { name: "Data as a table" }).click();
  await page.locator(".chart-table tbody tr").first().waitFor();
  const known = answer.commits.sha.filter((/** @type {string} */ _sha, /** @type {number} */ i) =>
    answer.series.some((/** @type {any} */ line) => line.status[i] !== null));
  assert.equal(await page.locator(".chart-table tbody tr").count(), known.length);
});

test("zooming and panning history is kept in the URL and undone", async () => {
  await open("history?scenario=list_bytes");
  const plot = page.locator(".plot");
  await page.locator("figure.history[data-state=ready]").waitFor();
  await plot.focus();
  await page.keyboard.press("+");
  await until("the zoom", async () => await plot.getAttribute("data-zoomed") === "true");
  await until("the URL", async () => /from=/.test(page.url()));
  await page.getByRole("button", { name: "Reset zoom" }).click();
  await until("the whole", async () => await plot.getAttribute("data-zoomed") === "false");
});

test("a dragged range offers to bisect it, and asks before it starts", async () => {
  await open("history?scenario=list_bytes");
  await page.locator("figure.history[data-state=ready]").waitFor();
  const box = await page.locator(".plot").boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + 70, box.y + 120);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width - 14, box.y + 140, { steps: 4 });
  await page.mouse.up();
  await page.getByRole("button", { name: /^Bisect on/ }).click();
  await page.getByText("Bisect this range").waitFor();
  await picture(page, "history-bisect");
  await page.getByRole("button", { name: "Leave it" }).click();
  assert.deepEqual((await daemon.get("/bisects")).bisects, []);
});

test("picking one commit's cell and then another's opens their comparison", async () => {
  await open(`overview?commit=${commits[0]}`);
  await page.locator(".gcell[data-verdict]").first().waitFor();
  await page.locator(".gcell[data-verdict]").first().focus();
  await page.keyboard.press("c");
  await page.locator(".tray").waitFor();
  await page.keyboard.press("]");
  await until("the next commit", async () => page.url().includes(`commit=${commits[1]}`));
  await page.locator(`.commit-line[title^="${commits[1]}"]`).waitFor();
  await page.locator(".gcell[data-verdict]").first().focus();
  await page.keyboard.press("c");
  await page.locator(".view[data-axis=commit]").waitFor();
  assert.match(page.url(), new RegExp(`base=commit:${commits[0]}&head=commit:${commits[1]}`));
  assert.equal(await page.locator(".tray").isVisible(), false);
});

test("a comparison says what moved, where it comes from, and copies as Markdown", async () => {
  const sides = `base=commit:${commits[0]}&head=commit:${commits[1]}`;
  const answer = await daemon.get(`/compare?${sides}&project=converters`);
  const order = answer.cells.filter((/** @type {any} */ one) => one.scenario === "set_bytes")
    .map((/** @type {any} */ one) => one.python);
  assert.deepEqual(order, [...new Set(pythons)], "the oldest Python first");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"],
    { origin: daemon.url });
  await open(`compare?${sides}&show=all`);
  await until("every cell", async () =>
    await page.locator(".compared tbody tr").count() === answer.cells.length);
  const words = await page.locator(".compared .verdict").allInnerTexts();
  assert.deepEqual(words.sort(),
    answer.cells.map((/** @type {any} */ one) => one.verdict).sort());
  await page.getByRole("button", { name: "Copy as Markdown" }).click();
  await page.getByText("The table is copied.").waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied.split("\n").filter((line) => line.startsWith("| ")).length,
    answer.cells.length + 2);
  await page.locator(".compared tbody th button").first().click();
  await page.locator(".attribution .part").first().waitFor();
  assert.match(page.url(), /cells=\d+-\d+/);
  await page.locator(".attribution").scrollIntoViewIfNeeded();
  await picture(page, "compare");
});

test("Pythons are compared too, sorted by any column, as the link says", async () => {
  await open(`compare?base=commit:${commits[0]}&head=commit:${commits[1]}&show=all`);
  await page.locator(".compared tbody tr").first().waitFor();
  await page.getByRole("button", { name: "Pythons", exact: true }).click();
  await page.locator(".compared thead th").nth(3).filter({ hasText: "Commit" }).waitFor();
  assert.match(page.url(), /base=python:[^&]+&head=python:/);
  await page.locator(".compared thead").getByRole("button", { name: "By", exact: true }).click();
  assert.match(page.url(), /by=-effect/);
  const [, base, head] = /base=([^&]+)&head=([^&]+)/.exec(page.url()) ?? [];
  const { cells } = await daemon.get(`/compare?base=${base}&head=${head}&commit=${commits[1]}`);
  const effects = cells.sort((/** @type {any} */ a, /** @type {any} */ b) => b.effect - a.effect);
  assert.deepEqual(await page.locator(".compared tbody th").allInnerTexts(),
    effects.map((/** @type {any} */ one) => one.scenario));
  await page.getByRole("button", { name: "⇄ Swap" }).click();
  await until("the other way", async () => page.url().includes(`base=${head}&head=${base}`));
});

test("a link shows the same in a fresh browser, whatever the view", async () => {
  const { runs: [run] } = await daemon.get("/runs?status=done&limit=1");
  const baseline = `baseline=${pythons[0]}@${commits[0]}`;
  const ready = { overview: ".gcell", compare: ".compared tbody tr", hosts: ".host",
    history: "figure.history[data-state=ready]", releases: ".bars[data-bars]",
    runs: ".runs tbody tr", run: ".run-part", projects: ".project-form" };
  for (const view of [`overview?commit=${commits[0]}&${baseline}`,
    `history?scenario=set_bytes&metric=base&${baseline}`, `releases?metric=base&${baseline}`,
    `compare?base=commit:${commits[0]}&head=commit:${commits[1]}&show=all&by=scenario&metric=base`,
    `curves?runs=${run.id}&align=phase`, "runs?status=done&scenario=set_bytes",
    `run/${run.id}?sort=-calls`, `batch/${run.batch}?status=done`, `build/${run.build.id}`,
    `trigger?commits=HEAD~1&pythons=${pythons[1]}&scenarios=set_bytes&samples=3&priority=4&seed=1`,
    "projects?edit=converters", "pythons?sort=-source", "hosts"]) {
    await open(view);
    const other = await reader(browser, []); // without a token its plan is refused, and it says so
    await other.goto(page.url());
    const where = ready[/** @type {keyof typeof ready} */ (/^\w+/.exec(view)?.[0] ?? "")] ??
      "main .view:not([aria-busy])";
    for (const on of [page, other]) await on.locator(where).first().waitFor();
    await until(`the same: ${view}`, async () => JSON.stringify(await stateOf(other)) ===
      JSON.stringify(await stateOf(page))).catch(async () =>
      assert.deepEqual(await stateOf(other), await stateOf(page), view));
    await other.context().close();
  }
});

test("releases draw one bar for each Python that was measured", async () => {
  await open(`releases?commit=${commits[1]}`);
  const matrix = await daemon.get(`/matrix?project=converters&commit=${commits[1]}`);
  await page.locator(".bars[data-bars]").first().waitFor();
  assert.equal(await page.locator(".release").count(), matrix.rows.length);
  const [row] = matrix.rows;
  assert.equal(Number(await page.locator(".bars").first().getAttribute("data-bars")),
    row.cells.filter((/** @type {any} */ cell) => cell?.M).length);
  await picture(page, "releases");
});

test("arrow keys walk along the bars and speak, Enter opens the history behind one", async () => {
  await open("releases");
  const bars = page.locator(".bars[data-bars]").first();
  await bars.focus();
  const said = [];
  await page.keyboard.press("Home");
  for (let i = Number(await bars.getAttribute("aria-valuemax")); i > 0; i--) {
    said.push(await bars.getAttribute("aria-valuetext") ?? "");
    if (said.at(-1)?.startsWith(pythons[1])) break;
    await page.keyboard.press("ArrowRight");
  }
  for (const python of pythons) {
    assert.ok(said.some((words) => words.startsWith(`${python}: `) && / MiB/.test(words)), python);
  }
  await page.keyboard.press("Enter");
  await page.locator("figure.history[data-state=ready]").waitFor();
  assert.match(page.url(), new RegExp(`#/history\\?.*python=${pythons[1]}`));
});

test("the keyboard alone goes everywhere", async () => {
  await open("overview");
  await page.keyboard.press("?");
  await page.getByRole("heading", { name: "Keys" }).waitFor();
  await picture(page, "keys");
  await page.keyboard.press("Escape");
  for (const [key, view] of [["h", "history"], ["m", "compare"], ["l", "releases"], ["c", "curves"],
    ["r", "runs"], ["t", "trigger"], ["o", "overview"]]) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await until(view, async () => page.url().includes(`#/${view}`));
  }
  await page.locator(".gcell[data-verdict]").first().waitFor();
  await page.mouse.move(0, 0); // a cell under the pointer would be made the baseline
  await page.keyboard.press("b");
  await page.getByLabel("Commit", { exact: true }).fill(commits[0]);
  await page.getByLabel("Python", { exact: true }).selectOption(pythons[1]);
  await page.keyboard.press("Enter");
  await until("the baseline", async () =>
    page.url().includes(`baseline=${pythons[1]}@${commits[0]}`));
  await page.keyboard.press("g");
  await page.keyboard.press("h");
  await until("it goes along", async () => /#\/history.*baseline=/.test(page.url()));
});

test("the focus is seen at every stop, and the skip link leads past the navigation", async () => {
  const other = await reader(browser, complaints);
  await settled(other, `${daemon.url}/#/overview`);
  await other.locator(".gcell[data-verdict]").first().waitFor();
  /** @type {Set<string>} */
  const stops = new Set();
  for (let i = 0; i < 300; i++) {
    await other.keyboard.press("Tab");
    const stop = await other.evaluate(() => {
      const at = /** @type {HTMLElement} */ (document.activeElement);
      const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(at);
      const box = at.getBoundingClientRect();
      return { what: `${at.tagName} ${at.className} ${at.textContent?.slice(0, 40)}`,
        body: at === document.body, seen: outlineStyle === "solid" &&
          parseFloat(outlineWidth) >= 2 && !outlineColor.endsWith(", 0)") &&
          box.width > 0 && box.bottom > 0 && box.top < window.innerHeight };
    });
    if (stop.body) break;
    assert.ok(stop.seen, `the focus is not seen on ${stop.what}`);
    stops.add(stop.what);
    assert.ok(i < 299, "the focus goes round without an end");
  }
  assert.ok(stops.size > 20, [...stops].join("\n"));
  await other.reload();
  await other.locator(".gcell[data-verdict]").first().waitFor();
  await other.keyboard.press("Tab");
  assert.equal(await other.evaluate(() => document.activeElement?.className), "skip");
  await other.keyboard.press("Enter");
  assert.equal(await other.evaluate(() => document.activeElement?.id), "main");
  await other.context().close();
});

test("search finds scenarios, commits, functions, runs and views, and opens them", async () => {
  await open("overview");
  await page.locator(".gcell[data-verdict]").first().waitFor();
  const { runs: [run] } = await daemon.get("/runs?status=done&limit=1");
  const { functions } = await daemon.get(`/runs/${run.id}/functions`);
  const name = functions.find((/** @type {any} */ one) => one.kind === "c").name;
  const cases = /** @type {const} */ ([["set_by", "scenario", /#\/history\?.*scenario=set_bytes/],
    [commits[1].slice(0, 10), "commit", new RegExp(`#/runs\\?.*commit=${commits[1]}`)],
    [name, "function", /#\/run\/\d+\?.*fn=/],
    [String(run.id), "run", new RegExp(`#/run/${run.id}(\\?|$)`)], ["host", "view", /#\/hosts/]]);
  for (const [text, kind, where] of cases) {
    await page.keyboard.press("/");
    await page.keyboard.type(text);
    const found = page.locator(".search-found li", { has: page.getByText(kind, { exact: true }) });
    await found.first().waitFor();
    if (kind === "scenario") await picture(page, "search");
    await found.first().click();
    await until(kind, async () => where.test(decodeURIComponent(page.url())));
    await page.locator("main .view:not([aria-busy])").first().waitFor();
  }
});

test("dark and light are switched by hand and kept", async () => {
  await open("overview");
  const dark = () => page.evaluate(() =>
    getComputedStyle(document.documentElement).colorScheme === "dark");
  assert.equal(await dark(), false);
  await page.getByRole("button", { name: /^Theme/ }).click();
  await page.getByRole("button", { name: /^Theme: light/ }).click();
  assert.equal(await dark(), true);
  await page.reload();
  assert.equal(await dark(), true);
  await page.getByRole("button", { name: /^Theme: dark/ }).click();
  assert.equal(await dark(), false);
});

test("a page that is dark is printed in light", async () => {
  const other = await reader(browser, complaints, { colorScheme: "dark" });
  await settled(other, `${daemon.url}/#/releases`);
  await other.locator(".bars[data-bars]").first().waitFor();
  const look = () => other.evaluate(() => ({
    ink: getComputedStyle(document.documentElement).getPropertyValue("--ink").trim(),
    chart: /** @type {HTMLCanvasElement} */ (document.querySelector(".bars canvas")).toDataURL(),
  }));
  const dark = await look();
  await other.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
  const printed = await look();
  assert.notEqual(printed.ink, dark.ink);
  assert.notEqual(printed.chart, dark.chart, "the charts were not drawn anew");
  await other.evaluate(() => window.dispatchEvent(new Event("afterprint")));
  assert.deepEqual(await look(), dark);
  await other.context().close();
});

test("what data says is never markup", async () => {
  const other = await reader(browser, complaints);
  await other.route(/\/api\/v1\/(matrix|series|compare)/, async (route) => {
    const answer = await route.fetch();
    const text = (await answer.text()).replaceAll("list_bytes", HOSTILE)
      .replace(/"subject":"[^"]*"/g, `"subject":"${HOSTILE}"`);
    await route.fulfill({ response: answer, body: text });
  });
  for (const [view, place] of [["overview", ".grid tbody th a"], ["history?scenario=set_bytes",
    "figure.history[data-state=ready]"], ["releases", ".release h2 a"],
  [`compare?base=${commits[0]}&head=${commits[1]}&show=all`, ".compared th button"]]) {
    await open(view, other);
    await other.locator(place).first().waitFor();
    assert.equal(await other.locator("main img").count(), 0, view);
    if (!view.startsWith("history")) {
      await other.locator(place, { hasText: HOSTILE }).first().waitFor();
    }
  }
  await other.unrouteAll();
  const { runs: [run] } = await daemon.get("/runs?status=done&limit=1");
  const words = new Set(["subject", "title", "error", "reason", "detail", "cpu", "kernel", "source",
    "command", "flags", "compiler", "repo", "program", "why", "author", "file", "thp", "by"]);
  await other.route(/\/api\/v1\/(runs|batches|builds|projects|pythons|scenarios|hosts|search)/,
    async (route) => {
      const answer = await route.fetch();
      if (!/json/.test(answer.headers()["content-type"] ?? "")) {
        await route.fulfill({ response: answer });
        return;
      }
      const text = (await answer.text()).replaceAll("set_bytes", HOSTILE);
      await route.fulfill({ response: answer, json: JSON.parse(text, (key, value) =>
        words.has(key) && (typeof value === "string" || value === null) ? HOSTILE : value) });
    });
  await other.goto(daemon.entry);
  for (const view of ["runs", `run/${run.id}`, `batch/${run.batch}`, `build/${run.build.id}`,
    "trigger", "projects", "pythons", "hosts", "curves"]) {
    await open(view, other);
    await until(`the text in ${view}`, async () =>
      (await other.locator("main").textContent() ?? "").includes(HOSTILE));
    assert.equal(await other.locator("img").count(), 0, view);
  }
  await other.keyboard.press("/");
  await other.keyboard.type("set_by");
  await other.locator(".search-found li", { hasText: HOSTILE }).first().waitFor();
  assert.equal(await other.locator("img").count(), 0);
  await other.context().close();
});

test("a reader without JavaScript is told where the figures stand", async () => {
  const plain = await reader(browser, complaints, { javaScriptEnabled: false });
  await plain.goto(daemon.url);
  await plain.getByRole("heading", { name: /with JavaScript/ }).waitFor();
  const links = plain.locator("main a");
  assert.ok(await links.count() >= 5);
  for (const link of await links.all()) {
    const url = await link.getAttribute("href");
    assert.equal((await fetch(daemon.url + url)).status, 200, String(url));
  }
  await picture(plain, "no-javascript");
  await plain.context().close();
});

test("tabs share one event stream, and the next takes over from one that closes", async () => {
  const context = await browser.newContext();
  const tabs = [];
  let streams = 0;
  context.on("request", (request) => {
    if (/\/api\/v1\/stream/.test(request.url())) streams += 1;
  });
  for (let i = 0; i < 3; i++) {
    const tab = await context.newPage();
    await tab.goto(daemon.url + "/#/overview");
    await tab.locator(".gcell[data-verdict]").first().waitFor();
    tabs.push(tab);
  }
  assert.equal(streams, 1);
  await tabs[0].close();
  await until("the next stream", async () => streams === 2);
  await context.close();
});

test("the views of many runs pass axe and keep their width in light and dark, large and small",
  async () => {
    const on = await reader(browser, complaints, { reducedMotion: "reduce" });
    /** @type {string[]} */
    const found = [];
    for (const view of ["overview", "history?scenario=list_bytes", "releases",
      `compare?base=commit:${commits[0]}&head=commit:${commits[1]}&show=all`]) {
      await settled(on, `${daemon.url}/#/${view}`);
      await on.locator("main .gcell[data-verdict], figure.history[data-state=ready], " +
        ".bars[data-bars], .compared tbody tr").first().waitFor();
      found.push(...await faultsInEveryLook(on, /^\w+/.exec(view)?.[0] ?? ""));
      const pages = await printedPages(on);
      if (pages !== 1) found.push(`${view} is printed on ${pages} pages`);
    }
    assert.deepEqual(found, []);
    await on.context().close();
  });

test("no page complained", () => {
  assert.deepEqual(complaints, []);
});
