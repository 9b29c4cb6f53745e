// curvepane.js - a plot with what stands around it in every view: the curves' store, zoom buttons,
// what is shown, a message in place of curves, finer data as the reader zooms.

import { ChartMenu } from "./chartmenu.js";
import { CurveStore } from "./curvestore.js";
import { h, setAttr, setText } from "../dom.js";
import { CurvePlot } from "./plot.js";

/** @typedef {import("./plot.js").Span} Span */

const MANY = 8;
const REST_MS = 40;           // of a window that still moves nothing is fetched ...
const LONGEST_MS = 250;       // ... but once in this time; of many curves four times as long

const HINT = "Drag to zoom, wheel to zoom at the pointer, Shift and drag to pan";

export class CurvePane extends EventTarget {
  /**
   * @param {object} how
   * @param {(id: number, index: number) => string[]} how.describe see CurvePlot
   * @param {(id: number, span: Span) => Span} [how.within] where the window lies in a run's
   *   own time, for axes on which runs are aligned
   */
  constructor({ describe, within }) {
    super();
    this.within = within ?? ((_id, span) => span);
    this.store = new CurveStore();
    this.plot = new CurvePlot(describe);
    this.refining = false;
    this.again = false;
    this.gone = false;
    this.menu = new ChartMenu({
      name: "tidemark-curves", title: () => this.plot.axes.y,
      canvases: () => [this.plot.canvas], data: () => this.#data(),
    });
    this.message = h("div", { class: "plot-message", role: "status", hidden: true });
    this.windowText = h("span", { class: "window-text" });
    this.zoomIn = button("Zoom in", "+", () => this.plot.zoomBy(2));
    this.zoomOut = button("Zoom out", "−", () => this.plot.zoomBy(0.5));
    this.reset = h("button", { type: "button", class: "small", on: {
      click: () => this.plot.show(null),
    } }, "Reset zoom");
    this.hint = h("span", { class: "hint" }, HINT);
    this.bar = h("div", { class: "plot-bar" }, this.hint,
      this.windowText, h("span", { class: "zoom-buttons" }, this.zoomOut, this.zoomIn, this.reset),
      this.menu.element);
    this.box = h("div", { class: "plot-box" }, this.plot.element, this.message);
    this.element = h("div", { class: "plot-side" }, this.bar, this.box, this.menu.table);
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.resting = undefined;
    this.asked = 0;
    this.plot.addEventListener("window", () => this.#moved());
    this.store.addEventListener("loaded", () => {
      if (this.plot.span) this.refine();
    });
  }

  destroy() {
    this.gone = true;
    clearTimeout(this.resting);
    this.store.clear();
    this.plot.destroy();
  }

  /**
   * Twice as many points as the plot has pixels: the lowest and the highest of each. Of many curves
   * half as many: their lowest and highest of two pixels.
   * @param {number} [curves]
   */
  sizePoints(curves = 1) {
    const wide = this.plot.element.clientWidth || 600;
    this.store.points = Math.max(600, Math.min(3000, curves > MANY ? wide : wide * 2));
  }

  #moved() {
    clearTimeout(this.resting);
    const longest = this.store.held.size > MANY ? 4 * LONGEST_MS : LONGEST_MS;
    const rest = Math.min(REST_MS, Math.max(0, this.asked + longest - Date.now()));
    this.resting = setTimeout(() => {
      this.asked = Date.now();
      this.refine();
    }, rest);
  }

  /** Fetch what is in the window in finer grain; one request at a time, the last window wins. */
  refine() {
    if (this.refining) {
      this.again = true;
      return;
    }
    const { span } = this.plot;
    if (!span) {
      this.store.coarsen();
      return;
    }
    this.refining = true;
    this.again = false;
    void this.store.refine((id) => {
      const { from, to } = this.within(id, span);
      return { from: from * 1e9, to: to * 1e9 };
    }).finally(() => {
      this.refining = false;
      if (this.again && !this.gone) this.refine();
      else this.element.dataset.fine = `${span.from} ${span.to}`;
    });
  }

  /**
   * @param {string} text what stands in place of curves, "" where curves do
   * @param {string} state
   */
  say(text, state) {
    setText(this.message, text);
    this.message.dataset.state = state;
    this.message.hidden = text === "";
    setAttr(this.element, "aria-busy", state === "loading" ? "true" : null);
  }

  /** What is drawn, point by point. @returns {import("./chartmenu.js").Data} */
  #data() {
    const { axes, series } = this.plot;
    const banded = series.some((s) => s.band);
    return {
      columns: ["curve", axes.x, axes.y, ...(banded ? ["lowest", "highest"] : [])],
      rows: series.filter((s) => !s.hidden).flatMap((s) => s.points.map(({ x, y }, i) =>
        [s.name, x, y, ...(banded ? [s.band?.low[i]?.y ?? null, s.band?.high[i]?.y ?? null]
          : [])])),
    };
  }

  /** @param {string} [what] is drawn, where the axis does not say it all */
  drawBar(what) {
    setText(this.hint, what ?? HINT);
    this.menu.update();
    const { span, axes } = this.plot;
    const wide = span ? span.to - span.from : 0;
    setText(this.windowText, span
      ? `${axes.say(span.from, wide).replace(/ s$/, "")} – ${axes.say(span.to, wide)}` : "");
    this.reset.disabled = span === null;
    this.zoomOut.disabled = span === null;
  }
}

/**
 * @param {string} label
 * @param {string} sign
 * @param {() => void} act
 */
function button(label, sign, act) {
  return h("button", {
    type: "button", class: "small sign", "aria-label": label, title: label, on: { click: act },
  }, sign);
}
