// reader.mjs - a browser's page as a test reads it: complaints kept, pictures taken, axe-core run.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const artifacts = process.env.ARTIFACTS ?? "build/artifacts/browser";

export const LOOKS = /** @type {const} */ ([
  ["light", { width: 1280, height: 800 }], ["dark", { width: 1280, height: 800 }],
  ["phone-light", { width: 360, height: 740 }], ["phone-dark", { width: 360, height: 740 }],
]);

/**
 * A page of a reader of its own.
 * @param {import("playwright-core").Browser} browser
 * @param {string[]} complaints what the page complains about is added
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
export async function reader(browser, complaints, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 }, colorScheme: "light", ...options,
  });
  context.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  context.on("weberror", (error) => complaints.push(String(error.error().stack)));
  return context.newPage();
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} name
 */
export async function picture(page, name) {
  await mkdir(artifacts, { recursive: true });
  await page.screenshot({ path: join(artifacts, `${name}.png`) });
}

/**
 * What axe-core finds wrong by WCAG 2.2 A and AA: rule, and where.
 * @param {import("playwright-core").Page} page
 * @returns {Promise<string[]>}
 */
export async function violations(page) {
  // The page's own policy lets no foreign script in; evaluate() comes from the debugger.
  if (await page.evaluate(() => !("axe" in globalThis))) {
    await page.evaluate(await readFile(AXE, "utf8"));
  }
  return page.evaluate(async () => {
    const { violations: found } = await /** @type {any} */ (globalThis).axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
      resultTypes: ["violations"],
    });
    return found.flatMap((/** @type {any} */ rule) => rule.nodes.map((/** @type {any} */ node) =>
      `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary}`));
  });
}

/**
 * What a chart's menu saves.
 * @param {import("playwright-core").Page} page
 * @param {import("playwright-core").Locator} menu
 * @param {string} item
 */
async function saved(page, menu, item) {
  if (await menu.getAttribute("open") === null) await menu.locator("summary").click();
  const download = page.waitForEvent("download");
  await menu.getByRole("button", { name: item }).click();
  return readFile(await (await download).path());
}

/**
 * What a chart offers: its picture is a PNG of the chart's width that is not empty; its CSV and its
 * table have the same rows; its link is the page's address.
 * @param {import("playwright-core").Page} page
 * @param {import("playwright-core").Locator} chart what holds the canvas, the menu and the table
 * @returns {Promise<string[][]>} the rows of the CSV, its head first
 */
export async function exported(page, chart) {
  const menu = chart.locator(".chart-menu").first();
  const png = await saved(page, menu, "Picture (PNG)");
  const canvas = await chart.locator("canvas").first().evaluate((node) => {
    const { width, height } = /** @type {HTMLCanvasElement} */ (node);
    return { width, height };
  });
  assert.equal(png.subarray(0, 8).toString("latin1"), "\x89PNG\r\n\x1a\n");
  assert.equal(png.readUInt32BE(16), canvas.width);
  assert.ok(png.readUInt32BE(20) > canvas.height, "the title stands over the chart");
  assert.ok(png.length > 5000, `a picture of ${png.length} bytes is empty`);
  const rows = (await saved(page, menu, "Data (CSV)")).toString("utf8").trim().split("\r\n")
    .map((line) => line.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/));
  assert.ok(rows.every((row) => row.length === rows[0].length), "the rows differ in length");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"],
    { origin: new URL(page.url()).origin });
  if (await menu.getAttribute("open") === null) await menu.locator("summary").click();
  await menu.getByRole("button", { name: "Copy link" }).click();
  await menu.getByText("Copied.").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), page.url());
  await menu.getByRole("button", { name: "Data as a table" }).click();
  const table = chart.locator(".chart-table");
  await table.locator("tbody tr").first().waitFor();
  assert.equal(await table.locator("tbody tr").count(), Math.min(500, rows.length - 1));
  assert.equal(await table.locator("thead th").count(), rows[0].length);
  await menu.locator("summary").click();
  await menu.getByRole("button", { name: "Hide the table" }).click();
  return rows;
}

