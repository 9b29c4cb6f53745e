// batch.js - the view Batch: one request being worked off. What is queued, built and running, the
// log of the build at work, the curves as they grow, every run; cancel and try again.
//
// State in the URL, behind #/batch/ID: status (which runs are listed).

import * as api from "../api.js";
import { CurvePane } from "../charts/curvepane.js";
import { h, keyed, replace, setAttr, setText } from "../dom.js";
import {
  ago, count, dateTime, duration, exactBytes, mib, paramsText, plural, shortSha,
} from "../format.js";
import { LogView } from "../parts/logview.js";
import { pythonColor } from "../charts/palette.js";
import { confirmAct } from "../parts/queueacts.js";
import { describe } from "../charts/readout.js";
import { href } from "../router.js";
import { failedState, skeleton } from "../shell/states.js";
import { statusOf } from "./runs.js";

/** @typedef {import("../types.js").Run} Run */
/** @typedef {import("../types.js").Batch} Batch */

const MOST_ROWS = 500;
const FILTERS = [["", "All"], ["going", "Under way"], ["done", "Done"], ["failed", "Failed"]];
const GOING = new Set(["queued", "building", "running"]);

/** @param {import("../views.js").Context} context */
export function createBatch({ model, router }) {
  let id = 0;
  let asked = 0;
  let filter = "";
  /** @type {Map<number, import("../types.js").Build>} */
  const atWork = new Map();

  const title = h("h1");
  const facts = h("p", { class: "watch-facts" });
  const bar = h("progress", { max: 100, value: 0, "aria-label": "Progress of the batch" });
  const actions = h("div", { class: "actions run-actions" });
  const problem = h("div", { class: "problem", role: "alert", hidden: true });

  /** @type {CurvePane} */
  const pane = new CurvePane({ describe: (run, index) =>
    describe(model.runs.get(run), pane.store.get(run), index, pane.plot.shownNs) });
  const curveHead = h("h2", { id: "batch-curves" }, "Curves");
  const curves = h("section", { class: "run-part", "aria-labelledby": "batch-curves" }, curveHead,
    h("figure", { class: "curves curves-alone", "aria-label": "RSS against time" }, pane.element));

  const log = new LogView("Log of the build at work");
  const buildHead = h("h2", { id: "batch-build" });
  const builds = h("section", { class: "run-part", "aria-labelledby": "batch-build", hidden: true },
    buildHead, log.element);

  const tabs = h("div", { class: "tabs", role: "group", "aria-label": "Which runs" });
  const body = h("tbody");
  const rest = h("p", { class: "note", hidden: true });
  const list = h("section", { class: "run-part", "aria-labelledby": "batch-runs" },
    h("div", { class: "view-head" }, h("h2", { id: "batch-runs" }, "Runs"), tabs),
    h("div", { class: "table-scroll", tabindex: 0, role: "region",
      "aria-label": "Runs of the batch" }, h("table", { class: "data" }, h("thead", null,
      h("tr", null, ...[["Run", "num"], ["Status"], ["Python"], ["Commit"], ["Scenario"],
        ["Sample", "num"], ["Build", "num"], ["Tide mark MiB", "num"]].map(([name, kind]) =>
        h("th", { scope: "col", class: kind ?? null }, name)))), body)), rest);

  const whole = h("div", { class: "watch" },
    h("div", { class: "view-head" }, title, h("span", { class: "spring" }), actions),
    bar, facts, problem, curves, builds, list);
  const element = h("section", { class: "view", "aria-label": "Batch" });

  /** @param {number} wanted */
  async function load(wanted) {
    const mine = ++asked;
    try {
      const [building] = await Promise.all([api.getBuildsAtWork(), model.ensureBatch(wanted)]);
      if (mine !== asked) return;
      for (const build of building) atWork.set(build.id, build);
      if (!whole.isConnected) replace(element, whole);
      draw();
    } catch (error) {
      if (mine !== asked) return;
      replace(element, failedState(`Batch ${wanted} could not be loaded`, error,
        () => void load(wanted)));
    }
  }

  function draw() {
    const batch = model.batches.get(id);
    if (!batch || !whole.isConnected) return;
    const runs = model.runsOfBatch(id);
    whole.dataset.status = batch.status;
    setText(title, `Batch ${batch.id}`);
    bar.value = batch.percent;
    drawFacts(batch);
    drawActions(batch, runs);
    drawBuild(runs);
    wantCurves(runs);
    drawCurves(runs);
    drawRuns(runs);
  }

  /** @param {Batch} batch */
  function drawFacts(batch) {
    const parts = [`${batch.percent} %`,
      `${count(batch.done)} of ${plural(batch.runs, "run")} done`];
    if (batch.failed) parts.push(`${batch.failed} failed`);
    if (batch.cancelled) parts.push(`${batch.cancelled} cancelled`);
    if (batch.running) parts.push(`${batch.running} running`);
    if (batch.building) parts.push(`${batch.building} building`);
    if (batch.queued) {
      parts.push(`${batch.queued} ${model.paused ? "waiting: the queue is paused" : "queued"}`);
    }
    if (batch.eta_ns !== null && batch.status !== "done") {
      parts.push(`about ${duration(batch.eta_ns)} left`);
    }
    if (batch.reason) parts.push(`asked for by ${batch.reason}${batch.by ? ` (${batch.by})` : ""}`);
    replace(facts, parts.join(" · "), " · ", h("span", { title: dateTime(batch.queued_ns) },
      `queued ${ago(batch.queued_ns)}`));
  }

  /**
   * @param {Batch} batch
   * @param {Run[]} runs
   */
  function drawActions(batch, runs) {
    const left = batch.queued + batch.building + batch.running;
    const again = batch.failed + (batch.cancelled ?? 0);
    const outside = runs.filter((run) => run.status === "failed" && run.outside).length;
    const sign = [left > 0, outside, again, runs.length > 0].join();
    if (actions.dataset.sign === sign) return;
    actions.dataset.sign = sign;
    const done = () => void load(id);
    replace(actions,
      h("a", { href: href("curves", { runs: runs.filter((run) => run.status !== "failed")
        .slice(0, 48).map((run) => run.id).join(",") || null }) }, "Overlay its curves"),
      left ? h("button", { type: "button", class: "small", on: { click: () => void confirmAct({
        path: `/batches/${id}/cancel`, problem, done, ask: `Cancel batch ${id}?`,
        yes: "Cancel what is left",
        why: `${plural(left, "run")} will not be measured; what runs now is ended, and what it ` +
          "has recorded goes. Runs that are done stay.",
      }) } }, "Cancel what is left") : null,
      outside ? h("button", { type: "button", class: "small", title: "Those that were killed, or " +
        "failed for another reason outside of what is measured", on: {
        click: () => void confirmAct({ path: `/batches/${id}/retry`, problem, done }),
      } }, `Try ${plural(outside, "run")} again that failed from outside`) : null,
      again ? h("button", { type: "button", class: "small", title:
        "Every run that failed or was cancelled; a failed build is tried once more", on: {
        click: () => void confirmAct({ path: `/batches/${id}/retry`, body: { all: true }, problem,
          done }),
      } }, `Try ${plural(again, "run")} again`) : null);
  }

  /** The build that is at work, else the last one that failed. @param {Run[]} runs */
  function drawBuild(runs) {
    const waits = runs.filter((run) => run.status === "building" || run.status === "queued");
    const building = [...atWork.values()].find((build) => waits.some((run) =>
      run.build?.id === build.id || run.python.name === build.python.name));
    const failed = runs.filter((run) => run.build?.status === "failed").at(-1);
    const going = runs.some((run) => GOING.has(run.status));
    const shown = building?.id ?? (going ? undefined : failed?.build?.id);
    builds.hidden = shown === undefined;
    if (shown === undefined) {
      log.close();
      return;
    }
    const of = building ?? failed;
    const sign = `${shown} ${Boolean(building)}`;
    if (builds.dataset.sign !== sign && of) {
      builds.dataset.sign = sign;
      replace(buildHead, building ? "Building " : "Failed build: ",
        h("a", { href: href(`build/${shown}`) },
          `${shortSha(of.commit.sha)} for ${of.python.name}`));
    }
    log.open(api.buildLogUrl(shown), Boolean(building));
  }

  /** What runs now; where nothing does, what ran last. @param {Run[]} runs */
  function begun(runs) {
    const running = runs.filter((run) => run.status === "running");
    if (running.length) return running;
    return runs.filter((run) => run.status === "done")
      .sort((a, b) => (b.started_ns ?? 0) - (a.started_ns ?? 0)).slice(0, 1);
  }

  /** @param {Run[]} runs */
  function wantCurves(runs) {
    pane.sizePoints();
    pane.store.want(begun(runs).map((run) => run.id));
  }

  /** @param {Run[]} runs */
  function drawCurves(runs) {
    const shown = begun(runs);
    const running = shown.filter((run) => run.status === "running");
    setText(curveHead, running.length ? `Running: ${running.map(nameOf).join(", ")}`
      : shown.length ? `Last: ${nameOf(shown[0])}` : "Curves");
    pane.plot.setSeries(shown.flatMap((run) => {
      const held = pane.store.get(run.id);
      return held ? [{
        id: run.id, name: nameOf(run), dash: [], width: 2, hidden: false,
        color: pythonColor(run.python.name, model.pythonNames), points: held.points,
        tideMark: run.tide_mark, tideAt: held.tideAt,
        floorLine: null,
      }] : [];
    }));
    pane.drawBar();
    const drawn = shown.some((run) => pane.store.get(run.id)?.points.length);
    const going = runs.some((run) => GOING.has(run.status));
    pane.say(drawn ? "" : going ? "The first curve stands here once a run starts."
      : "No run of this batch left a curve.", drawn ? "ready" : going ? "waiting" : "none");
  }

  /** @param {Run[]} runs */
  function drawRuns(runs) {
    keyed(tabs, FILTERS, ([name]) => name, ([name, label]) => h("button", {
      type: "button", on: { click: () => {
        filter = name;
        router.replace({ status: name || null });
        drawRuns(model.runsOfBatch(id));
      } },
    }, label), (tab, [name]) => setAttr(tab, "aria-pressed", String(name === filter)));
    const fitting = runs.filter((run) => !filter || (filter === "going" ? GOING.has(run.status)
      : filter === "failed" ? run.status === "failed" || run.status === "cancelled"
        : run.status === filter));
    keyed(body, fitting.slice(0, MOST_ROWS), (run) => run.id, () => h("tr"), drawRow);
    rest.hidden = fitting.length > 0 && fitting.length <= MOST_ROWS;
    replace(rest, fitting.length ? [`${plural(fitting.length - MOST_ROWS, "run")} more: `,
      h("a", { href: href("runs", { batch: id }) }, "every run of the batch")]
      : "No run of this batch is like that.");
  }

  const onChange = () => draw();
  const onCurve = (/** @type {Event} */ event) =>
    pane.store.grow(/** @type {CustomEvent} */ (event).detail);
  const onDone = (/** @type {Event} */ event) => {
    const { id: ended } = /** @type {CustomEvent<Run>} */ (event).detail;
    if (pane.store.get(ended)) void pane.store.fetch([ended]);
  };
  const onBuild = (/** @type {Event} */ event) => {
    const { detail } = /** @type {CustomEvent<import("../types.js").Build>} */ (event);
    if (detail.status === "building") atWork.set(detail.id, detail);
    else atWork.delete(detail.id);
    draw();
  };
  const onStore = () => drawCurves(model.runsOfBatch(id));
  model.addEventListener("change", onChange);
  model.addEventListener("curve", onCurve);
  model.addEventListener("done", onDone);
  model.addEventListener("build", onBuild);
  pane.store.addEventListener("change", onStore);
  pane.plot.addEventListener("window", onStore);
  pane.plot.addEventListener("press", () => {
    const { cursor } = pane.plot;
    if (cursor) router.go(`run/${cursor.active}`, { at: String(Math.round(cursor.x * 1e9)) });
  });

  return {
    element,
    title: "Batch",
    /**
     * @param {URLSearchParams} params
     * @param {string|null} given
     */
    show(params, given) {
      id = /^\d{1,15}$/.test(given ?? "") ? Number(given) : 0;
      const wanted = params.get("status") ?? "";
      filter = FILTERS.some(([name]) => name === wanted) ? wanted : "";
      pane.plot.setSpan(null);
      replace(element, skeleton("line", "plot", "rows"));
      void load(id);
    },
    destroy() {
      asked += 1;
      model.removeEventListener("change", onChange);
      model.removeEventListener("curve", onCurve);
      model.removeEventListener("done", onDone);
      model.removeEventListener("build", onBuild);
      log.close();
      pane.destroy();
    },
  };
}

