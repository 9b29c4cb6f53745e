// history.js - the view History: a metric of one scenario against the commits, one line per Python.
//
// State in the URL: scenario, metric, x (date, tag; evenly where it is not named), y (first,
// baseline; as measured), python (comma list; all), off (ids of lines switched off),
// subtract=empty, from and to (the zoomed window in places of x), bisect (the one that is watched).

import { getCell, getMetrics, getSeries } from "../api.js";
import { BisectPanel } from "../parts/bisectpanel.js";
import { h, keyed, replace, setAttr, setText } from "../dom.js";
import { paramsText } from "../format.js";
import { HistoryChart } from "../charts/historychart.js";
import { onTheme } from "../charts/palette.js";
import { PointBar } from "../charts/pointbar.js";
import { href } from "../router.js";
import { changesTable } from "../tables/seriestable.js";
import { emptyState, failedState, skeleton } from "../shell/states.js";

/** @typedef {import("../types.js").SeriesAnswer} SeriesAnswer */

const SUBTRACTABLE = new Set(["base", "tide_mark"]);
const TIDE_MARK = { name: "tide_mark", title: "tide mark", unit: "bytes" };
const SPACINGS = /** @type {const} */ (["even", "date", "tag"]);
const SCALINGS = /** @type {const} */ (["raw", "first", "baseline"]);
const AGAIN_MS = 3000;
const SAVE_MS = 150; // the URL is not written for every step of a wheel

class HistoryView {
  /** @param {import("../views.js").Context} context */
  constructor({ model, router, tray, notices }) {
    this.title = "History";
    this.model = model;
    this.router = router;
    this.tray = tray;
    this.notices = notices;
    this.state = { scenario: "", metric: "tide_mark", python: "", subtract: false, bisect: "" };
    this.loaded = ""; // what was asked for by the answer that is held
    /** @type {AbortController|null} */
    this.asking = null;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.timer = undefined;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.saveTimer = undefined;

    this.controls = this.#makeControls();
    this.chart = new HistoryChart(model, () => this.#metricTitle());
    this.bar = new PointBar(this.chart, { tray, open: (cell) => void this.#openCell(cell),
      bisect: (wish) => this.bisect.ask(wish) });
    this.changes = h("section", { class: "changes", "aria-label": "Change points" });
    this.bisect = new BisectPanel((id) => {
      this.state.bisect = id === null ? "" : String(id);
      this.#save();
    });
    this.instead = h("div");
    this.full = h("div", null, this.bisect.element, this.chart.element, this.chart.menu.table,
      this.changes);
    this.bones = skeleton("plot", "rows");
    this.element = h("section", { class: "view", "aria-label": "History" },
      h("div", { class: "view-head" }, h("h1", null, "History"), this.controls.scenario,
        this.controls.metric, this.controls.params, h("span", { class: "spring" }),
        h("span", { class: "view-options" }, this.controls.subtractLabel)),
      this.instead, this.bones, this.full);
    this.endListening = this.#listen();
    void this.#loadMetrics();
  }

  /** @param {URLSearchParams} given */
  show(given) {
    this.#read(given);
    setAttr(this.element, "data-scenario", this.state.scenario);
    if (this.state.bisect) this.bisect.watch(Number(this.state.bisect));
    void this.#load();
  }

  /** @param {1|-1} by */
  commit(by) {
    const { element } = this.chart.plot;
    element.focus();
    element.dispatchEvent(new KeyboardEvent("keydown", {
      key: by > 0 ? "ArrowRight" : "ArrowLeft",
    }));
  }

  destroy() {
    this.asking?.abort();
    clearTimeout(this.timer);
    clearTimeout(this.saveTimer);
    this.endListening();
    this.bisect.destroy();
    this.chart.destroy();
  }

  #makeControls() {
    const scenario = h("select", { "aria-label": "Scenario", on: { change: () => {
      this.state.scenario = scenario.value;
      this.chart.off.clear();
      this.chart.plot.setSpan(null);
      this.#save();
      void this.#load();
    } } });
    const metric = h("select", { "aria-label": "Metric", on: { change: () => {
      this.state.metric = metric.value;
      this.#save();
      void this.#load();
    } } });
    const subtract = h("input", { type: "checkbox", on: { change: () => {
      this.state.subtract = subtract.checked;
      this.#save();
      void this.#load();
    } } });
    return {
      scenario, metric, subtract, params: h("span", { class: "work-one" }),
      subtractLabel: h("label", {
        class: "tick", title: "Take off what an empty scenario takes on the same Python",
      }, subtract, "less the interpreter"),
    };
  }

