// compare.js - the view Compare: two sides, what moved between them, and where it comes from.
//
// State in the URL: base and head ([commit|python|allocator:]VALUE), the filters commit, python,
// scenario and allocator, metric, show (all; what moved where it is not named), by (the column that
// is sorted), cells (BASE-HEAD: the row whose attribution is open).

import { getComparison, getMetrics } from "../api.js";
import { AttributionPanel } from "../parts/attribution.js";
import { columnsOf, markdown, summaryWords } from "../parts/comparison.js";
import { h, keyed, replace, setAttr, setText } from "../dom.js";
import { shortSha } from "../format.js";
import { comparePythons } from "../charts/palette.js";
import { href } from "../router.js";
import { emptyState, failedState, skeleton } from "../shell/states.js";
import { SortTable } from "../tables/sorttable.js";
import { tabs } from "../tabs.js";
import { ALLOCATORS } from "../parts/wish.js";

/** @typedef {import("../types.js").Comparison} Comparison */
/** @typedef {import("../types.js").Compared} Compared */
/** @typedef {"commit"|"python"|"allocator"} Axis */

const FILTERS = /** @type {const} */ (["commit", "python", "scenario", "allocator"]);
const MOVED = new Set(["worse", "better", "inconclusive"]);

/** @param {import("../views.js").Context} context */
export function createCompare(context) {
  const view = new Compare(context);
  return {
    element: view.element,
    title: "Compare",
    /** @param {URLSearchParams} given */
    show: (given) => view.show(given),
    destroy: () => view.destroy(),
  };
}

class Compare {
  /** @param {import("../views.js").Context} context */
  constructor({ model, router, notices }) {
    this.model = model;
    this.router = router;
    this.notices = notices;
    /** @type {Comparison|null} */
    this.answer = null;
    this.state = {
      axis: /** @type {Axis} */ ("commit"), base: "", head: "", metric: "tide_mark", show: "moved",
      by: "", cells: "", filter: /** @type {Record<string, string>} */ ({}),
    };
    /** @type {AbortController|null} */
    this.asking = null;
    /** @type {SortTable<Compared>|null} */
    this.table = null;
    this.tableAxis = "";
    this.axes = this.#axisTabs();
    this.known = h("datalist", { id: "compare-known" });
    this.base = sideInput("Base", (value) => { this.state.base = value; });
    this.head = sideInput("Head", (value) => { this.state.head = value; });
    this.filters = Object.fromEntries(FILTERS.map((name) => [name, this.#filter(name)]));
    this.metrics = h("select", { "aria-label": "Metric", on: { change: () => {
      this.state.metric = this.metrics.value;
      this.#apply();
    } } });
    this.shows = tabs("Which rows", [["moved", "What moved"], ["all", "All"]],
      (value) => this.#showRows(value));
    this.summary = h("p", { class: "summary", role: "status" });
    this.rows = h("div");
    this.missing = h("div");
    this.attribution = new AttributionPanel();
    this.instead = h("div");
    this.bones = skeleton("rows", "plot");
    this.full = this.#result();
    this.element = h("section", { class: "view", "aria-label": "Compare" },
      h("div", { class: "view-head" }, h("h1", null, "Compare"), ...Object.values(this.filters),
        this.metrics), this.#form(), this.instead, this.bones, this.full);
    this.onReloaded = () => void this.#load();
    model.addEventListener("reloaded", this.onReloaded);
    void this.#loadMetrics();
  }

  /** @param {URLSearchParams} given */
  show(given) {
    this.#read(given);
    setAttr(this.element, "data-axis", this.state.axis);
    void this.#load();
  }

  destroy() {
    this.asking?.abort();
    this.attribution.destroy();
    this.model.removeEventListener("reloaded", this.onReloaded);
  }

  /* ---- the parts of the page ---- */

  #axisTabs() {
    return tabs("What is varied", [["commit", "Commits"], ["python", "Pythons"],
      ["allocator", "Allocators"]], (value) => {
      Object.assign(this.state, { axis: value, base: "", head: "", cells: "" });
      this.#defaults();
      this.#apply();
    });
  }

  /** @param {typeof FILTERS[number]} name */
  #filter(name) {
    const select = h("select", { "aria-label": name[0].toUpperCase() + name.slice(1), on: {
      change: () => {
        this.state.filter[name] = select.value;
        this.#apply();
      },
    } });
    return select;
  }

  #form() {
    const { state } = this;
    const swap = h("button", { type: "button", class: "small", title: "Swap base and head", on: {
      click: () => {
        [state.base, state.head] = [state.head, state.base];
        state.cells = "";
        this.#apply();
      },
    } }, "⇄ Swap");
    return h("form", { class: "sides", on: { submit: (/** @type {Event} */ event) => {
      event.preventDefault();
      state.cells = "";
      this.#apply();
    } } }, this.axes.element, this.base.label, swap, this.head.label, this.known,
    h("button", { class: "small" }, "Compare"));
  }

  #result() {
    const copy = h("button", { type: "button", class: "quiet", on: {
      click: () => void this.#copyMarkdown(),
    } }, "Copy as Markdown");
    const link = h("button", { type: "button", class: "quiet", on: {
      click: () => void this.#toClipboard(location.href, "The link is copied."),
    } }, "Copy link");
    return h("div", null,
      h("div", { class: "view-head" }, this.summary, h("span", { class: "spring" }),
        this.shows.element, copy, link), this.rows, this.attribution.element, this.missing);
  }

  /* ---- state ---- */

  /** @param {URLSearchParams} given */
  #read(given) {
    const { state } = this;
    const sides = ["base", "head"].map((name) => {
      const match = /^(?:(commit|python|allocator):)?(.*)$/.exec(given.get(name) ?? "");
      return { axis: /** @type {Axis} */ (match?.[1] ?? "commit"), value: match?.[2] ?? "" };
    });
    Object.assign(state, {
      axis: sides[0].value ? sides[0].axis : sides[1].axis, base: sides[0].value,
      head: sides[1].value, metric: given.get("metric") ?? "tide_mark",
      show: given.get("show") === "all" ? "all" : "moved", by: given.get("by") ?? "",
      cells: given.get("cells") ?? "",
    });
    for (const name of FILTERS) state.filter[name] = given.get(name) ?? "";
    this.#defaults();
  }

