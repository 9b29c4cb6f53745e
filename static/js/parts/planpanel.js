// planpanel.js - what a request comes to before it is started: how many runs, and the daemon's plan
// of them with builds, time and memory. It is asked for a moment after the form was last changed.

import { ApiError, planRuns } from "../api.js";
import { h, replace, setText } from "../dom.js";
import { count, plural } from "../format.js";
import { planFacts } from "./planfacts.js";
import { numberOrText } from "./wish.js";

/** @typedef {import("./wish.js").Wish} Wish */

const PLAN_AFTER_MS = 350;
const MOST_RUNS = 10000;

export class PlanPanel {
  /**
   * @param {Wish} wish
   * @param {() => void} came a plan did
   */
  constructor(wish, came) {
    this.wish = wish;
    this.came = came;
    /** @type {{asked: string, plan: import("../types.js").Plan|null, problem: string}} */
    this.planned = { asked: "", plan: null, problem: "" };
    this.closed = false; // this reader has no token: nothing is planned, Start says how to get in
    /** @type {AbortController|null} */
    this.planning = null;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.timer = undefined;
    this.sum = h("p", { class: "plan", role: "status" });
    this.facts = h("div", { class: "plan-facts", hidden: true });
  }

  destroy() {
    this.planning?.abort();
    clearTimeout(this.timer);
  }

  /** What is cached and known is other from now on. */
  forget() {
    this.planned.asked = "";
  }

  get discovering() {
    return this.wish.model.status?.discovering ?? false;
  }

  /** How many samples of each cell; null: that is no number. */
  get samples() {
    const each = numberOrText(this.wish.samples);
    return typeof each === "number" && Number.isInteger(each) && each > 0 ? each : null;
  }

  /** How many runs: the daemon's count where it has answered, else what the ticks come to. */
  get total() {
    return this.planned.plan?.runs ?? this.#product();
  }

  draw() {
    this.#ask();
    setText(this.sum, this.#words());
    this.sum.dataset.runs = String(this.total);
    this.facts.hidden = !this.planned.plan;
    if (this.planned.plan) replace(this.facts, ...planFacts(this.planned.plan));
  }

  #ask() {
    const { wish } = this;
    const body = wish.request();
    const asked = JSON.stringify(body);
    if (this.closed || asked === this.planned.asked || wish.lacks().length || this.discovering) {
      return;
    }
    this.planned = { asked, plan: null, problem: "" };
    this.planning?.abort();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.#fetch(body, asked), PLAN_AFTER_MS);
  }

  /**
   * @param {import("../types.js").TriggerRequest} body
   * @param {string} asked
   */
  async #fetch(body, asked) {
    this.planning = new AbortController();
    try {
      const found = await planRuns(body, this.planning.signal);
      if (this.planned.asked === asked) this.planned.plan = found;
    } catch (error) {
      if (this.planned.asked === asked && error instanceof ApiError) {
        this.planned.problem = error.status === 422 ? error.message : "";
        this.closed = error.status === 401;
      }
    }
    this.came();
  }

  get #revisions() {
    return this.planned.plan?.commits.length ?? this.wish.revList.length;
  }

  #product() {
    const { picked, allocators } = this.wish;
    return this.#revisions * picked.pythons.size * allocators * picked.scenarios.size *
      (this.samples ?? 0);
  }

  #words() {
    const { picked, allocators } = this.wish;
    const missing = this.wish.lacks();
    if (this.discovering) return "Looking for Pythons and scenarios on this machine";
    if (missing.length) return `Pick ${missing.join(" and ")} to go on.`;
    if (this.samples === null) return "How many samples is not a whole number above 0.";
    if (this.planned.problem) return this.planned.problem;
    const total = this.total;
    if (total !== this.#product()) return `${plural(total, "run")} of what these ranges name`;
    const factors = [plural(this.#revisions, "commit"), plural(picked.pythons.size, "Python"),
      allocators > 1 ? plural(allocators, "allocator") : "",
      plural(picked.scenarios.size, "scenario"), plural(this.samples, "sample")];
    return `${factors.filter(Boolean).join(" × ")} = ${plural(total, "run")}` +
      (total > MOST_RUNS ? `; a batch holds at most ${count(MOST_RUNS)}` : "");
  }
}
