// lineplot.js - long lines with intervals on one canvas: Chart.js for the axes, zoom and pan, and a
// drawing of our own for the lines, which stand in typed arrays and are thinned as they are drawn.
//
// Thinning keeps of every column of pixels the first, lowest, highest and last value, so no peak is
// lost at any zoom and a line costs what the canvas is wide, however many points it has. NaN is a
// gap: the line breaks there, and a faint dotted bridge says which parts belong together.
//
// The whole instrument is one focus stop with the role of a slider: left and right walk along the
// active line, up and down change the line, Enter presses the point. Events: "window" (zoomed or
// panned), "cursor", "press" (detail {line, index, pick}), "range" (a span was dragged).

import { Chart } from "./vendor.js";
import { h, setAttr } from "./dom.js";
import { css, onTheme } from "./palette.js";

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
 * @typedef {{from: number, to: number}} Span
 * @typedef {{line: string, index: number}} Cursor
 * @typedef {{value: number, label: string}} Tick
 *
 * @typedef {object} Frame what the axes say
 * @property {string} label of the instrument
 * @property {string} xTitle
 * @property {string} yTitle
 * @property {(min: number, max: number, most: number) => Tick[]} ticks of x
 * @property {(value: number) => string} yLabel
 * @property {number} yUnit what the ticks of y are round in
 * @property {{at: number, text: string}[]} rules vertical lines with a name: releases, phases
 * @property {boolean} fromZero y begins at 0 while everything is shown
 * @property {number|null} level a horizontal line: 0 % of a relative chart
 */

const DOTS_FROM = 7;   // pixels between points from which each is drawn as a dot
const DRAG_LEAST = 6;  // pixels: less is a press
const ROOM = 0.06;     // of the height kept free above and below
const TOUCH_REACH = 28;
const LEFT = 64;       // pixels that the axis of y takes at the least

