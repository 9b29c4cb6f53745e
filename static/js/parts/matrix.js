// matrix.js - the table that picks runs: commits down, Pythons across, a toggle in every cell.
//
// Rows and columns are built when commits or Pythons change; everything else is updated in place,
// so a cell that fills while its run goes on keeps focus and hover.

import { h, keyed, setAttr, setText, svg } from "../dom.js";
import { ago, dateTime, plural, shortSha } from "../format.js";

/** @typedef {import("./selection.js").Cell} Cell */
/** @typedef {import("../charts/palette.js").Look} Look */

/**
 * @typedef {object} MatrixState
 * @property {{sha: string, subject: string|null}[]} commits
 * @property {Map<string, number>} committed when, by sha
 * @property {string|null} head sha of the branch's newest commit
 * @property {string[]} pythons
 * @property {Map<string, Cell>} cells
 * @property {Set<number>} selected run ids
 * @property {(run: import("../types.js").Run) => Look} look
 * @property {(sha: string, python: string) => string} fill link that measures an empty cell
 */

/** A short piece of a series' line, as a legend shows it. */
export function swatch() {
  const line = svg("line", { x1: 1, y1: 5, x2: 27, y2: 5 });
  const node = svg("svg", { class: "swatch", viewBox: "0 0 28 10", "aria-hidden": "true" }, line);
  return node;
}

/**
 * @param {Element} node made by swatch()
 * @param {Look} look
 */
export function paintSwatch(node, look) {
  const line = /** @type {Element} */ (node.firstElementChild);
  setAttr(line, "stroke", look.color);
  setAttr(line, "stroke-width", String(Math.max(1.2, look.width)));
  setAttr(line, "stroke-dasharray", look.dash.length ? look.dash.join(" ") : null);
}

export class Matrix {
  /**
   * @param {object} on what a press asks for
   * @param {(key: string) => void} on.cell
   * @param {(sha: string) => void} on.row
   * @param {(python: string) => void} on.column
   */
  constructor(on) {
    this.on = on;
    this.head = h("tr");
    this.body = h("tbody");
    this.table = h("table", { class: "matrix" },
      h("caption", { class: "unseen" },
        "Runs by commit and Python; press a cell to show its curve"),
      h("thead", null, this.head), this.body);
    this.element = h("div", {
      class: "matrix-scroll", tabindex: 0, role: "region", "aria-label": "Commits by Python",
    }, this.table);
  }

  /** @param {MatrixState} state */
  update(state) {
    keyed(this.head, ["", ...state.pythons], (python) => python || "corner",
      (python) => (python ? this.#columnHead(python) : h("th", { scope: "col" }, "Commit")),
      () => {});
    keyed(this.body, state.commits, (commit) => commit.sha, (commit) => this.#row(commit),
      (row, commit) => this.#updateRow(row, commit, state));
  }

  /** @param {string} python */
  #columnHead(python) {
    return h("th", { scope: "col" }, h("button", {
      type: "button", class: "pick-line", title: `Show or hide every run on ${python}`,
      on: { click: () => this.on.column(python) },
    }, python));
  }

  /** @param {{sha: string, subject: string|null}} commit */
  #row(commit) {
    return h("tr", null, h("th", { scope: "row" }, h("button", {
      type: "button", class: "pick-line commit",
      on: { click: () => this.on.row(commit.sha) },
    }, h("code", null, shortSha(commit.sha)), h("span", { class: "subject" }),
    h("span", { class: "when" }))));
  }

