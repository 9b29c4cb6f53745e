// plot.js - curves on one canvas: Chart.js, zoom, cursor, phases, floor, tide marks, bands.
//
// It owns the drawing and nothing else: whoever uses it hands over series (points, their look,
// their figures) and what the axes mean, and hears "window" when the reader zooms or pans, "cursor"
// when the instant looked at moves and "press" when a point is pressed. The whole instrument is
// one focus stop with the role of a slider: left and right walk along the active curve, up and down
// change the curve.

import { Chart } from "./vendor.js";
import { h, setAttr } from "./dom.js";
import { mib, mibUnit, seconds, toMib } from "./format.js";
import { css, onTheme } from "./palette.js";

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
 * @typedef {{from: number, to: number}} Span in seconds
 */

const FLAG = 13;              // height of a tide mark's pole in pixels
const HEADROOM = 30;          // pixels kept free above the highest mark
const SAME_FLOOR = 5;         // floors closer than this many pixels share one line
const LABEL_TALL = 16;        // floors closer than this share one label
const MIN_SPAN = 20e-6;       // seconds: no zoom below this

/** @type {Axes} */
export const TIME_AXES = {
  x: "time since the process started (s)", y: "RSS (MiB)", signed: false,
  say: (x, span) => `${seconds(x * 1e9, span * 1e9)} s`,
};

export class CurvePlot extends EventTarget {
  /**
   * @param {(id: number, index: number) => string[]} describe lines that name a point: the first
   *   is what was executing there
   */
  constructor(describe) {
    super();
    this.describe = describe;
    /** @type {Series[]} */
    this.series = [];
    /** @type {Span|null} null shows everything */
    this.span = null;
    /** @type {Cursor|null} */
    this.cursor = null;
    /** @type {number|null} */
    this.active = null;
    this.gone = false;
    this.byKeyboard = false;
    this.pending = 0;
    this.text = 12;               // pixels
    this.axes = TIME_AXES;
    /** @type {Phase[]} */
    this.phases = [];
    /** @type {{min: number, max: number}|null} a range of values shared with other plots */
    this.shared = null;
    this.least = 0;               // the axis goes this far at the least

    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.cross = h("div", { class: "plot-cross", hidden: true });
    this.dots = h("div", { class: "plot-dots" });
    this.tip = h("div", { class: "plot-tip", hidden: true });
    this.element = h("div", {
      class: "plot", tabindex: 0, role: "slider", "aria-label": "Instant on the curves",
      "aria-valuemin": 0, "aria-valuemax": 0, "aria-valuenow": 0, "aria-valuetext": "no curve yet",
    }, this.canvas, h("div", { class: "plot-over", "aria-hidden": "true" },
      this.cross, this.dots, this.tip));

    this.endTheme = onTheme(() => this.#style());
    this.chart = this.#makeChart();
    this.canvas.style.touchAction = "pan-y";
    this.#listen();
  }

  destroy() {
    this.endTheme();
    cancelAnimationFrame(this.pending);
    this.gone = true;
    this.chart.destroy();
  }

  /** @returns {any} Chart.js with what its plugins add, which its own types do not know */
  #makeChart() {
    const self = this;
    /** @type {any} */
    const config = {
      type: "line",
      data: { datasets: [] },
      plugins: [{
        id: "tideMarks", beforeDraw: () => self.#drawPhases(),
        beforeDatasetsDraw: () => self.#drawCurves(),
        afterDatasetsDraw: () => self.#drawTideMarks(),
      }],
      options: {
        animation: false,
        parsing: false,
        normalized: true,
        responsive: true,
        maintainAspectRatio: false,
        events: [],
        locale: "en",
        layout: { padding: { top: 4, right: 12 } },
        elements: { point: { radius: 0 }, line: { tension: 0, borderJoinStyle: "round" } },
        scales: {
          x: {
            type: "linear",
            bounds: "data",
            title: { display: true, text: "time since the process started (s)" },
            ticks: { maxRotation: 0, autoSkipPadding: 24, includeBounds: false },
            grid: { display: false },
            border: { display: false },
            afterDataLimits: (/** @type {any} */ scale) => {
              const span = self.#shown();
              scale.min = span.from;
              scale.max = span.to;
            },
            afterBuildTicks: (/** @type {any} */ scale) => {
              scale.ticks = roundTicks(scale.min, scale.max, scale.chart.width / 85);
            },
          },
          y: {
            type: "linear",
            title: { display: true, text: "RSS (MiB)" },
            ticks: { maxTicksLimit: 8 },
            border: { display: false },
            afterDataLimits: (/** @type {any} */ scale) => {
              const range = self.#fitY(scale.chart.height);
              scale.min = range.min;
              scale.max = range.max;
            },
          },
        },
        plugins: {
          legend: { display: false },
          tooltip: { enabled: false },
          annotation: { annotations: {} },
          zoom: {
            limits: { x: { min: 0, max: 1, minRange: MIN_SPAN } },
            pan: { enabled: true, mode: "x", modifierKey: "shift", onPan: () => self.#zoomed() },
            zoom: {
              mode: "x",
              wheel: { enabled: true, speed: 0.12 },
              pinch: { enabled: true },
              drag: { enabled: true, threshold: 6, drawTime: "afterDatasetsDraw" },
              onZoomStart: (/** @type {any} */ { event }) => self.#mayZoom(event),
              onZoom: () => self.#zoomed(),
            },
          },
        },
      },
    };
    const chart = new Chart(this.canvas, config);
    this.chart = chart;
    this.#style();
    return chart;
  }

  /** Colours and fonts from the style sheet; asked again when light turns to dark. */
  #style() {
    const { options } = this.chart;
    const muted = css("--muted");
    this.text = textSize();
    const font = { family: css("--sans"), size: this.text };
    for (const axis of [options.scales.x, options.scales.y]) {
      axis.ticks.color = muted;
      axis.ticks.font = font;
      axis.title.color = muted;
      axis.title.font = font;
    }
    options.scales.y.grid = { color: css("--hairline"), tickLength: 0 };
    options.plugins.zoom.zoom.drag.backgroundColor = css("--select");
    this.#apply();
  }