  /** Where a side is not named: the newest commit and the one before, or two Pythons. */
  #defaults() {
    const { state } = this;
    const { commits } = this.model;
    const pythons = this.model.pythons.filter((one) => one.usable).map((one) => one.name)
      .sort(comparePythons);
    const [older, newer] = state.axis === "commit" ? [commits[1]?.sha, commits[0]?.sha]
      : state.axis === "python" ? [pythons[pythons.length - 2], pythons[pythons.length - 1]]
        : ALLOCATORS;
    state.base ||= older ?? "";
    state.head ||= newer ?? "";
    if (state.axis !== "commit") state.filter.commit ||= commits[0]?.sha ?? "";
    state.filter[state.axis] = "";
  }

  #asked() {
    const { state } = this;
    return {
      base: state.base ? `${state.axis}:${state.base}` : null,
      head: state.head ? `${state.axis}:${state.head}` : null,
      metric: state.metric === "tide_mark" ? null : state.metric,
      ...Object.fromEntries(FILTERS.map((name) => [name, state.filter[name] || null])),
    };
  }

  #save() {
    const { show, by, cells } = this.state;
    this.router.replace({ ...this.#asked(), show: show === "all" ? "all" : null, by: by || null,
      cells: cells || null });
  }

  #apply() {
    this.#save();
    this.#drawPickers();
    void this.#load();
  }

  /** @param {string} value moved, or all */
  #showRows(value) {
    this.state.show = value;
    this.#save();
    this.#drawPickers();
    this.#draw();
  }

  async #load() {
    const { state } = this;
    if (!state.base || !state.head) {
      await this.model.commitsAsked;
      this.#defaults();
    }
    this.#drawPickers();
    if (!state.base || !state.head) {
      this.#showInstead(emptyState("Nothing to compare yet", "Name two commits, Pythons or " +
        "allocators above, or press ⇄ at two things in Overview or History."));
      return;
    }
    this.asking?.abort();
    const now = new AbortController();
    this.asking = now;
    this.bones.hidden = this.answer !== null;
    try {
      const found = await getComparison({ project: this.model.project, ...this.#asked() },
        now.signal);
      if (now.signal.aborted) return;
      this.answer = found;
      this.#draw();
    } catch (error) {
      if (now.signal.aborted) return;
      this.#showInstead(failedState("These sides could not be compared", error,
        () => void this.#load()));
    }
  }

  /** @param {Node} node */
  #showInstead(node) {
    replace(this.instead, node);
    this.bones.hidden = true;
    this.full.hidden = true;
  }

  /* ---- drawing ---- */

  #drawPickers() {
    const { state, model } = this;
    this.axes.set(state.axis);
    this.shows.set(state.show);
    for (const [{ input }, value] of /** @type {const} */ ([[this.base, state.base],
      [this.head, state.head]])) {
      input.value = state.axis === "commit" && /^[0-9a-f]{40,}$/.test(value)
        ? value.slice(0, 12) : value;
    }
    const options = state.axis === "commit"
      ? model.commits.map((one) => [one.sha.slice(0, 12), one.subject])
      : (state.axis === "python" ? model.pythonNames : ALLOCATORS).map((one) => [one, ""]);
    replace(this.known, ...options.map(([value, label]) => h("option", { value, label })));
    this.#fill("commit", model.commits.map((one) =>
      [one.sha, `${shortSha(one.sha)} ${one.subject}`]));
    this.#fill("python", [...model.pythonNames].sort(comparePythons).map((one) => [one, one]));
    this.#fill("scenario", model.scenariosHere.map((one) => [one.name, one.name]));
    this.#fill("allocator", ALLOCATORS.map((one) => [one, one]));
    this.metrics.value = state.metric;
  }

  /**
   * @param {string} name of a filter
   * @param {string[][]} options value and text
   */
  #fill(name, options) {
    const select = this.filters[name];
    const value = this.state.filter[name];
    select.hidden = name === this.state.axis || (name === "allocator" && !value);
    const all = value && !options.some(([one]) => one === value)
      ? [...options, [value, name === "commit" ? shortSha(value) : value]] : options;
    keyed(select, [["", `every ${name}`], ...all], ([one]) => one || "every",
      ([one]) => h("option", { value: one }), (option, [, text]) => setText(option, text));
    select.value = value;
  }

  #draw() {
    const { answer, state } = this;
    if (!answer) return;
    this.bones.hidden = true;
    if (!answer.cells.length) {
      this.#showInstead(this.#nothingInCommon(answer));
      return;
    }
    replace(this.instead);
    this.full.hidden = false;
    setText(this.summary, summaryWords(answer));
    this.#drawTable(answer);
    const open = answer.cells.find((one) => cellsOf(one) === state.cells) ??
      (answer.cells.length === 1 ? answer.cells[0] : null);
    this.attribution.show(open, answer);
    replace(this.missing, answer.missing.length
      ? h("details", null, h("summary", null, `${answer.missing.length} missing on one side`),
        h("ul", { class: "plain-links" }, ...answer.missing.map((one) => h("li", null,
          [one.scenario, one.python].filter(Boolean).join(", ") +
            `: ${one.side}: ${one.why}`)))) : null);
  }

  /** @param {Comparison} answer */
  #nothingInCommon(answer) {
    const { axis, base, head } = this.state;
    return emptyState("Nothing was measured on both sides",
      [`${answer.base.label} and ${answer.head.label} have no cell in common. `,
        missingText(answer)],
      h("a", { href: href("trigger", { [`${axis}s`]: `${base},${head}` }) },
        "Measure both sides"));
  }

  /** @param {Comparison} held */
  #drawTable(held) {
    const { state } = this;
    if (!this.table || this.tableAxis !== held.axis + held.unit) {
      this.tableAxis = held.axis + held.unit;
      this.table = new SortTable({
        label: "What moved", columns: columnsOf(held, (one) => this.#open(one)), key: cellsOf,
        by: state.by || "-percent", sorted: (by) => {
          state.by = by;
          this.#save();
        },
      });
      this.table.element.classList.add("compared");
      replace(this.rows, this.table.element);
    }
    const shown = state.show === "all" ? held.cells
      : held.cells.filter((one) => one.verdict !== null && MOVED.has(one.verdict));
    this.table.element.hidden = shown.length === 0;
    this.table.update(shown);
    this.rows.querySelector(".note")?.remove();
    if (!shown.length) {
      this.rows.append(h("p", { class: "note" }, "Nothing moved between these two. ", h("button", {
        type: "button", class: "link", on: { click: () => this.#showRows("all") },
      }, "Show every cell"), "."));
    }
  }

  /** Show where the difference comes from, or close that. @param {Compared} one */
  #open(one) {
    const { state } = this;
    state.cells = state.cells === cellsOf(one) ? "" : cellsOf(one);
    this.#save();
    this.#draw();
    if (state.cells) this.attribution.element.scrollIntoView({ block: "nearest" });
  }

  async #copyMarkdown() {
    if (!this.answer) return;
    await this.#toClipboard(markdown(this.answer, this.state.show === "all"),
      "The table is copied.");
  }

  /**
   * @param {string} text
   * @param {string} said
   */
  async #toClipboard(text, said) {
    try {
      await navigator.clipboard.writeText(text);
      this.notices.flash(said);
    } catch {
      this.notices.flash("The clipboard is closed to this page.");
    }
  }

  async #loadMetrics() {
    const found = await getMetrics().catch(() => [
      { name: "tide_mark", title: "tide mark", unit: "bytes" }]);
    keyed(this.metrics, found, (one) => one.name,
      (one) => h("option", { value: one.name }, one.title), () => {});
    this.metrics.value = this.state.metric;
  }
}

/**
 * @param {string} label
 * @param {(value: string) => void} take
 */
function sideInput(label, take) {
  const input = h("input", {
    type: "text", list: "compare-known", spellcheck: "false", autocomplete: "off",
    on: { change: () => take(input.value.trim()) },
  });
  return { input, label: h("label", { class: "side" }, h("span", null, label), input) };
}

/** @param {Compared} one */
const cellsOf = (one) => `${one.base.cell}-${one.head.cell}`;

/** @param {Comparison} answer */
const missingText = (answer) => answer.missing.length
  ? `${answer.missing[0].scenario}: ${answer.missing[0].why}.` : "";
