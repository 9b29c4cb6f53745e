// lineplot.js - long lines with intervals on one canvas, in typed arrays: what linedraw.js draws,
// with a cursor that goes from point to point and a drag that spans a range.
//
// NaN is a gap: the line breaks there. Left and right walk along the active line, up and down
// change the line, Enter presses the point. Events beside those of chartplot.js: "press" (detail
// {line, index, pick}), "range" (a span was dragged).

import { ChartPlot, roundTicks } from "./chartplot.js";
import { h } from "../dom.js";
import { drawLevel, drawLine, drawMarks, drawRules, gatherMarks } from "./linedraw.js";
import { lowerBound, nearest, neighbour } from "./linepoints.js";

/**
 * @typedef {object} Mark at one point of a line
 * @property {number} index
 * @property {"worse"|"better"|"failed"} kind
 * @property {boolean} [faint] suspected only, or accepted
 *
 * @typedef {object} DrawnLine
 * @property {string} id
 * @property {string} name
 * @property {string} color
 * @property {number[]} dash
 * @property {number} width
 * @property {boolean} hidden
 * @property {Float64Array} x rising
 * @property {Float64Array} y NaN: none
 * @property {Float64Array|null} low of the interval
 * @property {Float64Array|null} high
 * @property {Mark[]} marks
 *
 * @typedef {{line: string, index: number}} Cursor
 * @typedef {import("./chartplot.js").Brush} Brush
 *
 * @typedef {object} Frame what the axes say
 * @property {string} label of the instrument
 * @property {string} xTitle
 * @property {string} yTitle
 * @property {(min: number, max: number, most: number) => import("./chartplot.js").Tick[]}
 *   ticks of x
 * @property {(value: number) => string} yLabel
 * @property {number} yUnit what the ticks of y are round in
 * @property {{at: number, text: string}[]} rules vertical lines with a name: releases, phases
 * @property {boolean} fromZero y begins at 0 while everything is shown
 * @property {number|null} level a horizontal line: 0 % of a relative chart
 */

const DRAG_LEAST = 6;  // pixels: less is a press
const ROOM = 0.06;     // of the height kept free above and below
const TOUCH_REACH = 28;
const LEFT = 64;       // pixels that the axis of y takes at the least

export class LinePlot extends ChartPlot {
  /** @param {(line: DrawnLine, index: number) => string[]} describe what stands in the tip */
  constructor(describe) {
    super({ label: "Points of the lines", top: 20, dragZooms: false });
    this.describe = describe;
    /** @type {DrawnLine[]} */
    this.lines = [];
    this.marks = gatherMarks([]);
    /** @type {Cursor|null} */
    this.cursor = null;
    /** @type {string|null} */
    this.active = null;
    /** @type {number|null} where a drag began, in pixels */
    this.dragFrom = null;
    /** @type {Frame} */
    this.frame = { label: "", xTitle: "", yTitle: "", ticks: () => [], yLabel: String,
      yUnit: 1, rules: [], fromZero: false, level: null };
    this.band = h("div", { class: "plot-range", hidden: true });
    this.over.prepend(this.band);
    this.begin();
    this.#listenToDrags();
  }

  /* ---- what is shown ---- */

  get drawn() {
    return this.lines.filter((line) => !line.hidden);
  }

  get whole() {
    let from = Infinity;
    let to = -Infinity;
    for (const { x } of this.drawn) {
      if (!x.length) continue;
      from = Math.min(from, x[0]);
      to = Math.max(to, x[x.length - 1]);
    }
    if (from > to) return { from: 0, to: 1 };
    const room = (to - from) * 0.01 || 0.5;
    return { from: from - room, to: to + room };
  }

  get narrowest() {
    const { from, to } = this.whole;
    return (to - from) / 1e4;
  }

  get counts() {
    const { drawn } = this;
    return { series: drawn.length, points: drawn.reduce((sum, line) => sum + line.x.length, 0) };
  }