/**
 * What a reader has chosen on a page, and how much it shows: for two readers of one link to agree.
 * @param {import("playwright-core").Page} page
 */
export const stateOf = (page) => page.evaluate(() => {
  const texts = (/** @type {string} */ what) => [...document.querySelectorAll(what)]
    .map((node) => node.textContent?.replace(/\d+ \w+ ago$/, "ago")); // it turns between two looks
  const fields = [...document.querySelectorAll("main select, main input, .head-context select")]
    .map((node) => {
      const input = /** @type {HTMLInputElement} */ (node);
      return input.type === "checkbox" ? input.checked : input.value;
    });
  return { hash: decodeURIComponent(location.hash), title: document.title, fields,
    pressed: texts("main [aria-pressed=true]"), heads: texts("main h1, main h2, main th"),
    sorted: texts("main [aria-sort=ascending], main [aria-sort=descending]") };
});

/**
 * Go on with Tab until this has the focus, as a reader without a mouse does.
 * @param {import("playwright-core").Page} page
 * @param {string} selector
 */
export async function tabTo(page, selector) {
  for (let i = 0; i < 300; i++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((one) => document.activeElement?.matches(one), selector)) return;
  }
  throw new Error(`300 times Tab did not lead to ${selector}`);
}

/** @param {import("playwright-core").Page} page */
export const scrollsSideways = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);

/** Until what was changed is laid out and drawn. @param {import("playwright-core").Page} page */
const drawn = (page) => page.evaluate(() => new Promise((resume) =>
  requestAnimationFrame(() => requestAnimationFrame(resume))));

/**
 * Look at a page in light and dark, on desktop and phone, without loading it again: what
 * axe-core finds, where it scrolls sideways (also at 320 px, and with text twice as large). A
 * picture of each look is kept.
 * @param {import("playwright-core").Page} page as settled() left it
 * @param {string} name of the view
 * @returns {Promise<string[]>} what is wrong
 */
export async function faultsInEveryLook(page, name) {
  const found = [];
  for (const [look, viewport] of LOOKS) {
    await page.emulateMedia({ colorScheme: look.endsWith("dark") ? "dark" : "light" });
    await page.setViewportSize(viewport);
    await drawn(page);
    found.push(...(await violations(page)).map((one) => `${name} in ${look}: ${one}`));
    if (await scrollsSideways(page)) found.push(`${name} in ${look}: scrolls sideways`);
    await page.evaluate(() => window.scrollTo(0, 0));
    await picture(page, `${name}-${look}`);
  }
  await page.setViewportSize({ width: 320, height: 640 });
  await drawn(page);
  if (await scrollsSideways(page)) found.push(`${name} at 320 px: scrolls sideways`);
  await page.setViewportSize(LOOKS[0][1]);
  await page.evaluate(() => { document.documentElement.style.fontSize = "200%"; });
  await drawn(page);
  if (await scrollsSideways(page)) found.push(`${name} with large text: scrolls sideways`);
  await page.evaluate(() => { document.documentElement.style.fontSize = ""; });
  return found;
}

/**
 * How many pages a view is printed on.
 * @param {import("playwright-core").Page} page
 */
export async function printedPages(page) {
  const pdf = (await page.pdf({ preferCSSPageSize: true })).toString("latin1");
  return pdf.match(/\/Type \/Page\b(?!s)/g)?.length ?? 0;
}

/**
 * Go to a view and wait until it shows what it has.
 * @param {import("playwright-core").Page} page
 * @param {string} url
 */
export async function settled(page, url) {
  await page.goto(url);
  await page.locator("main .view:not([aria-busy])").first().waitFor();
  await page.waitForFunction(() => ![...document.querySelectorAll(".bone")].some((bone) =>
    bone.checkVisibility()) && !document.querySelector("figure[data-state=loading]"));
}
