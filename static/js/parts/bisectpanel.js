// bisectpanel.js - a bisection of a range of commits: what it would do, asked first; then how far
// it is, and what it found.

import { cancelBisect, getBisect, postBisect } from "../api.js";
import { h, replace } from "../dom.js";
import { entryHelp } from "../entry.js";
import { duration, plural, shortSha } from "../format.js";
import { effect, figure } from "../quantity.js";
import { href } from "../router.js";

const ASK_MS = 2000;

/**
 * @typedef {object} Wish
 * @property {string} project
 * @property {string} good sha: the older end
 * @property {string} bad sha: the newer end
 * @property {number} between commits after good up to bad
 * @property {string} scenario
 * @property {string} python
 * @property {string} metric
 * @property {string} allocator
 * @property {Record<string, any>} params
 */

export class BisectPanel {
  /** @param {(id: number|null) => void} onId which one is watched now */
  constructor(onId) {
    this.onId = onId;
    /** @type {number|null} */
    this.id = null;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.timer = undefined;
    this.element = h("section", { class: "bisect", "aria-label": "Bisection", hidden: true });
  }

  destroy() {
    clearTimeout(this.timer);
    this.id = null;
  }

  close() {
    this.destroy();
    this.element.hidden = true;
    this.onId(null);
  }

  /** @param {Wish} wish */
  ask(wish) {
    const { between, ...body } = wish;
    const steps = Math.ceil(Math.log2(Math.max(2, between)));
    const problem = h("div", { class: "problem", role: "alert", hidden: true });
    const start = h("button", { type: "button", class: "primary", on: { click: async () => {
      start.disabled = true;
      try {
        const bisect = await postBisect(body);
        this.onId(bisect.id);
        this.watch(bisect.id);
      } catch (error) {
        problem.hidden = false;
        replace(problem, entryHelp(error));
        start.disabled = false;
      }
    } } }, "Start the bisection");
    this.element.hidden = false;
    replace(this.element, h("h2", null, "Bisect this range"),
      h("p", null, "Which of ", plural(between, "commit"), " after ",
        h("code", null, shortSha(wish.good)), " up to ", h("code", null, shortSha(wish.bad)),
        ` moved ${wish.metric.replaceAll("_", " ")} of ${wish.scenario} on ${wish.python}? ` +
        `That takes about ${plural(steps, "step")}, each a build and some runs.`),
      h("div", { class: "actions" }, start, h("button", {
        type: "button", class: "quiet", on: { click: () => this.close() },
      }, "Leave it")), problem);
    this.element.scrollIntoView({ block: "nearest" });
    start.focus();
  }

  /** @param {number} id */
  watch(id) {
    if (this.id === id) return;
    clearTimeout(this.timer);
    this.id = id;
    void this.#look(id);
  }

  /** @param {number} id */
  async #look(id) {
    try {
      const bisect = await getBisect(id);
      if (this.id !== id) return;
      this.#draw(bisect);
      if (bisect.status !== "running") return;
    } catch (error) {
      if (this.id !== id) return;
      this.element.hidden = false;
      replace(this.element, h("h2", null, `Bisection ${id}`), ...entryHelp(error));
    }
    this.timer = setTimeout(() => void this.#look(id), ASK_MS);
  }

  /** @param {import("../types.js").Bisect} bisect */
  #draw(bisect) {
    const python = typeof bisect.python === "string" ? bisect.python : bisect.python.name;
    const running = bisect.status === "running";
    this.element.hidden = false;
    replace(this.element,
      h("h2", null, `Bisection ${bisect.id}: ${bisect.scenario} on ${python}`),
      h("p", { role: "status" }, running
        ? [plural(bisect.steps.length, "commit") + " looked at",
          bisect.left === null ? "its ends are measured first"
            : `${bisect.left} may still be the one`,
          bisect.eta_ns ? `about ${duration(bisect.eta_ns)} left` : ""].filter(Boolean).join(", ")
        : outcome(bisect)),
      h("ol", { class: "steps" }, ...bisect.steps.map((step) => h("li", null,
        h("code", null, shortSha(step.commit.sha)), " ", h("b", null, step.outcome), " ",
        step.value === null ? "" : figure(step.value, bisect.unit), " ",
        step.runs.length ? h("a", { href: href("curves", { runs: step.runs.join(",") }) },
          "curves") : null, " ", h("span", { class: "subject" }, step.commit.subject ?? ""),
        step.why ? h("span", { class: "hint" }, ` ${step.why}`) : null))),
      h("div", { class: "actions" }, running ? h("button", {
        type: "button", class: "quiet", on: { click: () => void cancelBisect(bisect.id)
          .then(() => this.#look(bisect.id), () => {}) },
      }, "Cancel it") : found(bisect, python),
      h("button", { type: "button", class: "quiet", on: { click: () => this.close() } }, "Close")));
  }
}

/** @param {import("../types.js").Bisect} bisect */
function outcome({ status, result, error, unit }) {
  if (status === "cancelled") return "It was cancelled.";
  if (status === "failed") return `It failed: ${error ?? "no reason is on record"}`;
  if (result?.commit) {
    return [h("b", null, shortSha(result.commit.sha), " ", result.commit.subject ?? ""),
      ` moved it: ${effect(result, unit)}.`];
  }
  return result ? `It is a commit after ${shortSha(result.from.sha)} up to ` +
    `${shortSha(result.to.sha)}: ${result.why}` : "It found nothing.";
}

/**
 * @param {import("../types.js").Bisect} bisect
 * @param {string} python
 */
const found = ({ result, scenario }, python) => result?.commit ? h("a", {
  href: href("compare", {
    base: `commit:${result.previous.sha}`, head: `commit:${result.commit.sha}`, python, scenario,
  }),
}, "Compare it with the commit before") : null;
