// curves.js - the view Curves: pick runs by commit and Python, see their RSS over each other.
//
// Its whole state stands in the URL: runs (ids), off (ids switched off in the legend), from and
// to (the zoomed window in ns, or billionths of an iteration), work (the workload whose matrix is
// shown), values (rss, change, difference), align (time, phase, iteration), samples (first, band,
// all), split=python, phases=0, follow=1.

import * as api from "../api.js";
import { calmly } from "../calm.js";
import { ALIGNS, CurveModes, SAMPLES, VALUES } from "../curvemodes.js";
import { CurvePane } from "../curvepane.js";
import { EventsAround } from "../eventsaround.js";
import { h, keyed, replace, setAttr, setText } from "../dom.js";
import { Figures } from "../figures.js";
import { FirstSteps } from "../firststeps.js";
import { paramsText, plural, shortSha } from "../format.js";
import { Matrix } from "../matrix.js";
import { Multiples } from "../multiples.js";
import { comparePythons, commitLine, pythonColor } from "../palette.js";
import { describe, Readout, seriesName } from "../readout.js";
import { href, idList, nsOrNull } from "../router.js";
import {
  cellKey, cells, commitsOf, FIRST_LOOK, firstSample, lookAt, newestBatch, pythonsOf, workloadKey,
  workloads,
} from "../selection.js";

/** @typedef {import("../types.js").Run} Run */

const MOST_CURVES = 48;
const DRAW_EVERY_MS = 250;    // while curves still come in
const SAVE_EVERY_MS = 300;
const MOST_COMMITS = 1000;

