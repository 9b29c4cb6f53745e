// apidocs.test.mjs - the page at /api/docs lists every operation and tries one, under the daemon's
// own policy.

import { strict as assert } from "node:assert";
import { after, before, test } from "node:test";
import { browse, Daemon } from "./fixture.mjs";
import { faultsInEveryLook } from "./reader.mjs";

/** @type {Daemon} */
let daemon;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  daemon = await Daemon.start();
  browser = await browse();
});

after(async () => {
  await browser?.close();
  await daemon?.stop();
  const left = daemon ? await daemon.leftovers() : [];
  await daemon?.remove();
  assert.deepEqual(left, []);
});

test("every operation is listed, and one is tried", async () => {
  const page = await browser.newPage();
  /** @type {string[]} */
  const faults = [];
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  page.on("pageerror", (error) => { faults.push(String(error)); });
  await page.goto(daemon.url + "/api/docs");
  const described = await daemon.get("/openapi.json");
  const listed = Object.values(described.paths).flatMap((item) => Object.keys(item)).length;
  await page.waitForSelector("details");
  assert.equal(await page.locator("details").count(), listed);
  await page.fill("#filter", "get /api/v1/status");
  const shown = page.locator("details:visible");
  assert.equal(await shown.count(), 1);
  await shown.locator("summary").click();
  await shown.getByRole("button", { name: "Try it" }).click();
  const answer = shown.locator("form pre");
  await answer.filter({ hasText: "discovering" }).waitFor();
  const text = await answer.textContent();
  assert.match(text ?? "", /^GET \/api\/v1\/status\n200 OK\n/);
  assert.deepEqual(faults, []);
  await page.fill("#filter", "");
  assert.deepEqual(await faultsInEveryLook(page, "apidocs"), []);
});
