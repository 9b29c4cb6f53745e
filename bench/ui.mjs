// ui.mjs - how fast the dashboard is, in headless Chromium on a large database (make bench-ui).
//
//     node bench/ui.mjs --tidemark PROGRAM --run-writer PROGRAM --data FOLDER
//                       [--json FILE] [--only overview|history|run|overlay|raw|memory]
//
// FOLDER holds the database of bench/history_database, made once. To it come, once, a run of
// 10,000,000 events and 24 runs of 200,000 (bench/ui_run.c), imported as any file is. Every figure
// is taken in the page: from the press, the click or the start of the navigation to the frame in
// which what was asked for stands. Beside it: the longest request for it; the time that the page's
// main thread had the CPU, which other programs of the machine move less than they move the
// clock; and what Chart.js takes for the same points unthinned.

import { execFile, spawn } from "node:child_process";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const EVENTS = 10_000_000;
const CURVES = 24;
const CURVE_EVENTS = 200_000;
const REPEATS = 7;
const MADE_UP = "made_up_0"; // a scenario of bench/history_database
const SIZE = { width: 1280, height: 900 };

/** @param {string} name */
const option = (name) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? "" : process.argv[at + 1];
};
const program = option("tidemark") || "build/release/tidemark";
const writer = option("run-writer") || "build/release/bench-ui-run";
const data = option("data") || "build/bench/ui";
const json = option("json") || "bench/results/ui.json";
const only = option("only");

/** @type {{name: string, value: number|null, unit: string, goal: string, met: boolean|null}[]} */
const rows = [];

/**
 * @param {string} name
 * @param {number} value
 * @param {string} unit
 * @param {number|null} goal
 * @param {"<"|">="} [way]
 */
function report(name, value, unit, goal = null, way = "<") {
  const met = goal === null ? null : way === "<" ? value < goal : value >= goal;
  const rounded = Math.round(value * 100) / 100;
  rows.push({ name, value: rounded, unit, goal: goal === null ? "" : `${way} ${goal}`, met });
  const said = met === null ? "" : met ? "met" : "MISSED";
  console.log(`${name.padEnd(66)} ${String(rounded).padStart(10)} ${unit.padEnd(10)} ` +
    `${(goal === null ? "" : `${way} ${goal}`).padEnd(9)} ${said}`);
}

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/* ---- the daemon and its data ---- */

const daemon = { url: "", token: "", stop: async () => {} };