export class LinePlot extends EventTarget {
  /** @param {(line: DrawnLine, index: number) => string[]} describe what stands in the tip */
  constructor(describe) {
    super();
    this.describe = describe;
    /** @type {DrawnLine[]} */
    this.lines = [];
    /** @type {Span|null} null shows everything */
    this.span = null;
    /** @type {Cursor|null} */
    this.cursor = null;
    /** @type {string|null} */
    this.active = null;
    /** @type {number|null} where a drag began, in pixels */
    this.dragFrom = null;
    this.byKeyboard = false;
    /** @type {Frame} */
    this.frame = { label: "", xTitle: "", yTitle: "", ticks: () => [], yLabel: String,
      yUnit: 1, rules: [], fromZero: false, level: null };
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.cross = h("div", { class: "plot-cross", hidden: true });
    this.dot = h("div", { class: "plot-dots", hidden: true }, h("i", { class: "active" }));
    this.band = h("div", { class: "plot-range", hidden: true });
    this.tip = h("div", { class: "plot-tip", hidden: true });
    this.element = h("div", {
      class: "plot", tabindex: 0, role: "slider", "aria-valuemin": 0, "aria-valuemax": 0,
      "aria-valuenow": 0, "aria-valuetext": "no point yet", "aria-label": "Points of the lines",
    }, this.canvas, h("div", { class: "plot-over", "aria-hidden": "true" },
      this.band, this.cross, this.dot, this.tip));
    this.endTheme = onTheme(() => this.#style());
    this.chart = this.#makeChart();
    this.canvas.style.touchAction = "pan-y";
    this.#listen();
  }

  destroy() {
    this.endTheme();
    this.chart.destroy();
  }

  /** @returns {any} Chart.js with what its plugins add, which its own types do not know */
  #makeChart() {
    const self = this;
    /** @type {any} */
    const config = {
      type: "line",
      data: { datasets: [] },
      plugins: [{ id: "lines", beforeDatasetsDraw: () => self.#draw() }],
      options: {
        animation: false, responsive: true, maintainAspectRatio: false, events: [], locale: "en",
        layout: { padding: { top: 20, right: 12 } },
        scales: {
          x: {
            type: "linear", bounds: "data", title: { display: true, text: "" },
            grid: { display: false },
            border: { display: false }, ticks: { maxRotation: 0, autoSkip: false },
            afterDataLimits: (/** @type {any} */ scale) => {
              const span = self.shown;
              scale.min = span.from;
              scale.max = span.to;
            },
            afterBuildTicks: (/** @type {any} */ scale) => {
              scale.ticks = self.frame.ticks(scale.min, scale.max, scale.chart.width / 110);
            },
          },
          y: {
            type: "linear", bounds: "data", title: { display: true, text: "" },
            border: { display: false },
            ticks: {
              autoSkip: false,
              callback: (/** @type {number} */ value) => self.frame.yLabel(value),
            },
            afterBuildTicks: (/** @type {any} */ scale) => {
              scale.ticks = roundTicks(scale.min, scale.max, self.frame.yUnit,
                scale.chart.height / 36);
            },
            // Of charts that stand over each other the left edges stand over each other too.
            afterFit: (/** @type {any} */ scale) => {
              scale.width = Math.max(scale.width, LEFT);
            },
            afterDataLimits: (/** @type {any} */ scale) => {
              const range = self.#fitY();
              scale.min = range.min;
              scale.max = range.max;
            },
          },
        },
        plugins: {
          legend: { display: false },
          tooltip: { enabled: false },
          zoom: {
            limits: { x: { min: 0, max: 1, minRange: 1 } },
            pan: { enabled: true, mode: "x", modifierKey: "shift", onPan: () => self.#zoomed() },
            zoom: {
              mode: "x", wheel: { enabled: true, speed: 0.12 }, pinch: { enabled: true },
              onZoomStart: (/** @type {any} */ { event }) =>
                !(event?.type === "wheel" && event.deltaY > 0 && !self.span),
              onZoom: () => self.#zoomed(),
            },
          },
        },
      },
    };
    config.options.scales.x.ticks.callback = (/** @type {any} */ _value, /** @type {number} */ i,
      /** @type {any[]} */ ticks) => ticks[i].label ?? "";
    const chart = new Chart(this.canvas, config);
    this.chart = chart;
    this.#style();
    return chart;
  }

  /** Colours and fonts from the style sheet; asked again when light turns to dark. */
  #style() {
    const { options } = this.chart;
    const muted = css("--muted");
    const font = { family: css("--sans"), size: textSize() };
    for (const axis of [options.scales.x, options.scales.y]) {
      Object.assign(axis.ticks, { color: muted, font });
      Object.assign(axis.title, { color: muted, font });
    }
    options.scales.y.grid = { color: css("--hairline"), tickLength: 0 };
    this.#apply();
  }

  /** Everything there is, in x. */
  get whole() {
    let from = Infinity;
    let to = -Infinity;
    for (const { x, hidden } of this.lines) {
      if (hidden || !x.length) continue;
      from = Math.min(from, x[0]);
      to = Math.max(to, x[x.length - 1]);
    }
    if (from > to) return { from: 0, to: 1 };
    const room = (to - from) * 0.01 || 0.5;
    return { from: from - room, to: to + room };
  }

  /** @returns {Span} */
  get shown() {
    const { min, max } = this.chart?.options.scales.x ?? {};
    if (typeof min === "number" && typeof max === "number" && max > min) {
      return { from: min, to: max };
    }
    return this.whole;
  }

  #fitY() {
    const { from, to } = this.shown;
    let min = Infinity;
    let max = -Infinity;
    for (const line of this.lines) {
      if (line.hidden) continue;
      const last = Math.min(line.x.length, lowerBound(line.x, to) + 1);
      for (let i = Math.max(0, lowerBound(line.x, from) - 1); i < last; i++) {
        const low = line.low && !Number.isNaN(line.low[i]) ? line.low[i] : line.y[i];
        const high = line.high && !Number.isNaN(line.high[i]) ? line.high[i] : line.y[i];
        if (low < min) min = low;
        if (high > max) max = high;
      }
    }
    if (min > max) return { min: 0, max: 1 };
    const { level, fromZero } = this.frame;
    if (level !== null) [min, max] = [Math.min(min, level), Math.max(max, level)];
    const room = (max - min || Math.abs(max) * 0.02 || 1) * ROOM;
    return { min: fromZero && !this.span ? Math.min(0, min) : min - room, max: max + room };
  }

  /**
   * @param {DrawnLine[]} lines
   * @param {Frame} frame
   */
  setLines(lines, frame) {
    this.lines = lines;
    this.frame = frame;
    if (!lines.some((line) => line.id === this.active && !line.hidden)) this.active = null;
    if (!lines.some((line) => line.id === this.cursor?.line && !line.hidden)) this.cursor = null;
    this.#apply();
  }

  /** @param {Span|null} span */
  setSpan(span) {
    this.span = span;
    const { x } = this.chart.options.scales;
    x.min = span?.from;
    x.max = span?.to;
    this.#apply();
  }

  /** @param {string|null} id */
  setActive(id) {
    if (this.active === id) return;
    this.active = id;
    this.chart.draw();
  }

  #apply() {
    const { chart, frame } = this;
    const { options } = chart;
    const whole = this.whole;
    Object.assign(options.plugins.zoom.limits.x, {
      min: whole.from, max: whole.to, minRange: (whole.to - whole.from) / 1e4,
    });
    options.scales.x.title.text = frame.xTitle;
    options.scales.y.title.text = frame.yTitle;
    chart.update("none");
    const { dataset } = this.element;
    const drawn = this.lines.filter((line) => !line.hidden);
    dataset.lines = String(drawn.length);
    dataset.points = String(drawn.reduce((sum, line) => sum + line.x.length, 0));
    dataset.zoomed = String(this.span !== null);
    setAttr(this.element, "aria-label", frame.label);
    this.#placeCursor();
  }

