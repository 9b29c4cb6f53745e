// wishfields.js - the fields of Trigger's form, group by group. A part holds its nodes, draws what
// the wish holds now, and knows where a refusal of a field of POST /runs is said.

import { h, keyed, setAttr, setText } from "../dom.js";
import { ago, count, dateTime, plural, shortSha } from "../format.js";
import { comparePythons } from "../charts/palette.js";
import { BOUNDS } from "./wish.js";

/** @typedef {import("../types.js").Param} Param */
/** @typedef {import("./wish.js").Wish} Wish */
/**
 * Where a refusal is said.
 * @typedef {{error: HTMLElement, input?: HTMLElement|null}} Slot
 */
/**
 * @typedef {object} Part
 * @property {HTMLElement} node
 * @property {() => void} draw
 * @property {(root: string, leaf: string|undefined) => Slot|null} slot for a field of the API
 */

const COMMITS_AT_FIRST = 8;

/** @param {string} id */
export const errorLine = (id) => h("p", {
  class: "field-error", id: `error-${id}`, role: "alert", hidden: true,
});

/**
 * @param {string} name the API's name of the field
 * @param {string} label
 * @param {...(Node|string)} children
 */
export function fieldset(name, label, ...children) {
  const error = errorLine(name);
  const node = h("fieldset", {
    class: "field", data: { field: name }, "aria-describedby": error.id,
  }, h("legend", null, label), ...children, error);
  return { node, error };
}

/**
 * A list of check boxes, one for each thing that can be picked.
 * @param {Wish} wish
 * @param {import("./wish.js").Kind} kind
 * @param {() => void} changed
 */
function ticks(wish, kind, changed) {
  return {
    /**
     * @template T
     * @param {HTMLElement} parent
     * @param {T[]} items
     * @param {(item: T) => string} name
     * @param {(item: T) => Node[]} label
     */
    draw(parent, items, name, label) {
      keyed(parent, items, name, (item) => {
        const box = h("input", { type: "checkbox", value: name(item), on: { change: () => {
          if (box.checked) wish.picked[kind].add(name(item));
          else wish.picked[kind].delete(name(item));
          changed();
        } } });
        return h("li", null, h("label", { class: "tick" }, box, ...label(item)));
      }, (row, item) => {
        const box = /** @type {HTMLInputElement} */ (row.querySelector("input"));
        box.checked = wish.picked[kind].has(name(item));
      });
    },
  };
}

/**
 * @param {Wish} wish
 * @param {(project: string) => void} choose
 * @returns {Part}
 */
export function projectPart(wish, choose) {
  const select = h("select", { id: "project", on: { change: () => choose(select.value) } });
  const { node, error } = fieldset("project", "Project",
    h("label", { class: "line" }, h("span", null, "Measured is"), select));
  return {
    node,
    draw() {
      const { model } = wish;
      const names = model.projects.map(({ name }) => name).filter((name) => name !== "imported");
      node.hidden = names.length < 2;
      keyed(select, names, (name) => name, (name) => h("option", { value: name }, name), () => {});
      if (select.value !== model.project) select.value = model.project;
    },
    slot: (root) => root === "project" ? { error } : null,
  };
}

const BOUND_LABELS = { since: ["Since", "2024-01-01"], until: ["Until", "2024-12-31"],
  every: ["Every Nth", "10"] };

/**
 * @param {Wish} wish
 * @param {() => void} changed
 * @returns {Part}
 */
