// eventtable.js - every event of one run as a table: any of millions of rows at once, found by
// function, kind or instant.

import { EventPages } from "./eventpages.js";
import { h, setAttr, setText } from "../dom.js";
import { count, exactBytes, mib, plural, seconds } from "../format.js";
import { VirtualRows } from "./virtualrows.js";

const KINDS = ["CALL", "RETURN", "C_CALL", "C_RETURN", "C_EXCEPTION", "LINE", "MARK", "SAMPLE",
  "GC", "THREAD"];
const TYPED_MS = 300;

/** @typedef {import("../types.js").TracedEvent} TracedEvent */

export class EventTable extends EventTarget {
  /** @param {number} run */
  constructor(run) {
    super();
    this.pages = new EventPages(run);
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.typing = undefined;
    this.names = h("datalist", { id: "event-functions" });
    this.byFunction = h("input", { type: "text", class: "wide", list: "event-functions",
      placeholder: "function, such as new_list_bytes", spellcheck: "false", autocomplete: "off",
      on: { input: () => this.#typed() } });
    this.byKind = h("select", { on: { change: () => this.#filter() } },
      h("option", { value: "" }, "every kind"),
      ...KINDS.map((kind) => h("option", { value: kind }, kind)),
      h("option", { value: "CALL,RETURN,C_CALL,C_RETURN,C_EXCEPTION" }, "calls and returns"));
    this.instant = h("input", { type: "text", inputmode: "decimal", class: "number",
      placeholder: "0.125", autocomplete: "off" });
    this.said = h("span", { class: "event-count", role: "status" });
    this.again = h("button", { type: "button", class: "quiet", hidden: true, on: {
      click: () => { this.pages.retry(); this.#want(); },
    } }, "Try again");
    this.table = new VirtualRows({
      label: "Events of the run, in order of time", kind: "events",
      heads: ["#", h("span", null, "Time", unit("s")), "Kind", "Function", "Thread",
        h("span", null, "RSS", unit("MiB")), h("span", null, "Change", unit("KiB")),
        h("span", null, "Peak", unit("MiB"))],
      cells: () => ["num", "num", "kind", "where", "num", "num", "num", "num"]
        .map((kind) => h("span", { role: "cell", class: kind })),
      fill: (cells, index) => fillRow(cells, index, this.pages.at(index)),
    });
    this.table.body.addEventListener("click", (event) => this.#pressed(event));
    const goTo = h("form", { class: "line", on: { submit: (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.goTo(Number(this.instant.value.replace(",", ".")) * 1e9);
    } } }, h("label", { class: "line" }, h("span", null, "Instant"), this.instant,
      h("span", { class: "unit" }, "s")),
    h("button", { type: "submit", class: "small" }, "Go there"));
    this.element = h("div", { class: "event-table" },
      h("div", { class: "event-bar" },
        h("label", { class: "line" }, h("span", null, "Function"), this.byFunction), this.names,
        h("label", { class: "line" }, h("span", null, "Kind"), this.byKind), goTo,
        h("span", { class: "spring" }), this.said, this.again),
      this.table.element);
    this.pages.addEventListener("change", () => this.#changed());
    this.table.addEventListener("range", () => this.#want());
  }

  destroy() {
    clearTimeout(this.typing);
    this.pages.stop();
    this.table.destroy();
  }

  /** @param {number} all events and samples of the run */
  setCount(all) {
    this.pages.setCount(all);
  }

  /** @param {string[]} names functions that the run knows */
  setNames(names) {
    this.names.replaceChildren(...names.slice(0, 500).map((name) => h("option", { value: name })));
  }

  /**
   * @param {string} name
   * @param {string} kind
   */
  setFilter(name, kind) {
    if (this.byFunction.value !== name) this.byFunction.value = name;
    this.byKind.value = kind;
    const { filter } = this.pages;
    if ((filter.function ?? "") === name && (filter.kind ?? "") === kind) return;
    this.table.marked = -1;
    this.pages.setFilter({ function: name || undefined, kind: kind || undefined });
  }

  /** Bring the first event at or after an instant into sight. @param {number} ns */
  async goTo(ns) {
    if (!Number.isFinite(ns)) {
      setText(this.said, "The instant is not a number of seconds.");
      return;
    }
    if (this.pages.filtered) {
      this.setFilter("", "");
      this.dispatchEvent(new Event("filter"));
    }
    try {
      const index = await this.pages.indexAt(ns);
      if (index === null) setText(this.said, "No event is that late.");
      else this.table.show(index);
    } catch (error) {
      setText(this.said, error instanceof Error ? error.message : String(error));
    }
  }

  #typed() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.#filter(), TYPED_MS);
  }

  #filter() {
    this.setFilter(this.byFunction.value.trim(), this.byKind.value);
    this.dispatchEvent(new Event("filter"));
  }

  #want() {
    const { first, last } = this.table.range;
    if (last > first || this.pages.filtered) this.pages.want(first, last);
  }

  #changed() {
    const { pages } = this;
    this.table.setCount(pages.count);
    this.table.refresh();
    const seeks = pages.filtered && pages.asked.size > 0;
    setText(this.said, pages.failure ?? (pages.filtered
      ? `${pages.whole ? "" : "at least "}${plural(pages.count, "event")}${seeks ? ", searching"
        : pages.whole && !pages.count ? " like that" : ""}` : plural(pages.count, "event")));
    this.again.hidden = !pages.failure;
    setAttr(this.element, "data-ready", pages.asked.size ? null : "true");
  }

  /** @param {Event} event */
  #pressed(event) {
    const row = /** @type {HTMLElement} */ (event.target).closest(".vrow");
    const index = Number(/** @type {HTMLElement|null} */ (row)?.dataset.index);
    const held = this.pages.at(index);
    if (!held) return;
    this.table.marked = index;
    this.table.refresh();
    this.dispatchEvent(new CustomEvent("pick", { detail: held }));
  }
}

/** @param {string} text */
const unit = (text) => h("span", { class: "unit" }, ` ${text}`);

/** @param {string} path */
const leaf = (path) => path.slice(path.lastIndexOf("/") + 1);

/** A change in KiB with its sign, exact: RSS moves by pages. @param {number} bytes */
const change = (bytes) => bytes === 0 ? "" :
  (bytes > 0 ? "+" : "−") + count(Math.abs(bytes) / 1024);

/**
 * What an event is about beside its function: a phase's iteration, a collection's generation.
 * @param {TracedEvent} event
 */
function detailOf(event) {
  if (event.kind === "MARK") return event.value ? ` ${event.value}` : "";
  if (event.kind === "GC") {
    return `generation ${event.generation}, ` + (event.value === undefined || event.value < 0
      ? "starts" : `${plural(event.value, "object")} collected`);
  }
  if (event.kind === "THREAD") return event.value ? "seen first" : "ended";
  return "";
}

/** @param {TracedEvent} event */
export function placeOf(event) {
  if (!event.file) return "";
  return `${leaf(event.file)}${event.line ? `:${event.line}` : ""}`;
}

/**
 * @param {HTMLElement[]} cells
 * @param {number} index
 * @param {TracedEvent|null} event
 */
function fillRow(cells, index, event) {
  const [number, time, kind, where, thread, rss, moved, peak] = cells;
  setText(number, count(event?.index ?? index));
  setText(time, event ? seconds(event.t_ns, 1) : "…");
  setText(kind, event?.kind ?? "");
  const place = event ? placeOf(event) : "";
  const name = event ? `${event.function ?? ""}${detailOf(event)}` : "";
  setText(where, place ? `${name}  ${place}` : name);
  setAttr(where, "title", event?.file ? `${name}\n${event.file}:${event.line}` : name || null);
  setText(thread, event?.thread ? String(event.thread) : "");
  setText(rss, event ? mib(event.rss) : "");
  setAttr(rss, "title", event ? exactBytes(event.rss) : null);
  setText(moved, event ? change(event.drss) : "");
  setAttr(moved, "title", event?.drss ? exactBytes(event.drss) : null);
  moved.dataset.sign = event && event.drss ? (event.drss > 0 ? "up" : "down") : "";
  setText(peak, event?.peak ? mib(event.peak) : "");
  setAttr(peak, "title", event?.peak ? exactBytes(event.peak) : null);
}
