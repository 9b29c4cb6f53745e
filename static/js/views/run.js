// run.js - the view Run: everything that is known of one run.
//
// State in the URL, behind #/run/ID: from and to (the zoomed window in ns), sort (of the
// functions), fn and kind (the filter of the events), at (the instant in ns that the events show).

import * as api from "../api.js";
import { calmly } from "../calm.js";
import { CurvePane } from "../curvepane.js";
import { h, replace, setText } from "../dom.js";
import { EventTable } from "../eventtable.js";
import { plural, seconds } from "../format.js";
import { LogView } from "../logview.js";
import { onTheme, pythonColor } from "../palette.js";
import { confirmAct } from "../queueacts.js";
import { describe } from "../readout.js";
import { href, nsOrNull } from "../router.js";
import { downloads, environment, Functions, origin, Phases, sizes, summary } from "../runfacts.js";
import { bands } from "../shapes.js";
import { failedState, skeleton } from "../shell/states.js";

/** @typedef {import("../types.js").Run} Run */

const SAVE_EVERY_MS = 150;

/** @param {import("../views.js").Context} context */
export function createRun({ model, router }) {
  /** @type {Run|null} */
  let run = null;
  let id = 0;
  let asked = 0;
  /** @type {EventTable|null} */
  let events = null;
  /** @type {number|null} */
  let at = null;

  const title = h("h1");
  const status = h("span", { class: "run-status" });
  const actions = h("div", { class: "actions run-actions" });
  const problem = h("div", { class: "problem", role: "alert", hidden: true });
  const line = h("p", { class: "run-line" });
  const facts = h("div", { class: "run-facts" });
  const source = h("section", { class: "run-part", "aria-label": "Where it comes from" });
  const files = h("div", { class: "run-files" });
  /** @type {CurvePane} */
  const pane = new CurvePane({ describe: (which, index) =>
    describe(run && which === run.id ? run : undefined, pane.store.get(which), index,
      pane.plot.shownNs) });
  const figure = h("figure", { class: "curves curves-alone", "aria-label": "RSS against time" },
    pane.element);
  const phases = new Phases();
  const functions = new Functions({
    pick: (name) => {
      events?.setFilter(name, "");
      save();
      events?.element.scrollIntoView({ block: "start" });
    },
    sorted: () => save(),
  });
  const eventPart = h("section", { class: "run-part", "aria-labelledby": "events-head" });
  const place = h("div", { class: "run-environment" });
  const log = new LogView("Log of the run");
  const logBox = h("details", { class: "run-part", on: { toggle: () => {
    if (logBox.open) log.open(api.runLogUrl(id), false);
  } } }, h("summary", null, h("h2", null, "Log")), log.element);
  const whole = h("div", { class: "run-view" },
    h("div", { class: "view-head" }, title, status, h("span", { class: "spring" }), actions),
    line, problem, facts, figure, source, phases.element, functions.element, eventPart,
    h("details", { class: "run-part" }, h("summary", null, h("h2", null, "Environment")), place),
    logBox, h("section", { class: "run-part", "aria-labelledby": "files-head" },
      h("h2", { id: "files-head" }, "Downloads"), files));
  const element = h("section", { class: "view", "aria-label": "Run" });

  function save() {
    const { span } = pane.plot;
    const filter = events?.pages.filter ?? {};
    router.replace({
      from: span ? String(Math.round(span.from * 1e9)) : null,
      to: span ? String(Math.round(span.to * 1e9)) : null,
      sort: functions.table.by === "-gained" ? null : functions.table.by,
      fn: filter.function ?? null, kind: filter.kind ?? null,
      at: at === null ? null : String(Math.round(at)),
    });
  }

  /** @param {number} wanted */
  async function load(wanted) {
    const mine = ++asked;
    try {
      const found = await api.getRun(wanted);
      if (mine !== asked) return;
      run = found;
      if (!whole.isConnected) replace(element, whole);
      draw();
      fetchCurve();
      void loadFunctions(mine);
    } catch (error) {
      if (mine !== asked) return;
      replace(element, failedState(`Run ${wanted} could not be loaded`, error,
        () => void load(wanted)));
    }
  }

  /** @param {number} mine */
  async function loadFunctions(mine) {
    if (!run || run.status === "queued" || run.status === "building") {
      functions.update([], "They are known once the run has ended.");
      return;
    }
    try {
      const found = await api.getFunctions(run.id);
      if (mine !== asked) return;
      functions.update(found, run.status === "running" ? "They are known once the run has ended."
        : "No function was recorded.");
      events?.setNames(found.map((one) => one.name));
    } catch (error) {
      functions.update([], error instanceof Error ? error.message : String(error));
    }
  }

  function fetchCurve() {
    if (!run || run.status === "queued" || run.status === "building") return;
    if (run.status !== "running" && run.started_ns === null && !run.imported) return;
    const held = pane.store.get(run.id);
    if (held?.state !== "loading" && !held?.points.length) void pane.store.fetch([run.id]);
    if (pane.plot.span) pane.refine();
  }

  /** @param {URLSearchParams} params */
  function makeEvents(params) {
    events?.destroy();
    const table = new EventTable(id);
    events = table;
    table.setFilter(params.get("fn") ?? "", params.get("kind") ?? "");
    table.addEventListener("filter", () => {
      at = null;
      save();
    });
    table.addEventListener("pick", (event) => {
      const { detail } = /** @type {CustomEvent} */ (event);
      at = detail.t_ns;
      save();
      pane.plot.lookAt(id, detail.t_ns / 1e9);
    });
    replace(eventPart, h("h2", { id: "events-head" }, "Events"), table.element);
  }

  function draw() {
    if (!run) return;
    setText(title, `Run ${run.id}`);
    status.dataset.status = run.status;
    setText(status, run.status === "running" ? `running, ${run.percent ?? 0} %` : run.status);
    drawActions(run);
    replace(line, summary(run));
    replace(facts, sizes(run));
    replace(source, origin(run));
    phases.update(run);
    events?.setCount(run.status === "done" || run.status === "failed"
      ? (run.events ?? 0) + (run.samples_taken ?? 0) : 0);
    if (at !== null && run.status === "done") void events?.goTo(at);
    replace(place, environment(run));
    replace(files, run.status === "done" || run.started_ns !== null ? downloads(run)
      : h("p", { class: "note" }, "There is something to download once the run has started."));
    if (run.status === "failed" && !logBox.dataset.told) {
      logBox.dataset.told = "true";
      logBox.open = true;
    }
    drawCurve();
  }

  /** @param {Run} of */
  function drawActions(of) {
    const going = ["queued", "building", "running"].includes(of.status);
    const failed = of.status === "failed" || of.status === "cancelled";
    replace(actions,
      h("a", { href: href("curves", { runs: of.id }) }, "Overlay with others"),
      going ? h("button", { type: "button", class: "small", on: { click: () => void confirmAct({
        ask: `Cancel run ${of.id}?`, why: "What it has recorded so far goes.",
        yes: "Cancel the run", path: `/runs/${of.id}/cancel`, problem,
        done: () => void load(of.id),
      }) } }, "Cancel") : null,
      failed ? h("button", { type: "button", class: "small", on: { click: () => void confirmAct({
        path: `/runs/${of.id}/retry`, problem, done: () => void load(of.id),
      }) } }, "Run again") : null);
  }

  function drawCurve() {
    if (!run) return;
    const held = pane.store.get(run.id);
    const points = held?.points ?? [];
    pane.plot.setPhases(bands(run.phases ?? []));
    pane.plot.setSeries(points.length ? [{
      id: run.id, name: `run ${run.id}`, dash: [], width: 1.75, hidden: false, points,
      color: pythonColor(run.python.name, model.pythonNames), tideMark: run.tide_mark,
      tideAt: held?.tideAt ?? null,
      floorLine: run.base !== null && run.floor !== null ? run.base + run.floor : null,
    }] : []);
    pane.drawBar();
    const [text, state] = message(run, held, points.length);
    pane.say(text, state);
    figure.dataset.state = state;
  }

  const onChange = () => {
    const seen = model.runs.get(id);
    if (!run || !seen) return;
    if (seen.status !== run.status) void load(id);
    else if (seen.percent !== run.percent) {
      run = { ...run, percent: seen.percent };
      draw();
    }
  };
  const onCurve = (/** @type {Event} */ event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    if (detail.run === id) pane.store.grow(detail);
  };
  const onDone = (/** @type {Event} */ event) => {
    if (/** @type {CustomEvent<Run>} */ (event).detail.id === id) void pane.store.fetch([id]);
  };
  const onReloaded = () => void load(id);
  model.addEventListener("change", onChange);
  model.addEventListener("curve", onCurve);
  model.addEventListener("done", onDone);
  model.addEventListener("reloaded", onReloaded);
  pane.store.addEventListener("change", drawCurve);
  const saveWindow = calmly(SAVE_EVERY_MS, save);
  pane.plot.addEventListener("window", () => {
    saveWindow();
    pane.drawBar();
  });
  pane.plot.addEventListener("press", () => {
    const x = pane.plot.cursor?.x;
    if (x === undefined) return;
    at = x * 1e9;
    save();
    void events?.goTo(at);
    eventPart.scrollIntoView({ block: "nearest" });
  });

  const endTheme = onTheme(drawCurve);
  return {
    element,
    title: "Run",
    /**
     * @param {URLSearchParams} params
     * @param {string|null} given
     */
    show(params, given) {
      const wanted = /^\d{1,15}$/.test(given ?? "") ? Number(given) : 0;
      const from = nsOrNull(params.get("from"));
      const to = nsOrNull(params.get("to"));
      pane.plot.setSpan(from !== null && to !== null && to > from
        ? { from: from / 1e9, to: to / 1e9 } : null);
      at = nsOrNull(params.get("at"));
      functions.table.by = params.get("sort") ?? "-gained";
      if (wanted !== id || !events) {
        id = wanted;
        run = null;
        delete logBox.dataset.told;
        logBox.open = false;
        pane.sizePoints();
        pane.store.want([]);
        pane.store.want([id]); // beside the run itself: one that has no curve yet answers with none
        makeEvents(params);
        replace(element, skeleton("line", "plot", "rows"));
      } else events.setFilter(params.get("fn") ?? "", params.get("kind") ?? "");
      void load(id);
    },
    destroy() {
      asked += 1;
      endTheme();
      saveWindow.stop();
      model.removeEventListener("change", onChange);
      model.removeEventListener("curve", onCurve);
      model.removeEventListener("done", onDone);
      model.removeEventListener("reloaded", onReloaded);
      events?.destroy();
      log.close();
      pane.destroy();
    },
  };
}

/**
 * What stands in place of the curve, and the state that it is in.
 * @param {Run} run
 * @param {import("../curvestore.js").Held|null} held
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
