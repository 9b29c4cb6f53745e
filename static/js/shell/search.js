// search.js - the dialog on `/`: scenarios, the newest commits, Pythons, projects and views by a
// part of their name, runs by their number. Up and down choose, Enter opens.

import { h, replace, setAttr, setText } from "../dom.js";
import { shortSha } from "../format.js";
import { href } from "../router.js";
import { VIEWS } from "../views.js";

const MOST = 12;
const ASK = "Type a part of a name, a sha or a run's number.";

/** @typedef {{kind: string, title: string, detail: string, link: string}} Found */

export class Search {
  /** @param {import("../model.js").Model} model */
  constructor(model) {
    this.model = model;
    /** @type {Found[]} */
    this.found = [];
    this.at = 0;
    this.input = h("input", {
      type: "text", class: "search-input", role: "combobox", "aria-label": "Search",
      "aria-controls": "search-found", "aria-expanded": "true", "aria-autocomplete": "list",
      autocomplete: "off", spellcheck: "false",
      placeholder: "scenario, commit, run, Python, project",
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
    const found = text ? finds(this.model, text.toLowerCase()) : [];
    this.#show(found, !text ? ASK : found.length ? "" : `Nothing is called like ${text}.`);
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
 * @param {import("../model.js").Model} model
 * @param {string} text in small letters
 * @returns {Found[]} names that begin with it first
 */
function finds(model, text) {
  /** @type {Found[]} */
  const all = [
    ...model.scenariosHere.map(({ name, title }) => ({ kind: "scenario", title: name,
      detail: title ?? "", link: href("history", { scenario: name }) })),
    ...model.commits.map(({ sha, subject }) => ({ kind: "commit", title: shortSha(sha),
      detail: subject ?? "", link: href("overview", { commit: sha }) })),
    ...model.pythonNames.map((name) => ({ kind: "python", title: name, detail: "",
      link: href("history", { python: name }) })),
    ...model.projects.map(({ name, repo }) => ({ kind: "project", title: name, detail: repo ?? "",
      link: href("overview", { project: name, baseline: null }) })),
    ...Object.entries(VIEWS).filter(([, view]) => view.nav).map(([name, view]) => ({
      kind: "view", title: view.title, detail: "", link: href(name) })),
  ];
  const rank = (/** @type {Found} */ { title, detail, link }) =>
    title.toLowerCase().startsWith(text) || link.includes(`commit=${text}`) ? 0
      : title.toLowerCase().includes(text) ? 1 : detail.toLowerCase().includes(text) ? 2 : 3;
  const run = /^\d+$/.test(text) ? [{ kind: "run", title: `Run ${text}`, detail: "",
    link: href(`run/${text}`) }] : [];
  return [...run, ...all.map((one) => ({ one, at: rank(one) })).filter(({ at }) => at < 3)
    .sort((a, b) => a.at - b.at).map(({ one }) => one)].slice(0, MOST);
}
