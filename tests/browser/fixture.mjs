// fixture.mjs - a real daemon in a folder of its own, and a browser to look at it with.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../..", import.meta.url));
export const PROGRAM = process.env.TIDEMARK ?? join(root, "build/release/tidemark");

/** What builds and runs may take on a machine that does much else. */
export const PATIENCE_MS = 400000;

/** @param {number} ms */
export const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));

/**
 * @template T
 * @param {string} what for the message when time runs out
 * @param {() => Promise<T|null|undefined|false>} probe
 * @param {number} [limitMs]
 * @returns {Promise<T>}
 */
export async function until(what, probe, limitMs = 30000) {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${limitMs} ms in vain for ${what}`);
    await pause(100);
  }
}

/** @param {string} path */
const text = async (path) => {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch {
    return "";
  }
};

export class Daemon {
  /**
   * Start `tidemark serve` on a free port with a fresh folder, or again on what an earlier one
   * left behind.
   * @param {{data?: string, listen?: string, options?: string[]}} [where]
   */
  static async start({ data, listen = "127.0.0.1:0", options = [] } = {}) {
    const folder = data ?? await mkdtemp(join(tmpdir(), "tidemark-browser-"));
    const daemon = new Daemon(folder);
    const begun = Date.now();
    daemon.child = spawn(PROGRAM, ["serve", "--data", folder, "--listen", listen, ...options], {
      cwd: root, stdio: ["ignore", "pipe", "pipe"],
    });
    daemon.ended = new Promise((resume) => {
      daemon.child?.on("exit", (code, signal) => resume({ code, signal }));
    });
    for (const pipe of [daemon.child.stdout, daemon.child.stderr]) {
      pipe?.setEncoding("utf8").on("data", (chunk) => { daemon.log += chunk; });
    }
    let gone = false;
    void daemon.ended.then(() => { gone = true; });
    await until("the daemon's address", async () => {
      if (gone) throw new Error(`the daemon ended at once:\n${daemon.log}`);
      const written = await stat(join(folder, "url")).catch(() => null);
      daemon.url = written && written.mtimeMs >= begun - 1000
        ? await text(join(folder, "url")) : "";
      daemon.token = await text(join(folder, "token"));
      return daemon.url && daemon.token &&
        await fetch(daemon.url + "/healthz").then((r) => r.ok, () => false);
    });
    return daemon;
  }

  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder;
    this.url = "";
    this.token = "";
    this.log = "";
    /** @type {import("node:child_process").ChildProcess|null} */
    this.child = null;
    /** @type {Promise<{code: number|null, signal: string|null}>} */
    this.ended = Promise.resolve({ code: null, signal: null });
  }

  /** The address that lets a browser in. */
  get entry() {
    return `${this.url}/?token=${this.token}`;
  }

  /**
   * @param {string} path
   * @returns {Promise<any>}
   */
  async get(path) {
    const response = await fetch(this.url + "/api/v1" + path);
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /**
   * Queue runs as any client would.
   * @param {object} body
   * @returns {Promise<any>} the batch
   */
  async trigger(body) {
    const response = await fetch(this.url + "/api/v1/runs", {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${this.token}` },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (response.status !== 202) throw new Error(`POST /runs: ${JSON.stringify(answer)}`);
    return answer;
  }

  /**
   * @param {number} id
   * @param {number} [limitMs]
   */
  async batchDone(id, limitMs = PATIENCE_MS) {
    return until(`batch ${id}`, async () => {
      const batch = await this.get(`/batches/${id}`);
      return batch.status === "done" && batch;
    }, limitMs);
  }

  /** Ask it to stop, and say how it ended. */
  async stop() {
    this.child?.kill("SIGTERM");
    const timer = setTimeout(() => this.child?.kill("SIGKILL"), 15000);
    const how = await this.ended;
    clearTimeout(timer);
    return how;
  }

  /** Lines of its log that tell of a fault, and processes of its own that outlive it. */
  async leftovers() {
    const faults = this.log.split("\n").filter((line) =>
      /^\S+ error |Sanitizer|runtime error/.test(line));
    for (const pid of await readdir("/proc")) {
      if (!/^\d+$/.test(pid)) continue;
      const command = await text(`/proc/${pid}/cmdline`);
      if (command.includes(this.folder)) faults.push(command.replaceAll("\0", " "));
    }
    return faults;
  }

  async remove() {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * Close the browser and stop the daemon, which must end well and leave nothing behind. Either may
 * not have come up.
 * @param {import("playwright-core").Browser|undefined} browser
 * @param {Daemon|undefined} daemon
 */
export async function finish(browser, daemon) {
  await browser?.close();
  const how = await daemon?.stop();
  assert.deepEqual(await daemon?.leftovers() ?? [], []);
  assert.equal(how?.code, 0);
  await daemon?.remove();
}

/** A headless Chromium that asks nobody but the daemon. */
export function browse() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}