async function serve() {
  await mkdir(data, { recursive: true });
  const begun = Date.now();
  const child = spawn(program, ["serve", "--data", data, "--listen", "127.0.0.1:0"],
    { stdio: ["ignore", "ignore", "inherit"] });
  daemon.stop = () => new Promise((resolve) => {
    child.on("exit", () => resolve());
    child.kill("SIGTERM");
  });
  for (;;) {
    const written = await stat(join(data, "url")).catch(() => null);
    if (written && written.mtimeMs >= begun - 1000) {
      daemon.url = (await readFile(join(data, "url"), "utf8")).trim();
      daemon.token = (await readFile(join(data, "token"), "utf8")).trim();
      const there = await fetch(daemon.url + "/api/v1/status").then((r) => r.json(), () => null);
      if (there && !there.discovering) return;
    }
    if (child.exitCode !== null) throw new Error("the daemon ended at once");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** @param {string} path */
const get = async (path) => (await fetch(daemon.url + "/api/v1" + path)).json();

/**
 * The id of the run that was made of this file, imported where it is not there yet.
 * @param {string} name
 * @param {number} events
 * @param {number} seed
 */
async function runOf(name, events, seed) {
  const { runs } = await get("/runs?limit=100&fields=id,scenario"); // they came last
  const held = runs.find((/** @type {{scenario: string}} */ run) => run.scenario === name);
  if (held) return held.id;
  const { stdout } = await promisify(execFile)(writer, [String(events), String(seed)],
    { encoding: "buffer", maxBuffer: 1 << 27 });
  const answer = await fetch(`${daemon.url}/api/v1/imports?name=${name}`, {
    method: "POST", body: new Uint8Array(stdout),
    headers: { Authorization: `Bearer ${daemon.token}`,
      "Content-Type": "application/octet-stream" },
  });
  if (answer.status !== 201) throw new Error(`import of ${name}: ${await answer.text()}`);
  return (await answer.json()).id;
}

/* ---- measuring in the page ---- */

/** Put into every page: waits for a sight and says when the frame that shows it has passed. */
function instrument() {
  const page = /** @type {any} */ (window);
  /** @type {(selector: string) => Promise<number>} */
  page.seen = (selector) => new Promise((resolve, reject) => {
    const limit = performance.now() + 60000;
    const look = () => {
      if (performance.now() > limit) return void reject(new Error(`not seen: ${selector}`));
      if (!document.querySelector(selector)) return void requestAnimationFrame(look);
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now()), 0));
    };
    look();
  });
  /** @type {(ms: number, step: (i: number) => void) => Promise<number[]>} lengths of frames */
  page.frames = (ms, step) => new Promise((resolve) => {
    /** @type {number[]} */
    const lengths = [];
    const begun = performance.now();
    let last = begun;
    let i = 0;
    const frame = (/** @type {number} */ now) => {
      if (i) lengths.push(now - last);
      last = now;
      if (now - begun > ms) return void resolve(lengths);
      step(i++);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
}

/** @param {import("playwright-core").Browser} browser */
async function reader(browser) {
  const context = await browser.newContext({ viewport: SIZE, reducedMotion: "reduce" });
  await context.addInitScript(instrument);
  return context.newPage();
}

/**
 * From setting the address to the frame in which the selector is there, and the longest request of
 * the API meanwhile.
 * @param {import("playwright-core").Page} page
 * @param {string} hash
 * @param {string} selector
 * @returns {Promise<{ms: number, request: number}>}
 */
async function opened(page, hash, selector) {
  await page.evaluate("location.hash = '#/pythons'");
  await page.waitForTimeout(400);
  return page.evaluate(async ([to, what]) => {
    performance.clearResourceTimings();
    const begun = performance.now();
    location.hash = to;
    const ms = await /** @type {any} */ (window).seen(what) - begun;
    const asked = performance.getEntriesByType("resource")
      .filter(({ name }) => name.includes("/api/v1/"));
    return { ms, request: Math.max(0, ...asked.map(({ duration }) => duration)) };
  }, [hash, selector]);
}

/**
 * Open a view several times, nothing of it in the browser's cache, and report it: by the clock, by
 * its longest request and by the CPU time of the page's main thread.
 * @param {import("playwright-core").Page} page
 * @param {string} name
 * @param {string} hash
 * @param {string} selector
 * @param {number} goal
 */
async function reportOpened(page, name, hash, selector, goal) {
  const wire = await page.context().newCDPSession(page);
  await wire.send("Network.enable");
  await wire.send("Network.setCacheDisabled", { cacheDisabled: true });
  const taken = [];
  for (let i = 0; i < REPEATS; i++) taken.push(await opened(page, hash, selector));
  report(name, median(taken.map(({ ms }) => ms)), "ms", goal);
  report(`${name}, its longest request`, median(taken.map(({ request }) => request)), "ms");
  const { sum } = await tasksOf(page, async () => void await opened(page, hash, selector));
  report(`${name}, CPU time of the main thread`, sum, "ms");
  await wire.send("Network.setCacheDisabled", { cacheDisabled: false });
  await wire.detach();
}

/** @param {number[]} lengths of frames in ms */
const rate = (lengths) => 1000 * lengths.length / lengths.reduce((a, b) => a + b, 0);

/**
 * Turn the wheel over the chart for three seconds, in and out.
 * @param {import("playwright-core").Page} page
 * @returns {Promise<number[]>} lengths of the frames in ms
 */
const wheel = (page) => page.evaluate(() => {
  const canvas = /** @type {HTMLElement} */ (document.querySelector("main canvas"));
  const box = canvas.getBoundingClientRect();
  return /** @type {any} */ (window).frames(3000, (/** @type {number} */ i) => {
    canvas.dispatchEvent(new WheelEvent("wheel", { deltaY: i % 60 < 30 ? -120 : 120,
      clientX: box.left + box.width / 2, clientY: box.top + box.height / 2, bubbles: true,
      cancelable: true }));
  });
});

/**
 * The tasks of the page's main thread while `act` goes on: the longest by the clock and by the time
 * that it had the CPU, and the CPU time of all, in ms.
 * @param {import("playwright-core").Page} page
 * @param {() => Promise<void>} act
 */
async function tasksOf(page, act) {
  const wire = await page.context().newCDPSession(page);
  /** @type {any[]} */
  const events = [];
  wire.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  await wire.send("Tracing.start", { transferMode: "ReportEvents",
    traceConfig: { includedCategories: ["toplevel",
      "disabled-by-default-devtools.timeline"] } });
  await act();
  const over = new Promise((resolve) => wire.once("Tracing.tracingComplete", resolve));
  await wire.send("Tracing.end");
  await over;
  await wire.detach();
  const place = (/** @type {any} */ { pid, tid }) => `${pid} ${tid}`;
  const main = new Set(events.filter(({ name, args }) => name === "thread_name" &&
    args.name === "CrRendererMain").map(place));
  const tasks = events.filter((event) => event.name === "RunTask" && event.tdur &&
    main.has(place(event)));
  return {
    longest: Math.max(0, ...tasks.map(({ dur }) => dur)) / 1000,
    longestCpu: Math.max(0, ...tasks.map(({ tdur }) => tdur)) / 1000,
    sum: tasks.reduce((sum, { tdur }) => sum + tdur, 0) / 1000,
  };
}

/* ---- the run of 10 million events ---- */

const READY = "figure.curves[data-state=ready] .plot[data-series=\"1\"]";

/**
 * @param {import("playwright-core").Page} page
 * @param {number} id
 */
async function measureRun(page, id) {
  await reportOpened(page, "run of 10,000,000 events: first curve", `#/run/${id}`, READY, 300);

  const { wall_ns: wall } = await get(`/runs/${id}`);
  const end = wall / 1e9;
  const zooms = [];
  for (let i = 0; i < 24; i++) {
    const width = end / [2, 10, 100, 1000, 10000, 100000][i % 6];
    const from = (end - width) * ((i * 0.618) % 1);
    zooms.push(await page.evaluate(async ([a, b]) => {
      const canvas = /** @type {HTMLElement} */ (document.querySelector(".plot canvas"));
      const chart = /** @type {any} */ (globalThis).Chart.getChart(canvas);
      const pane = /** @type {HTMLElement} */ (document.querySelector(".plot-side"));
      delete pane.dataset.fine;
      const begun = performance.now();
      chart.zoomScale("x", { min: a, max: b }, "zoom");
      return await /** @type {any} */ (window).seen(".plot-side[data-fine]") - begun;
    }, [from, from + width]));
  }
  report("run of 10,000,000 events: zoom to any window, median", median(zooms), "ms", 150);
  report("run of 10,000,000 events: zoom to any window, slowest", Math.max(...zooms), "ms", 150);
  await measureTable(page);
}

/** @param {import("playwright-core").Page} page */
async function measureTable(page) {
  await page.locator(".vrows-body .vrow").first().waitFor();
  await page.locator(".vrows-scroll").scrollIntoViewIfNeeded();
  const scroll = () => page.evaluate(() => {
    const box = /** @type {HTMLElement} */ (document.querySelector(".vrows-scroll"));
    return /** @type {any} */ (window).frames(6000, (/** @type {number} */ i) => {
      // Steady turning of the wheel, and every half second the bar is dragged somewhere else.
      if (i % 30 === 29) box.scrollTop = (i * 7919 * 131) % box.scrollHeight;
      else box.scrollTop += 120;
    });
  });
  const lengths = await scroll();
  report("events table: longest frame of 6 s of scrolling", Math.max(...lengths), "ms", 50);
  report("events table: frames a second", rate(lengths), "fps", 30, ">=");
  const tasks = await tasksOf(page, async () => void await scroll());
  report("events table: longest task of 6 s of scrolling", tasks.longest, "ms", 50);
  report("events table: longest task by CPU time", tasks.longestCpu, "ms", 50);
  const jumps = [];
  for (let i = 0; i < 12; i++) {
    jumps.push(await page.evaluate(async (share) => {
      const box = /** @type {HTMLElement} */ (document.querySelector(".vrows-scroll"));
      const begun = performance.now();
      box.scrollTop = box.scrollHeight * share;
      await new Promise((resume) => requestAnimationFrame(() => requestAnimationFrame(resume)));
      return await /** @type {any} */ (window).seen(".event-table[data-ready]") - begun;
    }, (i * 0.618) % 1));
  }
  report("events table: rows there after a jump, median", median(jumps), "ms");
}

/* ---- 24 curves ---- */

/**
 * @param {import("playwright-core").Page} page
 * @param {number[]} ids
 */
async function measureOverlay(page, ids) {
  const hash = `#/curves?runs=${ids.join(",")}&phases=0`;
  const selector = `figure.curves[data-state=ready] .plot[data-series="${ids.length}"]`;
  await reportOpened(page, `${ids.length} curves overlaid: address to drawn`, hash, selector, 200);
  const redraw = await page.evaluate(() => {
    const chart = /** @type {any} */ (globalThis).Chart.getChart(
      document.querySelector(".plot canvas"));
    return Array.from({ length: 9 }, () => {
      const begun = performance.now();
      chart.update("none");
      chart.draw();
      return performance.now() - begun;
    });
  });
  report(`${ids.length} curves overlaid: drawing alone`, median(redraw), "ms");
  report(`${ids.length} curves overlaid: zooming with the wheel`, rate(await wheel(page)), "fps",
    30, ">=");
  report(`${ids.length} curves overlaid: zooming, longest task by CPU time`,
    (await tasksOf(page, async () => void await wheel(page))).longestCpu, "ms");
}

/* ---- Chart.js without thinning ---- */

/** Put into the page: draws points with the dashboard's options but for its thinning. */
function rawInstrument() {
  const page = /** @type {any} */ (window);
  const frame = () => new Promise((resume) =>
    requestAnimationFrame(() => setTimeout(() => resume(null), 0)));
  /** @type {(sets: {x: number, y: number}[][]) => Promise<object>} */
  page.raw = async (sets) => {
    const canvas = document.createElement("canvas");
    const box = document.createElement("div");
    box.style.cssText = "position:fixed;inset:0;background:#fff;z-index:99";
    box.append(canvas);
    document.body.append(box);
    const begun = performance.now();
    const chart = new page.Chart(canvas, {
      type: "line",
      data: { datasets: sets.map((points) => ({ data: points, borderWidth: 1 })) },
      options: { animation: false, parsing: false, normalized: true, responsive: true,
        maintainAspectRatio: false, elements: { point: { radius: 0 }, line: { tension: 0 } },
        scales: { x: { type: "linear" } }, plugins: { legend: { display: false } } },
    });
    await frame();
    const first = performance.now() - begun;
    const again = performance.now();
    const all = chart.scales.x;
    chart.options.scales.x.min = all.min + (all.max - all.min) * 0.25;
    chart.options.scales.x.max = all.max - (all.max - all.min) * 0.25;
    chart.update("none");
    await frame();
    const zoom = performance.now() - again;
    chart.destroy();
    box.remove();
    return { first, zoom, points: sets.reduce((sum, points) => sum + points.length, 0) };
  };
}

/**
 * @param {{first: number, zoom: number, points: number}} found
 * @param {string} what
 */
function reportRaw({ first, zoom, points }, what) {
  report(`unthinned with Chart.js, ${what}: points`, points, "points");
  report(`unthinned with Chart.js, ${what}: first drawing, data there`, first, "ms");
  report(`unthinned with Chart.js, ${what}: zoom`, zoom, "ms");
}

/**
 * The curves as they are stored, every point of them.
 * @param {import("playwright-core").Page} page
 * @param {number[]} ids
 * @param {string} what
 */
async function measureRaw(page, ids, what) {
  await page.evaluate(rawInstrument);
  reportRaw(await page.evaluate(async (runs) => {
    const sets = await Promise.all(runs.map(async (id) => {
      const { wall_ns: end } = await (await fetch(`/api/v1/runs/${id}`)).json();
      /** @type {{x: number, y: number}[]} */
      const points = [];
      const parts = 16;
      for (let i = 0; i < parts; i++) {
        const from = Math.floor(end / parts * i) + (i ? 1 : 0);
        const curve = await (await fetch(`/api/v1/runs/${id}/curve?points=100000` +
          `&from_ns=${from}&to_ns=${Math.floor(end / parts * (i + 1))}`)).json();
        curve.t_ns.forEach((/** @type {number} */ t, /** @type {number} */ k) =>
          points.push({ x: t / 1e9, y: curve.rss[k] / 1048576 }));
      }
      return points;
    }));
    return /** @type {any} */ (window).raw(sets);
  }, ids), what);
}

/**
 * The same of a history's points, which are drawn as a line each.
 * @param {import("playwright-core").Page} page
 * @param {string} project
 * @param {string} scenario
 */
async function measureRawHistory(page, project, scenario) {
  await page.evaluate(rawInstrument);
  reportRaw(await page.evaluate(async (query) => {
    const { series } = await (await fetch(`/api/v1/series?${query}`)).json();
    return /** @type {any} */ (window).raw(series.map((/** @type {any} */ line) =>
      line.median.flatMap((/** @type {number|null} */ y, /** @type {number} */ x) =>
        (y === null ? [] : [{ x, y }]))));
  }, `project=${project}&scenario=${scenario}`), "history of one scenario");
}

/* ---- overview and history ---- */

/**
 * @param {import("playwright-core").Browser} browser
 * @param {string} project
 */
async function measureOverview(browser, project) {
  const hash = `/#/overview?project=${project}`;
  const sight = "main .view:not([aria-busy]) table";
  const cold = [];
  const warm = [];
  let bytes = 0;
  for (let i = 0; i < REPEATS; i++) {
    const page = await reader(browser);
    const wire = await page.context().newCDPSession(page);
    await wire.send("Network.enable");
    let sum = 0;
    wire.on("Network.loadingFinished", (event) => { sum += event.encodedDataLength; });
    await page.goto(daemon.url + hash, { waitUntil: "commit" });
    cold.push(await page.evaluate((what) => /** @type {any} */ (window).seen(what), sight));
    bytes = sum;
    await page.goto("about:blank");
    await page.goto(daemon.url + hash, { waitUntil: "commit" });
    warm.push(await page.evaluate((what) => /** @type {any} */ (window).seen(what), sight));
    await page.context().close();
  }
  report("overview: interactive, cold", median(cold), "ms", 1000);
  report("overview: interactive, warm", median(warm), "ms", 300);
  report("overview: transfer, script and style included", bytes / 1024, "KiB", 150);
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} project
 * @param {string} scenario
 */
async function measureHistory(page, project, scenario) {
  await reportOpened(page, "history of one scenario, 50,000 points: click to drawn",
    `#/history?project=${project}&scenario=${scenario}`,
    "figure.history[data-state=ready] .plot[data-series]", 300);
  report("history of one scenario: zooming with the wheel", rate(await wheel(page)), "fps", 30,
    ">=");
  report("history of one scenario: zooming, longest task by CPU time",
    (await tasksOf(page, async () => void await wheel(page))).longestCpu, "ms");
}

/* ---- memory ---- */

/**
 * @param {import("playwright-core").Page} page
 * @param {string[]} hashes
 */
async function measureMemory(page, hashes) {
  const wire = await page.context().newCDPSession(page);
  const heap = async () => {
    for (let i = 0; i < 3; i++) await wire.send("HeapProfiler.collectGarbage");
    return (await wire.send("Runtime.getHeapUsage")).usedSize;
  };
  const tour = async (/** @type {number} */ steps) => {
    for (let i = 0; i < steps; i++) {
      await page.evaluate(`location.hash = ${JSON.stringify(hashes[i % hashes.length])}`);
      await page.waitForTimeout(250);
    }
    await page.evaluate("location.hash = '#/pythons'");
    await page.waitForTimeout(1000);
  };
  await tour(hashes.length * 3);
  const before = await heap();
  await tour(200);
  const after = await heap();
  report("heap of the tab before 200 changes of view", before / 1048576, "MiB");
  report("heap of the tab after 200 changes of view: change", 100 * (after / before - 1), "%", 10);
}

/* ---- all ---- */

await serve();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--js-flags=--expose-gc"],
});
try {
  const [{ model }] = cpus();
  console.log(`${cpus().length} × ${model}, Chromium ${browser.version()}\n`);
  const big = await runOf("ten-million.tide", EVENTS, 1);
  const curves = [];
  for (let i = 0; i < CURVES; i++) {
    curves.push(await runOf(`overlay-${i + 1}.tide`, CURVE_EVENTS, 100 + i));
  }
  const { projects } = await get("/projects");
  const large = projects.find((/** @type {{name: string}} */ one) =>
    !["imported", "converters"].includes(one.name))?.name ?? null;
  const page = await reader(browser);
  await page.goto(`${daemon.url}/#/pythons`);
  await page.locator("main .view").waitFor();
  const wanted = (/** @type {string} */ word) => !only || only === word;
  if (large && wanted("overview")) await measureOverview(browser, large);
  if (large && wanted("history")) {
    const begun = performance.now();
    await get(`/series?project=${large}&scenario=${MADE_UP}`);
    report("history of one scenario: first answer of the daemon after its start",
      performance.now() - begun, "ms");
    await measureHistory(page, large, MADE_UP);
    await measureRawHistory(page, large, MADE_UP);
  }
  if (wanted("run")) await measureRun(page, big);
  if (wanted("overlay")) await measureOverlay(page, curves);
  if (wanted("raw")) {
    await measureRaw(page, curves, "24 curves of 200,000 events");
    await measureRaw(page, [big], "run of 10,000,000 events, 1,600,000 points of it at most");
  }
  if (wanted("memory")) {
    await measureMemory(page, [`#/run/${big}`, `#/curves?runs=${curves.slice(0, 6).join(",")}`,
      "#/runs", "#/trigger", "#/projects", "#/pythons",
      ...(large ? [`#/history?project=${large}`] : [])]);
  }
} finally {
  await browser.close();
  await daemon.stop();
}
await mkdir(dirname(json), { recursive: true });
await writeFile(json, JSON.stringify(rows, null, 1) + "\n");
console.log(`\nwritten to ${json}`);
process.exitCode = rows.some((row) => row.met === false) ? 1 : 0;