  /* ---- drawing ---- */

  #draw() {
    const { chart } = this;
    if (!chart?.chartArea) return;
    const { ctx, chartArea: area, scales } = chart;
    /** @type {Brush} */
    const brush = { ctx, area, x: linear(scales.x), y: linear(scales.y) };
    drawRules(brush, this.frame.rules);
    if (this.frame.level !== null) drawLevel(brush, this.frame.level);
    ctx.save();
    ctx.beginPath();
    ctx.rect(area.left, area.top - 2, area.right - area.left, area.bottom - area.top + 4);
    ctx.clip();
    const order = [...this.lines].sort((a, b) =>
      Number(a.id === this.active) - Number(b.id === this.active));
    for (const line of order) {
      if (!line.hidden) drawLine(brush, line, line.id === this.active);
    }
    drawMarks(brush, order.filter((line) => !line.hidden));
    ctx.restore();
  }

  /* ---- zoom ---- */

  #zoomed() {
    const { min, max } = this.chart.scales.x;
    const whole = this.whole;
    const slack = (whole.to - whole.from) * 1e-4;
    const full = min <= whole.from + slack && max >= whole.to - slack;
    if (full) this.setSpan(null);
    else {
      this.span = { from: min, to: max };
      this.element.dataset.zoomed = "true";
      this.#placeCursor();
    }
    this.dispatchEvent(new Event("window"));
  }

  /** @param {number} factor above 1 zooms in, about the cursor or the middle */
  zoomBy(factor) {
    const { from, to } = this.shown;
    const whole = this.whole;
    const at = this.cursor ? this.#at(this.cursor)?.x ?? (from + to) / 2 : (from + to) / 2;
    const centre = at > from && at < to ? at : (from + to) / 2;
    const start = Math.max(whole.from, centre - (centre - from) / factor);
    const end = Math.min(whole.to, start + (to - from) / factor);
    this.setSpan(start <= whole.from && end >= whole.to ? null : { from: start, to: end });
    this.dispatchEvent(new Event("window"));
  }

  /** @param {Span|null} span */
  show(span) {
    this.setSpan(span);
    this.dispatchEvent(new Event("window"));
  }

  /* ---- cursor ---- */

  #listen() {
    const { element } = this;
    element.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") return;
      this.byKeyboard = false;
      if (this.dragFrom !== null) this.#drag(event);
      else this.#point(event);
    });
    element.addEventListener("pointerdown", (event) => {
      this.#point(event);
      if (event.button !== 0 || event.shiftKey || event.pointerType === "touch") return;
      this.dragFrom = this.#inside(event);
    });
    element.addEventListener("pointerup", (event) => this.#release(event));
    element.addEventListener("pointercancel", () => this.#endDrag());
    element.addEventListener("pointerleave", (event) => {
      this.#endDrag();
      if (event.pointerType !== "touch" && !this.byKeyboard) this.#setCursor(null);
    });
    element.addEventListener("focus", () => {
      if (element.matches(":focus-visible")) this.#walk(0, 0);
    });
    element.addEventListener("blur", () => this.#setCursor(null));
    element.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (this.#key(event.key, event.shiftKey ? 10 : 1)) event.preventDefault();
    });
  }

  /** @param {PointerEvent} event */
  #inside(event) {
    const left = this.canvas.getBoundingClientRect().left;
    const { left: min, right: max } = this.chart.chartArea;
    return Math.max(min, Math.min(max, event.clientX - left));
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    const from = /** @type {number} */ (this.dragFrom);
    const to = this.#inside(event);
    const { top, bottom } = this.chart.chartArea;
    this.band.hidden = Math.abs(to - from) < DRAG_LEAST;
    this.band.style.transform = `translate(${Math.min(from, to)}px, ${top}px)`;
    this.band.style.width = `${Math.abs(to - from)}px`;
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
      this.#press(event.shiftKey);
    }
  }

  /** @param {boolean} pick */
  #press(pick) {
    if (!this.cursor) return;
    this.dispatchEvent(new CustomEvent("press", { detail: { ...this.cursor, pick } }));
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const box = this.canvas.getBoundingClientRect();
    const { chartArea: area, scales } = this.chart;
    const px = event.clientX - box.left;
    const py = event.clientY - box.top;
    if (px < area.left - 4 || px > area.right + 4 || py < area.top - 8 || py > area.bottom + 8) {
      if (event.pointerType !== "touch") this.#setCursor(null);
      return;
    }
    const at = scales.x.getValueForPixel(px);
    const y = linear(scales.y);
    const x = linear(scales.x);
    /** @type {Cursor|null} */
    let best = null;
    let least = Infinity;
    for (const line of this.lines) {
      if (line.hidden) continue;
      const index = nearest(line, at);
      if (index < 0) continue;
      const away = Math.abs(y.px(line.y[index]) - py) +
        Math.max(0, Math.abs(x.px(line.x[index]) - px) - TOUCH_REACH);
      if (away < least) [least, best] = [away, { line: line.id, index }];
    }
    this.#setCursor(best);
  }

  /**
   * @param {string} key
   * @param {number} far
   * @returns {boolean} whether the key was meant for the plot
   */
  #key(key, far) {
    if (key === "+" || key === "=") this.zoomBy(2);
    else if (key === "-") this.zoomBy(0.5);
    else if (key === "0" || (key === "Escape" && this.span)) this.show(null);
    else if (key === "ArrowLeft") this.#walk(-far, 0);
    else if (key === "ArrowRight") this.#walk(far, 0);
    else if (key === "ArrowUp") this.#walk(0, -1);
    else if (key === "ArrowDown") this.#walk(0, 1);
    else if (key === "Home") this.#walk(-Infinity, 0);
    else if (key === "End") this.#walk(Infinity, 0);
    else if (key === "Enter") this.#press(false);
    else return false;
    return true;
  }

  /**
   * Along the line by `step` of its points, or `other` lines on; 0 and 0 begins at the newest.
   * @param {number} step
   * @param {number} other
   */
  #walk(step, other) {
    const drawn = this.lines.filter((line) => !line.hidden && nearest(line, line.x[0]) >= 0);
    if (!drawn.length) return;
    this.byKeyboard = true;
    let at = drawn.findIndex((line) => line.id === (this.cursor?.line ?? this.active));
    at = at < 0 ? 0 : (at + other + drawn.length) % drawn.length;
    const line = drawn[at];
    const held = this.cursor ? this.#at(this.cursor)?.x : undefined;
    let index = nearest(line, held ?? line.x[line.x.length - 1]);
    for (let left = Math.abs(step); left > 0; left--) {
      const next = neighbour(line, index, Math.sign(step));
      if (next < 0) break;
      index = next;
    }
    const { from, to } = this.shown;
    const x = line.x[index];
    if (this.span && (x < from || x > to)) {
      const half = (to - from) / 2;
      this.show({ from: x - half, to: x + half });
    }
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
    this.#placeCursor();
    this.dispatchEvent(new Event("cursor"));
  }

  /** Crosshair, dot and tip follow the cursor without redrawing the canvas. */
  #placeCursor() {
    const { chartArea: area, scales } = this.chart;
    const point = this.cursor ? this.#at(this.cursor) : null;
    const off = !point || !area || point.x < scales.x.min || point.x > scales.x.max;
    for (const node of [this.cross, this.dot, this.tip]) node.hidden = off;
    if (off || !point || !this.cursor) return;
    const x = scales.x.getPixelForValue(point.x);
    const y = scales.y.getPixelForValue(point.y);
    this.cross.style.transform = `translate(${x}px, ${area.top}px)`;
    this.cross.style.height = `${area.bottom - area.top}px`;
    const spot = /** @type {HTMLElement} */ (this.dot.firstElementChild);
    spot.style.transform = `translate(${x}px, ${y}px)`;
    spot.style.backgroundColor = point.line.color;
    const lines = this.describe(point.line, this.cursor.index);
    this.tip.replaceChildren(...lines.map((text) => h("div", null, text)));
    const { offsetWidth: w, offsetHeight: tall } = this.tip;
    const left = x + 14 + w > area.right ? Math.max(4, x - 14 - w) : x + 14;
    const top = Math.max(4, Math.min(y + 10, area.bottom - tall - 4));
    this.tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
    setAttr(this.element, "aria-valuemax", String(point.line.x.length));
    setAttr(this.element, "aria-valuenow", String(this.cursor.index));
    setAttr(this.element, "aria-valuetext", lines.join(", "));
  }
}

