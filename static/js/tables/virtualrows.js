// virtualrows.js - a table of any number of rows of one height, of which only those in sight exist.
//
// A browser gives an element no more than some 16 million pixels, so above MOST_PIXELS the scroll
// bar is a scale: a small movement moves the rows by as much, a large one (the bar dragged, a page
// jumped) goes to that share of the table. The bar is put right once scrolling has come to rest.

import { h, setAttr } from "../dom.js";

const MOST_PIXELS = 6_000_000;
const BEYOND = 6;             // rows made above and below those in sight
const REST_MS = 140;

export class VirtualRows extends EventTarget {
  /**
   * @param {object} how
   * @param {string} how.label
   * @param {(Node|string)[]} how.heads one per column
   * @param {string} how.kind class of the table, whose style says the columns' widths
   * @param {() => HTMLElement[]} how.cells of a new row
   * @param {(cells: HTMLElement[], index: number) => void} how.fill
   */
  constructor({ label, heads, kind, cells, fill }) {
    super();
    this.cells = cells;
    this.fill = fill;
    this.count = 0;
    this.rowPx = 24;
    /** pixels from the first row to the first one in sight, in a table without a ceiling */
    this.top = 0;
    this.scrolled = 0;
    this.marked = -1;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.resting = undefined;
    this.drawing = 0;
    this.stale = true;            // rows that stay where they are show something else, too
    this.shift = 0;
    /** @type {{row: HTMLElement, cells: HTMLElement[], index: number}[]} */
    this.rows = [];

    this.space = h("div", { class: "vrows-space", role: "none" });
    this.body = h("div", { class: "vrows-body", role: "none" });
    this.scroller = h("div", { class: "vrows-scroll", tabindex: 0, role: "rowgroup",
      "aria-label": `${label}, rows` }, this.space, this.body);
    this.head = h("div", { class: "vrow vrow-head", role: "row" },
      ...heads.map((head) => h("span", { role: "columnheader" }, head)));
    this.element = h("div", { class: `vrows ${kind}`, role: "table", "aria-label": label },
      h("div", { role: "rowgroup" }, this.head), this.scroller);
    this.scroller.addEventListener("scroll", () => this.#moved());
    this.watch = new ResizeObserver(() => this.#measure());
    this.watch.observe(this.scroller);
  }

  destroy() {
    this.watch.disconnect();
    clearTimeout(this.resting);
    cancelAnimationFrame(this.drawing);
  }

  /** @param {number} count */
  setCount(count) {
    if (count === this.count) return;
    this.count = count;
    setAttr(this.element, "aria-rowcount", String(count + 1));
    this.#measure();
  }

  /** The rows in sight: the first, and the one after the last. */
  get range() {
    const first = Math.floor(this.top / this.rowPx);
    const seen = Math.ceil((this.scroller.clientHeight || 400) / this.rowPx) + 1;
    return { first: Math.max(0, first), last: Math.min(this.count, first + seen) };
  }

  /** Bring a row to the middle, and mark it. @param {number} index */
  show(index) {
    this.marked = index;
    this.stale = true;
    const middle = (this.scroller.clientHeight - this.rowPx) / 2;
    this.top = this.#within(index * this.rowPx - middle);
    this.#place();
  }

  /** What stands in the rows has changed. */
  refresh() {
    this.stale = true;
    this.#soon();
  }

  #soon() {
    this.drawing ||= requestAnimationFrame(() => {
      this.drawing = 0;
      this.#draw();
    });
  }

  get #whole() {
    return this.count * this.rowPx;
  }

  /** @param {number} top */
  #within(top) {
    return Math.max(0, Math.min(top, this.#whole - this.scroller.clientHeight));
  }

  #measure() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
    this.rowPx = Math.round(rem * 1.5);
    this.element.style.setProperty("--row", `${this.rowPx}px`);
    this.space.style.height = `${Math.min(MOST_PIXELS, this.#whole)}px`;
    this.element.style.setProperty("--all", `${Math.max(this.rowPx, this.#whole)}px`);
    this.top = this.#within(this.top);
    this.stale = true;
    this.#place();
  }

  /** Set the scroll bar to where the rows are. */
  #place() {
    const room = this.#whole - this.scroller.clientHeight;
    const bar = Math.min(MOST_PIXELS, this.#whole) - this.scroller.clientHeight;
    this.scrolled = room > 0 ? Math.round(this.top / room * bar) : 0;
    if (this.scroller.scrollTop !== this.scrolled) this.scroller.scrollTop = this.scrolled;
    this.scrolled = this.scroller.scrollTop;
    this.#draw();
  }

  #moved() {
    const now = this.scroller.scrollTop;
    const by = now - this.scrolled;
    if (!by) return;
    this.scrolled = now;
    const height = this.scroller.clientHeight;
    const bar = this.space.offsetHeight - height;
    if (this.#whole <= MOST_PIXELS) this.top = now;
    else if (Math.abs(by) > 2 * height || now === 0 || now >= bar) {
      this.top = now / bar * (this.#whole - height);
    } else this.top += by;
    this.top = this.#within(this.top);
    this.#soon();
    clearTimeout(this.resting);
    if (this.#whole > MOST_PIXELS) this.resting = setTimeout(() => this.#place(), REST_MS);
  }

  #draw() {
    const { first, last } = this.range;
    const from = Math.max(0, first - BEYOND);
    const to = Math.min(this.count, last + BEYOND);
    const shift = this.scrolled - this.top;
    if (this.rows.length !== to - from || shift !== this.shift) this.stale = true;
    this.shift = shift;
    this.#makeRows(to - from);
    for (let index = from; index < to; index++) {
      // A row keeps its element while it is in sight, so that hover and selection stay with it.
      const held = this.rows[index % this.rows.length];
      if (held.index === index && !this.stale) continue;
      held.index = index;
      this.#fillRow(held);
    }
    this.stale = false;
    this.dispatchEvent(new Event("range"));
  }

  /** @param {number} count */
  #makeRows(count) {
    while (this.rows.length < count) {
      const cells = this.cells();
      const row = h("div", { class: "vrow", role: "row" }, ...cells);
      this.body.append(row);
      this.rows.push({ row, cells, index: -1 });
    }
    while (this.rows.length > count) this.rows.pop()?.row.remove();
  }

  /** @param {{row: HTMLElement, cells: HTMLElement[], index: number}} held */
  #fillRow({ row, cells, index }) {
    row.style.transform = `translateY(${Math.round(this.shift + index * this.rowPx)}px)`;
    row.dataset.index = String(index);
    setAttr(row, "aria-rowindex", String(index + 2));
    setAttr(row, "aria-current", index === this.marked ? "true" : null);
    this.fill(cells, index);
  }
}