  get titles() {
    return { x: this.frame.xTitle, y: this.frame.yTitle };
  }

  get leastLeft() {
    return LEFT;
  }

  /**
   * @param {"x"|"y"} axis
   * @param {number} min
   * @param {number} max
   * @param {number} size
   */
  ticks(axis, min, max, size) {
    const { ticks, yLabel, yUnit } = this.frame;
    return axis === "x" ? ticks(min, max, size / 110) : roundTicks(min, max, yUnit, size / 36)
      .map((value) => ({ value, label: yLabel(value) }));
  }

  range() {
    const { from, to } = this.shown;
    let min = Infinity;
    let max = -Infinity;
    for (const { x, y, low, high } of this.drawn) {
      const last = Math.min(x.length, lowerBound(x, to) + 1);
      for (let i = Math.max(0, lowerBound(x, from) - 1); i < last; i++) {
        // A comparison with NaN is false: gaps and missing intervals change nothing.
        if (y[i] < min) min = y[i];
        if (y[i] > max) max = y[i];
        if (low && low[i] < min) min = low[i];
        if (high && high[i] > max) max = high[i];
      }
    }
    if (min > max) return { min: 0, max: 1 };
    const { level, fromZero } = this.frame;
    if (level !== null) [min, max] = [Math.min(min, level), Math.max(max, level)];
    const room = (max - min || Math.abs(max) * 0.02 || 1) * ROOM;
    return { min: fromZero && !this.isZoomed ? Math.min(0, min) : min - room, max: max + room };
  }

  /**
   * @param {DrawnLine[]} lines
   * @param {Frame} frame
   */
  setLines(lines, frame) {
    this.lines = lines;
    this.frame = frame;
    this.marks = gatherMarks(this.drawn);
    this.element.setAttribute("aria-label", frame.label);
    Object.assign(this.element.dataset, { failed: this.marks.crosses.length,
      changes: this.marks.arrows.length, rules: frame.rules.length });
    if (!lines.some((line) => line.id === this.active && !line.hidden)) this.active = null;
    if (!lines.some((line) => line.id === this.cursor?.line && !line.hidden)) this.cursor = null;
    this.apply();
  }

  /** @param {string|null} id */
  setActive(id) {
    if (this.active === id) return;
    this.active = id;
    this.redraw();
  }

  /**
   * @param {"under"|"lines"|"over"} layer
   * @param {Brush} brush
   */
  paint(layer, brush) {
    if (layer === "under") {
      drawRules(brush, this.frame.rules, this.text);
      if (this.frame.level !== null) drawLevel(brush, this.frame.level);
    } else if (layer === "lines") {
      const isActive = (/** @type {DrawnLine} */ line) => line.id === this.active;
      for (const line of this.drawn.sort((a, b) => Number(isActive(a)) - Number(isActive(b)))) {
        drawLine(brush, line, isActive(line));
      }
      drawMarks(brush, this.marks);
    }
  }

  /* ---- a dragged range ---- */

