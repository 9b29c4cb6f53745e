// sorttable.js - a table of some hundred rows that is sorted by pressing a column's head.

import { h, keyed, setAttr } from "../dom.js";

/**
 * @template T
 * @typedef {object} Column
 * @property {string} id
 * @property {string} name
 * @property {string} [unit]
 * @property {string} [title]
 * @property {boolean} [num] right-aligned, and sorted from the largest at first
 * @property {(row: T) => number|string|null} [value] what it is sorted by; absent: it is not
 * @property {(row: T) => import("../dom.js").Child|import("../dom.js").Child[]} cell
 * @property {(row: T) => string|null} [hover]
 */

/** @template T */
export class SortTable {
  /**
   * @param {object} how
   * @param {string} how.label
   * @param {Column<T>[]} how.columns the first is the row's head
   * @param {(row: T) => string|number} how.key
   * @param {(row: T) => string} [how.sign] what a row shows, so that an unchanged one is left alone
   * @param {string} [how.by] id of the column that it is sorted by at first, "-id" from the largest
   * @param {(by: string) => void} [how.sorted] the reader chose
   */
  constructor({ label, columns, key, sign, by, sorted }) {
    this.columns = columns;
    this.key = key;
    this.sign = sign;
    this.by = by ?? "";
    this.sorted = sorted ?? (() => {});
    /** @type {T[]} */
    this.rows = [];
    this.heads = columns.map((column) => this.#head(column));
    this.body = h("tbody");
    this.element = h("div", { class: "table-scroll", tabindex: 0, role: "region",
      "aria-label": label }, h("table", { class: "data" },
      h("thead", null, h("tr", null, this.heads)), this.body));
  }

  /** @param {Column<T>} column */
  #head(column) {
    const label = [column.name,
      column.unit ? h("span", { class: "unit" }, ` ${column.unit}`) : null];
    return h("th", { scope: "col", title: column.title ?? null, class: column.num ? "num" : null },
      column.value ? h("button", { type: "button", class: "sort", on: {
        click: () => this.#choose(column),
      } }, ...label) : label);
  }

  /** @param {Column<T>} column */
  #choose(column) {
    const up = column.id;
    const down = `-${column.id}`;
    const first = column.num ? down : up;
    this.by = this.by === first ? (first === up ? down : up) : first;
    this.sorted(this.by);
    this.update(this.rows);
  }

  /** @param {T[]} rows */
  update(rows) {
    this.rows = rows;
    const descending = this.by.startsWith("-");
    const id = descending ? this.by.slice(1) : this.by;
    const column = this.columns.find((one) => one.id === id && one.value);
    this.columns.forEach((one, i) => setAttr(this.heads[i], "aria-sort",
      one.value ? (one === column ? (descending ? "descending" : "ascending") : "none") : null));
    keyed(this.body, column ? sortedBy(rows, column, descending) : rows, this.key,
      () => h("tr"), (row, item) => {
        const sign = this.sign?.(item);
        if (sign !== undefined && row.dataset.sign === sign) return;
        if (sign !== undefined) row.dataset.sign = sign;
        row.replaceChildren(...this.columns.map((one, i) => this.#cell(one, item, i === 0)));
      });
  }

  /**
   * @param {Column<T>} column
   * @param {T} item
   * @param {boolean} first
   */
  #cell(column, item, first) {
    const shown = column.cell(item);
    return h(first ? "th" : "td", { scope: first ? "row" : null,
      class: column.num ? "num" : `col-${column.id}`, title: column.hover?.(item) ?? null },
    ...(Array.isArray(shown) ? shown : [shown]));
  }
}

/**
 * Rows without a value come last, whichever way it is sorted.
 * @template T
 * @param {T[]} rows
 * @param {Column<T>} column
 * @param {boolean} descending
 */
function sortedBy(rows, column, descending) {
  const value = /** @type {(row: T) => number|string|null} */ (column.value);
  const way = descending ? -1 : 1;
  return rows.map((row) => ({ row, value: value(row) })).sort((a, b) => {
    if (a.value === null || b.value === null) {
      return (a.value === null ? 1 : 0) - (b.value === null ? 1 : 0);
    }
    if (a.value === b.value) return 0;
    return (a.value < b.value ? -1 : 1) * way;
  }).map(({ row }) => row);
}
