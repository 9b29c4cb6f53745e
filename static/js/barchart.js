// barchart.js - bars with intervals, one for each Python, the parts of a value stacked in it:
// Chart.js with a small plugin for the intervals and for the mark of the first that moved.

import { Chart } from "./vendor.js";
import { h, setAttr } from "./dom.js";
import { css, onTheme } from "./palette.js";
import { axisFigure } from "./quantity.js";

/**
 * @typedef {object} Bar
 * @property {string} name
 * @property {string} color
 * @property {number[]} parts from the bottom up; one where nothing is stacked; none: no bar
 * @property {number|null} low
 * @property {number|null} high
 * @property {boolean} marked the first that moved
 * @property {boolean} failed
 * @property {string} note over the bar, where there is room
 * @property {string[]} words what its tip says
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
    this.canvas = h("canvas", { role: "img" });
    this.element = h("div", { class: "bars" }, this.canvas);
    this.endTheme = onTheme(() => this.#apply());
    this.chart = this.#makeChart();
  }

  destroy() {
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
        this.#drawIntervals(chart) }],
      options: {
        animation: false, responsive: true, maintainAspectRatio: false, locale: "en",
        layout: { padding: { top: 30 } },
        interaction: { mode: "index", intersect: false },
        datasets: { bar: { categoryPercentage: 0.9, barPercentage: 0.9, maxBarThickness: 56 } },
        scales: {
          x: { stacked: true, grid: { display: false }, border: { display: false },
            ticks: { maxRotation: 60, autoSkip: false } },
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
    setAttr(this.canvas, "aria-label", `${frame.label}: ` +
      bars.map((bar) => `${bar.name} ${bar.words.join(", ")}`).join("; "));
    this.#apply();
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

  /** @param {any} chart */
  #drawIntervals(chart) {
    const { ctx, scales: { x, y } } = chart;
    const ink = css("--ink");
    ctx.save();
    const font = fontSize() - 1;
    ctx.font = `${font}px ${css("--sans")}`;
    ctx.textAlign = "center";
    const room = (x.right - x.left) / Math.max(1, this.bars.length);
    this.bars.forEach((bar, i) => {
      const px = x.getPixelForValue(i);
      if (bar.failed) drawCross(ctx, px, y.bottom - 8, css("--muted"));
      if (!bar.parts.length) return;
      ctx.strokeStyle = ink;
      ctx.lineWidth = 1.5;
      const top = y.getPixelForValue(bar.parts.reduce((a, b) => a + b, 0) / this.frame.unit);
      if (bar.low !== null && bar.high !== null) {
        const [low, high] = [bar.low, bar.high].map((v) => y.getPixelForValue(v / this.frame.unit));
        ctx.beginPath();
        ctx.moveTo(px, low);
        ctx.lineTo(px, high);
        for (const py of [low, high]) {
          ctx.moveTo(px - 4, py);
          ctx.lineTo(px + 4, py);
        }
        ctx.stroke();
      }
      const noted = bar.note && ctx.measureText(bar.note).width < room - 2;
      ctx.fillStyle = css("--muted");
      if (noted) ctx.fillText(bar.note, px, top - 7);
      if (bar.marked) drawMark(ctx, px, top - (noted ? font + 8 : 8), css("--worse"));
    });
    ctx.restore();
  }
}

const fontSize = () =>
  0.75 * (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16);

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
