// chartplot.js - what every chart of lines is: one canvas on which Chart.js draws the axes and its
// plugins zoom and pan; a drawing of our own for the lines, which are no datasets of Chart.js: it
// would make an object for every point at every change; and over it a cursor with its tip, moved
// without drawing anew.
//
// The whole instrument is one focus stop with the role of a slider: left and right walk along the
// line, up and down change the line, Enter presses, +, - and 0 zoom. Events: "window" (zoomed or
// panned), "cursor", "press".
//
// Who extends it says what there is to see (the methods under "for who extends it") and ends its
// constructor with begin().

import { Chart } from "./vendor.js";
import { h, setAttr, setText } from "../dom.js";
import { css, onTheme } from "./palette.js";

/**
 * @typedef {{from: number, to: number}} Span
 * @typedef {{value: number, label?: string}} Tick without a label it says its value
 * @typedef {{px: (value: number) => number, min: number, max: number}} Axis
 * @typedef {{ctx: CanvasRenderingContext2D, area: {left: number, right: number, top: number,
 *   bottom: number}, x: Axis, y: Axis}} Brush
 *
 * @typedef {object} Spot what the cursor stands on
 * @property {number} at its place on the axis of x
 * @property {{x: number, y: number, color: string, active: boolean}[]} dots
 * @property {{x: number, y: number}} point where the tip stands
 * @property {string[]} lines of the tip
 * @property {{now: number, max: number, text: string}} said to a screen reader
 *
 * @typedef {object} How a chart differs
 * @property {string} label of the instrument
 * @property {number} top pixels kept free over the lines
 * @property {boolean} dragZooms else a drag is the chart's own matter
 */

const REST_MS = 80;    // after which a moving window is taken to rest
const NEAR = 4;        // pixels around the lines' area that still belong to it
const FAR_STEP = 10;   // points that an arrow key goes with Shift

export class ChartPlot extends EventTarget {
  /** @param {How} how */
  constructor({ label, top, dragZooms }) {
    super();
    /** @type {Span|null} null shows everything */
    this.span = null;
    this.gone = false;
    this.byKeyboard = false;
    this.pending = 0;
    this.stale = false;           // more than the lines is to be drawn anew
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.resting = undefined;
    this.text = 12;               // pixels of small text
    this.tipSays = "";
    this.tipSize = { w: 0, h: 0 };
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.cross = h("div", { class: "plot-cross", hidden: true });
    this.dots = h("div", { class: "plot-dots", hidden: true });
    this.tip = h("div", { class: "plot-tip", hidden: true });
    this.over = h("div", { class: "plot-over", "aria-hidden": "true" },
      this.cross, this.dots, this.tip);
    this.element = h("div", {
      class: "plot", tabindex: 0, role: "slider", "aria-label": label, "aria-valuemin": 0,
      "aria-valuemax": 0, "aria-valuenow": 0, "aria-valuetext": "no point yet",
    }, this.canvas, this.over);
    this.how = { top, dragZooms };
    this.endTheme = () => {};
    /** Draw at once what waits for the next frame: paper waits for none. */
    this.flush = () => {
      if (!this.pending) return;
      cancelAnimationFrame(this.pending);
      this.pending = 0;
      this.#draw();
    };
    /** @type {any} Chart.js with what its plugins add, which its own types do not know */
    this.chart = null;
  }

