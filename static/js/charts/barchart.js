// barchart.js - bars with intervals, one for each Python, the parts of a value stacked in it:
// Chart.js with a small plugin for the intervals and for the mark of the first that moved.
//
// A bar is a door: a press opens its link. With the keyboard the chart is one stop: arrows walk
// along the bars and say each, Enter opens.

import { Chart } from "./vendor.js";
import { h, setAttr } from "../dom.js";
import { css, onTheme } from "./palette.js";
import { axisFigure } from "../quantity.js";

/**
 * @typedef {object} Bar
 * @property {string} name
 * @property {string} color
 * @property {number[]} parts from the bottom up; one where nothing is stacked; none: no bar
 * @property {number|null} low
 * @property {number|null} high
 * @property {string|null} marked the verdict of the first that moved
 * @property {boolean} failed
 * @property {string} note over the bar, where there is room
 * @property {string[]} words what its tip says
 * @property {string} link where a press leads
 *
 * @typedef {object} BarFrame
 * @property {string} label of the chart, for readers
 * @property {string} title of y
 * @property {number} unit of y: what its ticks are counted in
 */

const FAINT = "66"; // alpha of every part but the uppermost

export class BarChart {
  constructor() {
    /** @type {Bar[]} */
    this.bars = [];
    /** @type {BarFrame} */
    this.frame = { label: "", title: "", unit: 1 };
    this.at = -1; // the bar that the keyboard is at
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.element = h("div", {
      class: "bars", tabindex: 0, role: "slider", "aria-valuemin": 1, "aria-valuemax": 1,
      "aria-valuenow": 1, "aria-valuetext": "no bar yet", "aria-label": "Bars",
      on: {
        keydown: (/** @type {KeyboardEvent} */ event) => {
          if (this.#key(event.key)) event.preventDefault();
        },
        blur: () => this.#point(-1),
      },
    }, this.canvas);
    this.endTheme = onTheme(() => this.#apply());
    this.chart = this.#makeChart();
  }

  destroy() {
    this.at = -1; // the focus that leaves with the element finds nothing to clear
    this.endTheme();
    this.chart.destroy();
  }

  /** @returns {any} */
  #makeChart() {
    /** @type {any} */
    const config = {
      type: "bar",
      data: { labels: [], datasets: [] },
      plugins: [{ id: "intervals", afterDatasetsDraw: (/** @type {any} */ chart) =>
        this.#drawOver(chart) }],
      options: {
        animation: false, responsive: true, maintainAspectRatio: false, locale: "en",
        layout: { padding: { top: 36 } },
        interaction: { mode: "index", intersect: false },
        onClick: (/** @type {any} */ event, /** @type {{index: number}[]} */ [hit]) => {
          // A finger cannot point before it presses: its first press shows, the next one opens.
          const shows = event.native?.pointerType === "touch" && hit?.index !== this.at;
          if (hit && shows) this.#point(hit.index);
          else if (hit) this.#open(hit.index);
        },
        datasets: { bar: { categoryPercentage: 0.9, barPercentage: 0.9, maxBarThickness: 56 } },
        scales: {
          x: { stacked: true, grid: { display: false }, border: { display: false },
            ticks: { maxRotation: 60, autoSkip: false, autoSkipPadding: 0 } },
          y: { stacked: true, beginAtZero: true, border: { display: false },
            title: { display: true, text: "" }, ticks: { maxTicksLimit: 6,
              callback: (/** @type {number} */ value) => axisFigure(value) } },
        },
        plugins: {
          legend: { display: false },
          tooltip: { animation: false, displayColors: false, callbacks: {
            title: (/** @type {any[]} */ items) => items[0]?.label ?? "",
            label: (/** @type {any} */ item) =>
              item.datasetIndex ? [] : this.bars[item.dataIndex].words,
          } },
        },
      },
    };
    return new Chart(this.canvas, config);
  }

  /**
   * @param {Bar[]} bars
   * @param {BarFrame} frame
   */
  set(bars, frame) {
    this.bars = bars;
    this.frame = frame;
    setAttr(this.element, "aria-label", frame.label);
    setAttr(this.element, "aria-valuemax", String(bars.length));
    this.#say(Math.max(0, this.at));
    this.#apply();
  }

  /** @param {string} key */
  #key(key) {
    const last = this.bars.length - 1;
    if (key === "ArrowRight" || key === "ArrowUp") this.#point(Math.min(last, this.at + 1));
    else if (key === "ArrowLeft" || key === "ArrowDown") this.#point(Math.max(0, this.at - 1));
    else if (key === "Home") this.#point(0);
    else if (key === "End") this.#point(last);
    else if (key === "Enter" && this.at >= 0) this.#open(this.at);
    else return false;
    return true;
  }

  /**
   * Show and say a bar.
   * @param {number} at -1 for none
   */
  #point(at) {
    if (at === this.at) return;
    this.at = at;
    const active = at < 0 ? [] : this.chart.data.datasets
      .map((/** @type {any} */ _set, /** @type {number} */ datasetIndex) =>
        ({ datasetIndex, index: at }));
    this.chart.setActiveElements(active);
    this.chart.tooltip?.setActiveElements(active, { x: 0, y: 0 });
    this.chart.update("none");
    if (at >= 0) this.#say(at);
  }

  /** @param {number} at */
  #say(at) {
    const bar = this.bars[at];
    if (!bar) return;
    setAttr(this.element, "aria-valuenow", String(at + 1));
    setAttr(this.element, "aria-valuetext", `${bar.name}: ${bar.words.join(", ")}`);
  }

