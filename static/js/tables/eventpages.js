// eventpages.js - the events of one run, fetched in pages as a table asks for them, few kept.
//
// Without a filter a page is entered by the number of its first event (from_event), so that any
// place of millions is one request away. With a filter only the daemon knows what fits: pages come
// one after another, each by the cursor of the one before, and the count grows with them.

import * as api from "../api.js";

/** @typedef {import("../types.js").TracedEvent} TracedEvent */
/** @typedef {{function?: string, kind?: string, from_ns?: number, to_ns?: number}} Filter */

export const PAGE = 400;
const KEPT = 60;

export class EventPages extends EventTarget {
  /** @param {number} run */
  constructor(run) {
    super();
    this.run = run;
    /** @type {number} events and samples that are known to be there */
    this.count = 0;
    /** whether `count` is all that there is */
    this.whole = true;
    /** @type {Filter} */
    this.filter = {};
    /** @type {string|null} why the last page could not be had */
    this.failure = null;
    /** @type {Map<number, TracedEvent[]>} least recently used first */
    this.pages = new Map();
    /** @type {Map<number, AbortController>} */
    this.asked = new Map();
    /** @type {(string|null)[]} of a filtered table: where each page begins */
    this.cursors = [null];
  }

  get filtered() {
    return Boolean(this.filter.function || this.filter.kind);
  }

  /** @param {number} count all events of the run */
  setCount(count) {
    this.all = count;
    if (this.filtered) return;
    this.count = count;
    this.#changed();
  }

  /** @param {Filter} filter */
  setFilter(filter) {
    this.stop();
    this.filter = filter;
    this.pages.clear();
    this.cursors = [null];
    this.count = this.filtered ? 0 : this.all ?? 0;
    this.whole = !this.filtered;
    if (this.filtered) void this.#fetch(0);
    this.#changed();
  }

  stop() {
    for (const abort of this.asked.values()) abort.abort();
    this.asked.clear();
  }

  /** @param {number} index @returns {TracedEvent|null} null while it is not there */
  at(index) {
    return this.pages.get(Math.floor(index / PAGE))?.[index % PAGE] ?? null;
  }

  /**
   * See that these rows come; what was asked for and is out of sight again is given up.
   * @param {number} first
   * @param {number} last
   */
  want(first, last) {
    const pages = new Set();
    for (let page = Math.floor(first / PAGE); page * PAGE < last; page++) pages.add(page);
    if (this.filtered && !this.whole && last + PAGE / 2 >= this.count) {
      pages.add(this.cursors.length - 1);
    }
    for (const [page, abort] of this.asked) {
      if (pages.has(page) || this.filtered) continue;
      abort.abort();
      this.asked.delete(page);
    }
    for (const page of pages) {
      const held = this.pages.get(page);
      if (held) {
        this.pages.delete(page);
        this.pages.set(page, held);
      } else if (!this.asked.has(page) && !this.failure) void this.#fetch(page);
    }
  }

  /** Ask again after a failure. */
  retry() {
    this.failure = null;
    this.#changed();
  }

  /**
   * The number of the first event at or after an instant, null past the last.
   * @param {number} ns
   */
  async indexAt(ns) {
    const { events } = await api.getEvents(this.run, { from_ns: Math.max(0, Math.ceil(ns)),
      limit: 1 });
    return events[0]?.index ?? null;
  }

  /** @param {number} page */
  async #fetch(page) {
    const abort = new AbortController();
    this.asked.set(page, abort);
    try {
      const place = this.filtered ? { ...this.filter, cursor: this.cursors[page] }
        : { from_event: page * PAGE };
      const { events, next } = await api.getEvents(this.run, { limit: PAGE, ...place },
        abort.signal);
      if (abort.signal.aborted) return;
      this.pages.set(page, events);
      if (this.filtered) this.#found(page, events.length, next);
      for (const old of this.pages.keys()) {
        if (this.pages.size <= KEPT) break;
        this.pages.delete(old);
      }
    } catch (error) {
      if (abort.signal.aborted) return;
      this.failure = error instanceof Error ? error.message : String(error);
    }
    this.asked.delete(page);
    this.#changed();
  }

  /**
   * @param {number} page
   * @param {number} found
   * @param {number|null} next
   */
  #found(page, found, next) {
    if (page !== this.cursors.length - 1) return;
    this.count = page * PAGE + found;
    this.whole = next === null;
    if (next !== null) this.cursors.push(String(next));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