/** @param {import("../views.js").Context} context */
export function createCurves({ model, router }) {
  /** @type {number[]} */
  let selected = [];
  /** @type {Set<number>} */
  let off = new Set();
  let work = "";
  let split = false;
  let banded = true;         // phases lie behind the curves
  let follow = false;
  /** @type {Set<number>} batches that following has already looked at */
  const seen = new Set();
  /** @type {number[]} */
  let missing = [];
  let chosen = false;
  let line = model.commits;  // of the branch, newest first
  let lineAsked = "";
  let matrixShown = false;   // scrolled to the newest Python once
  /** @type {Set<number>} runs whose marks were asked for */
  const asked = new Set();

  /* ---- the parts of the page ---- */

  const workSelect = h("select", {
    id: "work", on: { change: () => { work = workSelect.value; save(); draw(); } },
  });
  const workFixed = h("span", { class: "work-one" });
  const splitBox = h("input", { type: "checkbox", on: { change: () => {
    split = splitBox.checked;
    save();
    drawCurves();
  } } });
  const phaseBox = h("input", { type: "checkbox", on: { change: () => {
    banded = phaseBox.checked;
    save();
    drawCurves();
  } } });
  const choices = {
    values: choice("Values", VALUES, (name) => setMode({ values: name })),
    align: choice("Aligned by", ALIGNS, (name) => setMode({ align: name })),
    samples: choice("Samples", SAMPLES, (name) => setSamples(name)),
  };
  const followBox = h("input", {
    type: "checkbox", on: { change: () => { follow = followBox.checked; save(); } },
  });
  const matrix = new Matrix({
    cell: (key) => toggleCells([key]),
    row: (sha) => toggleLine((cell) => cell.commit.sha === sha),
    column: (python) => toggleLine((cell) => cell.python === python),
  });
  const older = h("button", {
    type: "button", class: "quiet", hidden: true, on: { click: () => void model.loadOlder() },
  }, "Load older runs");

  /** @type {CurvePane} */
  const pane = new CurvePane({
    describe: (id, index) => tip(id, index, plot),
    within: (id, span) => modes.within(id, span),
  });
  const { plot, store } = pane;
  const modes = new CurveModes((id) => store.get(id));
  const multiples = new Multiples((id, index, of) => tip(id, index, of));
  const around = new EventsAround();
  const readout = new Readout(plot, store, {
    isOff: (id) => off.has(id),
    toggle: (id) => {
      if (!off.delete(id)) off.add(id);
      save();
      drawCurves();
    },
    remove: (id) => select(selected.filter((one) => one !== id)),
    says: (run, index) => modes.says(run, plot.series.find((s) => s.id === run.id), index,
      plot.shownNs / 1e9),
    unit: () => plot.axes.signed ? "change, MiB" : "RSS, MiB",
  });
  pane.box.append(multiples.element);
  const figure = h("figure", { class: "curves", "aria-label": "RSS against time" },
    pane.element, readout.element);

  const figures = new Figures();
  const lost = h("p", { class: "note", hidden: true });
  const full = h("div", { class: "curves-view" },
    h("div", { class: "view-head" },
      h("h1", null, "Curves"),
      h("label", { class: "work-pick" }, h("span", { class: "unseen" }, "Scenario"), workSelect),
      workFixed,
      h("span", { class: "spring" }),
      h("span", { class: "view-options" },
        h("label", { class: "tick", title: "Show new runs as they start" }, followBox,
          "Follow new runs"), older)),
    lost, matrix.element, h("div", { class: "curve-modes" },
      ...Object.values(choices).map((one) => one.element),
      h("label", { class: "tick" }, phaseBox, "Phases"),
      h("label", { class: "tick" }, splitBox, "One chart for each Python")),
    figure, around.element, figures.element);

  const firstSteps = new FirstSteps(model);
  const element = h("section", { class: "view", "aria-label": "Curves" },
    firstSteps.element, full);

  /* ---- state ---- */

  /** @param {URLSearchParams} params */
  function read(params) {
    selected = idList(params.get("runs"));
    off = new Set(idList(params.get("off")));
    modes.mode = {
      values: known(VALUES, params.get("values")), align: known(ALIGNS, params.get("align")),
      samples: known(SAMPLES, params.get("samples")),
    };
    split = params.get("split") === "python";
    banded = params.get("phases") !== "0";
    follow = params.get("follow") === "1";
    work = params.get("work") ?? "";
    const from = nsOrNull(params.get("from"));
    const to = nsOrNull(params.get("to"));
    plot.setSpan(from !== null && to !== null && to > from
      ? { from: from / 1e9, to: to / 1e9 } : null);
    chosen = selected.length > 0;
    for (const batch of model.batches.keys()) seen.add(batch);
    missing = [];
    void adopt();
  }

  /** Make sure that what the URL names is held, or choose where it names nothing. */
  async function adopt() {
    if (model.state !== "ready") return;
    if (!chosen) {
      const newest = newestBatch(model.runs.values());
      if (newest === null || !await holds(newest) || chosen) return;
      selected = lookAt(model.runsOfBatch(newest), line);
      chosen = true;
      follow = true;
      for (const batch of model.batches.keys()) seen.add(batch);
      save();
    } else if (selected.some((id) => !model.runs.has(id))) {
      try {
        missing = await model.ensureRuns(selected);
        selected = selected.filter((id) => !missing.includes(id));
      } catch {
        // The daemon is away; the notice says so, and the next reload asks again.
      }
    }
    if (!work || !workloads(model.runs.values()).some((one) => one.key === work)) {
      const first = model.runs.get(selected[0] ?? -1);
      work = first ? workloadKey(first) : workloads(model.runs.values())[0]?.key ?? "";
    }
    fetchCurves();
    if (plot.span) pane.refine();
    draw();
  }

  function save() {
    const first = model.runs.get(selected[0] ?? -1);
    router.replace({
      runs: selected.join(",") || null,
      off: [...off].filter((id) => selected.includes(id)).join(",") || null,
      from: plot.span ? String(Math.round(plot.span.from * 1e9)) : null,
      to: plot.span ? String(Math.round(plot.span.to * 1e9)) : null,
      work: work && (!first || workloadKey(first) !== work) ? work : null,
      ...Object.fromEntries(Object.entries(modes.mode).map(([name, value]) =>
        [name, value === FIRST[/** @type {keyof typeof FIRST} */ (name)] ? null : value])),
      split: split ? "python" : null,
      phases: banded ? null : "0",
      follow: follow ? "1" : null,
    });
  }

  const selectedRuns = () => /** @type {Run[]} */ (
    selected.map((id) => model.runs.get(id)).filter((run) => run !== undefined));

  /** The selected runs as legend and table list them: by commit, Python, sample. */
  function ordered() {
    const runs = selectedRuns();
    const commits = commitsOf(runs, line).map((commit) => commit.sha);
    return runs.sort((a, b) => commits.indexOf(a.commit.sha) - commits.indexOf(b.commit.sha) ||
      comparePythons(a.python.name, b.python.name) || a.sample - b.sample || a.id - b.id);
  }

  function current() {
    return workloads(model.runs.values()).find((one) => one.key === work) ?? null;
  }

  /** @param {number[]} ids */
  function select(ids) {
    selected = [...new Set(ids)];
    chosen = true;
    follow = false;
    if (plot.span && !selected.length) plot.setSpan(null);
    save();
    fetchCurves();
    draw();
  }

  /** @param {import("../selection.js").Cell} cell */
  const picks = (cell) => (modes.mode.samples === "first" ? [firstSample(cell)]
    : cell.runs).map((run) => run.id);

  /** @param {string[]} keys */
  function toggleCells(keys) {
    const held = cells(current()?.runs ?? []);
    const touched = keys.map((key) => held.get(key)).filter((cell) => cell !== undefined);
    const inside = new Set(touched.flatMap((cell) => cell.runs.map((run) => run.id)));
    const on = touched.some((cell) => !cell.runs.some((run) => selected.includes(run.id)));
    const rest = selected.filter((id) => !inside.has(id));
    select(on ? [...rest, ...touched.flatMap(picks)] : rest);
  }

  /** @param {(cell: import("../selection.js").Cell) => boolean} belongs */
  function toggleLine(belongs) {
    const held = cells(current()?.runs ?? []);
    toggleCells([...held.values()].filter(belongs).map((cell) => cell.key));
  }

  /** @param {Partial<import("../curvemodes.js").Mode>} change */
  function setMode(change) {
    if (change.align && change.align !== modes.mode.align && plot.span) plot.setSpan(null);
    Object.assign(modes.mode, change);
    save();
    pane.refine();
    draw();
  }

  /** One sample of each cell that is picked, or all of them. @param {string} which */
  function setSamples(which) {
    modes.mode.samples = which;
    const held = cells([...model.runs.values()]);
    const keys = new Set(selectedRuns().map(cellKey));
    const inWork = new Set((current()?.runs ?? []).map((run) => run.id));
    const kept = selected.filter((id) => !inWork.has(id));
    const own = [...keys].flatMap((key) => {
      const cell = held.get(key);
      if (!cell) return [];
      const runs = cell.runs.filter((run) => inWork.has(run.id));
      return runs.length ? picks({ ...cell, runs }) : [];
    });
    const wasFollowing = follow;
    select([...kept, ...own]);
    follow = wasFollowing;
    save();
  }

  /**
   * Whether a batch is held whole; where it is not, it is fetched.
   * @param {number} id
   */
  async function holds(id) {
    if (model.holdsBatch(id)) return true;
    try {
      await model.ensureBatch(id);
    } catch {
      return false;
    }
    return model.holdsBatch(id);
  }

  /** A batch that came since the page looked is shown, if the reader wants to follow. */
  async function followBatches() {
    const newest = Math.max(0, ...model.batches.keys(),
      ...[...model.runs.values()].map((run) => run.batch));
    if (!chosen || seen.has(newest) || newest === 0) return;
    seen.add(newest);
    if (!follow || !await holds(newest) || !follow) return;
    const runs = model.runsOfBatch(newest);
    const fresh = lookAt(runs, line);
    if (!fresh.length) return;
    const key = workloadKey(/** @type {Run} */ (model.runs.get(fresh[0])));
    const room = Math.max(0, FIRST_LOOK - fresh.length);
    const again = new Set(runs.map(cellKey));
    const kept = key !== work || !room ? [] : selectedRuns()
      .filter((run) => !again.has(cellKey(run)) && workloadKey(run) === key)
      .map((run) => run.id).slice(-room);
    selected = [...kept, ...fresh];
    if (key !== work && plot.span) plot.setSpan(null);
    work = key;
    save();
    fetchCurves();
    draw();
  }

  /** Curves exist for what has started; a failed run may have one as far as it came. */
  function fetchCurves() {
    const started = selectedRuns().filter((run) => run.status === "running" ||
      run.status === "done" || (run.status === "failed" && run.started_ns !== null));
    pane.sizePoints(started.length);
    store.want(started.slice(0, MOST_CURVES).map((run) => run.id));
  }

  /** The marks of the runs whose phases are laid over each other, or lie behind the curves. */
  function fetchPhases() {
    const runs = selectedRuns().filter((run) => run.status === "done" && !asked.has(run.id));
    const wanted = modes.mode.align === "time" ? (banded ? runs.slice(0, 1) : []) : runs;
    if (!wanted.length || (modes.mode.align === "time" &&
      selected.some((id) => asked.has(id)))) return;
    for (const run of wanted) asked.add(run.id);
    void Promise.allSettled(wanted.map(async ({ id }) => {
      modes.phases.set(id, (await api.getRun(id)).phases ?? []);
    })).then(drawCurves);
  }

  /**
   * @param {number} id
   * @param {number} index
   * @param {import("../plot.js").CurvePlot} of
   */
  function tip(id, index, of) {
    const run = model.runs.get(id);
    const s = of.series.find((one) => one.id === id);
    const said = run ? modes.says(run, s, index, of.shownNs / 1e9) : null;
    if (!run || !said) return describe(run, store.get(id), index, of.shownNs);
    const x = of.axes.say(s?.points[index]?.x ?? 0, of.shownNs / 1e9);
    const value = /[KM]iB$/.test(said.value) ? said.value : `${said.value} MiB`;
    return [`${said.detail} ${said.place}`.trim(), `${value} at ${x}`, s?.band
      ? s.name : modes.pair && modes.mode.values === "difference"
        ? `${seriesName(modes.pair.head)} less ${seriesName(modes.pair.base)}` : seriesName(run)];
  }

  /* ---- drawing ---- */

  /** @param {Run} run @param {number} rank @param {number} mates */
  function lookOf(run, rank, mates) {
    const line = commitLine(rank);
    return {
      color: pythonColor(run.python.name, model.pythonNames),
      dash: line.dash, width: mates > 1 ? Math.max(1, line.width * 0.6) : line.width,
    };
  }

  /** @returns {(run: Run) => import("../palette.js").Look} */
  function looks() {
    const runs = selectedRuns();
    const shown = commitsOf(runs, line).map((commit) => commit.sha);
    /** @type {Map<string, number>} */
    const mates = new Map();
    for (const run of runs) mates.set(cellKey(run), (mates.get(cellKey(run)) ?? 0) + 1);
    return (run) => lookOf(run, Math.max(0, shown.indexOf(run.commit.sha)),
      mates.get(cellKey(run)) ?? 1);
  }

  function draw() {
    const isEmpty = model.state === "ready" && model.runs.size === 0;
    firstSteps.element.hidden = !isEmpty;
    full.hidden = isEmpty;
    if (isEmpty) {
      firstSteps.update();
      return;
    }
    fetchLine();
    drawHead();
    drawMatrix();
    if (!matrixShown && matrix.element.clientWidth > 0 && model.runs.size) {
      matrixShown = true;
      matrix.element.scrollLeft = matrix.element.scrollWidth;
    }
    drawCurves();
    figures.update(ordered(), looks());
  }

  function drawHead() {
    const all = workloads(model.runs.values());
    workSelect.hidden = all.length < 2;
    workFixed.hidden = all.length !== 1;
    if (all.length === 1) {
      replace(workFixed, h("b", null, all[0].scenario), h("span", null, paramsText(all[0].params)));
    }
    keyed(workSelect, all, (one) => one.key, (one) => h("option", { value: one.key }),
      (option, one) => setText(option, [one.scenario, paramsText(one.params)]
        .filter(Boolean).join("  ·  ")));
    if (workSelect.value !== work) workSelect.value = work;
    splitBox.checked = split;
    phaseBox.checked = banded;
    for (const [name, one] of Object.entries(choices)) {
      one.update(modes.mode[/** @type {keyof typeof modes.mode} */ (name)]);
    }
    followBox.checked = follow;
    older.hidden = model.olderRuns === null;
    lost.hidden = missing.length === 0;
    setText(lost, missing.length === 0 ? "" : `${plural(missing.length, "run")} of this link ` +
      `${missing.length === 1 ? "is" : "are"} not in this database: ${missing.join(", ")}`);
  }

  function drawMatrix() {
    const runs = current()?.runs ?? [];
    const params = current()?.params ?? {};
    const scenario = current()?.scenario ?? "";
    matrix.update({
      commits: commitsOf(runs, line),
      committed: new Map(line.map((commit) => [commit.sha, commit.committed_ns])),
      head: model.commits[0]?.sha ?? null,
      pythons: pythonsOf(runs),
      cells: cells(runs),
      selected: new Set(selected),
      look: looks(),
      fill: (sha, python) => href("trigger", {
        commits: sha, pythons: python, scenarios: scenario, params: Object.entries(params)
          .map(([name, value]) => `${name}:${value}`).join(","),
      }),
    });
  }

  /** Commits that are older than what every view loads are placed on the branch too. */
  function fetchLine() {
    if (lineAsked === model.project) return;
    const known = new Set(line.map((commit) => commit.sha));
    if (selectedRuns().every((run) => known.has(run.commit.sha) || run.project !== model.project)) {
      return;
    }
    lineAsked = model.project;
    void api.getCommits(model.project, MOST_COMMITS).then((commits) => {
      line = commits;
      draw();
    }, () => {}); // the order then is that of the runs
  }

  function drawCurves() {
    const look = looks();
    const runs = ordered();
    fetchPhases();
    const series = modes.series(runs, look, (id) => off.has(id), plot.span);
    const axes = modes.axes(runs, plot.shownNs / 1e9);
    const phases = banded ? modes.bands(runs.filter((run) => !off.has(run.id))) : [];
    plot.setAxes(axes);
    plot.setPhases(phases);
    plot.setSeries(series);
    plot.element.hidden = split;
    if (split) {
      const named = new Map(runs.map((run) => [run.id, run.python.name]));
      multiples.update({ series, axes, phases, span: plot.span,
        groupOf: (s) => named.get(s.id) ?? "" });
    }
    multiples.element.hidden = !split;
    drawMessage(runs);
    readout.update(runs, look);
    drawBar();
    figure.dataset.runs = runs.map((run) => run.id).join(",");
    figure.dataset.live = String(runs.filter((run) => run.status === "running").length);
  }

  function drawBar() {
    const { pair } = modes;
    pane.drawBar(pair && modes.mode.values === "difference"
      ? `${seriesName(pair.head)} less ${seriesName(pair.base)}` : undefined);
  }

  /** @param {Run[]} runs */
  function drawMessage(runs) {
    const drawn = plot.series.some((s) => s.points.length && !s.hidden);
    const loading = runs.some((run) => store.get(run.id)?.state === "loading");
    const waiting = runs.filter((run) => ["queued", "building", "running"].includes(run.status));
    const failed = runs.filter((run) => run.status === "failed");
    let text = "";
    let state = "ready";
    if (model.state === "loading") [text, state] = ["Loading runs", "loading"];
    else if (drawn) text = "";
    else if (modes.mode.values === "difference" && runs.length && !loading && !waiting.length) {
      [text, state] = ["A difference is of two curves. Pick two, or switch the others off in the " +
        "legend.", "none"];
    }
    else if (!runs.length) {
      [text, state] = ["Nothing is picked. Press a cell above, or a commit or a Python for all " +
        "of its cells.", "none"];
    } else if (runs.every((run) => off.has(run.id))) {
      [text, state] = ["Every picked curve is switched off in the legend.", "none"];
    } else if (waiting.length) {
      const [first] = waiting;
      const building = waiting.filter((run) => run.status === "building").length;
      [text, state] = [building
        ? `Building ${first.project} at ${shortSha(first.commit.sha)} for ${first.python.name}. ` +
          "The curve stands here as soon as its process starts."
        : first.status === "running" ? `Starting ${first.scenario} on ${first.python.name}`
          : `${plural(waiting.length, "run")} queued. The first curve stands here once it starts.`,
      "waiting"];
    } else if (loading) {
      [text, state] = [`Loading ${plural(runs.length, "curve")}`, "loading"];
    } else if (failed.length === runs.length) {
      [text, state] = [failed.length === 1 ? "This run failed; why is said beside it."
        : "All picked runs failed; why is said beside each.", "failed"];
    } else {
      [text, state] = ["No curve could be loaded; why is said beside each run.", "failed"];
    }
    pane.say(text, state);
    figure.dataset.state = state;
    setAttr(figure, "aria-busy", state === "loading" ? "true" : null);
  }

  /* ---- what the rest of the page tells ---- */

  let drawSoon = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let drawLater;
  const redraw = () => {
    // Of many curves that come in one after another not each is drawn by itself.
    if ([...store.held.values()].some((held) => held.state === "loading")) {
      drawLater ??= setTimeout(drawNow, DRAW_EVERY_MS);
    } else drawNow();
  };
  const drawNow = () => {
    clearTimeout(drawLater);
    drawLater = undefined;
    drawSoon ||= requestAnimationFrame(() => {
      drawSoon = 0;
      drawCurves();
    });
  };
  const onChange = () => {
    if (line.length <= model.commits.length || lineAsked !== model.project) line = model.commits;
    if (!chosen || missingHeld()) void adopt();
    void followBatches();
    const started = selectedRuns().some((run) => !store.get(run.id) && run.status !== "queued" &&
      run.status !== "building" && (run.status !== "failed" || run.started_ns !== null));
    if (started) fetchCurves();
    draw();
  };
  const missingHeld = () => model.state === "ready" &&
    selected.some((id) => !model.runs.has(id)) && !missing.length;
  const onCurve = (/** @type {Event} */ event) =>
    store.grow(/** @type {CustomEvent} */ (event).detail);
  const onDone = (/** @type {Event} */ event) => {
    const { id } = /** @type {CustomEvent<Run>} */ (event).detail;
    if (store.get(id)) void store.fetch(id);
  };
  const onReloaded = () => {
    for (const id of store.held.keys()) void store.fetch(id);
  };
  model.addEventListener("change", onChange);
  model.addEventListener("curve", onCurve);
  model.addEventListener("done", onDone);
  model.addEventListener("reloaded", onReloaded);
  store.addEventListener("change", redraw);
  const saveWindow = calmly(SAVE_EVERY_MS, save);
  plot.addEventListener("window", () => {
    saveWindow();
    // The curves themselves are the same in any window; what is made of them is not.
    if (modes.mode.values === "rss" && modes.mode.samples !== "band" && !split) {
      drawBar();
    } else redraw();
  });
  plot.addEventListener("cursor", () => readout.update(ordered(), looks()));
  multiples.addEventListener("window", (event) => {
    plot.setSpan(/** @type {CustomEvent} */ (event).detail);
    pane.refine();
    save();
    redraw();
  });
  const press = (/** @type {import("../plot.js").CurvePlot} */ of) => {
    const run = of.cursor ? model.runs.get(of.cursor.active) : undefined;
    if (run && of.cursor) void around.open(run, modes.instant(run.id, of.cursor.x) * 1e9);
  };
  plot.addEventListener("press", () => press(plot));
  multiples.addEventListener("press", (event) =>
    press(/** @type {CustomEvent} */ (event).detail));

  return {
    element,
    title: "Curves",
    /** @param {URLSearchParams} params */
    show(params) {
      read(params);
      draw();
    },
    destroy() {
      model.removeEventListener("change", onChange);
      model.removeEventListener("curve", onCurve);
      model.removeEventListener("done", onDone);
      model.removeEventListener("reloaded", onReloaded);
      clearTimeout(drawLater);
      saveWindow.stop();
      cancelAnimationFrame(drawSoon);
      multiples.destroy();
      pane.destroy();
    },
  };
}

const FIRST = { values: "rss", align: "time", samples: "first" };

/**
 * @param {readonly (readonly [string, string])[]} all
 * @param {string|null} given
 */
const known = (all, given) => all.some(([name]) => name === given) && given !== null
  ? given : all[0][0];

/**
 * A row of buttons of which one is pressed.
 * @param {string} label
 * @param {readonly (readonly [string, string])[]} all
 * @param {(name: string) => void} choose
 */
function choice(label, all, choose) {
  const buttons = all.map(([name, text]) => h("button", {
    type: "button", data: { name }, on: { click: () => choose(name) },
  }, text));
  const element = h("div", { class: "choice" }, h("span", { class: "hint" }, label),
    h("div", { class: "tabs", role: "group", "aria-label": label }, ...buttons));
  return {
    element,
    /** @param {string} value */
    update(value) {
      for (const one of buttons) {
        setAttr(one, "aria-pressed", String(one.dataset.name === value));
      }
    },
  };
}
