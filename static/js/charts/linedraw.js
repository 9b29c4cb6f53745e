// linedraw.js - how long lines stand on a canvas, with their intervals, marks and rules.
//
// Thinning keeps of every column of pixels the first, lowest, highest and last value, so no peak is
// lost at any zoom and a line costs what the canvas is wide, however many points it has. NaN is a
// gap: the line breaks there, and a faint dotted bridge says which parts belong together.

import { lowerBound } from "./linepoints.js";
import { css } from "./palette.js";

/**
 * @typedef {import("./chartplot.js").Brush} Brush
 * @typedef {import("./lineplot.js").DrawnLine} DrawnLine
 *
 * @typedef {object} Arrow a change of one or several lines at one place
 * @property {number} at
 * @property {number} y the highest of them, or the lowest
 * @property {"worse"|"better"} kind
 * @property {boolean} faint every one of them is suspected only, or accepted
 *
 * @typedef {{crosses: number[], arrows: Arrow[]}} Marks
 */

const DOTS_FROM = 7;   // pixels between points from which each is drawn as a dot
const DENSE = 1.5;     // pixels between points under which they are gathered in columns

/** Columns of a line, from left to right. */
class Columns {
  /** @param {number} size the most that it may be asked to hold */
  constructor(size) {
    this.n = 0;
    this.px = new Float32Array(size);
    this.open = new Float64Array(size);
    this.low = new Float64Array(size);
    this.high = new Float64Array(size);
    this.shut = new Float64Array(size);
    this.bottom = new Float64Array(size); // of the intervals; NaN: none
    this.top = new Float64Array(size);
    this.gap = new Uint8Array(size);      // before the column the line is broken
  }

  /**
   * Gather the points of a line from `first` up to `last`.
   * @param {import("./chartplot.js").Axis} axis
   * @param {DrawnLine} line
   * @param {number} first
   * @param {number} last
   */
  gather(axis, { x, y, low, high }, first, last) {
    const dense = axis.px(x[last - 1]) - axis.px(x[first]) < (last - first) * DENSE;
    let k = -1;
    let gap = 1;
    for (let i = first; i < last; i++) {
      const value = y[i];
      const at = axis.px(x[i]);
      const px = dense ? Math.round(at) : at;
      const same = k >= 0 && this.px[k] === px;
      if (value !== value) { // NaN. Within a column of many points a gap cannot be seen.
        if (!same) gap = 1;
        continue;
      }
      if (!same || !dense) {
        k += 1;
        this.px[k] = px;
        this.open[k] = this.low[k] = this.high[k] = value;
        this.bottom[k] = this.top[k] = NaN;
        this.gap[k] = gap;
      }
      gap = 0;
      if (value < this.low[k]) this.low[k] = value;
      if (value > this.high[k]) this.high[k] = value;
      this.shut[k] = value;
      if (!low || !high || low[i] !== low[i] || high[i] !== high[i]) continue;
      if (!(this.bottom[k] <= low[i])) this.bottom[k] = low[i];
      if (!(this.top[k] >= high[i])) this.top[k] = high[i];
    }
    this.n = k + 1;
  }
}

let columns = new Columns(0); // of the line at hand: they are drawn one by one

/**
 * @param {Brush} brush
 * @param {DrawnLine} line
 * @param {boolean} active
 */
export function drawLine(brush, line, active) {
  const { ctx, x } = brush;
  const first = Math.max(0, lowerBound(line.x, x.min) - 1);
  const last = Math.min(line.x.length, lowerBound(line.x, x.max) + 1);
  if (first >= last) return;
  if (last - first > columns.px.length) columns = new Columns(2 * (last - first));
  columns.gather(x, line, first, last);
  const { n } = columns;
  if (!n) return;
  ctx.strokeStyle = ctx.fillStyle = line.color;
  if (line.low && line.high) drawBand(brush, active ? 0.2 : 0.08);
  const apart = (columns.px[n - 1] - columns.px[0]) / Math.max(1, n - 1);
  ctx.lineWidth = active ? line.width + 1 : line.width;
  ctx.lineJoin = apart < DOTS_FROM ? "bevel" : "round"; // round ones cost the most of a dense line
  drawBridges(brush);
  ctx.setLineDash(line.dash);
  ctx.beginPath();
  trace(brush);
  ctx.stroke();
  ctx.setLineDash([]);
  if (apart >= DOTS_FROM || n === 1) drawDots(brush);
}

/** @param {Brush} brush */
function trace({ ctx, y }) {
  const { n, px, open, low, high, shut, gap } = columns;
  for (let k = 0; k < n; k++) {
    if (gap[k]) ctx.moveTo(px[k] - 0.5, y.px(open[k]));
    ctx.lineTo(px[k], y.px(open[k]));
    if (low[k] === high[k]) continue;
    ctx.lineTo(px[k], y.px(low[k]));
    ctx.lineTo(px[k], y.px(high[k]));
    ctx.lineTo(px[k], y.px(shut[k]));
  }
}

/** @param {Brush} brush */
function drawBridges({ ctx, y }) {
  const { n, px, open, shut, gap } = columns;
  ctx.setLineDash([1, 4]);
  ctx.globalAlpha = 0.6;
  ctx.beginPath();
  for (let k = 1; k < n; k++) {
    if (!gap[k]) continue;
    ctx.moveTo(px[k - 1], y.px(shut[k - 1]));
    ctx.lineTo(px[k], y.px(open[k]));
  }
  ctx.stroke();
  ctx.globalAlpha = 1;
}

/**
 * The intervals as an area.
 * @param {Brush} brush
 * @param {number} alpha
 */
