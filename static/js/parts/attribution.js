// attribution.js - where the difference of two cells comes from: both curves and their difference,
// functions, phases and iterations.

import { getAttribution } from "../api.js";
import { ChartMenu } from "../charts/chartmenu.js";
import { sentence } from "./comparison.js";
import { h, replace } from "../dom.js";
import { Legend } from "../charts/legend.js";
import { LinePlot } from "../charts/lineplot.js";
import { css, onTheme } from "../charts/palette.js";
import { axisFigure, bare, change, exact, figure, fixed, scaleFor } from "../quantity.js";
import { failedState } from "../shell/states.js";

/** @typedef {import("../types.js").Attribution} Attribution */
/** @typedef {import("../types.js").Compared} Compared */
/** @typedef {import("../types.js").Comparison} Comparison */

const ROWS = 20;

export class AttributionPanel {
  constructor() {
    this.element = h("section", { class: "attribution", "aria-label": "Where it comes from",
      hidden: true });
    this.open = "";
    /** @type {AbortController|null} */
    this.asking = null;
    /** @type {Attribution|null} */
    this.held = null;
    this.labels = ["base", "head"];
    /** @type {Set<string>} */
    this.off = new Set();
    /** @type {LinePlot|null} */
    this.curves = null;
    /** @type {LinePlot|null} */
    this.difference = null;
    /** @type {Legend|null} */
    this.legend = null;
    this.endTheme = onTheme(() => this.#drawCurves());
  }

  destroy() {
    this.endTheme();
    this.#clear();
  }

  #clear() {
    this.asking?.abort();
    this.curves?.destroy();
    this.difference?.destroy();
    this.curves = this.difference = null;
    this.held = null;
    this.open = "";
  }

  /**
   * @param {Compared|null} one
   * @param {Comparison} answer
   */
  show(one, answer) {
    const key = one ? `${one.base.cell}-${one.head.cell}` : "";
    if (key === this.open) return;
    this.#clear();
    this.element.hidden = one === null;
    if (!one) return;
    this.open = key;
    void this.#load(one, answer);
  }

  /**
   * @param {Compared} one
   * @param {Comparison} answer
   */
  async #load(one, answer) {
    const now = new AbortController();
    this.asking = now;
    const title = h("h2", null, sentence(one, answer));
    replace(this.element, title, h("div", { class: "bone bone-plot", "aria-busy": "true" }));
    try {
      const found = await getAttribution(one.base.cell, one.head.cell, now.signal);
      if (now.signal.aborted) return;
      this.held = found;
      this.labels = [answer.base.label, answer.head.label];
      this.#draw(title);
    } catch (error) {
      if (now.signal.aborted) return;
      replace(this.element, title, failedState("Where it comes from could not be told", error,
        () => void this.#load(one, answer)));
    }
  }

  /** @param {HTMLElement} title */
  #draw(title) {
    const held = /** @type {Attribution} */ (this.held);
    replace(this.element, title, h("p", { class: "share" }, ...shareWords(held)),
      held.curves?.at.length ? this.#figure() : null,
      h("div", { class: "parts" },
        partTable("Functions", held.functions.slice(0, ROWS), (one) => [h("span",
          { class: "part-name", title: [one.name, one.file && `${one.file}:${one.line}`]
            .filter(Boolean).join("\n") }, one.name)]),
        h("div", null, partTable("Phases", held.phases, (one) => [one.name]),
          partTable("Iterations", held.iterations.slice(0, ROWS), (one) => [`${one.index + 1}`]))));
    this.#drawCurves();
  }

