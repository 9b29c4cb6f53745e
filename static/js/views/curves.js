// curves.js - the view Curves: pick runs by commit and Python, see their RSS over each other.
//
// Its whole state stands in the URL: runs (ids), off (ids switched off in the legend), from and
// to (the zoomed window in ns, or billionths of an iteration), work (the workload whose matrix is
// shown), values (rss, change, difference), align (time, phase, iteration), samples (first, band,
// all), split=python, phases=0, follow=1.

import * as api from "../api.js";
import { calmly } from "../calm.js";
import { CurveChoice } from "../parts/curvechoice.js";
import { curvesMessage } from "../charts/curvesmessage.js";
import { ALIGNS, CurveModes, SAMPLES, VALUES } from "../charts/curvemodes.js";
import { CurvePane } from "../charts/curvepane.js";
import { EventsAround } from "../tables/eventsaround.js";
import { h, keyed, replace, setAttr, setText } from "../dom.js";
import { Figures } from "../tables/figures.js";
import { FirstSteps } from "../parts/firststeps.js";
import { paramsText, plural } from "../format.js";
import { Matrix } from "../parts/matrix.js";
import { Multiples } from "../charts/multiples.js";
import { commitLine, onTheme, pythonColor } from "../charts/palette.js";
import { describe, Readout, seriesName } from "../charts/readout.js";
import { href, nsOrNull } from "../router.js";
import { cellKey, cells, commitsOf, pythonsOf } from "../parts/selection.js";

/** @typedef {import("../types.js").Run} Run */
/** @typedef {import("../charts/plot.js").CurvePlot} CurvePlot */

const MOST_CURVES = 48;
const SAVE_EVERY_MS = 300;
const FIRST = { values: "rss", align: "time", samples: "first" };
const OPTIONS = { values: VALUES, align: ALIGNS, samples: SAMPLES };

