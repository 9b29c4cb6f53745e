// trace.test.mjs - a run exported as trace events of Chrome is read by a program that is not ours.
//
// Speedscope (npm) reads the format that Perfetto reads, which neither npm nor Debian has. It opens
// the file in headless Chromium as a user would; its table of functions is what it understood.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { browse, Daemon, finish, until } from "./fixture.mjs";

const viewer = fileURLToPath(
  new URL("../../node_modules/speedscope/dist/release/index.html", import.meta.url));
const SMALL = { count: 4096, length: 1024, repeat: 3 };

/** @type {Daemon} */
let daemon;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  daemon = await Daemon.start();
  browser = await browse();
});

after(() => finish(browser, daemon));

test("speedscope shows the functions of an exported run", async () => {
  await until("the Pythons", async () => !(await daemon.get("/status")).discovering);
  const { pythons } = await daemon.get("/pythons");
  const newest = pythons.find((/** @type {{usable: boolean}} */ one) => one.usable).name;
  const batch = await daemon.trigger({
    scenarios: ["list_bytes"], params: SMALL, recording: "all", pythons: [newest],
  });
  await daemon.batchDone(batch.id);
  const { runs } = await daemon.get(`/runs?batch=${batch.id}&status=done`);
  const answer = await fetch(`${daemon.url}/api/v1/runs/${runs[0].id}/export?format=chrome`);
  const file = join(daemon.folder, "run.json");
  const trace = await answer.text();
  await writeFile(file, trace);
  const counters = JSON.parse(trace).traceEvents.filter(
    (/** @type {{ph: string}} */ event) => event.ph === "C");
  assert.ok(counters.length > 20, "RSS is a counter");

  const page = await browser.newPage();
  await page.goto(pathToFileURL(viewer).href);
  await page.locator("input[type=file]").setInputFiles(file);
  await page.getByText("Sandwich").click();
  for (const name of ["tideconv.new_list_bytes", "peakmem_list_bytes"]) {
    await page.getByText(name).first().waitFor();
  }
});