  /** @param {number} at */
  #open(at) {
    const link = this.bars[at]?.link;
    if (link) location.hash = link.slice(1);
  }

  #apply() {
    const { chart, bars, frame } = this;
    const depth = Math.max(0, ...bars.map((bar) => bar.parts.length));
    chart.data.labels = bars.map((bar) => bar.name);
    chart.data.datasets = Array.from({ length: depth }, (_, part) => ({
      data: bars.map((bar) => (bar.parts[part] ?? NaN) / frame.unit),
      backgroundColor: bars.map((bar) =>
        part === bar.parts.length - 1 ? bar.color : bar.color + FAINT),
    }));
    const { scales } = chart.options;
    const font = { family: css("--sans"), size: fontSize() };
    for (const axis of [scales.x, scales.y]) {
      Object.assign(axis.ticks, { color: css("--muted"), font });
    }
    Object.assign(scales.y.title, { text: frame.title, color: css("--muted"), font });
    scales.y.grid = { color: css("--hairline"), tickLength: 0 };
    Object.assign(chart.options.plugins.tooltip, {
      backgroundColor: css("--ink"), titleColor: css("--bg"), bodyColor: css("--bg"),
    });
    chart.update("none");
    this.element.dataset.bars = String(bars.filter((bar) => bar.parts.length).length);
  }

  /** Intervals, notes and marks. @param {any} chart */
  #drawOver(chart) {
    const { ctx, scales: { x, y } } = chart;
    ctx.save();
    const font = fontSize() - 1;
    ctx.font = `${font}px ${css("--sans")}`;
    ctx.textAlign = "center";
    const room = (x.right - x.left) / Math.max(1, this.bars.length);
    this.bars.forEach((bar, i) => {
      const px = x.getPixelForValue(i);
      if (bar.failed) drawCross(ctx, px, y.bottom - 8, css("--muted"));
      if (!bar.parts.length) return;
      const sum = bar.parts.reduce((a, b) => a + b, 0);
      const [low, high, top] = [bar.low, bar.high, sum].map((v) =>
        y.getPixelForValue((v ?? sum) / this.frame.unit));
      if (bar.low !== null && bar.high !== null) drawInterval(ctx, px, low, high);
      const noted = bar.note && ctx.measureText(bar.note).width < room - 2;
      ctx.fillStyle = css("--muted");
      if (noted) ctx.fillText(bar.note, px, Math.min(top, high) - 7);
      if (bar.marked) {
        drawMark(ctx, px, Math.min(top, high) - (noted ? font + 8 : 8), css(`--${bar.marked}`));
      }
    });
    ctx.restore();
  }
}

const fontSize = () =>
  0.75 * (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16);

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x
 * @param {number} low
 * @param {number} high
 */
function drawInterval(ctx, x, low, high) {
  ctx.strokeStyle = css("--ink");
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  ctx.moveTo(x, low);
  ctx.lineTo(x, high);
  for (const y of [low, high]) {
    ctx.moveTo(x - 4, y);
    ctx.lineTo(x + 4, y);
  }
  ctx.stroke();
}

/**
 * What failed has no bar.
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x
 * @param {number} y
 * @param {string} color
 */
function drawCross(ctx, x, y, color) {
  ctx.strokeStyle = color;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  ctx.moveTo(x - 4, y - 4);
  ctx.lineTo(x + 4, y + 4);
  ctx.moveTo(x + 4, y - 4);
  ctx.lineTo(x - 4, y + 4);
  ctx.stroke();
}

/**
 * A flag over the first bar that moved.
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x
 * @param {number} y
 * @param {string} color
 */
function drawMark(ctx, x, y, color) {
  ctx.fillStyle = color;
  ctx.strokeStyle = color;
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.lineTo(x, y - 12);
  ctx.stroke();
  ctx.beginPath();
  ctx.moveTo(x, y - 12);
  ctx.lineTo(x + 8, y - 8.5);
  ctx.lineTo(x, y - 5);
  ctx.closePath();
  ctx.fill();
}