class CurvesView {
  /** @param {import("../views.js").Context} context */
  constructor({ model, router }) {
    this.title = "Curves";
    this.model = model;
    this.router = router;
    this.split = false;
    this.banded = true;          // phases lie behind the curves
    this.matrixShown = false;    // scrolled to the newest Python once
    /** @type {Set<number>} runs whose marks were asked for */
    this.asked = new Set();
    /** @type {Run[]} as the legend lists them */
    this.runs = [];
    /** @type {(run: Run) => import("../charts/palette.js").Look} */
    this.look = () => ({ color: "", dash: [], width: 1 });
    this.drawing = 0;
    this.all = false;            // the next frame draws more than the curves

    this.choice = new CurveChoice(model, () => this.modes.mode.samples === "first");
    /** @type {CurvePane} */
    this.pane = new CurvePane({
      describe: (id, index) => this.#tip(id, index, this.plot),
      within: (id, span) => this.modes.within(id, span),
    });
    this.plot = this.pane.plot;
    this.store = this.pane.store;
    this.modes = new CurveModes((id) => this.store.get(id));
    this.multiples = new Multiples((id, index, of) => this.#tip(id, index, of));
    this.around = new EventsAround();
    this.readout = this.#makeReadout();
    this.matrix = new Matrix({
      cell: (key) => this.choice.toggleCells((cell) => cell.key === key),
      row: (sha) => this.choice.toggleCells((cell) => cell.commit.sha === sha),
      column: (python) => this.choice.toggleCells((cell) => cell.python === python),
    });
    this.figures = new Figures();
    this.controls = this.#makeControls();
    this.firstSteps = new FirstSteps(model);
    this.lost = h("p", { class: "note", hidden: true });
    this.figure = h("figure", { class: "curves", "aria-label": "RSS against time" },
      this.pane.element, this.readout.element);
    this.full = this.#layOut();
    this.element = h("section", { class: "view", "aria-label": "Curves" },
      this.firstSteps.element, this.full);
    this.saveWindow = calmly(SAVE_EVERY_MS, () => this.#save());
    this.endListening = this.#listen();
  }

  /** @param {URLSearchParams} params */
  show(params) {
    const { modes, plot } = this;
    const known = (/** @type {keyof typeof FIRST} */ name) =>
      OPTIONS[name].find(([one]) => one === params.get(name))?.[0] ?? FIRST[name];
    modes.mode = { values: known("values"), align: known("align"), samples: known("samples") };
    this.split = params.get("split") === "python";
    this.banded = params.get("phases") !== "0";
    const [from, to] = [nsOrNull(params.get("from")), nsOrNull(params.get("to"))];
    plot.setSpan(from !== null && to !== null && to > from
      ? { from: from / 1e9, to: to / 1e9 } : null);
    this.choice.read(params);
    this.#draw();
  }

  destroy() {
    this.endListening();
    this.saveWindow.stop();
    cancelAnimationFrame(this.drawing);
    this.multiples.destroy();
    this.pane.destroy();
  }

  /* ---- the parts of the page ---- */

  #makeControls() {
    const work = h("select", { id: "work", on: { change: () => {
      this.choice.work = work.value;
      this.#save();
      this.#draw();
    } } });
    return {
      work,
      workFixed: h("span", { class: "work-one" }),
      split: tick((on) => { this.split = on; this.#save(); this.#drawCurves(); }),
      phases: tick((on) => { this.banded = on; this.#save(); this.#drawCurves(); }),
      follow: tick((on) => { this.choice.follow = on; this.#save(); }),
      values: pick("Values", VALUES, (name) => this.#setMode({ values: name })),
      align: pick("Aligned by", ALIGNS, (name) => this.#setMode({ align: name })),
      samples: pick("Samples", SAMPLES, (name) => {
        this.modes.mode.samples = name;
        this.choice.pickSamplesAnew();
      }),
      older: h("button", { type: "button", class: "quiet", hidden: true, on: {
        click: () => void this.model.loadOlder(),
      } }, "Load older runs"),
    };
  }

  #layOut() {
    const { controls } = this;
    this.pane.box.append(this.multiples.element);
    return h("div", { class: "curves-view" },
      h("div", { class: "view-head" },
        h("h1", null, "Curves"),
        h("label", { class: "work-pick" }, h("span", { class: "unseen" }, "Scenario"),
          controls.work),
        controls.workFixed,
        h("span", { class: "spring" }),
        h("span", { class: "view-options" },
          h("label", { class: "tick", title: "Show new runs as they start" }, controls.follow,
            "Follow new runs"), controls.older)),
      this.lost, this.matrix.element, h("div", { class: "curve-modes" },
        controls.values.element, controls.align.element, controls.samples.element,
        h("label", { class: "tick" }, controls.phases, "Phases"),
        h("label", { class: "tick" }, controls.split, "One chart for each Python")),
      this.figure, this.around.element, this.figures.element);
  }

  #makeReadout() {
    const { plot, choice } = this;
    return new Readout(plot, this.store, {
      isOff: (id) => choice.off.has(id),
      toggle: (id) => choice.toggle(id),
      remove: (id) => choice.select(choice.selected.filter((one) => one !== id)),
      says: (run, index) => this.modes.says(run, plot.series.find((s) => s.id === run.id), index,
        plot.shownNs / 1e9),
      unit: () => plot.axes.signed ? "change, MiB" : "RSS, MiB",
    });
  }

  /** @returns {() => void} ends it */
  #listen() {
    const { model, store, plot, multiples, choice } = this;
    /** @type {[EventTarget, string, (event: any) => void][]} */
    const ears = [
      [model, "change", () => { choice.refresh(); this.#fetchCurves(); this.#draw(); }],
      [model, "curve", (event) => store.grow(event.detail)],
      [model, "done", (event) => {
        if (store.get(event.detail.id)) void store.fetch([event.detail.id]);
      }],
      [model, "reloaded", () => void store.fetch([...store.held.keys()])],
      [choice, "change", () => this.#chosen()],
      [choice, "elsewhere", () => { if (plot.span) plot.setSpan(null); }],
      [store, "change", () => this.#drawCurves()],
      [plot, "window", () => this.#moved()],
      [plot, "cursor", () => this.readout.update(this.runs, this.look)],
      [plot, "press", () => this.#press(plot)],
      [multiples, "press", (event) => this.#press(event.detail)],
      [multiples, "window", (event) => {
        plot.setSpan(event.detail);
        this.pane.refine();
        this.#save();
        this.#drawCurves();
      }],
    ];
    for (const [target, name, ear] of ears) target.addEventListener(name, ear);
    const endTheme = onTheme(() => {
      this.all = true;
      this.#drawNow();
    });
    return () => {
      endTheme();
      for (const [target, name, ear] of ears) target.removeEventListener(name, ear);
    };
  }

  /* ---- what happens ---- */

  #save() {
    const { plot, choice, modes } = this;
    const { runs, off, work, follow } = choice.params;
    this.router.replace({
      runs, off,
      from: plot.span ? String(Math.round(plot.span.from * 1e9)) : null,
      to: plot.span ? String(Math.round(plot.span.to * 1e9)) : null,
      work,
      ...Object.fromEntries(Object.entries(modes.mode).map(([name, value]) =>
        [name, value === FIRST[/** @type {keyof typeof FIRST} */ (name)] ? null : value])),
      split: this.split ? "python" : null,
      phases: this.banded ? null : "0",
      follow,
    });
  }

  /** Other runs are picked, or switched off. */
  #chosen() {
    const { plot, choice } = this;
    if (plot.span && !choice.selected.length) plot.setSpan(null);
    this.#save();
    this.#fetchCurves();
    if (plot.span) this.pane.refine();
    this.#draw();
  }

  /** @param {Partial<import("../charts/curvemodes.js").Mode>} change */
  #setMode(change) {
    const { mode } = this.modes;
    if (change.align && change.align !== mode.align && this.plot.span) this.plot.setSpan(null);
    Object.assign(mode, change);
    this.#save();
    this.pane.refine();
    this.#draw();
  }

  /** The curves themselves are the same in any window; what is made of them is not. */
  #moved() {
    const { values, samples } = this.modes.mode;
    this.saveWindow();
    if (values === "rss" && samples !== "band" && !this.split) this.#drawBar();
    else this.#drawCurves();
  }

  /** @param {CurvePlot} of */
  #press(of) {
    const { cursor } = of;
    const run = cursor ? this.model.runs.get(cursor.active) : undefined;
    if (run && cursor) void this.around.open(run, this.modes.instant(run.id, cursor.x) * 1e9);
  }

  #fetchCurves() {
    const started = this.choice.started.map((run) => run.id);
    if (started.some((id) => !this.store.get(id))) this.pane.sizePoints(started.length);
    this.store.want(started.slice(0, MOST_CURVES));
  }

  /** The marks of the runs whose phases are laid over each other, or lie behind the curve. */
  #fetchPhases() {
    const shown = this.runs.filter((run) => !this.choice.off.has(run.id));
    const isAligned = this.modes.mode.align !== "time";
    const wanted = (isAligned ? this.runs : this.banded && shown.length === 1 ? shown : [])
      .filter((run) => run.status === "done" && !this.asked.has(run.id));
    if (!wanted.length) return;
    for (const run of wanted) this.asked.add(run.id);
    void Promise.allSettled(wanted.map(async ({ id }) => {
      this.modes.phases.set(id, (await api.getRun(id)).phases ?? []);
    })).then(() => this.#drawCurves());
  }

  /**
   * @param {number} id
   * @param {number} index
   * @param {CurvePlot} of
   */
  #tip(id, index, of) {
    const { modes } = this;
    const run = this.model.runs.get(id);
    const s = of.series.find((one) => one.id === id);
    const said = run ? modes.says(run, s, index, of.shownNs / 1e9) : null;
    if (!run || !said) return describe(run, this.store.get(id), index, of.shownNs);
    const x = of.axes.say(s?.points[index]?.x ?? 0, of.shownNs / 1e9);
    const value = /[KM]iB$/.test(said.value) ? said.value : `${said.value} MiB`;
    return [`${said.detail} ${said.place}`.trim(), `${value} at ${x}`, s?.band
      ? s.name : modes.mode.values === "difference" ? this.#pairText() : seriesName(run)];
  }

  /** "head less base" of a difference. */
  #pairText() {
    const { pair } = this.modes;
    return pair ? `${seriesName(pair.head)} less ${seriesName(pair.base)}` : "";
  }

  /* ---- drawing ---- */

  #draw() {
    this.all = true;
    this.#drawCurves();
  }

  /** With the next frame, however often it is asked for until then. */
  #drawCurves() {
    this.drawing ||= requestAnimationFrame(() => {
      this.drawing = 0;
      this.#drawNow();
    });
  }

  #drawNow() {
    const { model, choice } = this;
    const isEmpty = model.state === "ready" && model.runs.size === 0;
    this.firstSteps.element.hidden = !isEmpty;
    this.full.hidden = isEmpty;
    if (isEmpty) {
      this.firstSteps.update();
      return;
    }
    this.runs = choice.ordered;
    this.look = this.#looks();
    if (this.all) {
      choice.fetchLine();
      this.#drawHead();
      this.#drawMatrix();
      this.figures.update(this.runs, this.look);
    }
    this.all = false;
    this.#drawFigure();
  }

  /** @returns {(run: Run) => import("../charts/palette.js").Look} */
  #looks() {
    const { runs, model } = this;
    const rank = new Map(commitsOf(runs, this.choice.line).map((commit, i) => [commit.sha, i]));
    /** @type {Map<string, number>} */
    const mates = new Map();
    for (const run of runs) mates.set(cellKey(run), (mates.get(cellKey(run)) ?? 0) + 1);
    const names = model.pythonNames;
    return (run) => {
      const { dash, width } = commitLine(rank.get(run.commit.sha) ?? 0);
      const isAlone = (mates.get(cellKey(run)) ?? 1) < 2;
      return { color: pythonColor(run.python.name, names), dash,
        width: isAlone ? width : Math.max(1, width * 0.6) };
    };
  }

  #drawHead() {
    const { controls, choice, modes, model } = this;
    const all = choice.workloads;
    controls.work.hidden = all.length < 2;
    controls.workFixed.hidden = all.length !== 1;
    if (all.length === 1) {
      replace(controls.workFixed, h("b", null, all[0].scenario),
        h("span", null, paramsText(all[0].params)));
    }
    keyed(controls.work, all, (one) => one.key, (one) => h("option", { value: one.key }),
      (option, one) => setText(option, [one.scenario, paramsText(one.params)]
        .filter(Boolean).join("  ·  ")));
    if (controls.work.value !== choice.work) controls.work.value = choice.work;
    controls.split.checked = this.split;
    controls.phases.checked = this.banded;
    controls.follow.checked = choice.follow;
    controls.values.update(modes.mode.values);
    controls.align.update(modes.mode.align);
    controls.samples.update(modes.mode.samples);
    controls.older.hidden = model.olderRuns === null;
    const { missing } = choice;
    this.lost.hidden = missing.length === 0;
    setText(this.lost, `${plural(missing.length, "run")} of this link ` +
      `${missing.length === 1 ? "is" : "are"} not in this database: ${missing.join(", ")}`);
  }

  #drawMatrix() {
    const { choice, matrix, model } = this;
    const { runs = [], params = {}, scenario = "" } = choice.current ?? {};
    matrix.update({
      commits: commitsOf(runs, choice.line),
      committed: new Map(choice.line.map((commit) => [commit.sha, commit.committed_ns])),
      head: model.commits[0]?.sha ?? null,
      pythons: pythonsOf(runs),
      cells: cells(runs),
      selected: new Set(choice.selected),
      look: this.look,
      fill: (sha, python) => href("trigger", {
        commits: sha, pythons: python, scenarios: scenario, params: Object.entries(params)
          .map(([name, value]) => `${name}:${value}`).join(","),
      }),
    });
    if (this.matrixShown || !runs.length || !matrix.element.clientWidth) return;
    this.matrixShown = true;
    matrix.element.scrollLeft = matrix.element.scrollWidth;
  }

