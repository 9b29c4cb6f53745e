// run.js - the view Run: everything that is known of one run.
//
// State in the URL, behind #/run/ID: from and to (the zoomed window in ns), sort (of the
// functions), fn and kind (the filter of the events), at (the instant in ns that the events show).

import * as api from "../api.js";
import { calmly } from "../calm.js";
import { CurvePane } from "../charts/curvepane.js";
import { h, replace, setText } from "../dom.js";
import { EventTable } from "../tables/eventtable.js";
import { plural, seconds } from "../format.js";
import { LogView } from "../parts/logview.js";
import { onTheme, pythonColor } from "../charts/palette.js";
import { confirmAct } from "../parts/queueacts.js";
import { describe } from "../charts/readout.js";
import { href, nsOrNull } from "../router.js";
import {
  downloads, environment, Functions, origin, Phases, sizes, summary,
} from "../parts/runfacts.js";
import { bands } from "../charts/shapes.js";
import { failedState, skeleton } from "../shell/states.js";

/** @typedef {import("../types.js").Run} Run */

const SAVE_EVERY_MS = 150;

class RunView {
  /** @param {import("../views.js").Context} context */
  constructor({ model, router }) {
    this.title = "Run";
    this.model = model;
    this.router = router;
    /** @type {Run|null} */
    this.run = null;
    this.id = 0;
    this.asked = 0;
    /** @type {EventTable|null} */
    this.events = null;
    /** @type {number|null} the instant in ns that the events show */
    this.at = null;

    /** @type {CurvePane} */
    this.pane = new CurvePane({ describe: (which, index) => describe(
      this.run && which === this.run.id ? this.run : undefined, this.pane.store.get(which), index,
      this.pane.plot.shownNs) });
    this.phases = new Phases();
    this.functions = new Functions({
      pick: (name) => {
        this.events?.setFilter(name, "");
        this.#save();
        this.events?.element.scrollIntoView({ block: "start" });
      },
      sorted: () => this.#save(),
    });
    this.log = new LogView("Log of the run");
    this.parts = this.#makeParts();
    this.whole = this.#layOut();
    this.element = h("section", { class: "view", "aria-label": "Run" });
    this.saveWindow = calmly(SAVE_EVERY_MS, () => this.#save());
    this.endListening = this.#listen();
  }

  /**
   * @param {URLSearchParams} params
   * @param {string|null} given
   */
  show(params, given) {
    const wanted = /^\d{1,15}$/.test(given ?? "") ? Number(given) : 0;
    const { pane, functions } = this;
    const [from, to] = [nsOrNull(params.get("from")), nsOrNull(params.get("to"))];
    pane.plot.setSpan(from !== null && to !== null && to > from
      ? { from: from / 1e9, to: to / 1e9 } : null);
    this.at = nsOrNull(params.get("at"));
    functions.table.by = params.get("sort") ?? "-gained";
    if (wanted !== this.id || !this.events) this.#open(wanted, params);
    else this.events.setFilter(params.get("fn") ?? "", params.get("kind") ?? "");
    void this.#load(this.id);
  }

  destroy() {
    this.asked += 1;
    this.saveWindow.stop();
    this.endListening();
    this.events?.destroy();
    this.log.close();
    this.pane.destroy();
  }

  #makeParts() {
    const logBox = h("details", { class: "run-part", on: { toggle: () => {
      if (logBox.open) this.log.open(api.runLogUrl(this.id), false);
    } } }, h("summary", null, h("h2", null, "Log")), this.log.element);
    return {
      title: h("h1"), status: h("span", { class: "run-status" }),
      actions: h("div", { class: "actions run-actions" }),
      problem: h("div", { class: "problem", role: "alert", hidden: true }),
      line: h("p", { class: "run-line" }), facts: h("div", { class: "run-facts" }),
      source: h("section", { class: "run-part", "aria-label": "Where it comes from" }),
      files: h("div", { class: "run-files" }),
      figure: h("figure", { class: "curves curves-alone", "aria-label": "RSS against time" },
        this.pane.element),
      noCurve: h("p", { class: "note", hidden: true }),
      events: h("section", { class: "run-part", "aria-labelledby": "events-head" }),
      place: h("div", { class: "run-environment" }), logBox,
    };
  }

