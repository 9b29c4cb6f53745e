// search.js - the dialog on `/`: scenarios, commits, functions, runs, projects and Pythons by a
// part of their name. Up and down choose, Enter opens.

import { search } from "../api.js";
import { h, replace, setAttr, setText } from "../dom.js";

const AFTER_MS = 120;

/** @typedef {import("../types.js").Found} Found */

export class Search {
  /** @param {import("../model.js").Model} model */
  constructor(model) {
    this.model = model;
    /** @type {Found[]} */
    this.found = [];
    this.at = 0;
    /** @type {AbortController|null} */
    this.asking = null;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.timer = undefined;
    this.input = h("input", {
      type: "text", class: "search-input", role: "combobox", "aria-label": "Search",
      "aria-controls": "search-found", "aria-expanded": "true", "aria-autocomplete": "list",
      autocomplete: "off", spellcheck: "false",
      placeholder: "scenario, commit, function, run, Python",
      on: { input: () => this.#soon(), keydown: (/** @type {KeyboardEvent} */ e) => this.#key(e) },
    });
    this.list = h("ul", { id: "search-found", class: "search-found", role: "listbox",
      "aria-label": "Found" });
    this.note = h("p", { class: "hint", role: "status" });
    this.dialog = h("dialog", { class: "dialog search", "aria-label": "Search" },
      this.input, this.note, this.list);
    this.dialog.addEventListener("pointerdown", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    document.body.append(this.dialog);
  }

  open() {
    if (this.dialog.open) return;
    this.dialog.showModal();
    this.input.select();
    if (!this.input.value) this.#show([], "Type a part of a name, a sha or a run's number.");
  }

  #soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.#ask(), AFTER_MS);
  }

  async #ask() {
    const text = this.input.value.trim();
    this.asking?.abort();
    if (!text) {
      this.#show([], "Type a part of a name, a sha or a run's number.");
      return;
    }
    const asking = new AbortController();
    this.asking = asking;
    try {
      const found = await search(text, this.model.project, asking.signal);
      this.#show(found, found.length ? "" : `Nothing is called like ${text}.`);
    } catch (error) {
      if (asking.signal.aborted) return;
      this.#show([], `The search failed: ${error instanceof Error ? error.message : error}`);
    }
  }

  /**
   * @param {Found[]} found
   * @param {string} note
   */
  #show(found, note) {
    this.found = found;
    setText(this.note, note);
    replace(this.list, ...found.map((one, i) => h("li", {
      role: "option", id: `found-${i}`, on: { click: () => this.#open(i) },
    }, h("span", { class: "found-kind" }, one.kind), h("b", null, one.title),
    h("span", { class: "found-detail" }, one.detail ?? ""))));
    this.#choose(0);
  }

  /** @param {number} at */
  #choose(at) {
    this.at = Math.max(0, Math.min(this.found.length - 1, at));
    Array.from(this.list.children).forEach((node, i) =>
      setAttr(node, "aria-selected", String(i === this.at)));
    setAttr(this.input, "aria-activedescendant", this.found.length ? `found-${this.at}` : null);
    this.list.children[this.at]?.scrollIntoView({ block: "nearest" });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "ArrowDown") this.#choose(this.at + 1);
    else if (event.key === "ArrowUp") this.#choose(this.at - 1);
    else if (event.key === "Enter") this.#open(this.at);
    else return;
    event.preventDefault();
  }

  /** @param {number} at */
  #open(at) {
    const one = this.found[at];
    if (!one) return;
    this.dialog.close();
    if (one.link.startsWith("#/")) location.hash = one.link.slice(1);
  }
}