  /** The end of the longest visible curve, in seconds. */
  get end() {
    let end = this.least;
    for (const { points, hidden } of this.series) {
      if (!hidden && points.length) end = Math.max(end, points[points.length - 1].x);
    }
    return end || 1;
  }

  /** How much time the chart shows, in nanoseconds. */
  get shownNs() {
    const { from, to } = this.#shown();
    return (to - from) * 1e9;
  }

  /** What the figures of the points are. @param {Axes} axes */
  setAxes(axes) {
    this.axes = axes;
    this.element.dataset.values = axes.signed ? "signed" : "rss";
    const { scales } = this.chart.options;
    scales.x.title.text = axes.x;
    scales.y.title.text = axes.y;
  }

  /** The range of values that the plot would show by itself. */
  get range() {
    const { shared } = this;
    this.shared = null;
    const range = this.#fitY(this.chart.height);
    this.shared = shared;
    return range;
  }

  /** Show this range, as other plots beside it do. @param {{min: number, max: number}} range */
  share(range) {
    this.shared = range;
    this.#apply();
  }

  /** Phases that lie behind the curves, in order. @param {Phase[]} phases */
  setPhases(phases) {
    this.phases = phases;
  }

  /** @returns {Span} */
  #shown() {
    const { min, max } = this.chart?.options.scales.x ?? {};
    if (typeof min === "number" && typeof max === "number" && max > min) {
      return { from: min, to: max };
    }
    return { from: 0, to: this.end };
  }

  /**
   * From zero while everything is shown, so that heights compare; fitted to what is in the
   * window once zoomed, with the values where a line crosses the window's edges.
   * @param {number} height of the canvas in pixels
   */
  #fitY(height) {
    const { from, to } = this.#shown();
    const { signed } = this.axes;
    if (this.shared) return this.shared;
    let min = Infinity;
    let max = -Infinity;
    /** @param {number} y */
    const see = (y) => {
      if (y < min) min = y;
      if (y > max) max = y;
    };
    for (const s of this.series) {
      if (s.hidden || !s.points.length) continue;
      for (const points of s.band ? [s.points, s.band.low, s.band.high] : [s.points]) {
        const first = lowerBound(points, from);
        const last = lowerBound(points, to);
        for (let i = first; i < last; i++) see(points[i].y);
        for (const x of [from, to]) {
          const y = valueAt(points, x);
          if (y !== null) see(y);
        }
      }
      if (signed) continue;
      if (s.tideMark !== null && s.tideAt !== null && s.tideAt >= from && s.tideAt <= to) {
        see(toMib(s.tideMark));
      }
      if (s.floorLine !== null && !this.span) see(toMib(s.floorLine));
    }
    if (min > max) return { min: 0, max: 1 };
    if (signed) {
      const rim = Math.max(0.05, (Math.max(0, max) - Math.min(0, min)) * 0.06);
      return { min: Math.min(0, min) - rim, max: Math.max(0, max) + rim };
    }
    if (!this.span) min = 0;
    const least = Math.max(0.05, max * 1e-4);
    if (max - min < least) {
      min = Math.max(0, min - least / 2);
      max = min + least;
    }
    const room = (max - min) * HEADROOM / Math.max(120, height - 60);
    return { min: this.span ? Math.max(0, min - room / 4) : 0, max: max + room };
  }

  /** @param {Series[]} series */
  setSeries(series) {
    this.series = series;
    if (!series.some((s) => s.id === this.active && !s.hidden)) this.active = null;
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

  /** Bring one curve forward. @param {number|null} id */
  setActive(id) {
    if (this.active === id) return;
    this.active = id;
    this.#apply();
  }

  /** Draw anew with the next frame, however often it is asked for until then. */
  #apply() {
    if (this.gone) return; // what was asked for came after the view was left
    this.pending ||= requestAnimationFrame(() => {
      this.pending = 0;
      this.#draw();
    });
  }

  #draw() {
    const { chart } = this;
    const { options } = chart;
    options.plugins.zoom.limits.x.max = Math.max(this.end, this.span?.to ?? 0);
    options.plugins.annotation.annotations = this.#floors();
    chart.update("none");
    const shown = this.series.filter((s) => !s.hidden && s.points.length);
    const { dataset } = this.element;
    dataset.series = String(shown.length);
    dataset.points = String(shown.reduce((sum, s) => sum + s.points.length, 0));
    dataset.zoomed = String(this.span !== null);
    setAttr(this.element, "aria-valuemax", String(this.end));
    this.#placeCursor();
  }

  /**
   * The curves themselves. They are no datasets of Chart.js, which would make an object for every
   * point at every change: here a point is one lineTo.
   */
  #drawCurves() {
    const { chart } = this;
    if (!chart) return;
    const { ctx, chartArea: area, scales: { x: xs, y: ys } } = chart;
    const place = {
      from: xs.min, to: xs.max, x: (area.right - area.left) / (xs.max - xs.min),
      y: (area.bottom - area.top) / (ys.max - ys.min), left: area.left, bottom: area.bottom,
      low: ys.min,
    };
    ctx.save();
    ctx.beginPath();
    ctx.rect(area.left, area.top, area.right - area.left, area.bottom - area.top);
    ctx.clip();
    ctx.lineJoin = "bevel"; // a mitre would show a peak higher than it was
    const shown = this.#visible().sort((a, b) =>
      Number(a.id === this.active) - Number(b.id === this.active));
    for (const { band, color } of shown) {
      if (!band?.low.length) continue;
      ctx.fillStyle = `${color}38`;
      ctx.beginPath();
      trace(ctx, band.high, place, false);
      trace(ctx, band.low, place, true);
      ctx.fill();
    }
    for (const s of shown) {
      ctx.strokeStyle = s.color;
      ctx.lineWidth = s.id === this.active ? s.width + 1 : s.width;
      ctx.setLineDash(s.dash);
      ctx.beginPath();
      trace(ctx, s.points, place, false);
      ctx.stroke();
    }
    ctx.restore();
  }

  /** Floors that lie together share one dotted line, those a little further apart one label. */
  #floors() {
    const range = this.#fitY(this.chart.height);
    const pixel = (range.max - range.min) / Math.max(120, this.chart.height - 60);
    if (this.axes.signed) return zeroLine();
    const values = this.series.filter((s) => !s.hidden && s.floorLine !== null && s.points.length)
      .map((s) => toMib(/** @type {number} */ (s.floorLine)))
      .filter((y) => y >= range.min && y <= range.max);
    const lines = clusters(values, SAME_FLOOR * pixel).map((group) => group[0]);
    const ink = css("--floor");
    /** @type {Record<string, any>} */
    const drawn = {};
    for (const group of clusters(lines, LABEL_TALL * pixel)) {
      const [low, high] = [group[0], group[group.length - 1]];
      const text = low === high ? figure(low) : `${figure(low)} to ${figure(high)}`;
      for (const y of group) {
        drawn[`floor${Object.keys(drawn).length}`] = {
          type: "line", yMin: y, yMax: y, borderColor: ink, borderWidth: 1.5,
          borderDash: [1.5, 4], drawTime: "beforeDatasetsDraw",
          label: {
            display: y === high, drawTime: "afterDatasetsDraw", position: "end", yAdjust: -9,
            padding: 2, content: `floor ${text} MiB`, backgroundColor: css("--veil"), color: ink,
            font: { family: css("--sans"), size: this.text - 1, weight: "normal" },
          },
        };
      }
    }
    return drawn;
  }

  /** Every other phase shaded, named at the top where there is room. */
  #drawPhases() {
    const { chart } = this;
    if (!chart || !this.phases.length) return;
    const { ctx, chartArea: area, scales: { x: xs } } = chart;
    ctx.save();
    ctx.font = `${this.text - 1}px ${css("--sans")}`;
    ctx.textBaseline = "top";
    this.phases.forEach((phase, i) => {
      const left = Math.max(area.left, xs.getPixelForValue(phase.from));
      const right = Math.min(area.right, xs.getPixelForValue(phase.to));
      if (right - left < 0.5) return;
      if (i % 2 === 0) {
        ctx.fillStyle = css("--raised");
        ctx.fillRect(left, area.top, right - left, area.bottom - area.top);
      }
      if (ctx.measureText(phase.name).width + 6 > right - left) return;
      ctx.fillStyle = css("--muted");
      ctx.fillText(phase.name, left + 3, area.top + 2);
    });
    ctx.restore();
  }

  /** A flag at each curve's highest instant, at the height that the kernel counted. */
  #drawTideMarks() {
    const { chart } = this;
    if (!chart || this.axes.signed) return;
    const { ctx, chartArea: area, scales: { x: xs, y: ys } } = chart;
    const marked = this.series.filter((s) => !s.hidden && s.points.length &&
      s.tideMark !== null && s.tideAt !== null && s.tideAt >= xs.min && s.tideAt <= xs.max);
    if (!marked.length) return;
    const mark = (/** @type {Series} */ s) => /** @type {number} */ (s.tideMark);
    const highest = marked.reduce((a, b) => (mark(b) > mark(a) ? b : a));
    const named = marked.find((s) => s.id === this.active) ?? highest;
    ctx.save();
    for (const s of marked) {
      const px = xs.getPixelForValue(s.tideAt);
      const py = ys.getPixelForValue(toMib(mark(s)));
      if (py < area.top || py > area.bottom) continue;
      const sample = valueAt(s.points, /** @type {number} */ (s.tideAt));
      const foot = sample === null ? py : Math.max(py, ys.getPixelForValue(sample));
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
    const px = xs.getPixelForValue(named.tideAt);
    const py = ys.getPixelForValue(toMib(mark(named)));
    const text = `tide mark ${mibUnit(mark(named))}`;
    ctx.font = `600 ${this.text - 1}px ${css("--sans")}`;
    const width = ctx.measureText(text).width;
    const left = px + 12 + width > area.right ? px - 6 - width : px + 12;
    ctx.textBaseline = "middle";
    ctx.fillStyle = css("--veil");
    ctx.fillRect(left - 3, py - FLAG - 5, width + 6, 16);
    ctx.fillStyle = css("--ink");
    ctx.fillText(text, left, py - FLAG + 3);
    ctx.restore();
  }

  /* ---- zoom ---- */

  /**
   * A wheel turned away from a chart that already shows everything scrolls the page.
   * @param {any} event
   */
  #mayZoom(event) {
    return !(event?.type === "wheel" && event.deltaY > 0 && !this.span);
  }

  #zoomed() {
    const { min, max } = this.chart.scales.x;
    const full = min <= this.end * 1e-4 && max >= this.end * (1 - 1e-4);
    this.span = full ? null : { from: min, to: max };
    if (full) this.setSpan(null);
    else this.#apply();
    this.dispatchEvent(new Event("window"));
  }

  /** @param {number} factor above 1 zooms in, about the cursor or the middle */
  zoomBy(factor) {
    const { from, to } = this.#shown();
    const centre = this.cursor && this.cursor.x > from && this.cursor.x < to
      ? this.cursor.x : (from + to) / 2;
    const width = Math.max(MIN_SPAN, (to - from) / factor);
    let start = centre - (centre - from) / factor;
    start = Math.max(0, Math.min(start, this.end - width));
    const end = Math.min(this.end, start + width);
    this.setSpan(start <= 0 && end >= this.end ? null : { from: Math.max(0, start), to: end });
    this.dispatchEvent(new Event("window"));
  }

  resetZoom() {
    this.setSpan(null);
    this.dispatchEvent(new Event("window"));
  }

  /* ---- cursor ---- */

  #listen() {
    const { element } = this;
    element.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") return;
      this.byKeyboard = false;
      this.#point(event);
    });
    /** @type {{x: number, y: number}|null} */
    let down = null;
    element.addEventListener("pointerdown", (event) => {
      this.#point(event);
      down = { x: event.clientX, y: event.clientY };
    });
    element.addEventListener("click", (event) => {
      if (!down || Math.hypot(event.clientX - down.x, event.clientY - down.y) > 5) return;
      this.#press();
    });
    element.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch" && !this.byKeyboard) this.#setCursor(null);
    });
    element.addEventListener("focus", () => {
      if (element.matches(":focus-visible")) this.#keyboardCursor();
    });
    element.addEventListener("blur", () => this.#setCursor(null));
    element.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (this.#key(event.key, event.shiftKey)) event.preventDefault();
    });
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const box = this.canvas.getBoundingClientRect();
    const { chartArea: area, scales } = this.chart;
    const px = event.clientX - box.left;
    const py = event.clientY - box.top;
    if (px < area.left - 4 || px > area.right + 4 || py < area.top || py > area.bottom + 4) {
      this.#setCursor(null);
      return;
    }
    const x = scales.x.getValueForPixel(px);
    let best = null;
    let bestDistance = Infinity;
    for (const s of this.series) {
      if (s.hidden || !s.points.length) continue;
      const y = valueAt(s.points, x) ?? s.points[nearest(s.points, x)].y;
      const beyond = Math.max(0, px - scales.x.getPixelForValue(s.points[s.points.length - 1].x));
      const distance = Math.abs(scales.y.getPixelForValue(y) - py) + beyond;
      if (distance < bestDistance) {
        bestDistance = distance;
        best = s;
      }
    }
    this.#setCursor(best ? { x, active: best.id } : null);
  }

  #visible() {
    return this.series.filter((s) => !s.hidden && s.points.length);
  }

  /** Where the keyboard starts: at the active curve's tide mark. */
  #keyboardCursor() {
    const shown = this.#visible();
    const s = shown.find((one) => one.id === this.active) ?? shown[0];
    if (!s) return;
    const { from, to } = this.#shown();
    const at = this.cursor?.x ?? s.tideAt ?? s.points[0].x;
    this.byKeyboard = true;
    this.#setCursor({ x: at >= from && at <= to ? at : (from + to) / 2, active: s.id });
  }

  /**
   * Put the cursor on an instant of a curve, moving the window there where it is elsewhere.
   * @param {number} id
   * @param {number} x
   */
  lookAt(id, x) {
    const { from, to } = this.#shown();
    if (this.span && (x < from || x > to)) {
      const width = to - from;
      const start = Math.max(0, Math.min(x - width / 2, this.end - width));
      this.setSpan({ from: start, to: start + width });
      this.dispatchEvent(new Event("window"));
    }
    this.byKeyboard = true;
    this.#setCursor({ x, active: id });
  }

  #press() {
    if (this.cursor) this.dispatchEvent(new Event("press"));
  }

  /**
   * @param {string} key
   * @param {boolean} far
   * @returns {boolean} whether the key was meant for the plot
   */
  #key(key, far) {
    if (key === "+" || key === "=") this.zoomBy(2);
    else if (key === "-") this.zoomBy(0.5);
    else if (key === "0") this.resetZoom();
    else if (key === "Escape" && this.span) this.resetZoom();
    else if (key === "Enter") this.#press();
    else if (/^(Arrow(Left|Right|Up|Down)|Home|End)$/.test(key)) this.#walk(key, far);
    else return false;
    return true;
  }

  /**
   * @param {string} key
   * @param {boolean} far
   */
  #walk(key, far) {
    const shown = this.#visible();
    if (!shown.length) return;
    if (!this.cursor) {
      this.#keyboardCursor();
      return;
    }
    let at = Math.max(0, shown.findIndex((s) => s.id === this.cursor?.active));
    if (key === "ArrowUp") at = (at + shown.length - 1) % shown.length;
    if (key === "ArrowDown") at = (at + 1) % shown.length;
    const s = shown[at];
    const { from, to } = this.#shown();
    let i = nearest(s.points, this.cursor.x);
    const step = far ? 10 : 1;
    if (key === "ArrowLeft") i -= step;
    if (key === "ArrowRight") i += step;
    if (key === "Home") i = lowerBound(s.points, from);
    if (key === "End") i = lowerBound(s.points, to);
    i = Math.max(0, Math.min(s.points.length - 1, i));
    this.lookAt(s.id, s.points[i].x);
  }

  /** @param {Cursor|null} cursor */
  #setCursor(cursor) {
    this.cursor = cursor;
    if (cursor) this.setActive(cursor.active);
    this.#placeCursor();
    this.dispatchEvent(new Event("cursor"));
  }

  /**
   * The point of a curve that stands for the cursor's instant, or -1 past the curve's end.
   * @param {number} id
   */
  indexAtCursor(id) {
    const s = this.series.find((one) => one.id === id);
    if (!s || !this.cursor || !s.points.length) return -1;
    const i = nearest(s.points, this.cursor.x);
    const slack = (this.#shown().to - this.#shown().from) * 0.01;
    return Math.abs(s.points[i].x - this.cursor.x) > slack &&
      this.cursor.x > s.points[s.points.length - 1].x ? -1 : i;
  }

  /** Crosshair, dots and tip follow the cursor without redrawing the canvas. */
  #placeCursor() {
    const { cursor, chart } = this;
    const { chartArea: area, scales } = chart;
    const s = this.series.find((one) => one.id === cursor?.active);
    const off = !cursor || !s || !s.points.length || !area ||
      cursor.x < scales.x.min || cursor.x > scales.x.max;
    this.cross.hidden = off;
    this.tip.hidden = off;
    this.dots.hidden = off;
    if (off || !s || !cursor) return;
    const px = scales.x.getPixelForValue(cursor.x);
    this.cross.style.transform = `translate(${px}px, ${area.top}px)`;
    this.cross.style.height = `${area.bottom - area.top}px`;

    const shown = this.#visible();
    while (this.dots.children.length < shown.length) this.dots.append(h("i"));
    while (this.dots.children.length > shown.length) this.dots.lastElementChild?.remove();
    shown.forEach((one, k) => {
      const dot = /** @type {HTMLElement} */ (this.dots.children[k]);
      const i = this.indexAtCursor(one.id);
      dot.hidden = i < 0;
      if (i < 0) return;
      const point = one.points[i];
      const x = scales.x.getPixelForValue(point.x);
      const y = scales.y.getPixelForValue(point.y);
      dot.hidden = y < area.top - 2 || y > area.bottom + 2 ||
        x < area.left - 2 || x > area.right + 2;
      dot.style.transform = `translate(${x}px, ${y}px)`;
      dot.style.backgroundColor = one.color;
      dot.classList.toggle("active", one.id === s.id);
    });

    const i = nearest(s.points, cursor.x);
    const point = s.points[i];
    const span = scales.x.max - scales.x.min;
    const lines = this.describe(s.id, i);
    this.tip.replaceChildren(...lines.map((line) => h("div", null, line)));
    const x = scales.x.getPixelForValue(point.x);
    const y = scales.y.getPixelForValue(point.y);
    const { offsetWidth: w, offsetHeight: tall } = this.tip;
    const left = x + 14 + w > area.right ? Math.max(4, x - 14 - w) : x + 14;
    const top = Math.max(area.top, Math.min(y + 10, area.bottom - tall - 4));
    this.tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
    setAttr(this.element, "aria-valuenow", String(point.x));
    setAttr(this.element, "aria-valuetext",
      `${this.axes.say(point.x, span)}: ${lines.join(", ")}`);
  }
}

