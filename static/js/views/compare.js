// compare.js - the view Compare: two sides, what moved between them, and where it comes from.
//
// State in the URL: base and head ([commit|python|allocator:]VALUE), the filters commit, python,
// scenario and allocator, metric, show (all; what moved where it is not named), by (the column that
// is sorted), cells (BASE-HEAD: the row whose attribution is open).

import { getComparison, getMetrics } from "../api.js";
import { AttributionPanel } from "../attribution.js";
import { columnsOf, markdown, summaryWords } from "../comparison.js";
import { h, keyed, replace, setAttr, setText } from "../dom.js";
import { shortSha } from "../format.js";
import { comparePythons } from "../palette.js";
import { href } from "../router.js";
import { emptyState, failedState, skeleton } from "../shell/states.js";
import { SortTable } from "../sorttable.js";
import { tabs } from "../tabs.js";

/** @typedef {import("../types.js").Comparison} Comparison */
/** @typedef {import("../types.js").Compared} Compared */
/** @typedef {"commit"|"python"|"allocator"} Axis */

const FILTERS = /** @type {const} */ (["commit", "python", "scenario", "allocator"]);
const MOVED = new Set(["worse", "better", "inconclusive"]);
const ALLOCATORS = ["pymalloc", "malloc", "mimalloc", "jemalloc", "tcmalloc"];