function drawBand({ ctx, y }, alpha) {
  const { n, px, bottom, top, gap } = columns;
  ctx.globalAlpha = alpha;
  ctx.beginPath();
  let begun = 0;
  for (let k = 0; k <= n; k++) {
    if (k < n && !(gap[k] && k > begun)) continue;
    for (let i = begun; i < k; i++) if (top[i] === top[i]) ctx.lineTo(px[i], y.px(top[i]));
    for (let i = k - 1; i >= begun; i--) {
      if (bottom[i] === bottom[i]) ctx.lineTo(px[i], y.px(bottom[i]));
    }
    ctx.closePath();
    ctx.fill();
    ctx.beginPath();
    begun = k;
  }
  ctx.globalAlpha = 1;
}

/** @param {Brush} brush */
function drawDots({ ctx, y }) {
  const { n, px, shut, bottom, top } = columns;
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (let k = 0; k < n; k++) {
    if (bottom[k] !== bottom[k]) continue;
    ctx.moveTo(px[k], y.px(bottom[k]));
    ctx.lineTo(px[k], y.px(top[k]));
  }
  ctx.stroke();
  ctx.beginPath();
  for (let k = 0; k < n; k++) {
    ctx.moveTo(px[k] + 2.5, y.px(shut[k]));
    ctx.arc(px[k], y.px(shut[k]), 2.5, 0, 2 * Math.PI);
  }
  ctx.fill();
}

/**
 * The marks of lines: failures at each place as one cross; change points as arrows, those of
 * several lines at one place as one.
 * @param {DrawnLine[]} lines
 * @returns {Marks}
 */
export function gatherMarks(lines) {
  /** @type {Map<string, Arrow>} */
  const arrows = new Map();
  /** @type {Set<number>} */
  const crosses = new Set();
  for (const line of lines) {
    for (const { index, kind, faint = false } of line.marks) {
      const at = line.x[index];
      const y = line.y[index];
      if (kind === "failed") crosses.add(at);
      else if (!Number.isNaN(y)) {
        const held = arrows.get(kind + index);
        if (!held) arrows.set(kind + index, { at, y, kind, faint });
        else {
          held.y = kind === "worse" ? Math.max(held.y, y) : Math.min(held.y, y);
          held.faint &&= faint;
        }
      }
    }
  }
  return { crosses: [...crosses], arrows: [...arrows.values()] };
}

/**
 * Failures at the foot of the chart, change points over or under their lines.
 * @param {Brush} brush
 * @param {Marks} marks
 */
export function drawMarks(brush, { crosses, arrows }) {
  drawCrosses(brush, crosses);
  for (const arrow of arrows) {
    if (arrow.at >= brush.x.min && arrow.at <= brush.x.max) drawArrow(brush, arrow);
  }
}

/**
 * @param {Brush} brush
 * @param {number[]} places
 */
function drawCrosses({ ctx, area, x }, places) {
  const py = area.bottom - 6;
  const marked = new Set(places.filter((at) => at >= x.min && at <= x.max)
    .map((at) => Math.round(x.px(at))));
  ctx.strokeStyle = css("--muted");
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  for (const px of marked) {
    ctx.moveTo(px - 3, py - 3);
    ctx.lineTo(px + 3, py + 3);
    ctx.moveTo(px + 3, py - 3);
    ctx.lineTo(px - 3, py + 3);
  }
  ctx.stroke();
}

/**
 * Up over what got worse, down under what got better; hollow where it is faint.
 * @param {Brush} brush
 * @param {Arrow} arrow
 */
function drawArrow({ ctx, x, y }, { at, y: value, kind, faint }) {
  const px = x.px(at);
  const up = kind === "worse" ? -1 : 1;
  const py = y.px(value) + up * 13;
  ctx.beginPath();
  ctx.moveTo(px, py + up * 5);
  ctx.lineTo(px - 6, py - up * 5);
  ctx.lineTo(px + 6, py - up * 5);
  ctx.closePath();
  ctx.lineWidth = 2;
  ctx.strokeStyle = css(kind === "worse" ? "--worse" : "--better");
  ctx.fillStyle = faint ? css("--bg") : ctx.strokeStyle;
  ctx.fill();
  ctx.stroke();
}

/**
 * @param {Brush} brush
 * @param {{at: number, text: string}[]} rules
 * @param {number} size of their text in pixels
 */
export function drawRules({ ctx, area, x }, rules, size) {
  ctx.strokeStyle = css("--hairline");
  ctx.fillStyle = css("--muted");
  ctx.font = `${size}px ${css("--sans")}`;
  ctx.textBaseline = "bottom";
  let free = area.left;
  for (const { at, text } of rules) {
    if (at < x.min || at > x.max) continue;
    const px = Math.round(x.px(at)) + 0.5;
    ctx.beginPath();
    ctx.moveTo(px, area.top);
    ctx.lineTo(px, area.bottom);
    ctx.stroke();
    const width = ctx.measureText(text).width;
    const left = Math.min(px - width / 2, area.right - width);
    if (left < free) continue;
    ctx.fillText(text, left, area.top - 4);
    free = left + width + 8;
  }
}

/**
 * @param {Brush} brush
 * @param {number} level
 */
export function drawLevel({ ctx, area, y }, level) {
  if (level < y.min || level > y.max) return;
  ctx.strokeStyle = css("--edge");
  ctx.setLineDash([1.5, 4]);
  ctx.beginPath();
  ctx.moveTo(area.left, y.px(level));
  ctx.lineTo(area.right, y.px(level));
  ctx.stroke();
  ctx.setLineDash([]);
}
