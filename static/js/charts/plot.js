// plot.js - curves on one canvas: RSS against time with cursor, phases, floors, tide marks, bands.
//
// It owns the drawing and nothing else: whoever uses it hands over series (points, their look,
// their figures) and what the axes mean, and hears what chartplot.js tells. Left and right walk
// along the active curve, up and down change the curve.

import { ChartPlot, roundTicks } from "./chartplot.js";
import { mib, mibUnit, seconds, toMib } from "../format.js";
import { css } from "./palette.js";

/**
 * @typedef {object} Series
 * @property {number} id
 * @property {string} name
 * @property {string} color
 * @property {number[]} dash
 * @property {number} width
 * @property {boolean} hidden
 * @property {{x: number, y: number}[]} points seconds and MiB, rising in x
 * @property {number|null} tideMark bytes
 * @property {number|null} tideAt seconds: the instant of the highest sample
 * @property {number|null} floorLine bytes: base + floor
 * @property {{low: Point[], high: Point[]}} [band] lowest and highest of the samples that the
 *   line is the median of
 *
 * @typedef {{x: number, y: number}} Point
 *
 * @typedef {object} Axes what the figures of the points are
 * @property {string} x title with its unit
 * @property {string} y title with its unit
 * @property {boolean} signed the values lie about zero: neither floors nor tide marks
 * @property {(x: number, span: number) => string} say an instant with its unit
 *
 * @typedef {{from: number, to: number, name: string}} Phase
 *
 * @typedef {object} Cursor
 * @property {number} x seconds
 * @property {number} active id of the curve nearest to the pointer
 *
 * @typedef {import("./chartplot.js").Span} Span in seconds
 * @typedef {import("./chartplot.js").Brush} Brush
 */

const FLAG = 13;              // height of a tide mark's pole in pixels
const HEADROOM = 30;          // pixels kept free above the highest mark
const SAME_FLOOR = 5;         // floors closer than this many pixels share one line
const LABEL_TALL = 16;        // floors closer than this share one label
const AXIS_TALL = 60;         // pixels that the axis of x and its title take, about
const STILL = 5;              // pixels that a pointer may move in a press
const MIN_SPAN = 20e-6;       // seconds: no zoom below this

/** @type {Axes} */
export const TIME_AXES = {
  x: "time since the process started (s)", y: "RSS (MiB)", signed: false,
  say: (x, span) => `${seconds(x * 1e9, span * 1e9)} s`,
};

export class CurvePlot extends ChartPlot {
  /**
   * @param {(id: number, index: number) => string[]} describe lines that name a point: the first
   *   is what was executing there
   */
  constructor(describe) {
    super({ label: "Instant on the curves", top: 4, dragZooms: true });
    this.describe = describe;
    /** @type {Series[]} */
    this.series = [];
    /** @type {Cursor|null} */
    this.cursor = null;
    /** @type {number|null} */
    this.active = null;
    this.axes = TIME_AXES;
    /** @type {Phase[]} */
    this.phases = [];
    /** @type {{min: number, max: number}|null} a range of values shared with other plots */
    this.shared = null;
    this.least = 0;               // the axis goes this far at the least
    this.begin();
    /** @type {{x: number, y: number}|null} where the button went down, in pixels of the window */
    let down = null;
    this.element.addEventListener("pointerdown", (event) => {
      down = { x: event.clientX, y: event.clientY };
    });
    this.element.addEventListener("click", (event) => {
      if (!down || Math.hypot(event.clientX - down.x, event.clientY - down.y) > STILL) return;
      this.press();
    });
  }

  /* ---- what is shown ---- */