  /** Make the chart; what it asks of who extends it must stand by now. */
  begin() {
    this.chart = new Chart(this.canvas, this.#config());
    this.#style();
    this.endTheme = onTheme(() => this.#style());
    window.addEventListener("beforeprint", this.flush);
    this.canvas.style.touchAction = "pan-y";
    this.#listen();
  }

  destroy() {
    this.endTheme();
    window.removeEventListener("beforeprint", this.flush);
    cancelAnimationFrame(this.pending);
    clearTimeout(this.resting);
    this.gone = true;
    this.chart.destroy();
  }

  /* ---- for who extends it ---- */

  /** Everything there is, in x. @returns {Span} */
  get whole() { return { from: 0, to: 1 }; }

  /** The narrowest window that may be zoomed to. */
  get narrowest() { return 0; }

  /** How many lines are drawn, of how many points. */
  get counts() { return { series: 0, points: 0 }; }

  /** The titles of the axes. */
  get titles() { return { x: "", y: "" }; }

  /** The values that are shown. @param {number} _height of the canvas in pixels */
  range(_height) { return { min: 0, max: 1 }; }

  /**
   * @param {"x"|"y"} _axis
   * @param {number} _min
   * @param {number} _max
   * @param {number} _size of the canvas along the axis, in pixels
   * @returns {Tick[]}
   */
  ticks(_axis, _min, _max, _size) { return []; }

  /** Horizontal lines, for the annotation plugin. @returns {Record<string, any>} */
  annotations() { return {}; }

  /** Draw under the grid, the lines themselves (clipped to their area), or over them.
   * @param {"under"|"lines"|"over"} _layer @param {Brush} _brush */
  paint(_layer, _brush) {}

  /** @returns {Spot|null} */
  spot() { return null; }

  /** Put the cursor where a pointer is, in pixels of the canvas. @param {number} _px
   * @param {number} _py */
  point(_px, _py) {}

  /** @param {boolean} _byTouch */
  leave(_byTouch) {}

  /**
   * Move the cursor along the line by `along` points and by `across` lines; 0 and 0: where the
   * keyboard begins.
   * @param {number} _along may be infinite: to the end
   * @param {number} _across
   */
  walk(_along, _across) {}

  /** @param {boolean} _shift */
  press(_shift) {}

  /* ---- Chart.js ---- */

  #config() {
    const axis = { type: "linear", title: { display: true, text: "" }, border: { display: false } };
    return /** @type {any} */ ({
      type: "line",
      data: { datasets: [] },
      plugins: [{
        id: "lines",
        beforeDraw: () => this.#paint("under"),
        beforeDatasetsDraw: () => this.#paint("lines"),
        afterDatasetsDraw: () => this.#paint("over"),
        afterDraw: () => this.#tell(),
      }],
      options: {
        animation: false, responsive: true, maintainAspectRatio: false, events: [], locale: "en",
        onResize: () => this.#prepare(),
        layout: { padding: { top: this.how.top, right: 12 } },
        scales: {
          x: { ...axis, bounds: "data", grid: { display: false }, ...this.#scale("x") },
          y: { ...axis, ...this.#scale("y") },
        },
        plugins: {
          legend: { display: false },
          tooltip: { enabled: false },
          annotation: { annotations: {} },
          zoom: this.#zoomOptions(),
        },
      },
    });
  }

  /** @param {"x"|"y"} name */
  #scale(name) {
    const size = name === "x" ? "width" : "height";
    return {
      ticks: {
        maxRotation: 0, autoSkip: false,
        /** @this {any} @param {number} value @param {number} i @param {any[]} all */
        callback(value, i, all) {
          return all[i].label ??
            /** @type {any} */ (Chart).Ticks.formatters.numeric.call(this, value, i, all);
        },
      },
      afterDataLimits: (/** @type {any} */ scale) => {
        const shown = this.shown;
        Object.assign(scale, name === "x" ? { min: shown.from, max: shown.to }
          : this.range(scale.chart.height));
      },
      afterBuildTicks: (/** @type {any} */ scale) => {
        scale.ticks = this.ticks(name, scale.min, scale.max, scale.chart[size]);
      },
      afterFit: (/** @type {any} */ scale) => {
        if (name === "y") scale.width = Math.max(scale.width, this.leastLeft);
      },
    };
  }

  /** Pixels that the axis of y takes at the least: of charts over each other the same. */
  get leastLeft() { return 0; }

  #zoomOptions() {
    return {
      limits: { x: { min: 0, max: 1, minRange: 0 } },
      pan: { enabled: true, mode: "x", modifierKey: "shift", onPan: () => this.#zoomed() },
      zoom: {
        mode: "x",
        wheel: { enabled: true, speed: 0.12 },
        pinch: { enabled: true },
        drag: { enabled: this.how.dragZooms, threshold: 6, drawTime: "afterDatasetsDraw" },
        // A wheel turned away from a chart that already shows everything scrolls the page.
        onZoomStart: (/** @type {any} */ { event }) =>
          !(event?.type === "wheel" && event.deltaY > 0 && !this.span),
        onZoom: () => this.#zoomed(),
      },
    };
  }

  /** Colours and fonts from the style sheet; asked again when light turns to dark. */
  #style() {
    const { options } = this.chart;
    const muted = css("--muted");
    this.text = textSize();
    const font = { family: css("--sans"), size: this.text };
    for (const axis of [options.scales.x, options.scales.y]) {
      Object.assign(axis.ticks, { color: muted, font });
      Object.assign(axis.title, { color: muted, font });
    }
    options.scales.y.grid = { color: css("--hairline"), tickLength: 0 };
    options.plugins.zoom.zoom.drag.backgroundColor = css("--select");
    this.apply();
  }

  /** Draw anew with the next frame, however often it is asked for until then. */
  apply() {
    this.stale = true;
    this.redraw();
  }

  /** The same where neither what is shown nor the axes changed. */
  redraw() {
    if (this.gone || !this.chart) return; // what was asked for came after the view was left
    this.pending ||= requestAnimationFrame(() => {
      this.pending = 0;
      this.#draw();
    });
  }

  #draw() {
    if (!this.stale) this.chart.draw();
    else {
      this.stale = false;
      this.#prepare();
      if (this.chart.width) this.chart.update("none"); // without a size it is drawn as it gets one
    }
    this.placeCursor();
  }

