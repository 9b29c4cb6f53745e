// pictures.mjs - the pictures of the README and docs/DASHBOARD.md, made anew from a real database:
//
//     node tests/browser/pictures.mjs [--url=URL | --data=DATA] [--only=NAME,NAME]
//
// They show a daemon that runs (URL), or one that is started on the folder DATA. Where neither is
// given, one measures first: a history of list_bytes, and all scenarios of SCENARIOS at the newest
// commit, on every Python of this machine (an hour, most of it builds).

import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { browse, Daemon, until } from "./fixture.mjs";
import { small } from "./png.mjs";
import { settled } from "./reader.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = join(root, "docs/images");
const SCENARIOS = ["empty", "list_bytes", "dict_str", "set_bytes", "list_float_array"];
const COMMITS = 8; // of the history
const MOST_BYTES = 150 * 1024; // of a picture: they are fetched with the README

/** @typedef {{url: string, get: (path: string) => Promise<any>}} Served */

/** @param {string} name */
const option = (name) => process.argv.find((word) => word.startsWith(`--${name}=`))
  ?.slice(name.length + 3);

/** @param {Daemon} daemon */
async function measure(daemon) {
  await until("the Pythons", async () => !(await daemon.get("/status")).discovering);
  const commits = execFileSync("git", ["log", "--format=%H", `--max-count=${COMMITS}`, "--",
    "converters"], { cwd: root, encoding: "utf8" }).trim().split("\n");
  const wishes = [{ commits, scenarios: ["list_bytes"], samples: 1 },
    { commits: [commits[0]], scenarios: SCENARIOS, samples: 3 }];
  for (const wish of wishes) {
    const batch = await daemon.trigger({ ...wish, size: "demo" });
    await daemon.batchDone(batch.id, 3 * 3600000);
  }
}

/**
 * What the pictures show: the newest batch, and of list_bytes the newest commit and the oldest that
 * could be measured.
 * @param {Served} daemon
 */
async function subject(daemon) {
  const { runs } = await daemon.get(
    "/runs?project=converters&scenario=list_bytes&status=done&limit=1000");
  const { runs: newest } = await daemon.get("/runs?project=converters&status=done&limit=1");
  if (!runs.length) throw new Error("no run of list_bytes is done in this database");
  const line = (await daemon.get("/series?project=converters&scenario=list_bytes")).commits.sha;
  const ranked = runs.map((/** @type {any} */ run) => ({ run, at: line.indexOf(run.commit.sha) }))
    .filter((/** @type {any} */ one) => one.at >= 0)
    .sort((/** @type {any} */ a, /** @type {any} */ b) => a.at - b.at);
  const old = ranked[0].run;
  const now = ranked.at(-1).run;
  const of = (/** @type {any} */ like) => runs.filter((/** @type {any} */ run) =>
    run.commit.sha === like.commit.sha && run.sample === 1);
  const both = of(now).map((/** @type {any} */ run) => [run, of(old)
    .find((/** @type {any} */ one) => one.python.name === run.python.name)])
    .filter((/** @type {any[]} */ pair) => pair[1]);
  const few = [0, Math.floor(both.length / 2), both.length - 1].flatMap((i) => both[i] ?? []);
  const { pythons } = await daemon.get("/matrix?project=converters&commit=" + now.commit.sha);
  const ids = (/** @type {any[]} */ some) => [...new Set(some.map((run) => run.id))].join();
  return {
    run: both[0][0].id, build: both[0][0].build.id, batch: newest[0].batch,
    both: ids(both[0]), few: ids(few),
    sides: `base=python:${pythons[0].name}&head=python:${pythons.at(-1).name}` +
      `&commit=${now.commit.sha}`,
  };
}

/**
 * A picture's name, the address that it shows, and how the window differs.
 * @param {Awaited<ReturnType<typeof subject>>} of
 * @returns {Record<string, {at: string, dark?: boolean, phone?: boolean, tall?: number}>}
 */
const pictures = (of) => ({
  "overview": { at: "#/overview" },
  "overview-dark": { at: "#/overview", dark: true },
  "overview-phone": { at: "#/overview", phone: true },
  "curves": { at: `#/curves?runs=${of.few}` },
  "curves-phase": { at: `#/curves?runs=${of.few}&align=phase` },
  "difference": { at: `#/curves?runs=${of.both}&align=phase&values=difference` },
  "history": { at: "#/history?scenario=list_bytes", tall: 800 },
  "releases": { at: "#/releases" },
  "compare": { at: `#/compare?${of.sides}`, tall: 700 },
  "runs": { at: "#/runs", tall: 600 },
  "run": { at: `#/run/${of.run}` },
  "trigger": { at: "#/trigger" },
  "batch": { at: `#/batch/${of.batch}`, tall: 800 },
  "build": { at: `#/build/${of.build}`, tall: 700 },
  "projects": { at: "#/projects", tall: 400 },
  "pythons": { at: "#/pythons", tall: 600 },
  "hosts": { at: "#/hosts", tall: 600 },
  "api": { at: "api/docs", tall: 600 },
});

/**
 * @param {import("playwright-core").Browser} browser
 * @param {Served} daemon
 * @param {string} name
 * @param {ReturnType<typeof pictures>[string]} what
 */
async function take(browser, daemon, name, { at, dark, phone, tall }) {
  const page = await browser.newPage({
    viewport: phone ? { width: 360, height: 740 } : { width: 1280, height: tall ?? 900 },
    colorScheme: dark ? "dark" : "light", reducedMotion: "reduce",
  });
  const url = `${daemon.url}/${at}`;
  if (at.startsWith("#")) await settled(page, url);
  else await page.goto(url);
  await page.waitForTimeout(1500);
  const path = join(folder, `${name}.png`);
  const picture = small(await page.screenshot());
  await page.close();
  await writeFile(path, picture);
  console.log(`${path} ${Math.ceil(picture.length / 1024)} KiB`);
  if (picture.length > MOST_BYTES) throw new Error(`${path} is larger than ${MOST_BYTES} bytes`);
}

/** @type {Daemon|null} */
let own = null;
/** @type {Served} */
let daemon;
const url = option("url")?.replace(/\/$/, "");
if (url) {
  daemon = { url, get: async (path) => (await fetch(`${url}/api/v1${path}`)).json() };
} else {
  own = await Daemon.start({ data: option("data") });
  daemon = own;
}
const browser = await browse();
try {
  if (own && !option("data")) await measure(own);
  const only = option("only")?.split(",");
  for (const [name, what] of Object.entries(pictures(await subject(daemon)))) {
    if (!only || only.includes(name)) await take(browser, daemon, name, what);
  }
} finally {
  await browser.close();
  await own?.stop();
  if (!option("data")) await own?.remove();
}