  #drawFigure() {
    const { plot, modes, runs, figure, choice, multiples } = this;
    this.#fetchPhases();
    const series = modes.series(runs, this.look, (id) => choice.off.has(id), plot.span);
    const axes = modes.axes(runs, plot.shownNs / 1e9);
    const phases = this.banded ? modes.bands(runs.filter((run) => !choice.off.has(run.id))) : [];
    plot.setAxes(axes);
    plot.setPhases(phases);
    plot.setSeries(series);
    plot.element.hidden = this.split;
    multiples.element.hidden = !this.split;
    if (this.split) {
      const named = new Map(runs.map((run) => [run.id, run.python.name]));
      multiples.update({ series, axes, phases, span: plot.span,
        groupOf: (s) => named.get(s.id) ?? "" });
    }
    const { text, state } = curvesMessage({ runs, store: this.store, isOff: choice.off,
      isDrawn: series.some((s) => s.points.length && !s.hidden),
      isDifference: modes.mode.values === "difference",
      isLoading: this.model.state === "loading" });
    this.pane.say(text, state);
    this.readout.update(runs, this.look);
    this.#drawBar();
    figure.dataset.state = state;
    figure.dataset.runs = runs.map((run) => run.id).join(",");
    figure.dataset.live = String(runs.filter((run) => run.status === "running").length);
    setAttr(figure, "aria-busy", state === "loading" ? "true" : null);
  }

  #drawBar() {
    this.pane.drawBar(this.modes.mode.values === "difference"
      ? this.#pairText() || undefined : undefined);
  }
}

/** @param {import("../views.js").Context} context */
export const createCurves = (context) => new CurvesView(context);

/** @param {(on: boolean) => void} act */
function tick(act) {
  const box = h("input", { type: "checkbox", on: { change: () => act(box.checked) } });
  return box;
}

/**
 * A row of buttons of which one is pressed.
 * @param {string} label
 * @param {readonly (readonly [string, string])[]} all
 * @param {(name: string) => void} choose
 */
function pick(label, all, choose) {
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