  #figure() {
    const words = (/** @type {import("../charts/lineplot.js").DrawnLine} */ line,
      /** @type {number} */ index) => [figure(line.y[index], "bytes"), line.name];
    this.curves = new LinePlot(words);
    this.difference = new LinePlot(words);
    const legend = new Legend({
      toggle: (id) => {
        if (!this.off.delete(id)) this.off.add(id);
        this.#drawCurves();
      },
      point: (id) => this.curves?.setActive(id),
    });
    this.legend = legend;
    for (const [a, b] of [[this.curves, this.difference], [this.difference, this.curves]]) {
      a.addEventListener("window", () => b.setSpan(a.span));
      a.addEventListener("range", (event) => {
        const span = /** @type {CustomEvent} */ (event).detail;
        a.show(span);
      });
    }
    const { curves, difference } = this;
    const menu = new ChartMenu({
      name: "comparison", title: () => this.labels.join(" against "),
      canvases: () => [curves.canvas], data: () => this.#data(),
    });
    return h("figure", { class: "attribution-curves", "aria-label": "Both curves and their " +
      "difference" }, h("div", { class: "plot-bar" }, legend.element,
    h("span", { class: "spring" }), h("button", { type: "button", class: "small", on: {
      click: () => {
        curves.show(null);
        difference.setSpan(null);
      },
    } }, "Reset zoom"), menu.element),
    curves.element, difference.element, menu.table);
  }

  #drawCurves() {
    const curves = this.held?.curves;
    if (!curves || !this.curves || !this.difference) return;
    const x = Float64Array.from(curves.at);
    const column = (/** @type {(number|null)[]} */ values) =>
      Float64Array.from(values, (value) => value ?? NaN);
    const line = (/** @type {string} */ id, /** @type {string} */ name,
      /** @type {(number|null)[]} */ values, /** @type {string} */ color,
      /** @type {number[]} */ dash) => ({
      id, name, color, dash, width: 2, hidden: this.off.has(id), x, y: column(values), low: null,
      high: null, marks: [],
    });
    const ink = css("--accent");
    const both = [line("base", this.labels[0], curves.base, css("--muted"), [7, 4]),
      line("head", this.labels[1], curves.head, ink, [])];
    const rules = curves.phases.map(({ name, at }) => ({ at, text: name }));
    const frame = {
      xTitle: "", ticks: () => [], yLabel: (/** @type {number} */ v) => axisFigure(v / 1048576),
      yUnit: 1048576, level: null,
    };
    this.curves.setLines(both, { ...frame, label: "RSS of both sides", yTitle: "RSS (MiB)", rules,
      fromZero: true });
    this.difference.setLines([line("difference", "difference", curves.difference, ink, [])], {
      ...frame, label: "Difference of RSS", yTitle: "head − base (MiB)", rules: [],
      xTitle: "course of the run, phases aligned", level: 0, fromZero: false,
    });
    this.legend?.update(both.map((one) => ({
      id: one.id, name: one.name, detail: "", off: one.hidden, look: one,
    })), this.curves.active);
  }

  /** @returns {import("../charts/chartmenu.js").Data} */
  #data() {
    const curves = this.held?.curves;
    if (!curves) return { columns: [], rows: [] };
    return {
      columns: ["position", `${this.labels[0]} (bytes)`, `${this.labels[1]} (bytes)`,
        "difference (bytes)"],
      rows: curves.at.map((at, i) => [at, curves.base[i], curves.head[i], curves.difference[i]]),
    };
  }
}

/**
 * How much of the difference one function holds. It is told of the runs nearest to the medians.
 * @param {Attribution} held
 * @returns {import("../dom.js").Child[]}
 */
function shareWords({ effect, functions, unattributed }) {
  const [first] = functions;
  const share = first && effect ? first.effect / effect * 100 : 0;
  const rest = unattributed ? ` ${change(unattributed, "bytes")} could not be attributed.` : "";
  const lead = `The runs nearest to the medians differ by ${change(effect, "bytes")}`;
  if (!(share > 50 && share <= 150)) return [`${lead}; no one function holds that.${rest}`];
  return [`${lead}: ${fixed(share, 0)} % of it inside `, h("code", null, first.name), `.${rest}`];
}

/**
 * @template {{base: number, head: number, effect: number}} T
 * @param {string} title
 * @param {T[]} rows
 * @param {(row: T) => import("../dom.js").Child[]} name
 */
function partTable(title, rows, name) {
  if (!rows.length) return null;
  const scale = scaleFor("bytes", Math.max(...rows.map((row) => Math.max(row.base, row.head))));
  const most = Math.max(1, ...rows.map((row) => Math.abs(row.effect)));
  return h("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": title },
    h("table", { class: "data part" },
      h("thead", null, h("tr", null, h("th", { scope: "col" }, title), ...["base", "head"]
        .map((side) => h("th", { scope: "col", class: "num" }, side,
          h("span", { class: "unit" }, ` ${scale.unit}`))),
      h("th", { scope: "col", class: "num" }, "difference"))),
      h("tbody", null, ...rows.map((row) => {
        const bar = h("span", { class: "bar", data: { way: row.effect > 0 ? "worse" : "better" } });
        bar.hidden = row.effect === 0;
        bar.style.width = `${Math.abs(row.effect) / most * 100}%`;
        return h("tr", null, h("th", { scope: "row" }, ...name(row)),
          h("td", { class: "num", title: exact(row.base, "bytes") }, bare(row.base, scale)),
          h("td", { class: "num", title: exact(row.head, "bytes") }, bare(row.head, scale)),
          h("td", { class: "num part-effect", title: exact(row.effect, "bytes") },
            change(row.effect, "bytes"),
            h("span", { class: "bar-box", "aria-hidden": "true" }, bar)));
      }))));
}