/**
 * Add the points within a window, and the one on either side, to the path at hand.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Point[]} points
 * @param {{from: number, to: number, x: number, y: number, left: number, bottom: number,
 *   low: number}} place pixels to a unit, and where the window's corner lies
 * @param {boolean} back from right to left, as the other side of what is already there
 */
function trace(ctx, points, place, back) {
  const first = Math.max(0, lowerBound(points, place.from) - 1);
  const last = Math.min(points.length - 1, lowerBound(points, place.to));
  for (let k = first; k <= last; k++) {
    const { x, y } = points[back ? first + last - k : k];
    const px = place.left + (x - place.from) * place.x;
    const py = place.bottom - (y - place.low) * place.y;
    if (k === first && !back) ctx.moveTo(px, py);
    else ctx.lineTo(px, py);
  }
}

const zeroLine = () => ({ zero: {
  type: "line", yMin: 0, yMax: 0, borderColor: css("--edge"), borderWidth: 1,
  drawTime: "beforeDatasetsDraw",
} });

/** Small text as the reader has set it, in pixels: a canvas knows no rem. */
const textSize = () =>
  0.75 * (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16);

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
 * Round instants within an axis: Chart.js counts from the axis' start instead, so that the ticks
 * of a zoomed window would stand at odd values.
 * @param {number} min
 * @param {number} max
 * @param {number} most
 */
function roundTicks(min, max, most) {
  const rough = (max - min) / Math.max(2, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (/** @type {number} */ ([1, 2, 5, 10].find((m) => m * power >= rough)));
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => ({ value: (first + i) * step }));
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