export function commitPart(wish, changed) {
  let all = false;
  const list = h("ul", { class: "ticks" });
  const commits = ticks(wish, "commits", changed);
  const more = h("button", { type: "button", class: "quiet", on: { click: () => {
    all = true;
    draw();
  } } });
  const text = (/** @type {string} */ id, /** @type {string} */ kind, /** @type {string} */ hint,
    /** @type {(value: string) => void} */ take) => {
    const input = h("input", { type: "text", id, class: kind, placeholder: hint,
      spellcheck: "false", autocomplete: "off", on: { input: () => {
        take(input.value);
        changed();
      } } });
    return input;
  };
  const revs = text("revs", "wide", "v1.2, HEAD~5, v1.0..HEAD, tags, new, missing",
    (value) => { wish.revs = value; });
  const bounds = BOUNDS.map((name) => ({ name, input: text(name, "number", BOUND_LABELS[name][1],
    (value) => { wish.bounds[name] = value; }) }));
  const { node, error } = fieldset("commits", "Commits", list, more,
    h("label", { class: "line" }, h("span", null, "Other revisions and ranges"), revs),
    h("div", { class: "bounds" }, ...bounds.map(({ name, input }) =>
      h("label", { class: "line" }, h("span", null, BOUND_LABELS[name][0]), input))));

  function draw() {
    const known = wish.model.commits;
    const shown = all ? known : known.slice(0, COMMITS_AT_FIRST);
    commits.draw(list, shown, ({ sha }) => sha, (commit) => [
      h("code", null, shortSha(commit.sha)),
      h("span", { class: "subject", title: commit.subject }, commit.subject),
      h("span", { class: "when", title: dateTime(commit.committed_ns) },
        ago(commit.committed_ns))]);
    more.hidden = shown.length === known.length;
    setText(more, `Show ${known.length - shown.length} older commits`);
    if (document.activeElement !== revs) revs.value = wish.revs;
    for (const { name, input } of bounds) {
      if (document.activeElement !== input) input.value = wish.bounds[name] ?? "";
    }
  }

  return { node, draw, slot: (root) => root === "commits" ? { error, input: revs }
    : bounds.some(({ name }) => name === root)
      ? { error, input: bounds.find(({ name }) => name === root)?.input } : null };
}

/**
 * @param {Wish} wish
 * @param {() => void} changed
 * @returns {Part}
 */
export function pythonPart(wish, changed) {
  const list = h("ul", { class: "ticks ticks-short" });
  const pythons = ticks(wish, "pythons", changed);
  const unusable = h("ul", { class: "unusable" });
  const head = h("summary");
  const box = h("details", { class: "unusable-box" }, head, unusable);
  const usable = () => wish.model.pythons.filter((python) => python.usable)
    .sort((a, b) => comparePythons(a.name, b.name));
  const tickAll = (/** @type {"All"|"Newest"|"None"} */ which) => {
    const names = usable().map((python) => python.name);
    wish.picked.pythons = new Set(which === "All" ? names
      : which === "Newest" ? names.slice(-1) : []);
    changed();
  };
  const { node, error } = fieldset("pythons", "Pythons", h("div", { class: "row-actions" },
    ...(/** @type {const} */ (["All", "Newest", "None"])).map((which) => h("button", {
      type: "button", class: "small", on: { click: () => tickAll(which) } }, which))), list, box);
  return {
    node,
    draw() {
      pythons.draw(list, usable(), ({ name }) => name, (python) => [h("span", {
        class: "name", title: `${python.program} (${python.source})` }, python.name)]);
      const bad = wish.model.pythons.filter((python) => !python.usable)
        .sort((a, b) => comparePythons(a.name, b.name));
      box.hidden = bad.length === 0;
      setText(head, `${plural(bad.length, "Python")} that cannot be used, and why`);
      keyed(unusable, bad, (python) => python.id, (python) => h("li", null,
        h("span", { class: "name" }, python.name),
        h("span", { class: "reason" }, python.reason ?? ""),
        h("span", { class: "path" }, python.program)), () => {});
    },
    slot: (root) => root === "pythons" ? { error } : null,
  };
}

/**
 * @param {Wish} wish
 * @param {() => void} changed
 * @returns {Part}
 */
