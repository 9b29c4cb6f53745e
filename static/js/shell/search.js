// search.js - the dialog on `/`: what GET /search finds (scenarios, commits, functions, runs,
// projects, Pythons), and the views by their name. Up and down choose, Enter opens.

import { ApiError, search } from "../api.js";
import { h, replace, setAttr, setText } from "../dom.js";
import { href } from "../router.js";
import { VIEWS } from "../views.js";

const ASK = "Type a part of a name or subject, a sha or a run's number.";
const AFTER_MS = 120;

/** @typedef {import("../types.js").Found} Found */

export class Search {
  /** @param {import("../charts/model.js").Model} model */
  constructor(model) {
    this.model = model;
    /** @type {Found[]} */
    this.found = [];
    this.at = 0;
    /** @type {AbortController|null} */
    this.asking = null;
    this.input = h("input", {
      type: "text", class: "search-input", role: "combobox", "aria-label": "Search",
      "aria-controls": "search-found", "aria-expanded": "true", "aria-autocomplete": "list",
      autocomplete: "off", spellcheck: "false", maxlength: 200,
      placeholder: "scenario, commit, function, run, Python, project",
      on: { input: () => this.#find(), keydown: (/** @type {KeyboardEvent} */ e) => this.#key(e) },
    });
    this.list = h("ul", { id: "search-found", class: "search-found", role: "listbox",
      "aria-label": "Found" });
    this.note = h("p", { class: "hint", role: "status" });
    this.dialog = h("dialog", { class: "dialog search", "aria-label": "Search" },
      this.input, this.note, this.list);
    this.dialog.addEventListener("pointerdown", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    this.dialog.addEventListener("close", () => this.asking?.abort());
    document.body.append(this.dialog);
  }

  open() {
    if (this.dialog.open) return;
    this.dialog.showModal();
    this.input.select();
    this.#find();
  }

  #find() {
    const text = this.input.value.trim();
    this.asking?.abort();
    const views = text ? viewsLike(text.toLowerCase()) : [];
    this.#show(views, text ? "Looking" : ASK);
    if (!text) return;
    const now = new AbortController();
    this.asking = now;
    setTimeout(() => {
      if (!now.signal.aborted) void this.#ask(text, views, now.signal);
    }, AFTER_MS);
  }

  /**
   * @param {string} text
   * @param {Found[]} views
   * @param {AbortSignal} signal
   */
  async #ask(text, views, signal) {
    try {
      const found = [...await search(text, this.model.project, signal), ...views];
      if (!signal.aborted) this.#show(found, found.length ? "" : `Nothing is called like ${text}.`);
    } catch (error) {
      if (signal.aborted) return;
      this.#show(views, error instanceof ApiError ? error.message : String(error));
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
    location.hash = one.link.slice(1);
  }
}

/**
 * @param {string} text in small letters
 * @returns {Found[]}
 */
const viewsLike = (text) => Object.entries(VIEWS)
  .filter(([, view]) => view.nav && view.title.toLowerCase().includes(text))
  .map(([name, view]) => ({ kind: "view", title: view.title, detail: "", link: href(name) }));