/* ---- how lines are drawn ---- */

/**
 * @typedef {{px: (value: number) => number, min: number, max: number}} Axis
 * @typedef {{ctx: CanvasRenderingContext2D, area: {left: number, right: number, top: number,
 *   bottom: number}, x: Axis, y: Axis}} Brush
 */

/**
 * Pixels of values: what Chart.js computes, without its checks for each of many values.
 * @param {any} scale
 * @returns {Axis}
 */
function linear(scale) {
  const at = scale.getPixelForValue(scale.min);
  const per = (scale.getPixelForValue(scale.max) - at) / (scale.max - scale.min || 1);
  return { px: (value) => at + (value - scale.min) * per, min: scale.min, max: scale.max };
}

/**
 * @param {Brush} brush
 * @param {DrawnLine} line
 * @param {boolean} active
 */
function drawLine(brush, line, active) {
  const { ctx, x } = brush;
  const first = Math.max(0, lowerBound(line.x, x.min) - 1);
  const last = Math.min(line.x.length, lowerBound(line.x, x.max) + 1);
  if (first >= last) return;
  if (line.low && line.high) drawBand(brush, line, first, last, active ? 0.2 : 0.08);
  ctx.strokeStyle = line.color;
  ctx.lineWidth = active ? line.width + 1 : line.width;
  let points = 0;
  for (let i = first; i < last; i++) points += Number.isNaN(line.y[i]) ? 0 : 1;
  const apart = (x.px(line.x[last - 1]) - x.px(line.x[first])) / Math.max(1, points - 1);
  ctx.lineJoin = apart < DOTS_FROM ? "bevel" : "round"; // round ones cost the most of a dense line
  const { solid, bridges } = trace(brush, line, first, last);
  ctx.setLineDash([1, 4]);
  ctx.globalAlpha = 0.6;
  ctx.stroke(bridges);
  ctx.globalAlpha = 1;
  ctx.setLineDash(line.dash);
  ctx.stroke(solid);
  ctx.setLineDash([]);
  if (apart >= DOTS_FROM) drawDots(brush, line, first, last);
}

