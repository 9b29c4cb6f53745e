// historychart.js - the chart of the view History: a metric against the commits, a line per Python,
// with its legend, its spacing and scaling, and what it says of a point.
//
// It draws an answer of GET /series and keeps nothing else. Events: "chosen" (spacing, scaling or
// a line was switched), and those of its plot.

import { ChartMenu } from "./chartmenu.js";
import { h } from "../dom.js";
import { dateTime, plural, shortSha } from "../format.js";
import { Legend } from "./legend.js";
import { LinePlot } from "./lineplot.js";
import { pythonColor } from "./palette.js";
import { axisFigure, exact, figure, percent, scaleFor, within } from "../quantity.js";
import { dateTicks, drawnLines, evenTicks, lineName, place } from "./serieslines.js";
import { tabs } from "../tabs.js";

/** @typedef {import("../types.js").SeriesAnswer} SeriesAnswer */
/** @typedef {import("./serieslines.js").Spacing} Spacing */
/** @typedef {import("./serieslines.js").Scaling} Scaling */

const Y_TITLES = { first: "change from the first measured commit (%)",
  baseline: "change from the baseline (%)" };
const X_TITLES = { even: "commits, oldest first", date: "when it was committed",
  tag: "tagged commits, oldest first" };

export class HistoryChart extends EventTarget {
  /**
   * @param {import("./model.js").Model} model
   * @param {() => string} metricTitle
   */
  constructor(model, metricTitle) {
    super();
    this.model = model;
    this.metricTitle = metricTitle;
    /** @type {SeriesAnswer|null} */
    this.answer = null;
    /** @type {import("./serieslines.js").Placed} */
    this.placed = { commits: [], x: new Float64Array() };
    /** @type {Spacing} */
    this.x = "even";
    /** @type {Scaling} */
    this.y = "raw";
    /** @type {Set<string>} ids of lines that are switched off */
    this.off = new Set();

    this.plot = new LinePlot((line, index) => this.#words(line.id, index));
    this.spacing = tabs("Where commits stand", [["even", "Even"], ["date", "By date"],
      ["tag", "By tag"]], (value) => {
      this.x = /** @type {Spacing} */ (value);
      this.plot.setSpan(null);
      this.#chosen();
    });
    this.scaling = tabs("Values", [["raw", "As measured"], ["first", "% from first"],
      ["baseline", "% from baseline"]], (value) => {
      this.y = /** @type {Scaling} */ (value);
      this.#chosen();
    });
    this.legend = new Legend({
      toggle: (id) => {
        if (!this.off.delete(id)) this.off.add(id);
        this.#chosen();
      },
      point: (id) => this.plot.setActive(id),
    });
    this.menu = new ChartMenu({
      name: "history", title: () => `${this.answer?.scenario}: ${metricTitle()}`,
      canvases: () => [this.plot.canvas], data: () => this.#data(),
    });
    this.zoomIn = zoomButton("Zoom in", "+", () => this.plot.zoomBy(2));
    this.zoomOut = zoomButton("Zoom out", "−", () => this.plot.zoomBy(0.5));
    this.reset = h("button", { type: "button", class: "small", on: {
      click: () => this.plot.show(null),
    } }, "Reset zoom");
    this.under = h("div");
    this.element = h("figure", { class: "curves history", "aria-label": "Metric against commits" },
      h("div", { class: "plot-side" },
        h("div", { class: "plot-bar" }, this.spacing.element, this.scaling.element,
          h("span", { class: "spring" }), h("span", { class: "zoom-buttons" }, this.zoomOut,
            this.zoomIn, this.reset), this.menu.element),
        h("div", { class: "plot-box" }, this.plot.element), this.under),
      this.legend.element);
    this.plot.addEventListener("window", () => this.#drawBar());
  }

  destroy() {
    this.plot.destroy();
  }

  #chosen() {
    this.draw(this.answer);
    this.dispatchEvent(new Event("chosen"));
  }

  /** @param {SeriesAnswer|null} answer */
  draw(answer) {
    this.answer = answer;
    if (!answer) return;
    const tagged = answer.commits.tag.some((tag) => tag !== null);
    this.spacing.hide("tag", !tagged);
    if (this.x === "tag" && !tagged) this.x = "even";
    this.spacing.set(this.x);
    this.scaling.set(this.y);
    this.placed = place(answer, this.x);
    const names = this.model.pythonNames;
    const lines = drawnLines(answer, this.placed, {
      scaling: this.y, baseline: this.model.baseline, off: this.off,
      color: (python) => pythonColor(python, names),
    });
    this.plot.setLines(lines, this.#frame(answer));
    this.element.dataset.state = "ready";
    this.legend.update(lines.map((line, i) => {
      const last = answer.series[i].median.findLast((value) => value !== null) ?? null;
      return { id: line.id, name: line.name, off: line.hidden, look: line,
        detail: figure(last, answer.unit), title: `newest: ${exact(last, answer.unit)}` };
    }).reverse(), this.plot.active);
    this.#drawBar();
    this.menu.update();
  }

  #drawBar() {
    this.zoomOut.disabled = this.reset.disabled = this.plot.span === null;
  }

  /** @param {SeriesAnswer} answer @returns {import("./lineplot.js").Frame} */
  #frame({ commits, unit, series, scenario }) {
    const { placed, x } = this;
    const most = series.reduce((high, line) => line.median.reduce(
      (/** @type {number} */ top, value) => Math.max(top, value ?? 0), high), 0);
    const scale = scaleFor(unit, most);
    const raw = this.y === "raw";
    const word = (/** @type {number} */ i) => i < 0 || i >= placed.commits.length ? null
      : x === "tag" ? commits.tag[placed.commits[i]] : shortSha(commits.sha[placed.commits[i]]);
    return {
      label: `${this.metricTitle()} of ${scenario} against commits`,
      xTitle: X_TITLES[x],
      yTitle: this.y === "raw" ? [this.metricTitle(), scale.unit && `(${scale.unit})`]
        .filter(Boolean).join(" ") : Y_TITLES[this.y],
      ticks: (min, max, wide) => x === "date" ? dateTicks(min, max, wide)
        : evenTicks(min, max, wide, word),
      yLabel: (value) => axisFigure(value / (raw ? scale.size : 1)),
      yUnit: raw ? scale.size : 1,
      rules: x === "tag" ? [] : placed.commits.flatMap((commit, i) => {
        const text = commits.tag[commit];
        return text === null ? [] : [{ at: placed.x[i], text }];
      }),
      fromZero: false, level: raw ? null : 0,
    };
  }