export function scenarioPart(wish, changed) {
  const list = h("ul", { class: "ticks" });
  const scenarios = ticks(wish, "scenarios", changed);
  const none = h("p", { class: "note" }, "This project has no scenario yet: name their folder in ",
    "Projects.");
  const { node, error } = fieldset("scenarios", "Scenarios", list, none);
  return {
    node,
    draw() {
      const here = wish.model.scenariosHere;
      none.hidden = here.length > 0 || (wish.model.status?.discovering ?? false);
      scenarios.draw(list, here, ({ name }) => name, ({ name, title }) => [
        h("span", { class: "name" }, name), h("span", { class: "subject" }, title ?? "")]);
    },
    slot: (root) => root === "scenarios" ? { error } : null,
  };
}

/**
 * Size and parameters.
 * @param {Wish} wish
 * @param {() => void} changed
 * @returns {Part}
 */
export function paramPart(wish, changed) {
  const sizes = h("div", { class: "tabs", role: "group", "aria-label": "Size" });
  const rows = h("div", { class: "params" });
  const { node, error } = fieldset("params", "Parameters", sizes, rows);
  return {
    node,
    draw() {
      keyed(sizes, /** @type {("demo"|"full")[]} */ (["demo", "full"]), (name) => name,
        (name) => h("button", { type: "button", on: { click: () => {
          wish.size = name;
          wish.params.clear();
          changed();
        } } }, name === "demo" ? "Demo size" : "Full size"), (tab, name) =>
          setAttr(tab, "aria-pressed", String(wish.size === name && !wish.params.size)));
      keyed(rows, wish.paramList(), (param) => param.name,
        (param) => paramRow(wish, param, changed), (row, param) => {
          const input = /** @type {HTMLInputElement} */ (row.querySelector("input"));
          const value = wish.params.get(param.name) ?? wish.preset(param);
          if (document.activeElement !== input && input.value !== value) input.value = value;
        });
    },
    slot: (root, leaf) => {
      if (root !== "params" && root !== "size") return null;
      const row = /** @type {HTMLElement[]} */ (Array.from(rows.children))
        .find((one) => leaf !== undefined && one.dataset.key === leaf);
      const own = /** @type {HTMLElement|null} */ (row?.querySelector(".field-error") ?? null);
      return own ? { error: own, input: row?.querySelector("input") } : { error };
    },
  };
}

/**
 * @param {Wish} wish
 * @param {Param} param
 * @param {() => void} changed
 */
function paramRow(wish, param, changed) {
  const id = `param-${param.name}`;
  const input = h("input", {
    type: "text", inputmode: param.type === "string" ? "text" : "numeric", id, class: "number",
    "aria-describedby": `limits-${id} error-${id}`, spellcheck: "false", autocomplete: "off",
    on: { input: () => {
      if (input.value.trim() === wish.preset(param)) wish.params.delete(param.name);
      else wish.params.set(param.name, input.value.trim());
      changed();
    } },
  });
  return h("div", { class: "param" }, h("label", { for: id }, param.name), input,
    h("span", { class: "limits", id: `limits-${id}` }, limitsOf(param)), errorLine(id));
}

/** @param {Param} param */
function limitsOf({ minimum, maximum }) {
  if (minimum !== undefined && maximum !== undefined) {
    return `${count(minimum)} to ${count(maximum)}`;
  }
  if (minimum !== undefined) return `at least ${count(minimum)}`;
  return maximum !== undefined ? `at most ${count(maximum)}` : "";
}

/**
 * @param {Wish} wish
 * @param {() => void} changed
 * @returns {Part}
 */
export function samplePart(wish, changed) {
  const input = h("input", {
    type: "text", inputmode: "numeric", id: "samples", class: "number", value: "1",
    on: { input: () => {
      wish.samples = input.value;
      changed();
    } },
  });
  const { node, error } = fieldset("samples", "Samples", h("label", { class: "line" }, input,
    h("span", { class: "limits" }, "runs of each cell, 1 to 100")));
  return {
    node,
    draw() {
      if (document.activeElement !== input) input.value = wish.samples;
    },
    slot: (root) => root === "samples" ? { error, input } : null,
  };
}
