// chartmenu.js - what every chart offers: itself as PNG, its data as CSV, the link to it, and its
// data as a table, for whoever reads or hears figures better than lines.

import { h, replace, setAttr, setText } from "../dom.js";
import { css } from "./palette.js";
import { pop } from "../shell/pop.js";

const ROWS_AT_ONCE = 500;

/**
 * @typedef {object} Data
 * @property {string[]} columns names with their unit: "tide mark (bytes)"
 * @property {(string|number|null)[][]} rows plain figures; null where there is none
 *
 * @typedef {object} Chart
 * @property {string} name of the files, without an ending
 * @property {() => string} title what the picture is called
 * @property {() => HTMLCanvasElement[]} canvases from back to front, of one size
 * @property {() => Data} data
 */

export class ChartMenu {
  /** @param {Chart} chart */
  constructor(chart) {
    this.chart = chart;
    this.said = h("span", { class: "hint", role: "status" });
    /** Where the table will stand: put it under the chart. */
    this.table = h("div", { class: "chart-table", hidden: true });
    this.toggle = item("Data as a table", () => this.#toggleTable());
    setAttr(this.toggle, "aria-expanded", "false");
    const panel = h("div", { class: "menu" },
      item("Picture (PNG)", () => void this.#png()),
      item("Data (CSV)", () => this.#csv()),
      item("Copy link", () => void this.#link()), this.toggle, this.said);
    /** The button with its menu: put it above the chart. */
    this.element = pop({ class: "chart-menu" }, ["Export"], panel);
  }

  /** The data changed: an open table shows it. */
  update() {
    if (!this.table.hidden) this.#drawTable();
  }

  async #png() {
    const blob = await picture(this.chart.title(), this.chart.canvases());
    if (blob) save(blob, `${this.chart.name}.png`);
    setText(this.said, blob ? "Saved." : "This browser could not make the picture.");
  }

  #csv() {
    save(new Blob([toCsv(this.chart.data())], { type: "text/csv" }), `${this.chart.name}.csv`);
    setText(this.said, "Saved.");
  }

  async #link() {
    try {
      await navigator.clipboard.writeText(location.href);
      setText(this.said, "Copied.");
    } catch {
      setText(this.said, "The clipboard is closed to this page; the address bar holds the link.");
    }
  }

  #toggleTable() {
    this.table.hidden = !this.table.hidden;
    setAttr(this.toggle, "aria-expanded", String(!this.table.hidden));
    setText(this.toggle, this.table.hidden ? "Data as a table" : "Hide the table");
    if (this.table.hidden) return;
    this.#drawTable();
    this.element.open = false;
    /** @type {HTMLElement|null} */ (this.table.firstElementChild)?.focus();
  }

  #drawTable() {
    const { columns, rows } = this.chart.data();
    const numeric = columns.map((_, i) => rows.some((row) => typeof row[i] === "number"));
    const body = h("tbody");
    let shown = 0;
    const more = h("button", { type: "button", class: "quiet", on: { click: () => add() } });
    const add = () => {
      for (const row of rows.slice(shown, shown + ROWS_AT_ONCE)) {
        body.append(h("tr", null, ...row.map((value, i) =>
          h("td", { class: numeric[i] ? "num" : null }, value ?? "–"))));
      }
      shown = Math.min(rows.length, shown + ROWS_AT_ONCE);
      more.hidden = shown === rows.length;
      setText(more, `Show more (${shown} of ${rows.length} rows)`);
    };
    add();
    replace(this.table, h("div", {
      class: "table-scroll", tabindex: 0, role: "region",
      "aria-label": `Data: ${this.chart.title()}`,
    }, h("table", { class: "data" }, h("caption", { class: "unseen" }, this.chart.title()),
      h("thead", null, h("tr", null, ...columns.map((name, i) =>
        h("th", { scope: "col", class: numeric[i] ? "num" : null }, name)))), body)), more);
  }
}

/**
 * @param {string} label
 * @param {() => void} act
 */
const item = (label, act) => h("button", { type: "button", class: "menu-item", on: { click: act } },
  label);

/**
 * What the canvases show, on the page's background, under its title.
 * @param {string} title
 * @param {HTMLCanvasElement[]} canvases
 * @returns {Promise<Blob|null>}
 */
function picture(title, canvases) {
  const [first] = canvases;
  const scale = first.width / (first.clientWidth || first.width);
  const band = Math.round(36 * scale);
  const sheet = h("canvas", { width: first.width, height: first.height + band });
  const ctx = sheet.getContext("2d");
  if (!ctx) return Promise.resolve(null);
  ctx.fillStyle = css("--bg");
  ctx.fillRect(0, 0, sheet.width, sheet.height);
  ctx.fillStyle = css("--ink");
  ctx.font = `600 ${14 * scale}px ${css("--sans")}`;
  ctx.textBaseline = "middle";
  ctx.fillText(title, 12 * scale, band / 2, sheet.width - 24 * scale);
  for (const canvas of canvases) ctx.drawImage(canvas, 0, band);
  return new Promise((resolve) => sheet.toBlob(resolve, "image/png"));
}

/** @param {Data} data */
export function toCsv({ columns, rows }) {
  const field = (/** @type {string|number|null} */ value) => {
    const text = value === null ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => row.map(field).join(",") + "\r\n").join("");
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function save(blob, name) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