  /**
   * @param {string} id of a line
   * @param {number} index among the placed
   */
  pointOf(id, index) {
    const { answer } = this;
    const line = answer?.series.find((one) => String(one.id) === id);
    const commit = this.placed.commits[index];
    if (!answer || !line || commit === undefined) return null;
    const { commits } = answer;
    return { line, commit, sha: commits.sha[commit], subject: commits.subject[commit],
      at: commits.committed_ns[commit], tag: commits.tag[commit], cell: line.cell[commit],
      thing: {
        project: answer.project, scenario: answer.scenario, allocator: answer.allocator,
        commit: commits.sha[commit], python: line.python.name,
        label: `${answer.scenario}, ${shortSha(commits.sha[commit])} on ${line.python.name}`,
      } };
  }

  /** What the cursor stands on. */
  get chosenPoint() {
    const { cursor } = this.plot;
    return cursor ? this.pointOf(cursor.line, cursor.index) : null;
  }

  /** The line that is brought forward, else the first that is shown. */
  get activeLine() {
    const series = this.answer?.series ?? [];
    return series.find((one) => String(one.id) === this.plot.active) ??
      series.find((one) => !this.off.has(String(one.id))) ?? series[0];
  }

  /**
   * @param {string} id
   * @param {number} index
   * @returns {string[]}
   */
  #words(id, index) {
    const found = this.pointOf(id, index);
    if (!found || !this.answer) return [];
    const { line, commit } = found;
    const drawn = this.plot.lines.find((one) => one.id === id);
    const change = line.changes.find((one) => one.index === commit);
    return [
      within(line.median[commit], line.low[commit], line.high[commit], this.answer.unit) +
        (this.y !== "raw" && drawn ? `, ${percent(drawn.y[index])}` : ""),
      `${lineName(this.answer, line)} at ${shortSha(found.sha)}${found.tag ? ` (${found.tag})`
        : ""}`,
      found.subject, `${dateTime(found.at)}, ${plural(line.n[commit], "sample")}`,
      ...(change ? [`${change.verdict} from here: ${percent(change.percent)}` +
        (change.status === "suspect" ? ", suspected" : change.accepted ? ", accepted" : "")] : []),
    ];
  }

  /** Show the commits around one. @param {number} commit an index of the answer's commits */
  showAround(commit) {
    const { placed, plot } = this;
    const at = placed.commits.indexOf(commit);
    if (at < 0) return;
    const half = Math.max(5, Math.round(placed.commits.length / 20));
    const ends = [Math.max(0, at - half), Math.min(placed.x.length - 1, at + half)];
    plot.show({ from: placed.x[ends[0]], to: placed.x[ends[1]] });
    plot.element.focus();
  }

  /** @returns {import("./chartmenu.js").Data} */
  #data() {
    const { answer } = this;
    if (!answer) return { columns: [], rows: [] };
    const { commits, series, unit } = answer;
    return {
      columns: ["commit", "subject", "committed", "tag", ...series.flatMap((line) =>
        [`${lineName(answer, line)} median (${unit})`, "low", "high", "samples"])],
      rows: this.placed.commits.map((i) => [commits.sha[i], commits.subject[i],
        new Date(commits.committed_ns[i] / 1e6).toISOString(), commits.tag[i],
        ...series.flatMap((line) => [line.median[i], line.low[i], line.high[i], line.n[i]])]),
    };
  }
}

/**
 * @param {string} label
 * @param {string} sign
 * @param {() => void} act
 */
const zoomButton = (label, sign, act) => h("button", {
  type: "button", class: "small sign", "aria-label": label, title: label, on: { click: act },
}, sign);
