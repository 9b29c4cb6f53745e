// multiples.js - small charts side by side, one a Python, with one window and one range of values.

import { h, keyed, setText } from "../dom.js";
import { CurvePlot } from "./plot.js";

/** @typedef {import("./plot.js").Series} Series */
/** @typedef {{plot: CurvePlot, element: HTMLElement, title: HTMLElement}} Small */

export class Multiples extends EventTarget {
  /** @param {(id: number, index: number, plot: CurvePlot) => string[]} describe see CurvePlot */
  constructor(describe) {
    super();
    this.describe = describe;
    /** @type {Map<string, Small>} */
    this.small = new Map();
    this.element = h("div", { class: "multiples", hidden: true });
  }

  destroy() {
    for (const { plot } of this.small.values()) plot.destroy();
    this.small.clear();
  }

  /** @param {string} name */
  #make(name) {
    /** @type {CurvePlot} */
    const plot = new CurvePlot((id, index) => this.describe(id, index, plot));
    plot.addEventListener("window", () =>
      this.dispatchEvent(new CustomEvent("window", { detail: plot.span })));
    plot.addEventListener("press", () =>
      this.dispatchEvent(new CustomEvent("press", { detail: plot })));
    const title = h("h3", null, name);
    const small = { plot, title, element: h("div", { class: "multiple" }, title, plot.element) };
    this.small.set(name, small);
    return small;
  }

  /**
   * @param {object} what
   * @param {Series[]} what.series
   * @param {import("./plot.js").Axes} what.axes
   * @param {import("./plot.js").Phase[]} what.phases
   * @param {import("./plot.js").Span|null} what.span
   * @param {(s: Series) => string} what.groupOf
   */
  update({ series, axes, phases, span, groupOf }) {
    /** @type {Map<string, Series[]>} */
    const groups = new Map();
    for (const s of series) groups.set(groupOf(s), [...(groups.get(groupOf(s)) ?? []), s]);
    for (const [name, { plot }] of this.small) {
      if (groups.has(name)) continue;
      plot.destroy();
      this.small.delete(name);
    }
    keyed(this.element, [...groups.keys()], (name) => name,
      (name) => (this.small.get(name) ?? this.#make(name)).element, () => {});
    const end = Math.max(...series.map((s) => s.points.at(-1)?.x ?? 0), 0);
    for (const [name, own] of groups) {
      const small = /** @type {Small} */ (this.small.get(name));
      setText(small.title, name);
      small.plot.setAxes(axes);
      small.plot.setPhases(phases);
      small.plot.least = end;
      small.plot.setSpan(span);
      small.plot.setSeries(own);
    }
    const ranges = [...this.small.values()].map(({ plot }) => plot.ownRange);
    const range = { min: Math.min(...ranges.map((one) => one.min)),
      max: Math.max(...ranges.map((one) => one.max)) };
    for (const { plot } of this.small.values()) plot.share(range);
  }
}