/**
 * The line's path, thinned to first, lowest, highest and last of every column of pixels, and the
 * bridges over its gaps.
 * @param {Brush} brush
 * @param {DrawnLine} line
 * @param {number} first
 * @param {number} last
 */
function trace({ x, y }, line, first, last) {
  const solid = new Path2D();
  const bridges = new Path2D();
  let column = NaN;
  let open = 0, low = 0, high = 0, shut = 0;
  let [fromX, fromY] = [NaN, NaN];   // the end of what was drawn
  let gap = true;
  const flush = () => {
    if (Number.isNaN(column)) return;
    if (gap && !Number.isNaN(fromX)) {
      bridges.moveTo(fromX, fromY);
      bridges.lineTo(column, y.px(open));
    }
    if (gap) solid.moveTo(column - 0.5, y.px(open));
    solid.lineTo(column, y.px(open));
    if (low !== high) {
      solid.lineTo(column, y.px(low));
      solid.lineTo(column, y.px(high));
      solid.lineTo(column, y.px(shut));
    }
    [fromX, fromY, gap, column] = [column, y.px(shut), false, NaN];
  };
  const thin = x.px(line.x[last - 1]) - x.px(line.x[first]) < (last - first) * 1.5;
  for (let i = first; i < last; i++) {
    const value = line.y[i];
    if (Number.isNaN(value)) {
      // Within a column of many points a gap cannot be seen and does not break the line.
      if (thin && Math.round(x.px(line.x[i])) === column) continue;
      flush();
      gap = true;
      continue;
    }
    const px = thin ? Math.round(x.px(line.x[i])) : x.px(line.x[i]);
    if (px !== column) {
      flush();
      column = px;
      open = low = high = value;
    }
    if (value < low) low = value;
    if (value > high) high = value;
    shut = value;
  }
  flush();
  return { solid, bridges };
}