/** @param {import("../views.js").Context} context */
export function createCompare({ model, router, notices }) {
  /** @type {Comparison|null} */
  let answer = null;
  const state = {
    axis: /** @type {Axis} */ ("commit"), base: "", head: "", metric: "tide_mark", show: "moved",
    by: "", cells: "",
    filter: /** @type {Record<string, string>} */ ({}),
  };
  /** @type {AbortController|null} */
  let asking = null;
  /** @type {SortTable<Compared>|null} */
  let table = null;
  let tableAxis = "";

  /* ---- the parts of the page ---- */

  const axes = tabs("What is varied", [["commit", "Commits"], ["python", "Pythons"],
    ["allocator", "Allocators"]], (value) => {
    Object.assign(state, { axis: value, base: "", head: "", cells: "" });
    defaults();
    apply();
  });
  const known = h("datalist", { id: "compare-known" });
  const base = sideInput("Base", (value) => { state.base = value; });
  const head = sideInput("Head", (value) => { state.head = value; });
  const swap = h("button", { type: "button", class: "small", title: "Swap base and head", on: {
    click: () => {
      [state.base, state.head] = [state.head, state.base];
      state.cells = "";
      apply();
    },
  } }, "⇄ Swap");
  const filters = Object.fromEntries(FILTERS.map((name) => [name, h("select", {
    "aria-label": name[0].toUpperCase() + name.slice(1), on: { change: () => {
      state.filter[name] = filters[name].value;
      apply();
    } },
  })]));
  const metrics = h("select", { "aria-label": "Metric", on: { change: () => {
    state.metric = metrics.value;
    apply();
  } } });
  const form = h("form", { class: "sides", on: { submit: (/** @type {Event} */ event) => {
    event.preventDefault();
    state.cells = "";
    apply();
  } } }, axes.element, base.label, swap, head.label, known,
  h("button", { class: "small" }, "Compare"));
  const shows = tabs("Which rows", [["moved", "What moved"], ["all", "All"]], (value) => {
    state.show = value;
    save();
    draw();
  });
  const summary = h("p", { class: "summary", role: "status" });
  const copy = h("button", { type: "button", class: "quiet", on: {
    click: () => void copyMarkdown(),
  } }, "Copy as Markdown");
  const link = h("button", { type: "button", class: "quiet", on: {
    click: () => void toClipboard(location.href, "The link is copied."),
  } }, "Copy link");
  const rows = h("div");
  const missing = h("div");
  const attribution = new AttributionPanel();
  const instead = h("div");
  const bones = skeleton("rows", "plot");
  const full = h("div", null,
    h("div", { class: "view-head" }, summary, h("span", { class: "spring" }), shows.element, copy,
      link), rows, attribution.element, missing);
  const element = h("section", { class: "view", "aria-label": "Compare" },
    h("div", { class: "view-head" }, h("h1", null, "Compare"), ...Object.values(filters), metrics),
    form, instead, bones, full);

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

  /* ---- state ---- */

  /** @param {URLSearchParams} given */
  function read(given) {
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
    defaults();
  }

  /** Where a side is not named: the newest commit and the one before, or two Pythons. */
  function defaults() {
    const { commits } = model;
    const pythons = model.pythons.filter((one) => one.usable).map((one) => one.name)
      .sort(comparePythons);
    const [older, newer] = state.axis === "commit" ? [commits[1]?.sha, commits[0]?.sha]
      : state.axis === "python" ? [pythons[pythons.length - 2], pythons[pythons.length - 1]]
        : ALLOCATORS;
    state.base ||= older ?? "";
    state.head ||= newer ?? "";
    if (state.axis !== "commit") state.filter.commit ||= commits[0]?.sha ?? "";
    state.filter[state.axis] = "";
  }

  const asked = () => ({
    base: state.base ? `${state.axis}:${state.base}` : null,
    head: state.head ? `${state.axis}:${state.head}` : null,
    metric: state.metric === "tide_mark" ? null : state.metric,
    ...Object.fromEntries(FILTERS.map((name) => [name, state.filter[name] || null])),
  });

  function save() {
    router.replace({ ...asked(), show: state.show === "all" ? "all" : null, by: state.by || null,
      cells: state.cells || null });
  }

  function apply() {
    save();
    drawPickers();
    void load();
  }

  async function load() {
    if (!state.base || !state.head) {
      await model.commitsAsked;
      defaults();
    }
    drawPickers();
    if (!state.base || !state.head) {
      showInstead(emptyState("Nothing to compare yet", "Name two commits, Pythons or allocators " +
        "above, or press ⇄ at two things in Overview or History."));
      return;
    }
    asking?.abort();
    const now = new AbortController();
    asking = now;
    bones.hidden = answer !== null;
    try {
      const found = await getComparison({ project: model.project, ...asked() }, now.signal);
      if (now.signal.aborted) return;
      answer = found;
      draw();
    } catch (error) {
      if (now.signal.aborted) return;
      showInstead(failedState("These sides could not be compared", error, () => void load()));
    }
  }

  /** @param {Node} node */
  function showInstead(node) {
    replace(instead, node);
    bones.hidden = true;
    full.hidden = true;
  }

  /* ---- drawing ---- */

  function drawPickers() {
    axes.set(state.axis);
    shows.set(state.show);
    for (const [{ input }, value] of /** @type {const} */ ([[base, state.base],
      [head, state.head]])) {
      input.value = state.axis === "commit" && /^[0-9a-f]{40,}$/.test(value)
        ? value.slice(0, 12) : value;
    }
    const options = state.axis === "commit"
      ? model.commits.map((one) => [one.sha.slice(0, 12), one.subject])
      : (state.axis === "python" ? model.pythonNames : ALLOCATORS).map((one) => [one, ""]);
    replace(known, ...options.map(([value, label]) => h("option", { value, label })));
    fill("commit", model.commits.map((one) => [one.sha, `${shortSha(one.sha)} ${one.subject}`]));
    fill("python", [...model.pythonNames].sort(comparePythons).map((one) => [one, one]));
    fill("scenario", model.scenariosHere.map((one) => [one.name, one.name]));
    fill("allocator", ALLOCATORS.map((one) => [one, one]));
    metrics.value = state.metric;
  }

  /**
   * @param {string} name of a filter
   * @param {string[][]} options value and text
   */
  function fill(name, options) {
    const select = filters[name];
    const value = state.filter[name];
    select.hidden = name === state.axis || (name === "allocator" && !value);
    const all = value && !options.some(([one]) => one === value)
      ? [...options, [value, name === "commit" ? shortSha(value) : value]] : options;
    keyed(select, [["", `every ${name}`], ...all], ([one]) => one || "every",
      ([one]) => h("option", { value: one }), (option, [, text]) => setText(option, text));
    select.value = value;
  }

  function draw() {
    if (!answer) return;
    bones.hidden = true;
    const { base: left, head: right } = answer;
    if (!answer.cells.length) {
      showInstead(emptyState("Nothing was measured on both sides",
        [`${left.label} and ${right.label} have no cell in common. `, missingText(answer)],
        state.axis === "allocator" ? null : h("a", { href: href("trigger", {
          [`${state.axis}s`]: `${state.base},${state.head}`,
        }) }, "Measure both sides")));
      return;
    }
    replace(instead);
    full.hidden = false;
    setText(summary, summaryWords(answer));
    drawTable(answer);
    const open = answer.cells.find((one) => cellsOf(one) === state.cells) ??
      (answer.cells.length === 1 ? answer.cells[0] : null);
    attribution.show(open, answer);
    replace(missing, answer.missing.length
      ? h("details", null, h("summary", null, `${answer.missing.length} missing on one side`),
        h("ul", { class: "plain-links" }, ...answer.missing.map((one) => h("li", null,
          [one.scenario, one.python].filter(Boolean).join(", ") +
            `: ${one.side}: ${one.why}`)))) : null);
  }

  /** @param {Comparison} held */
  function drawTable(held) {
    if (!table || tableAxis !== held.axis + held.unit) {
      tableAxis = held.axis + held.unit;
      table = new SortTable({
        label: "What moved", columns: columnsOf(held, (one) => {
          state.cells = state.cells === cellsOf(one) ? "" : cellsOf(one);
          save();
          draw();
          if (state.cells) attribution.element.scrollIntoView({ block: "nearest" });
        }), key: cellsOf, by: state.by || "-percent", sorted: (by) => {
          state.by = by;
          save();
        },
      });
      table.element.classList.add("compared");
      replace(rows, table.element);
    }
    const shown = state.show === "all" ? held.cells
      : held.cells.filter((one) => one.verdict !== null && MOVED.has(one.verdict));
    table.element.hidden = shown.length === 0;
    table.update(shown);
    rows.querySelector(".note")?.remove();
    if (!shown.length) {
      rows.append(h("p", { class: "note" }, "Nothing moved between these two. ", h("button", {
        type: "button", class: "link", on: { click: () => {
          state.show = "all";
          save();
          drawPickers();
          draw();
        } },
      }, "Show every cell"), "."));
    }
  }

  async function copyMarkdown() {
    if (answer) await toClipboard(markdown(answer, state.show === "all"), "The table is copied.");
  }

  /**
   * @param {string} text
   * @param {string} said
   */
  async function toClipboard(text, said) {
    try {
      await navigator.clipboard.writeText(text);
      notices.flash(said);
    } catch {
      notices.flash("The clipboard is closed to this page.");
    }
  }

  async function loadMetrics() {
    const found = await getMetrics().catch(() => [
      { name: "tide_mark", title: "tide mark", unit: "bytes" }]);
    keyed(metrics, found, (one) => one.name,
      (one) => h("option", { value: one.name }, one.title), () => {});
    metrics.value = state.metric;
  }

  const onReloaded = () => void load();
  model.addEventListener("reloaded", onReloaded);
  void loadMetrics();

  return {
    element,
    title: "Compare",
    /** @param {URLSearchParams} given */
    show(given) {
      read(given);
      setAttr(element, "data-axis", state.axis);
      void load();
    },
    destroy() {
      asking?.abort();
      attribution.destroy();
      model.removeEventListener("reloaded", onReloaded);
    },
  };
}

/** @param {Compared} one */
const cellsOf = (one) => `${one.base.cell}-${one.head.cell}`;

/** @param {Comparison} answer */
const missingText = (answer) => answer.missing.length
  ? `${answer.missing[0].scenario}: ${answer.missing[0].why}.` : "";