  #listen() {
    const { model, chart } = this;
    const soon = () => {
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        void this.#load();
      }, AGAIN_MS);
    };
    model.addEventListener("done", soon);
    model.addEventListener("reloaded", soon);
    chart.addEventListener("chosen", () => this.#save());
    chart.plot.addEventListener("window", () => {
      clearTimeout(this.saveTimer);
      this.saveTimer = setTimeout(() => this.#save(), SAVE_MS);
    });
    chart.plot.addEventListener("press", (event) => {
      const { line, index, pick } = /** @type {CustomEvent} */ (event).detail;
      const found = chart.pointOf(line, index);
      if (!found) return;
      if (pick || this.tray.picked.length === 1) this.tray.pick(found.thing);
      else if (found.cell !== null) void this.#openCell(found.cell);
    });
    const endTheme = onTheme(() => this.#draw());
    return () => {
      endTheme();
      model.removeEventListener("done", soon);
      model.removeEventListener("reloaded", soon);
    };
  }

  /* ---- state ---- */

  /** @param {URLSearchParams} given */
  #read(given) {
    const { state, chart } = this;
    state.scenario = given.get("scenario") ?? state.scenario;
    state.metric = given.get("metric") ?? "tide_mark";
    state.python = given.get("python") ?? "";
    state.subtract = given.get("subtract") === "empty";
    state.bisect = given.get("bisect") ?? "";
    chart.x = SPACINGS.find((one) => one === given.get("x")) ?? "even";
    chart.y = SCALINGS.find((one) => one === given.get("y")) ?? "raw";
    chart.off = new Set((given.get("off") ?? "").split(",").filter(Boolean));
    const [from, to] = ["from", "to"].map((name) => Number(given.get(name) ?? NaN));
    chart.plot.setSpan(to > from ? { from, to } : null);
  }

  #save() {
    const { state, chart } = this;
    const { span } = chart.plot;
    this.router.replace({
      scenario: state.scenario || null, metric: state.metric === "tide_mark" ? null : state.metric,
      x: chart.x === "even" ? null : chart.x, y: chart.y === "raw" ? null : chart.y,
      python: state.python || null, off: [...chart.off].join(",") || null,
      subtract: state.subtract ? "empty" : null,
      from: span ? span.from.toFixed(2) : null, to: span ? span.to.toFixed(2) : null,
      bisect: state.bisect || null,
    });
  }

  async #load() {
    const { state, model } = this;
    state.scenario ||= model.scenariosHere[0]?.name ?? "";
    this.#drawPickers();
    if (!state.scenario) {
      this.#showInstead(emptyState("No scenario yet", "This project has no scenarios, or they " +
        "are still being looked for.", h("a", { href: href("trigger") }, "Choose what to run")));
      return;
    }
    const wish = {
      project: model.project, branch: model.branch, scenario: state.scenario,
      metric: state.metric,
      python: state.python || null,
      subtract: state.subtract && SUBTRACTABLE.has(state.metric) ? "empty" : null,
    };
    this.asking?.abort();
    const now = new AbortController();
    this.asking = now;
    if (this.loaded !== JSON.stringify(wish)) {
      this.bones.hidden = false;
      this.full.hidden = true;
    }
    try {
      const found = await getSeries(wish, now.signal);
      if (now.signal.aborted) return;
      this.chart.answer = found;
      this.loaded = JSON.stringify(wish);
      this.#draw();
    } catch (error) {
      if (now.signal.aborted) return;
      this.#showInstead(failedState("The history could not be loaded", error,
        () => void this.#load()));
    }
  }

  async #loadMetrics() {
    const { metric } = this.controls;
    const found = await getMetrics().catch(() => [TIDE_MARK]);
    keyed(metric, found, (one) => one.name,
      (one) => h("option", { value: one.name }, one.title), () => {});
    metric.value = this.state.metric;
  }

  #metricTitle() {
    return this.controls.metric.selectedOptions[0]?.textContent ??
      this.state.metric.replaceAll("_", " ");
  }

  /** The newest run of a cell. @param {number} id */
  async #openCell(id) {
    try {
      const { run_ids: runs } = await getCell(id);
      this.router.go(`run/${Math.max(...runs)}`);
    } catch (error) {
      this.notices.flash(`The cell's runs could not be read: ${error instanceof Error
        ? error.message : error}`);
    }
  }

  /* ---- drawing ---- */

  /** @param {Node} node */
  #showInstead(node) {
    replace(this.instead, node);
    this.bones.hidden = true;
    this.full.hidden = true;
  }

  #drawPickers() {
    const { controls, state } = this;
    const names = this.model.scenariosHere.map((one) => one.name);
    const all = names.includes(state.scenario) || !state.scenario ? names
      : [...names, state.scenario];
    keyed(controls.scenario, all, (name) => name, (name) => h("option", { value: name }, name),
      () => {});
    controls.scenario.value = state.scenario;
    controls.metric.value = state.metric;
    controls.subtract.checked = state.subtract;
    controls.subtractLabel.hidden = !SUBTRACTABLE.has(state.metric);
  }

  #draw() {
    const { answer } = this.chart;
    if (!answer) return;
    this.bones.hidden = true;
    if (!answer.series.some((line) => line.status.some((one) => one !== null))) {
      this.#showInstead(this.#nothingMeasured());
      return;
    }
    replace(this.instead);
    this.full.hidden = false;
    this.#drawPickers();
    setText(this.controls.params,
      [paramsText(answer.params), answer.allocator].filter(Boolean).join(" · "));
    this.chart.draw(answer);
    this.bar.draw();
    replace(this.changes, ...changesTable(answer, { notices: this.notices,
      again: () => void this.#load(), show: (index) => this.chart.showAround(index) }));
  }

  #nothingMeasured() {
    const { scenario } = this.state;
    return emptyState("Nothing measured yet", `${scenario} has no run at any commit of ` +
      `${this.model.project}.`, h("a", {
      href: href("trigger", { scenarios: scenario, commits: "HEAD~20..HEAD" }),
    }, "Measure the last 20 commits"));
  }
}

/** @param {import("../views.js").Context} context */
export const createHistory = (context) => new HistoryView(context);
