// nowlist.js - what is going on now: the batches under way, how far they are and for how long
// still, and the runs that are executing.

import { h, replace } from "../dom.js";
import { duration, plural, shortSha } from "../format.js";
import { href } from "../router.js";

/** @typedef {import("../types.js").Batch} Batch */

export class NowList {
  /** @param {import("../charts/model.js").Model} model */
  constructor(model) {
    this.model = model;
    this.list = h("div", { class: "now" });
    this.element = h("section", { "aria-label": "Now" }, h("h2", null, "Now"), this.list);
  }

  update() {
    const active = [...this.model.batches.values()]
      .filter((batch) => batch.status === "queued" || batch.status === "running");
    const running = [...this.model.runs.values()].filter((run) => run.status === "running");
    const said = JSON.stringify([active, running.map((run) => [run.id, run.percent])]);
    if (this.list.dataset.sign === said) return;
    this.list.dataset.sign = said;
    if (!active.length) {
      replace(this.list, h("p", { class: "note" }, "Nothing is running. ",
        h("a", { href: href("trigger") }, "Choose what to run"), "."));
      return;
    }
    replace(this.list, ...active.map((batch) => batchLine(batch)),
      ...running.map((run) => h("p", { class: "now-line now-run" },
        h("a", { href: href(`run/${run.id}`) }, `${run.scenario} on ${run.python.name}`),
        h("span", { class: "when" }, ` at ${shortSha(run.commit.sha)} `),
        bar(run.percent ?? 0, `Run ${run.id}`), ` ${run.percent ?? 0} %`)));
  }
}

/** @param {Batch} batch */
const batchLine = (batch) => h("p", { class: "now-line" },
  h("a", { href: href(`batch/${batch.id}`) }, `Batch ${batch.id}`), " ",
  bar(batch.percent, `Batch ${batch.id}`), " ",
  [`${batch.done} of ${plural(batch.runs, "run")} done`,
    batch.failed ? `${batch.failed} failed` : "",
    batch.running ? `${batch.running} running` : "",
    batch.building ? `${batch.building} building` : "",
    batch.eta_ns ? `about ${duration(batch.eta_ns)} left` : ""].filter(Boolean).join(", "));

/**
 * @param {number} value percent
 * @param {string} label
 */
const bar = (value, label) => h("progress", { max: 100, value, "aria-label": label });