/** @param {Run} run */
const nameOf = (run) => `${run.scenario} on ${run.python.name} at ${shortSha(run.commit.sha)}`;

/**
 * @param {HTMLTableRowElement} row
 * @param {Run} run
 */
function drawRow(row, run) {
  const sign = `${run.status} ${run.percent} ${run.tide_mark} ${run.error} ${run.build?.id} ` +
    `${run.waiting}`;
  if (row.dataset.sign === sign) return;
  row.dataset.sign = sign;
  row.dataset.status = run.status;
  replace(row, h("th", { scope: "row", class: "num" }, h("a", { href: href(`run/${run.id}`) },
    run.id)),
  h("td", { class: "status-cell" }, statusOf(run)),
  h("td", { class: "name" }, run.python.name),
  h("td", { title: `${run.commit.sha} ${run.commit.subject ?? ""}` },
    h("code", null, shortSha(run.commit.sha))),
  h("td", { class: "name", title: `${run.scenario} ${paramsText(run.params)}` }, run.scenario),
  h("td", { class: "num" }, run.sample),
  h("td", { class: "num" }, run.build
    ? h("a", { href: href(`build/${run.build.id}`) }, run.build.id) : ""),
  h("td", { class: "num", title: exactBytes(run.tide_mark) }, mib(run.tide_mark)));
}
