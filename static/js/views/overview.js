// overview.js - the view Overview: every scenario on every Python at one commit, judged against the
// baseline; what moved lately; what is going on.
//
// State in the URL: commit (newest measured where it is not named), metric; baseline and project as
// everywhere.

import { getNewestMatrix, getMetrics, getRegressions } from "../api.js";
import { CommitLine, neighbour } from "../parts/commitline.js";
import { h, keyed, replace } from "../dom.js";
import { FirstSteps } from "../parts/firststeps.js";
import { shortSha } from "../format.js";
import { MovedList } from "../parts/movedlist.js";
import { NowList } from "../parts/nowlist.js";
import { failedState, skeleton } from "../shell/states.js";
import { VerdictGrid, verdictCounts } from "../parts/verdictgrid.js";

/** @typedef {import("../types.js").MatrixAnswer} MatrixAnswer */

const REFRESH_MS = 1500;
const REGRESSIONS_READ = 60; // of many Pythons each: they are gathered by commit

class Overview {
  /** @param {import("../views.js").Context} context */
  constructor({ model, router, tray }) {
    this.title = "Overview";
    this.model = model;
    this.router = router;
    /** @type {MatrixAnswer|null} */
    this.answer = null;
    this.sha = ""; // of the commit that the URL names
    this.metric = "";
    /** @type {AbortController|null} */
    this.asking = null;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.timer = undefined;
    this.grid = new VerdictGrid(model, tray);
    this.moved = new MovedList();
    this.now = new NowList(model);
    this.firstSteps = new FirstSteps(model);
    this.metrics = h("select", { "aria-label": "Metric", on: { change: () => {
      this.metric = this.metrics.value === "tide_mark" ? "" : this.metrics.value;
      this.#save();
      void this.#load();
    } } });
    this.summary = h("p", { class: "summary", role: "status" });
    this.where = new CommitLine((by) => this.commit(by));
    this.trouble = h("div");
    this.full = h("div", { class: "overview" },
      h("div", { class: "view-head" }, h("h1", null, "Overview"), this.where.element,
        h("span", { class: "spring" }), this.metrics),
      this.summary, this.grid.element,
      h("div", { class: "below" }, this.moved.element, this.now.element));
    this.bones = skeleton("line", "matrix", "rows");
    this.element = h("section", { class: "view", "aria-label": "Overview" },
      this.bones, this.firstSteps.element, this.trouble, this.full);
    this.onChange = () => this.#changed();
    this.onMoved = () => this.#loadSoon();
    model.addEventListener("change", this.onChange);
    model.addEventListener("moved", this.onMoved);
    model.addEventListener("reloaded", this.onMoved);
  }

  /** @param {URLSearchParams} params */
  show(params) {
    this.sha = params.get("commit") ?? "";
    this.metric = params.get("metric") ?? "";
    this.full.hidden = this.answer === null;
    void this.#loadMetrics();
    void this.#load();
  }

  destroy() {
    this.asking?.abort();
    clearTimeout(this.timer);
    this.model.removeEventListener("change", this.onChange);
    this.model.removeEventListener("moved", this.onMoved);
    this.model.removeEventListener("reloaded", this.onMoved);
  }

  /** @param {1|-1} by */
  commit(by) {
    const next = neighbour(this.model.commits, this.answer?.commit?.sha, by);
    if (!next) return;
    this.sha = next.sha;
    this.#save();
    void this.#load();
  }

  #save() {
    this.router.replace({ commit: this.sha || null, metric: this.metric || null });
  }

  #loadSoon() {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.#load();
    }, REFRESH_MS);
  }

  async #load() {
    this.asking?.abort();
    const now = new AbortController();
    this.asking = now;
    const { project, branch, baseline } = this.model;
    try {
      const [answer, moved] = await Promise.all([
        getNewestMatrix({
          project, branch, commit: this.sha || null, baseline, metric: this.metric || null,
        }, now.signal),
        getRegressions({ project, limit: REGRESSIONS_READ }),
      ]);
      if (now.signal.aborted) return;
      this.answer = answer;
      replace(this.trouble);
      this.moved.update(moved, project);
      this.#draw();
    } catch (error) {
      if (now.signal.aborted) return;
      this.bones.hidden = true;
      this.full.hidden = true;
      replace(this.trouble, failedState("The overview could not be loaded", error,
        () => void this.#load()));
    }
  }

  async #loadMetrics() {
    const found = await getMetrics().catch(() => [
      { name: "tide_mark", title: "tide mark", unit: "bytes" }]);
    keyed(this.metrics, found, (one) => one.name,
      (one) => h("option", { value: one.name }, one.title), () => {});
    this.metrics.value = this.metric || "tide_mark";
  }

  #draw() {
    const { answer } = this;
    const empty = answer === null || answer.rows.length === 0;
    this.bones.hidden = true;
    this.full.hidden = empty;
    this.firstSteps.element.hidden = !empty;
    if (empty) {
      this.firstSteps.update();
      return;
    }
    this.#drawHead(answer);
    this.grid.update(answer, this.metric || null);
    this.now.update();
  }

  /** @param {MatrixAnswer} answer */
  #drawHead(answer) {
    this.where.update(answer.commit, this.model.commits);
    this.metrics.value = answer.metric;
    const parts = summaryParts(answer);
    const sign = JSON.stringify(parts);
    if (this.summary.dataset.sign === sign) return;
    this.summary.dataset.sign = sign;
    replace(this.summary, ...summaryNodes(parts));
  }

  #changed() {
    if (!this.answer) return;
    if (this.answer.rows.length) this.#draw();
    else this.firstSteps.update();
  }
}

/** @param {import("../views.js").Context} context */
export const createOverview = (context) => new Overview(context);

/**
 * What the grid comes to: against what, and how many cells of each kind.
 * @param {MatrixAnswer} answer
 */
function summaryParts(answer) {
  const { python, commit } = answer.baseline ?? {};
  const against = [python, commit && commit !== answer.commit?.sha ? shortSha(commit) : null]
    .filter(Boolean).join(" @ ");
  return { against, counts: verdictCounts(answer) };
}

/**
 * In words, the verdicts in their colours: the key of the grid below.
 * @param {ReturnType<typeof summaryParts>} parts
 * @returns {(Node|string)[]}
 */
function summaryNodes({ against, counts }) {
  const said = counts.filter(({ n }) => n > 0).map(({ n, what, verdict }) => h("span", {
    class: "verdict", data: verdict ? { verdict } : {},
  }, `${n} ${what}`));
  if (!said.length) return ["Nothing is measured yet."];
  return [h("span", null, against ? `Cells against ${against}: ` : "Cells, without a baseline: "),
    ...said.flatMap((node) => [node, " "])];
}