  /** Tell Chart.js and its plugins what there is. */
  #prepare() {
    if (!this.chart) return;
    const { options } = this.chart;
    const { from, to } = this.whole;
    Object.assign(options.plugins.zoom.limits.x,
      { min: from, max: Math.max(to, this.span?.to ?? to), minRange: this.narrowest });
    options.plugins.annotation.annotations = this.annotations();
    options.scales.x.title.text = this.titles.x;
    options.scales.y.title.text = this.titles.y;
  }

  /** @param {"under"|"lines"|"over"} layer */
  #paint(layer) {
    const { ctx, chartArea: area, scales } = this.chart ?? {};
    if (!area) return;
    ctx.save();
    if (layer === "lines") {
      ctx.beginPath();
      ctx.rect(area.left, area.top - 2, area.right - area.left, area.bottom - area.top + 4);
      ctx.clip();
    }
    this.paint(layer, { ctx, area, x: linear(scales.x), y: linear(scales.y) });
    ctx.restore();
  }

  /** What is drawn, for whoever waits for it. */
  #tell() {
    const { series, points } = this.counts;
    setAttr(this.element, "data-series", String(series));
    setAttr(this.element, "data-points", String(points));
    setAttr(this.element, "data-zoomed", String(this.span !== null));
  }

  /* ---- the window ---- */

  /** What is shown of x. @returns {Span} */
  get shown() {
    const { min, max } = this.chart?.options.scales.x ?? {};
    return this.isZoomed ? { from: min, to: max } : this.whole;
  }

  /** Also while the zoom plugin is about to change the window, when `span` is not yet known. */
  get isZoomed() {
    const { min, max } = this.chart?.options.scales.x ?? {};
    return typeof min === "number" && typeof max === "number" && max > min;
  }

  /** @param {Span|null} span */
  setSpan(span) {
    this.span = span;
    const { x } = this.chart.options.scales;
    x.min = span?.from;
    x.max = span?.to;
    this.apply();
  }

  /** The same as the reader would do it. @param {Span|null} span */
  show(span) {
    this.setSpan(span);
    this.dispatchEvent(new Event("window"));
  }

  /** The plugin has changed the window and drawn it: only what rests needs to be drawn again. */
  #zoomed() {
    const { min, max } = this.chart.scales.x;
    const { from, to } = this.whole;
    const slack = (to - from) * 1e-4;
    if (min <= from + slack && max >= to - slack) this.setSpan(null);
    else {
      this.span = { from: min, to: max };
      this.placeCursor();
      clearTimeout(this.resting);
      this.resting = setTimeout(() => this.apply(), REST_MS);
    }
    this.dispatchEvent(new Event("window"));
  }

  /** @param {number} factor above 1 zooms in, about the cursor or the middle */
  zoomBy(factor) {
    const { from, to } = this.shown;
    const whole = this.whole;
    const at = this.spot()?.at ?? NaN;
    const centre = at > from && at < to ? at : (from + to) / 2;
    const width = Math.max(this.narrowest, (to - from) / factor);
    const begin = centre - (centre - from) / factor;
    const start = Math.max(whole.from, Math.min(begin, whole.to - width));
    const end = Math.min(whole.to, start + width);
    this.show(start <= whole.from && end >= whole.to ? null : { from: start, to: end });
  }

  /** Move the window where it does not show a place. @param {number} x */
  reveal(x) {
    const { from, to } = this.shown;
    if (!this.span || (x >= from && x <= to)) return;
    const whole = this.whole;
    const width = to - from;
    const start = Math.max(whole.from, Math.min(x - width / 2, whole.to - width));
    this.show({ from: start, to: start + width });
  }

  /* ---- cursor ---- */

  #listen() {
    const { element } = this;
    element.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") return;
      this.byKeyboard = false;
      this.#point(event);
    });
    element.addEventListener("pointerdown", (event) => this.#point(event));
    element.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch" && !this.byKeyboard) this.leave(false);
    });
    element.addEventListener("focus", () => {
      if (element.matches(":focus-visible")) this.#walk(0, 0);
    });
    element.addEventListener("blur", () => this.leave(false));
    element.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (this.#key(event.key, event.shiftKey ? FAR_STEP : 1)) event.preventDefault();
    });
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const box = this.canvas.getBoundingClientRect();
    const { chartArea: area } = this.chart;
    if (!area) return;
    const px = event.clientX - box.left;
    const py = event.clientY - box.top;
    const outside = px < area.left - NEAR || px > area.right + NEAR ||
      py < area.top - 2 * NEAR || py > area.bottom + 2 * NEAR;
    if (outside) this.leave(event.pointerType === "touch");
    else this.point(px, py);
  }

  /**
   * @param {number} along
   * @param {number} across
   */
  #walk(along, across) {
    this.byKeyboard = true;
    this.walk(along, across);
  }

  /**
   * @param {string} key
   * @param {number} far
   * @returns {boolean} whether the key was meant for the chart
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
    else if (key === "Enter") this.press(false);
    else return false;
    return true;
  }

  /** Crosshair, dots and tip follow the cursor without drawing the canvas anew. */
  placeCursor() {
    const { chartArea: area, scales } = this.chart;
    const spot = area ? this.spot() : null;
    const off = !spot || spot.at < scales.x.min || spot.at > scales.x.max;
    for (const node of [this.cross, this.dots, this.tip]) node.hidden = off;
    if (off || !spot) return;
    const x = linear(scales.x);
    const y = linear(scales.y);
    this.cross.style.transform = `translate(${x.px(spot.at)}px, ${area.top}px)`;
    this.cross.style.height = `${area.bottom - area.top}px`;
    this.#placeDots(spot, x, y);
    this.#fillTip(spot.lines);
    const { w, h: tall } = this.tipSize;
    const [px, py] = [x.px(spot.point.x), y.px(spot.point.y)];
    const left = px + 14 + w > area.right ? Math.max(4, px - 14 - w) : px + 14;
    const top = Math.max(area.top, Math.min(py + 10, area.bottom - tall - 4));
    this.tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
    setAttr(this.element, "aria-valuemax", String(spot.said.max));
    setAttr(this.element, "aria-valuenow", String(spot.said.now));
    setAttr(this.element, "aria-valuetext", spot.said.text);
  }

  /**
   * @param {Spot} spot
   * @param {Axis} x
   * @param {Axis} y
   */
  #placeDots({ dots }, x, y) {
    const { children } = this.dots;
    while (children.length < dots.length) this.dots.append(h("i"));
    while (children.length > dots.length) this.dots.lastElementChild?.remove();
    dots.forEach((one, i) => {
      const dot = /** @type {HTMLElement} */ (children[i]);
      dot.hidden = one.x < x.min || one.x > x.max || one.y < y.min || one.y > y.max;
      dot.style.transform = `translate(${x.px(one.x)}px, ${y.px(one.y)}px)`;
      dot.style.backgroundColor = one.color;
      dot.classList.toggle("active", one.active);
    });
  }

  /** Its size is asked for only where its text changed: the browser lays the page out for it.
   * @param {string[]} lines */
  #fillTip(lines) {
    const says = lines.join("\n");
    if (says === this.tipSays) return;
    this.tipSays = says;
    while (this.tip.children.length < lines.length) this.tip.append(h("div"));
    while (this.tip.children.length > lines.length) this.tip.lastElementChild?.remove();
    lines.forEach((text, i) => setText(this.tip.children[i], text));
    this.tipSize = { w: this.tip.offsetWidth, h: this.tip.offsetHeight };
  }
}

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

/** Small text as the reader has set it, in pixels: a canvas knows no rem. */
const textSize = () =>
  0.75 * (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16);

/**
 * Round values within an axis: Chart.js counts from the axis' start instead, so that the ticks of a
 * zoomed window would stand at odd values.
 * @param {number} min
 * @param {number} max
 * @param {number} unit what they are round in
 * @param {number} most
 * @returns {number[]}
 */
export function roundTicks(min, max, unit, most) {
  const rough = (max - min) / unit / Math.max(2, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = unit * power *
    (/** @type {number} */ ([1, 2, 5, 10].find((m) => m * power >= rough * (1 - 1e-9))));
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * step);
}