/**
 * The intervals as an area, one column of pixels wide at the least.
 * @param {Brush} brush
 * @param {DrawnLine} line
 * @param {number} first
 * @param {number} last
 * @param {number} alpha
 */
function drawBand({ ctx, x, y }, line, first, last, alpha) {
  const low = /** @type {Float64Array} */ (line.low);
  const high = /** @type {Float64Array} */ (line.high);
  /** @type {number[][]} columns of [pixel, lowest, highest] */
  let columns = [];
  ctx.fillStyle = line.color;
  ctx.globalAlpha = alpha;
  const fill = () => {
    if (columns.length > 1) {
      ctx.beginPath();
      for (const [px, , top] of columns) ctx.lineTo(px, y.px(top));
      for (const [px, bottom] of columns.reverse()) ctx.lineTo(px, y.px(bottom));
      ctx.fill();
    }
    columns = [];
  };
  for (let i = first; i < last; i++) {
    if (Number.isNaN(low[i]) || Number.isNaN(high[i])) {
      if (Number.isNaN(line.y[i])) fill();
      continue;
    }
    const px = Math.round(x.px(line.x[i]));
    const held = columns[columns.length - 1];
    if (held && held[0] === px) {
      held[1] = Math.min(held[1], low[i]);
      held[2] = Math.max(held[2], high[i]);
    } else {
      columns.push([px, low[i], high[i]]);
    }
  }
  fill();
  ctx.globalAlpha = 1;
}

/**
 * @param {Brush} brush
 * @param {DrawnLine} line
 * @param {number} first
 * @param {number} last
 */
function drawDots({ ctx, x, y }, line, first, last) {
  ctx.lineWidth = 1;
  for (let i = first; i < last; i++) {
    if (Number.isNaN(line.y[i])) continue;
    const px = x.px(line.x[i]);
    if (line.low && line.high && !Number.isNaN(line.low[i])) {
      ctx.beginPath();
      ctx.moveTo(px, y.px(line.low[i]));
      ctx.lineTo(px, y.px(line.high[i]));
      ctx.stroke();
    }
    ctx.beginPath();
    ctx.arc(px, y.px(line.y[i]), 2.5, 0, 2 * Math.PI);
    ctx.fillStyle = line.color;
    ctx.fill();
  }
}

/**
 * Failures as crosses at the foot of the chart; change points as arrows, those of several lines at
 * one place as one, over the highest of them or under the lowest.
 * @param {Brush} brush
 * @param {DrawnLine[]} lines
 */