  #layOut() {
    const { parts } = this;
    return h("div", { class: "run-view" },
      h("div", { class: "view-head" }, parts.title, parts.status, h("span", { class: "spring" }),
        parts.actions),
      parts.line, parts.problem, parts.facts, parts.figure, parts.noCurve, parts.source,
      this.phases.element, this.functions.element, parts.events,
      h("details", { class: "run-part" }, h("summary", null, h("h2", null, "Environment")),
        parts.place),
      parts.logBox, h("section", { class: "run-part", "aria-labelledby": "files-head" },
        h("h2", { id: "files-head" }, "Downloads"), parts.files));
  }

  /** @returns {() => void} ends it */
  #listen() {
    const { model, pane } = this;
    /** @type {[EventTarget, string, (event: any) => void][]} */
    const ears = [
      [model, "change", () => this.#modelMoved()],
      [model, "curve", ({ detail }) => { if (detail.run === this.id) pane.store.grow(detail); }],
      [model, "done", ({ detail }) => {
        if (detail.id === this.id) void pane.store.fetch([this.id]);
      }],
      [model, "reloaded", () => void this.#load(this.id)],
      [pane.store, "change", () => this.#drawCurve()],
      [pane.plot, "window", () => {
        this.saveWindow();
        pane.drawBar();
      }],
      [pane.plot, "press", () => this.#showEvents()],
    ];
    for (const [target, name, ear] of ears) target.addEventListener(name, ear);
    const endTheme = onTheme(() => this.#drawCurve());
    return () => {
      endTheme();
      for (const [target, name, ear] of ears) target.removeEventListener(name, ear);
    };
  }

  /* ---- what happens ---- */

  #save() {
    const { span } = this.pane.plot;
    const filter = this.events?.pages.filter ?? {};
    const { by } = this.functions.table;
    this.router.replace({
      from: span ? String(Math.round(span.from * 1e9)) : null,
      to: span ? String(Math.round(span.to * 1e9)) : null,
      sort: by === "-gained" ? null : by,
      fn: filter.function ?? null, kind: filter.kind ?? null,
      at: this.at === null ? null : String(Math.round(this.at)),
    });
  }

  /**
   * Begin with another run.
   * @param {number} id
   * @param {URLSearchParams} params
   */
  #open(id, params) {
    const { pane, parts } = this;
    this.id = id;
    this.run = null;
    delete parts.logBox.dataset.told;
    parts.logBox.open = false;
    pane.sizePoints();
    pane.store.want([]);
    pane.store.want([id]); // beside the run itself: one that has no curve yet answers with none
    this.#makeEvents(params);
    replace(this.element, skeleton("line", "plot", "rows"));
  }

  /** @param {number} wanted */
  async #load(wanted) {
    const mine = ++this.asked;
    try {
      const found = await api.getRun(wanted);
      if (mine !== this.asked) return;
      this.run = found;
      if (!this.whole.isConnected) replace(this.element, this.whole);
      this.#draw();
      this.#fetchCurve();
      void this.#loadFunctions(mine);
    } catch (error) {
      if (mine !== this.asked) return;
      replace(this.element, failedState(`Run ${wanted} could not be loaded`, error,
        () => void this.#load(wanted)));
    }
  }

  /** @param {number} mine */
  async #loadFunctions(mine) {
    const { run, functions } = this;
    if (!run || run.status === "queued" || run.status === "building") {
      functions.update([], "They are known once the run has ended.");
      return;
    }
    try {
      const found = await api.getFunctions(run.id);
      if (mine !== this.asked) return;
      functions.update(found, run.status === "running" ? "They are known once the run has ended."
        : "No function was recorded.");
      this.events?.setNames(found.map((one) => one.name));
    } catch (error) {
      functions.update([], error instanceof Error ? error.message : String(error));
    }
  }

  #fetchCurve() {
    const { run, pane } = this;
    if (!run || run.status === "queued" || run.status === "building") return;
    if (run.status !== "running" && run.started_ns === null && !run.imported) return;
    const held = pane.store.get(run.id);
    if (held?.state !== "loading" && !held?.points.length) void pane.store.fetch([run.id]);
    if (pane.plot.span) pane.refine();
  }

  /** @param {URLSearchParams} params */
  #makeEvents(params) {
    this.events?.destroy();
    const table = new EventTable(this.id);
    this.events = table;
    table.setFilter(params.get("fn") ?? "", params.get("kind") ?? "");
    table.addEventListener("filter", () => {
      this.at = null;
      this.#save();
    });
    table.addEventListener("pick", (event) => {
      const { detail } = /** @type {CustomEvent} */ (event);
      this.at = detail.t_ns;
      this.#save();
      this.pane.plot.lookAt(this.id, detail.t_ns / 1e9);
    });
    replace(this.parts.events, h("h2", { id: "events-head" }, "Events"), table.element);
  }

  /** The events at the instant that was pressed. */
  #showEvents() {
    const { cursor } = this.pane.plot;
    if (!cursor) return;
    this.at = cursor.x * 1e9;
    this.#save();
    void this.events?.goTo(this.at);
    this.parts.events.scrollIntoView({ block: "nearest" });
  }

  #modelMoved() {
    const seen = this.model.runs.get(this.id);
    if (!this.run || !seen) return;
    if (seen.status !== this.run.status) void this.#load(this.id);
    else if (seen.percent !== this.run.percent) {
      this.run = { ...this.run, percent: seen.percent };
      this.#draw();
    }
  }

  /* ---- drawing ---- */

  #draw() {
    const { run, parts } = this;
    if (!run) return;
    const ended = run.status === "done" || run.status === "failed";
    setText(parts.title, `Run ${run.id}`);
    parts.status.dataset.status = run.status;
    setText(parts.status, run.status === "running" ? `running, ${run.percent ?? 0} %`
      : run.status);
    this.#drawActions(run);
    replace(parts.line, summary(run));
    replace(parts.facts, sizes(run));
    replace(parts.source, origin(run));
    this.phases.update(run);
    this.events?.setCount(ended ? (run.events ?? 0) + (run.samples_taken ?? 0) : 0);
    if (this.at !== null && run.status === "done") void this.events?.goTo(this.at);
    replace(parts.place, environment(run));
    replace(parts.files, run.status === "done" || run.started_ns !== null ? downloads(run)
      : h("p", { class: "note" }, "There is something to download once the run has started."));
    if (run.status === "failed" && !parts.logBox.dataset.told) {
      parts.logBox.dataset.told = "true";
      parts.logBox.open = true;
    }
    this.#drawCurve();
  }

  /** @param {Run} of */
  #drawActions(of) {
    const { problem, actions } = this.parts;
    const going = ["queued", "building", "running"].includes(of.status);
    const failed = of.status === "failed" || of.status === "cancelled";
    const done = () => void this.#load(of.id);
    /**
     * @param {string} text
     * @param {{path: string, ask?: string, why?: string, yes?: string}} act
     */
    const button = (text, act) => h("button", { type: "button", class: "small", on: {
      click: () => void confirmAct({ ...act, problem, done }),
    } }, text);
    replace(actions,
      h("a", { href: href("curves", { runs: of.id }) }, "Overlay with others"),
      going ? button("Cancel", { ask: `Cancel run ${of.id}?`, yes: "Cancel the run",
        why: "What it has recorded so far goes.", path: `/runs/${of.id}/cancel` }) : null,
      failed ? button("Run again", { path: `/runs/${of.id}/retry` }) : null);
  }

  #drawCurve() {
    const { run, pane, parts } = this;
    if (!run) return;
    const held = pane.store.get(run.id);
    const points = held?.points ?? [];
    pane.plot.setPhases(bands(run.phases ?? []));
    pane.plot.setSeries(points.length ? [{
      id: run.id, name: `run ${run.id}`, dash: [], width: 1.75, hidden: false, points,
      color: pythonColor(run.python.name, this.model.pythonNames), tideMark: run.tide_mark,
      tideAt: held?.tideAt ?? null,
      floorLine: run.base !== null && run.floor !== null ? run.base + run.floor : null,
    }] : []);
    pane.drawBar();
    const [text, state] = message(run, held, points.length);
    const isLost = run.status === "failed" && state === "failed"; // there will be no curve
    pane.say(isLost ? "" : text, state);
    parts.figure.dataset.state = state;
    parts.figure.hidden = isLost;
    parts.noCurve.hidden = !isLost;
    setText(parts.noCurve, isLost ? text : "");
  }
}

/** @param {import("../views.js").Context} context */
export const createRun = (context) => new RunView(context);

/**
 * What stands in place of the curve, and the state that it is in.
 * @param {Run} run
 * @param {import("../charts/curvestore.js").Held|null} held
 * @param {number} points
 */
function message(run, held, points) {
  if (points) return ["", "ready"];
  if (run.status === "queued") return ["Queued. The curve stands here once it starts.", "waiting"];
  if (run.status === "building") {
    return ["The extension is built. The curve stands here as soon as the process starts.",
      "waiting"];
  }
  if (held?.state === "loading") return ["Loading the curve", "loading"];
  if (held?.state === "failed") return [`The curve could not be loaded: ${held.error}`, "failed"];
  if (run.status === "running") return ["The process starts.", "waiting"];
  if (run.status === "done") {
    return [`The run took ${seconds(run.wall_ns)} s and left ${plural(0, "event")}.`, "none"];
  }
  return [`The run ${run.status} before its process recorded anything; the log says more.`,
    "failed"];
}