  /**
   * @param {HTMLTableRowElement} row
   * @param {{sha: string, subject: string|null}} commit
   * @param {MatrixState} state
   */
  #updateRow(row, commit, state) {
    const [, subject, when] = /** @type {HTMLElement[]} */ (
      Array.from(/** @type {Element} */ (row.querySelector(".commit")).children));
    const at = state.committed.get(commit.sha) ?? null;
    setText(subject, commit.subject ?? "");
    setText(when, state.head === commit.sha ? `HEAD · ${ago(at)}` : ago(at));
    setAttr(/** @type {Element} */ (row.querySelector(".commit")), "title",
      `${commit.sha}\n${commit.subject ?? ""}${at ? "\n" + dateTime(at) : ""}\n` +
      "Press to show or hide every run of this commit");
    const header = /** @type {HTMLElement} */ (row.firstElementChild);
    header.dataset.key ??= "head";
    keyed(row, ["head", ...state.pythons], (python) => python,
      (python) => h("td", null, python === "head" ? null : h("span")),
      (td, python) => {
        if (python === "head") return;
        const cell = state.cells.get(`${commit.sha} ${python}`) ?? null;
        if (cell) this.#fillCell(td, cell, state);
        else this.#emptyCell(td, commit.sha, python, state);
      });
  }

  /**
   * @param {HTMLElement} td
   * @param {string} sha
   * @param {string} python
   * @param {MatrixState} state
   */
  #emptyCell(td, sha, python, state) {
    const url = state.fill(sha, python);
    const held = td.firstElementChild;
    if (held?.getAttribute("href") === url) return;
    td.replaceChildren(h("a", {
      class: "cell cell-none", href: url,
      title: `No run yet. Measure ${shortSha(sha)} on ${python}`,
      "aria-label": `${shortSha(sha)} on ${python}: no run yet; measure it`,
    }, "+"));
  }

  /**
   * @param {HTMLElement} td
   * @param {Cell} cell
   * @param {MatrixState} state
   */
  #fillCell(td, cell, state) {
    let button = /** @type {HTMLElement|null} */ (td.querySelector("button.cell"));
    if (!button) {
      button = h("button", {
        type: "button", class: "cell", on: { click: () => this.on.cell(cell.key) },
      }, h("span", { class: "cell-fill" }), swatch(), h("span", { class: "cell-text" }));
      td.replaceChildren(button);
    }
    const picked = cell.runs.filter((run) => state.selected.has(run.id));
    const { text, kind, percent, title } = describeCell(cell);
    const [fill, line, label] = /** @type {HTMLElement[]} */ (Array.from(button.children));
    const said = picked.length && picked.length < cell.runs.length && kind === "done"
      ? `${picked.length}/${text}` : text;
    setText(label, said);
    fill.style.transform = `scaleX(${percent / 100})`;
    button.dataset.kind = kind;
    setAttr(button, "aria-pressed", String(picked.length > 0));
    setAttr(button, "title", title);
    setAttr(button, "aria-label",
      `${said}: ${shortSha(cell.commit.sha)} on ${cell.python}, ${title.replaceAll("\n", "; ")}`);
    paintSwatch(line, state.look(picked[0] ?? cell.runs[0]));
  }
}

/**
 * What a cell says: what is under way before what went wrong before how much there is.
 * @param {Cell} cell
 */
function describeCell(cell) {
  const having = (/** @type {string} */ status) => cell.runs.filter((run) => run.status === status);
  const done = having("done");
  const failed = having("failed");
  const running = having("running");
  const building = having("building");
  const queued = having("queued");
  const parts = [];
  if (done.length) parts.push(`${plural(done.length, "run")} done`);
  if (running.length) parts.push(`${running.length} running, ${running[0].percent ?? 0} %`);
  if (building.length) parts.push(`${building.length} building`);
  if (queued.length) parts.push(`${queued.length} queued`);
  if (failed.length) parts.push(`${failed.length} failed: ${failed[0].error ?? "see its log"}`);
  const title = parts.join("\n");
  if (running.length) {
    const percent = running[0].percent ?? 0;
    return { text: `${percent} %`, kind: "running", percent, title };
  }
  const had = done.length ? `${done.length} +` : "";
  if (building.length) return { text: had + "building", kind: "building", percent: 0, title };
  if (queued.length) {
    const text = had ? `${had}${queued.length} queued` : "queued";
    return { text, kind: "queued", percent: 0, title };
  }
  if (failed.length && !done.length) return { text: "failed", kind: "failed", percent: 0, title };
  const text = failed.length ? `${done.length} +${failed.length} failed` : String(done.length);
  return { text, kind: "done", percent: 0, title };
}