  /** The end of the longest visible curve, in seconds. */
  get end() {
    return this.#visible().reduce((end, { points }) =>
      Math.max(end, points[points.length - 1].x), this.least) || 1;
  }

  /** How much time the chart shows, in nanoseconds. */
  get shownNs() {
    const { from, to } = this.shown;
    return (to - from) * 1e9;
  }

  get whole() {
    return { from: 0, to: this.end };
  }

  get narrowest() {
    return MIN_SPAN;
  }

  get counts() {
    const shown = this.#visible();
    return { series: shown.length, points: shown.reduce((sum, s) => sum + s.points.length, 0) };
  }

  get titles() {
    return { x: this.axes.x, y: this.axes.y };
  }

  /** What the figures of the points are. @param {Axes} axes */
  setAxes(axes) {
    this.axes = axes;
    this.element.dataset.values = axes.signed ? "signed" : "rss";
  }

  /** The range of values that the plot would show by itself. */
  get ownRange() {
    const { shared } = this;
    this.shared = null;
    const range = this.range(this.chart.height);
    this.shared = shared;
    return range;
  }

  /** Show this range, as other plots beside it do. @param {{min: number, max: number}} range */
  share(range) {
    this.shared = range;
    this.apply();
  }

  /** Phases that lie behind the curves, in order. @param {Phase[]} phases */
  setPhases(phases) {
    this.phases = phases;
  }

  /** @param {Series[]} series */
  setSeries(series) {
    this.series = series;
    if (!series.some((s) => s.id === this.active && !s.hidden)) this.active = null;
    this.apply();
  }

  /** Bring one curve forward. @param {number|null} id */
  setActive(id) {
    if (this.active === id) return;
    this.active = id;
    this.redraw();
  }

  #visible() {
    return this.series.filter((s) => !s.hidden && s.points.length);
  }

  /**
   * @param {"x"|"y"} axis
   * @param {number} min
   * @param {number} max
   * @param {number} size
   */
  ticks(axis, min, max, size) {
    return roundTicks(min, max, 1, size / (axis === "x" ? 85 : 48)).map((value) => ({ value }));
  }

  /**
   * From zero while everything is shown, so that heights compare; fitted to what is in the
   * window once zoomed.
   * @param {number} height of the canvas in pixels
   */
  range(height) {
    if (this.shared) return this.shared;
    const { isZoomed } = this;
    const { min: low, max } = this.#extent();
    if (low > max) return { min: 0, max: 1 };
    if (this.axes.signed) {
      const rim = Math.max(0.05, (Math.max(0, max) - Math.min(0, low)) * 0.06);
      return { min: Math.min(0, low) - rim, max: Math.max(0, max) + rim };
    }
    const least = Math.max(0.05, max * 1e-4);
    let [min, top] = [isZoomed ? low : 0, max];
    if (top - min < least) {
      min = Math.max(0, min - least / 2);
      top = min + least;
    }
    const room = (top - min) * HEADROOM / Math.max(120, height - AXIS_TALL);
    return { min: isZoomed ? Math.max(0, min - room / 4) : 0, max: top + room };
  }

  /** Lowest and highest of what is in the window, with the values where lines cross its edges. */
  #extent() {
    const { from, to } = this.shown;
    let min = Infinity;
    let max = -Infinity;
    /** @param {number|null} y */
    const see = (y) => {
      if (y === null) return;
      if (y < min) min = y;
      if (y > max) max = y;
    };
    for (const s of this.#visible()) {
      for (const points of s.band ? [s.points, s.band.low, s.band.high] : [s.points]) {
        const last = lowerBound(points, to);
        for (let i = lowerBound(points, from); i < last; i++) see(points[i].y);
        see(valueAt(points, from));
        see(valueAt(points, to));
      }
      if (this.axes.signed) continue;
      if (isFlagged(s, from, to)) see(toMib(/** @type {number} */ (s.tideMark)));
      if (s.floorLine !== null && !this.isZoomed) see(toMib(s.floorLine));
    }
    return { min, max };
  }

  /* ---- drawing ---- */

  /**
   * @param {"under"|"lines"|"over"} layer
   * @param {Brush} brush
   */
  paint(layer, brush) {
    if (layer === "under") this.#drawPhases(brush);
    else if (layer === "lines") this.#drawCurves(brush);
    else if (!this.axes.signed) this.#drawTideMarks(brush);
  }

  /** @param {Brush} brush */
  #drawCurves(brush) {
    const { ctx } = brush;
    ctx.lineJoin = "bevel"; // a mitre would show a peak higher than it was
    const shown = this.#visible().sort((a, b) =>
      Number(a.id === this.active) - Number(b.id === this.active));
    for (const { band, color } of shown) {
      if (!band?.low.length) continue;
      ctx.fillStyle = `${color}38`;
      ctx.beginPath();
      trace(brush, band.high, false);
      trace(brush, band.low, true);
      ctx.fill();
    }
    for (const s of shown) {
      ctx.strokeStyle = s.color;
      ctx.lineWidth = s.id === this.active ? s.width + 1 : s.width;
      ctx.setLineDash(s.dash);
      ctx.beginPath();
      trace(brush, s.points, false);
      ctx.stroke();
    }
  }

  /** Floors that lie together share one dotted line, those a little further apart one label. */
  annotations() {
    if (this.axes.signed) return zeroLine();
    const { height } = this.chart;
    const range = this.range(height);
    const pixel = (range.max - range.min) / Math.max(120, height - AXIS_TALL);
    const values = this.#visible().flatMap((s) => (s.floorLine === null ? []
      : [toMib(s.floorLine)])).filter((y) => y >= range.min && y <= range.max);
    const lines = clusters(values, SAME_FLOOR * pixel).map((group) => group[0]);
    /** @type {Record<string, any>} */
    const drawn = {};
    for (const group of clusters(lines, LABEL_TALL * pixel)) {
      const [low, high] = [group[0], group[group.length - 1]];
      const text = low === high ? figure(low) : `${figure(low)} to ${figure(high)}`;
      for (const y of group) {
        drawn[`floor${Object.keys(drawn).length}`] =
          floorLine(y, y === high ? `floor ${text} MiB` : "", this.text - 1);
      }
    }
    return drawn;
  }

  /** Every other phase shaded, named at the top where there is room. @param {Brush} brush */
  #drawPhases({ ctx, area, x }) {
    ctx.font = `${this.text - 1}px ${css("--sans")}`;
    ctx.textBaseline = "top";
    this.phases.forEach((phase, i) => {
      const left = Math.max(area.left, x.px(phase.from));
      const right = Math.min(area.right, x.px(phase.to));
      if (right - left < 0.5) return;
      if (i % 2 === 0) {
        ctx.fillStyle = css("--raised");
        ctx.fillRect(left, area.top, right - left, area.bottom - area.top);
      }
      if (ctx.measureText(phase.name).width + 6 > right - left) return;
      ctx.fillStyle = css("--muted");
      ctx.fillText(phase.name, left + 3, area.top + 2);
    });
  }

  /** A flag at each curve's highest instant, at the height that the kernel counted.
   * @param {Brush} brush */
  #drawTideMarks(brush) {
    const { min, max } = brush.x;
    const marked = this.#visible().filter((s) => isFlagged(s, min, max));
    if (!marked.length) return;
    for (const s of marked) drawFlag(brush, s);
    const mark = (/** @type {Series} */ s) => /** @type {number} */ (s.tideMark);
    const highest = marked.reduce((a, b) => (mark(b) > mark(a) ? b : a));
    this.#nameFlag(brush, marked.find((s) => s.id === this.active) ?? highest);
  }

  /**
   * @param {Brush} brush
   * @param {Series} s
   */
  #nameFlag({ ctx, area, x, y }, { tideAt, tideMark }) {
    const px = x.px(/** @type {number} */ (tideAt));
    const py = y.px(toMib(/** @type {number} */ (tideMark)));
    const text = `tide mark ${mibUnit(tideMark)}`;
    ctx.font = `600 ${this.text - 1}px ${css("--sans")}`;
    const width = ctx.measureText(text).width;
    const left = px + 12 + width > area.right ? px - 6 - width : px + 12;
    ctx.textBaseline = "middle";
    ctx.fillStyle = css("--veil");
    ctx.fillRect(left - 3, py - FLAG - 5, width + 6, 16);
    ctx.fillStyle = css("--ink");
    ctx.fillText(text, left, py - FLAG + 3);
  }

  /* ---- cursor ---- */

  /**
   * On the curve that is nearest.
   * @param {number} px
   * @param {number} py
   */
  point(px, py) {
    const { scales } = this.chart;
    const x = scales.x.getValueForPixel(px);
    let best = null;
    let bestDistance = Infinity;
    for (const s of this.#visible()) {
      const y = valueAt(s.points, x) ?? s.points[nearest(s.points, x)].y;
      const beyond = Math.max(0, px - scales.x.getPixelForValue(s.points[s.points.length - 1].x));
      const distance = Math.abs(scales.y.getPixelForValue(y) - py) + beyond;
      if (distance < bestDistance) [bestDistance, best] = [distance, s];
    }
    this.#setCursor(best ? { x, active: best.id } : null);
  }

  leave() {
    this.#setCursor(null);
  }

  press() {
    if (this.cursor) this.dispatchEvent(new Event("press"));
  }

  /** Where the keyboard starts: at the active curve's tide mark. */
  #keyboardCursor() {
    const shown = this.#visible();
    const s = shown.find((one) => one.id === this.active) ?? shown[0];
    if (!s) return;
    const { from, to } = this.shown;
    const at = this.cursor?.x ?? s.tideAt ?? s.points[0].x;
    this.#setCursor({ x: at >= from && at <= to ? at : (from + to) / 2, active: s.id });
  }

  /**
   * Put the cursor on an instant of a curve, moving the window there where it is elsewhere.
   * @param {number} id
   * @param {number} x
   */
  lookAt(id, x) {
    this.reveal(x);
    this.byKeyboard = true;
    this.#setCursor({ x, active: id });
  }

  /**
   * @param {number} along
   * @param {number} across
   */
  walk(along, across) {
    const shown = this.#visible();
    if (!this.cursor || (!along && !across)) {
      this.#keyboardCursor();
      return;
    }
    if (!shown.length) return;
    const at = Math.max(0, shown.findIndex((s) => s.id === this.cursor?.active));
    const s = shown[(at + across + shown.length) % shown.length];
    const { from, to } = this.shown;
    const i = Number.isFinite(along) ? nearest(s.points, this.cursor.x) + along
      : lowerBound(s.points, along < 0 ? from : to);
    this.lookAt(s.id, s.points[Math.max(0, Math.min(s.points.length - 1, i))].x);
  }

  /** @param {Cursor|null} cursor */
  #setCursor(cursor) {
    if (!cursor && !this.cursor) return;
    this.cursor = cursor;
    if (cursor) this.setActive(cursor.active);
    this.placeCursor();
    this.dispatchEvent(new Event("cursor"));
  }

  /**
   * The point of a curve that stands for the cursor's instant, or -1 past the curve's end.
   * @param {number} id
   */
  indexAtCursor(id) {
    const s = this.series.find((one) => one.id === id);
    return s ? this.#indexAtCursor(s) : -1;
  }

  /** @param {Series} s */
  #indexAtCursor({ points }) {
    if (!this.cursor || !points.length) return -1;
    const { x } = this.cursor;
    const i = nearest(points, x);
    const slack = this.shownNs / 1e9 * 0.01;
    return Math.abs(points[i].x - x) > slack && x > points[points.length - 1].x ? -1 : i;
  }

  /** @returns {import("./chartplot.js").Spot|null} */
  spot() {
    const { cursor } = this;
    const shown = this.#visible();
    const s = shown.find((one) => one.id === cursor?.active);
    if (!cursor || !s) return null;
    const i = nearest(s.points, cursor.x);
    const point = s.points[i];
    const lines = this.describe(s.id, i);
    return {
      at: cursor.x, point, lines,
      dots: shown.flatMap((one) => {
        const k = this.#indexAtCursor(one);
        return k < 0 ? [] : [{ ...one.points[k], color: one.color, active: one.id === s.id }];
      }),
      said: { now: point.x, max: this.end,
        text: `${this.axes.say(point.x, this.shownNs / 1e9)}: ${lines.join(", ")}` },
    };
  }
}

