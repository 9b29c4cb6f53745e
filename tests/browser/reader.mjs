// reader.mjs - a browser's page as a test reads it: complaints kept, pictures taken, axe-core run.

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
  await page.evaluate(await readFile(AXE, "utf8"));
  return page.evaluate(async () => {
    const { violations: found } = await /** @type {any} */ (globalThis).axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    });
    return found.flatMap((/** @type {any} */ rule) => rule.nodes.map((/** @type {any} */ node) =>
      `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary}`));
  });
}

/** @param {import("playwright-core").Page} page */
export const scrollsSideways = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