  #listenToDrags() {
    const { element } = this;
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.shiftKey || event.pointerType === "touch") return;
      this.dragFrom = this.#inside(event);
    });
    element.addEventListener("pointermove", (event) => this.#drag(event));
    element.addEventListener("pointerup", (event) => this.#release(event));
    element.addEventListener("pointercancel", () => this.#endDrag());
    element.addEventListener("pointerleave", () => this.#endDrag());
  }

  /** @param {PointerEvent} event */
  #inside(event) {
    const left = this.canvas.getBoundingClientRect().left;
    const { left: min, right: max } = this.chart.chartArea;
    return Math.max(min, Math.min(max, event.clientX - left));
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    if (this.dragFrom === null) return;
    const to = this.#inside(event);
    const { top, bottom } = this.chart.chartArea;
    this.band.hidden = Math.abs(to - this.dragFrom) < DRAG_LEAST;
    this.band.style.transform = `translate(${Math.min(this.dragFrom, to)}px, ${top}px)`;
    this.band.style.width = `${Math.abs(to - this.dragFrom)}px`;
    this.band.style.height = `${bottom - top}px`;
    if (!this.band.hidden) this.element.setPointerCapture(event.pointerId);
  }

  #endDrag() {
    this.dragFrom = null;
    this.band.hidden = true;
  }

  /** @param {PointerEvent} event */
  #release(event) {
    const from = this.dragFrom;
    const to = this.#inside(event);
    this.#endDrag();
    if (from !== null && Math.abs(to - from) >= DRAG_LEAST) {
      const value = (/** @type {number} */ px) => this.chart.scales.x.getValueForPixel(px);
      this.dispatchEvent(new CustomEvent("range", { detail: {
        from: value(Math.min(from, to)), to: value(Math.max(from, to)),
      } }));
    } else if (event.button === 0 && event.pointerType !== "touch") {
      this.press(event.shiftKey);
    }
  }

  /* ---- cursor ---- */

  /** @param {boolean} pick */
  press(pick) {
    if (!this.cursor) return;
    this.dispatchEvent(new CustomEvent("press", { detail: { ...this.cursor, pick } }));
  }

  /**
   * On the point that is nearest.
   * @param {number} px
   * @param {number} py
   */
  point(px, py) {
    if (this.dragFrom !== null && !this.band.hidden) return;
    const { x, y } = this.chart.scales;
    const at = x.getValueForPixel(px);
    /** @type {Cursor|null} */
    let best = null;
    let least = Infinity;
    for (const line of this.drawn) {
      const index = nearest(line, at);
      if (index < 0) continue;
      const away = Math.abs(y.getPixelForValue(line.y[index]) - py) +
        Math.max(0, Math.abs(x.getPixelForValue(line.x[index]) - px) - TOUCH_REACH);
      if (away < least) [least, best] = [away, { line: line.id, index }];
    }
    this.#setCursor(best);
  }

  /** @param {boolean} byTouch */
  leave(byTouch) {
    if (!byTouch) this.#setCursor(null);
  }

  /**
   * @param {number} along
   * @param {number} across
   */
  walk(along, across) {
    const drawn = this.drawn.filter((line) => nearest(line, line.x[0]) >= 0);
    if (!drawn.length) return;
    let at = drawn.findIndex((line) => line.id === (this.cursor?.line ?? this.active));
    at = at < 0 ? 0 : (at + across + drawn.length) % drawn.length;
    const line = drawn[at];
    const held = this.cursor ? this.#at(this.cursor)?.x : undefined;
    let index = nearest(line, held ?? line.x[line.x.length - 1]);
    for (let left = Math.abs(along); left > 0; left--) {
      const next = neighbour(line, index, Math.sign(along));
      if (next < 0) break;
      index = next;
    }
    this.reveal(line.x[index]);
    this.#setCursor({ line: line.id, index });
  }

  /** @param {Cursor} cursor */
  #at({ line: id, index }) {
    const line = this.lines.find((one) => one.id === id);
    return line && index < line.x.length ? { line, x: line.x[index], y: line.y[index] } : null;
  }

  /** @param {Cursor|null} cursor */
  #setCursor(cursor) {
    if (cursor?.line === this.cursor?.line && cursor?.index === this.cursor?.index) return;
    this.cursor = cursor;
    if (cursor) this.setActive(cursor.line);
    this.placeCursor();
    this.dispatchEvent(new Event("cursor"));
  }

  /** @returns {import("./chartplot.js").Spot|null} */
  spot() {
    const found = this.cursor ? this.#at(this.cursor) : null;
    if (!found || !this.cursor) return null;
    const { line, x, y } = found;
    const { index } = this.cursor;
    const lines = this.describe(line, index);
    return { at: x, point: { x, y }, lines, dots: [{ x, y, color: line.color, active: true }],
      said: { now: index, max: line.x.length, text: lines.join(", ") } };
  }
}