/**
 * Whether a curve's tide mark lies within a window.
 * @param {Series} s
 * @param {number} from
 * @param {number} to
 */
const isFlagged = ({ tideMark, tideAt }, from, to) =>
  tideMark !== null && tideAt !== null && tideAt >= from && tideAt <= to;

/**
 * @param {Brush} brush
 * @param {Series} s
 */
function drawFlag({ ctx, area, x, y }, s) {
  const px = x.px(/** @type {number} */ (s.tideAt));
  const py = y.px(toMib(/** @type {number} */ (s.tideMark)));
  if (py < area.top || py > area.bottom) return;
  const sample = valueAt(s.points, /** @type {number} */ (s.tideAt));
  const foot = sample === null ? py : Math.max(py, y.px(sample));
  ctx.strokeStyle = s.color;
  ctx.fillStyle = s.color;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  ctx.moveTo(px, Math.min(foot, area.bottom));
  ctx.lineTo(px, py - FLAG);
  ctx.stroke();
  ctx.beginPath();
  ctx.moveTo(px, py - FLAG);
  ctx.lineTo(px + 8, py - FLAG + 3.5);
  ctx.lineTo(px, py - FLAG + 7);
  ctx.closePath();
  ctx.fill();
}

/**
 * Add the points within the window, and the one on either side, to the path at hand.
 * @param {Brush} brush
 * @param {Point[]} points
 * @param {boolean} back from right to left, as the other side of what is already there
 */
