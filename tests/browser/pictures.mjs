// pictures.mjs - the pictures of docs/DASHBOARD.md and the README, made anew from a real database:
//
//     node tests/browser/pictures.mjs [DATA]
//
// A daemon is started on the folder DATA. Where it is not given, one measures list_bytes first: two
// commits on every Python of this machine, two samples each (some minutes).

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { browse, Daemon, until } from "./fixture.mjs";

const folder = fileURLToPath(new URL("../../docs/images", import.meta.url));
const data = process.argv[2];

/** @param {Daemon} daemon */
async function measure(daemon) {
  await until("the Pythons", async () => !(await daemon.get("/status")).discovering);
  const { commits } = await daemon.get("/projects/converters/commits?limit=2");
  const batch = await daemon.trigger({ scenarios: ["list_bytes"], size: "demo", samples: 2,
    commits: commits.map((/** @type {{sha: string}} */ commit) => commit.sha) });
  await daemon.batchDone(batch.id, 30 * 60000);
}

/**
 * What is shown: the newest batch whose runs are done.
 * @param {Daemon} daemon
 */
async function subject(daemon) {
  const { runs } = await daemon.get("/runs?project=converters&status=done&limit=200");
  if (!runs.length) throw new Error("no run of converters is done in this database");
  const own = runs.filter((/** @type {any} */ run) => run.batch === runs[0].batch);
  const shas = [...new Set(own.map((/** @type {any} */ run) => run.commit.sha))].slice(0, 2);
  const one = own.find((/** @type {any} */ run) => run.commit.sha === shas[0]);
  const both = own.filter((/** @type {any} */ run) => run.python.name === one.python.name &&
    run.sample === 1);
  const few = own.filter((/** @type {any} */ run) => run.sample === 1).slice(0, 6);
  const ids = (/** @type {any[]} */ some) => some.map((run) => run.id).join();
  return { run: one.id, batch: one.batch, both: ids(both), few: ids(few) };
}

const daemon = await Daemon.start({ data });
const browser = await browse();
try {
  if (!data) await measure(daemon);
  const shown = await subject(daemon);
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 },
    colorScheme: "light", reducedMotion: "reduce" });
  await page.goto(daemon.entry);
  for (const [name, hash] of Object.entries({
    "curves": `curves?runs=${shown.few}`,
    "curves-phase": `curves?runs=${shown.few}&align=phase`,
    "difference": `curves?runs=${shown.both}&align=phase&values=difference`,
    "run": `run/${shown.run}`, "batch": `batch/${shown.batch}`,
  })) {
    await page.goto(`${daemon.url}/#/${hash}`);
    await page.locator("main .view:not([aria-busy])").first().waitFor();
    await page.waitForTimeout(1500);
    await page.screenshot({ path: join(folder, `${name}.png`) });
    console.log(join(folder, `${name}.png`));
  }
} finally {
  await browser.close();
  await daemon.stop();
}