function drawMarks(brush, lines) {
  const muted = css("--muted");
  /** @type {Map<string, {at: number, y: number, kind: "worse"|"better", faint: boolean}>} */
  const arrows = new Map();
  /** @type {Set<number>} */
  const crosses = new Set();
  for (const line of lines) {
    for (const { index, kind, faint } of line.marks) {
      const at = line.x[index];
      if (at < brush.x.min || at > brush.x.max) continue;
      if (kind === "failed") crosses.add(Math.round(brush.x.px(at)));
      else if (!Number.isNaN(line.y[index])) {
        const y = brush.y.px(line.y[index]);
        const held = arrows.get(kind + index);
        if (!held) arrows.set(kind + index, { at, y, kind, faint: faint ?? false });
        else {
          held.y = kind === "worse" ? Math.min(held.y, y) : Math.max(held.y, y);
          held.faint &&= faint ?? false;
        }
      }
    }
  }
  for (const px of crosses) drawCross(brush, px, muted);
  for (const arrow of arrows.values()) drawArrow(brush, arrow);
}

/**
 * @param {Brush} brush
 * @param {number} px
 * @param {string} color
 */
function drawCross({ ctx, area }, px, color) {
  const py = area.bottom - 6;
  ctx.strokeStyle = color;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  ctx.moveTo(px - 3, py - 3);
  ctx.lineTo(px + 3, py + 3);
  ctx.moveTo(px + 3, py - 3);
  ctx.lineTo(px - 3, py + 3);
  ctx.stroke();
}

/**
 * Up over what got worse, down under what got better; hollow where it is suspected or accepted.
 * @param {Brush} brush
 * @param {{at: number, y: number, kind: "worse"|"better", faint: boolean}} arrow
 */
function drawArrow({ ctx, x }, { at, y, kind, faint }) {
  const px = x.px(at);
  const up = kind === "worse" ? -1 : 1;
  const py = y + up * 13;
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
 */
function drawRules({ ctx, area, x }, rules) {
  ctx.save();
  ctx.strokeStyle = css("--hairline");
  ctx.fillStyle = css("--muted");
  ctx.font = `${textSize()}px ${css("--sans")}`;
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
  ctx.restore();
}

/**
 * @param {Brush} brush
 * @param {number} level
 */
function drawLevel({ ctx, area, y }, level) {
  if (level < y.min || level > y.max) return;
  ctx.save();
  ctx.strokeStyle = css("--edge");
  ctx.setLineDash([1.5, 4]);
  ctx.beginPath();
  ctx.moveTo(area.left, y.px(level));
  ctx.lineTo(area.right, y.px(level));
  ctx.stroke();
  ctx.restore();
}

/**
 * @param {number} min
 * @param {number} max
 * @param {number} unit what they are round in
 * @param {number} most
 */
function roundTicks(min, max, unit, most) {
  const rough = (max - min) / unit / Math.max(2, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = unit * power *
    (/** @type {number} */ ([1, 2, 5, 10].find((m) => m * power >= rough * (1 - 1e-9))));
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) },
    (_, i) => ({ value: (first + i) * step }));
}

/** Small text as the reader has set it, in pixels: a canvas knows no rem. */
const textSize = () =>
  0.75 * (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16);

/* ---- points ---- */

/**
 * The first index whose value is at or after `x`.
 * @param {Float64Array} values rising
 * @param {number} x
 */
export function lowerBound(values, x) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The point of a line that is nearest to `x`, or -1 where it has none.
 * @param {DrawnLine} line
 * @param {number} x
 */
function nearest(line, x) {
  const at = lowerBound(line.x, x);
  const right = at < line.x.length && !Number.isNaN(line.y[at]) ? at : neighbour(line, at, 1);
  const left = neighbour(line, at, -1);
  if (left < 0 || right < 0) return Math.max(left, right);
  return x - line.x[left] <= line.x[right] - x ? left : right;
}

/**
 * The next point beside a place of a line, or -1.
 * @param {DrawnLine} line
 * @param {number} from
 * @param {number} step 1 or -1
 */
function neighbour(line, from, step) {
  for (let i = from + step; i >= 0 && i < line.x.length; i += step) {
    if (!Number.isNaN(line.y[i])) return i;
  }
  return -1;
}