function trace({ ctx, x, y }, points, back) {
  const first = Math.max(0, lowerBound(points, x.min) - 1);
  const last = Math.min(points.length - 1, lowerBound(points, x.max));
  for (let k = first; k <= last; k++) {
    const point = points[back ? first + last - k : k];
    if (k === first && !back) ctx.moveTo(x.px(point.x), y.px(point.y));
    else ctx.lineTo(x.px(point.x), y.px(point.y));
  }
}

/**
 * @param {number} y
 * @param {string} label
 * @param {number} size of its text in pixels
 */
const floorLine = (y, label, size) => ({
  type: "line", yMin: y, yMax: y, borderColor: css("--floor"), borderWidth: 1.5,
  borderDash: [1.5, 4], drawTime: "beforeDatasetsDraw",
  label: {
    display: label !== "", drawTime: "afterDatasetsDraw", position: "end", yAdjust: -9,
    padding: 2, content: label, backgroundColor: css("--veil"), color: css("--floor"),
    font: { family: css("--sans"), size, weight: "normal" },
  },
});

const zeroLine = () => ({ zero: {
  type: "line", yMin: 0, yMax: 0, borderColor: css("--edge"), borderWidth: 1,
  drawTime: "beforeDatasetsDraw",
} });

/** @param {number} inMib */
const figure = (inMib) => mib(inMib * 1048576);

/**
 * Values in rising order, those nearer to each other than `gap` together.
 * @param {number[]} values
 * @param {number} gap
 */
function clusters(values, gap) {
  /** @type {number[][]} */
  const groups = [];
  for (const value of [...values].sort((a, b) => a - b)) {
    const group = groups[groups.length - 1];
    if (group && value - group[group.length - 1] < gap) group.push(value);
    else groups.push([value]);
  }
  return groups;
}

/**
 * The first index whose x is at or after `x`.
 * @param {{x: number}[]} points
 * @param {number} x
 */
export function lowerBound(points, x) {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle].x < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * @param {{x: number}[]} points not empty
 * @param {number} x
 */
export function nearest(points, x) {
  const i = lowerBound(points, x);
  if (i === 0) return 0;
  if (i === points.length) return i - 1;
  return x - points[i - 1].x <= points[i].x - x ? i - 1 : i;
}

/**
 * The height of the drawn line at `x`, or null outside the curve.
 * @param {{x: number, y: number}[]} points
 * @param {number} x
 */
export function valueAt(points, x) {
  const i = lowerBound(points, x);
  if (i === points.length) return null;
  const right = points[i];
  if (i === 0) return right.x === x ? right.y : null;
  const left = points[i - 1];
  if (right.x === left.x) return right.y;
  return left.y + (right.y - left.y) * (x - left.x) / (right.x - left.x);
}
