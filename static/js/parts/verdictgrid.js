// verdictgrid.js - the Overview's table: scenarios down, Pythons across; a cell holds its figure,
// how it is judged against the baseline, and its history in a few pixels.
//
// Rows and cells are built anew only where what they show changed, so that focus and hover survive
// live updates.

import { runLogUrl } from "../api.js";
import { h, keyed, replace, setText, svg } from "../dom.js";
import { paramsText } from "../format.js";
import { bare, change, exact, percent, scaleFor, verdictText } from "../quantity.js";
import { href } from "../router.js";
import { cellLabel } from "../shell/tray.js";

/** @typedef {import("../types.js").MatrixAnswer} MatrixAnswer */
/** @typedef {import("../types.js").MatrixRow} MatrixRow */
/** @typedef {import("../types.js").MatrixCell} MatrixCell */
/** @typedef {import("../quantity.js").Scale} Scale */

const SPARK = { wide: 72, tall: 14 };

export class VerdictGrid {
  /**
   * @param {import("../charts/model.js").Model} model
   * @param {import("../shell/tray.js").Tray} tray
   */
  constructor(model, tray) {
    this.model = model;
    this.tray = tray;
    this.head = h("tr");
    this.body = h("tbody");
    this.table = h("table", { class: "grid" }, h("caption", { class: "unseen" },
      "Scenarios by Python, judged against the baseline"), h("thead", null, this.head), this.body);
    this.element = h("div", {
      class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Scenarios by Python",
    }, this.table);
  }

  /**
   * @param {MatrixAnswer} answer
   * @param {string|null} metric as the links to History name it
   */
  update(answer, metric) {
    const values = answer.rows.flatMap((row) => row.cells.map((cell) => cell?.M?.median ?? 0));
    const scale = scaleFor(answer.unit, Math.max(...values));
    this.table.style.setProperty("--pythons", String(answer.pythons.length));
    this.#drawHead(answer, scale);
    const several = new Set(answer.rows.map((row) => row.allocator)).size > 1;
    keyed(this.body, answer.rows,
      (row) => row.scenario + JSON.stringify(row.params) + row.allocator, () => h("tr"),
      (tr, row) => this.#drawRow(tr, row, answer, scale, {
        metric, extra: [paramsText(row.params), several ? row.allocator : ""].filter(Boolean)
          .join(" · "),
      }));
  }

  /**
   * @param {MatrixAnswer} answer
   * @param {Scale} scale
   */
  #drawHead(answer, scale) {
    keyed(this.head, [{ name: "", id: 0 }, ...answer.pythons], (python) => python.id,
      (python) => h("th", { scope: "col" }, python.name ? this.tray.mark(
        h("span", null, python.name), { project: answer.project, label: python.name,
          python: python.name, commit: answer.commit?.sha }) : ""),
      (th, python) => {
        if (!python.id) setText(th, scale.unit);
        else th.classList.toggle("baseline", python.name === answer.baseline?.python);
      });
  }

  /**
   * @param {HTMLElement} tr
   * @param {MatrixRow} row
   * @param {MatrixAnswer} answer
   * @param {Scale} scale
   * @param {{metric: string|null, extra: string}} said
   */
  #drawRow(tr, row, answer, scale, { metric, extra }) {
    const sign = JSON.stringify([row, answer.baseline, answer.commit?.sha, scale, extra,
      row.cells.map((cell) => this.#percentOf(cell))]);
    if (tr.dataset.sign === sign) return;
    tr.dataset.sign = sign;
    replace(tr,
      h("th", { scope: "row" },
        h("a", {
          href: href("history", { scenario: row.scenario, metric }),
          title: [row.scenario, row.title, extra, row.allocator].filter(Boolean).join("\n"),
        }, row.scenario), h("span", { class: "extra" }, ...extra.split(" · ").flatMap((part, i) =>
          [i ? " · " : "", h("span", null, part)]))),
      ...row.cells.map((cell, i) => this.#drawCell(cell, row, answer, i, scale)));
  }

  /** How far the run of a cell is, where one is running. @param {MatrixCell|null} cell */
  #percentOf(cell) {
    if (cell?.status !== "running") return null;
    for (const run of this.model.runs.values()) {
      if (run.cell === cell.cell && run.status === "running") return run.percent;
    }
    return null;
  }

  /**
   * @param {MatrixCell|null} cell
   * @param {MatrixRow} row
   * @param {MatrixAnswer} answer
   * @param {number} at
   * @param {Scale} scale
   */
  #drawCell(cell, row, answer, at, scale) {
    const python = answer.pythons[at];
    const attrs = { data: { python: python.name } };
    if (!cell) return h("td", { ...attrs, class: "none" }, missing(row, answer, python.name));
    const thing = {
      project: answer.project, label: `${row.scenario}, ${answer.commit
        ? cellLabel(answer.commit, python.name) : python.name}`,
      scenario: row.scenario, python: python.name, commit: answer.commit?.sha,
      allocator: row.allocator,
    };
    const td = this.tray.mark(h("td", attrs), thing);
    td.append(cellLink(cell, row, answer, python.name, scale, this.#percentOf(cell)));
    if (cell.status === "done") td.append(this.tray.button(thing));
    return td;
  }
}

/**
 * How many cells of an answer there are of each kind, as they are called.
 * @param {MatrixAnswer} answer
 * @returns {{n: number, what: string, verdict: string|null}[]}
 */
export function verdictCounts(answer) {
  const cells = answer.rows.flatMap((row) => row.cells).filter((cell) => cell !== null);
  const having = (/** @type {(cell: MatrixCell) => boolean} */ test) => cells.filter(test).length;
  return [
    ...["worse", "better", "same", "inconclusive"].map((verdict) => ({
      n: having((cell) => cell.verdict === verdict && !isBaseline(cell, answer)),
      what: verdict, verdict })),
    { n: having((cell) => cell.status === "failed" || cell.status === "build_failed"),
      what: "failed", verdict: "failed" },
    { n: having((cell) => cell.status === "running" || cell.status === "queued"),
      what: "under way", verdict: null },
  ];
}

/**
 * Whether a cell is the baseline itself.
 * @param {MatrixCell} cell
 * @param {MatrixAnswer} answer
 */
function isBaseline(cell, { baseline, commit, pythons, rows }) {
  if (!baseline || baseline.commit !== commit?.sha) return false;
  const at = pythons.findIndex((python) => python.name === baseline.python);
  return rows.some((row) => row.cells[at] === cell);
}

/**
 * A cell that nobody measured: a door to the form that does.
 * @param {MatrixRow} row
 * @param {MatrixAnswer} answer
 * @param {string} python
 */
const missing = (row, answer, python) => h("a", {
  class: "gcell none", title: "Not measured. Measure it",
  href: href("trigger", {
    commits: answer.commit?.sha ?? null, pythons: python, scenarios: row.scenario,
  }),
}, unseen(`${row.scenario} on ${python}: not measured; measure it`),
h("span", { "aria-hidden": "true" }, "+"));

/**
 * What a cell is a door to: its history, or where it went wrong, the log that says why.
 * @param {MatrixCell} cell
 * @param {MatrixRow} row
 * @param {MatrixAnswer} answer
 * @param {string} python
 * @param {Scale} scale
 * @param {number|null} progress
 */
function cellLink(cell, row, answer, python, scale, progress) {
  const name = `${row.scenario} on ${python}`;
  if (cell.status === "failed" || cell.status === "build_failed") return failedCell(cell, name);
  const url = href("history", {
    scenario: row.scenario, python, metric: answer.metric === "tide_mark" ? null : answer.metric,
  });
  if (cell.status !== "done") return waitingCell(cell, name, url, progress);
  const based = isBaseline(cell, answer);
  const said = cell.M ? exact(cell.M.median, answer.unit) : "";
  return h("a", {
    class: "gcell", href: url, data: { verdict: based ? "base" : cell.verdict ?? "none" },
    title: `${name}\n${said}\n${verdictText(cell, answer.unit)}${splitText(cell, answer.unit)}`,
  }, unseen(`${name}: `), h("span", { class: "gfig" }, bare(cell.M?.median, scale)),
  unseen(` ${scale.unit}, ${based ? "" : verdictText(cell, answer.unit)} `),
  h("span", { class: "gword" }, ...verdictWords(cell, based)), sparkline(cell.spark));
}

/**
 * @param {MatrixCell} cell
 * @param {string} name
 */
function failedCell(cell, name) {
  const why = cell.status === "failed" ? "run failed" : "build failed";
  const url = cell.status === "build_failed" && cell.build !== null
    ? href(`build/${cell.build}`) : cell.run !== null ? runLogUrl(cell.run) : null;
  return h("a", {
    class: "gcell failed", href: url, title: `${why}: ${cell.error ?? ""}\nOpen its log`,
  }, unseen(`${name}: `), h("span", { class: "gword" }, why),
  h("span", { class: "gerror" }, cell.error ?? ""), unseen("; open its log"));
}

/**
 * @param {MatrixCell} cell
 * @param {string} name
 * @param {string} url
 * @param {number|null} progress
 */
function waitingCell(cell, name, url, progress) {
  const running = cell.status === "running";
  return h("a", { class: "gcell waiting", href: url }, unseen(`${name}: `),
    h("span", { class: "gword" }, running ? `running ${progress ?? 0} %` : cell.status),
    running ? h("progress", { max: 100, value: progress ?? 0, "aria-hidden": "true" }) : null);
}

/**
 * The word of a verdict, and its figure where it has one; where it is tight the sign stands for the
 * word, and a question mark for an inconclusive one.
 * @param {MatrixCell} cell
 * @param {boolean} based whether it is the baseline itself
 */
function verdictWords(cell, based) {
  if (based) return ["baseline"];
  if (!cell.verdict) return ["no baseline"];
  if (cell.verdict === "same") return ["same"];
  const open = cell.verdict === "inconclusive";
  return [h("span", { class: open ? "gv long" : "gv" }, cell.verdict), percent(cell.percent),
    open ? h("span", { class: "gq" }, "?") : null];
}

/** What a reader hears and nobody sees. @param {string} text */
const unseen = (text) => h("span", { class: "unseen" }, text);

/**
 * @param {MatrixCell} cell
 * @param {string} unit
 */
const splitText = ({ interpreter, extension }, unit) =>
  interpreter === null || interpreter === undefined || extension === null ||
    extension === undefined ? ""
    : `\nof that ${change(interpreter, unit)} in the interpreter, ` +
      `${change(extension, unit)} in the extension`;

/**
 * History in a few pixels: gaps stay gaps, and noise below a hundredth of the level looks flat.
 * @param {(number|null)[]} all from the first that is known
 */
function sparkline(all) {
  const values = all.slice(Math.max(0, all.findIndex((value) => value !== null)));
  const known = /** @type {number[]} */ (values.filter((value) => value !== null));
  if (known.length < 2) return svg("svg", { class: "spark", "aria-hidden": "true" });
  const low = Math.min(...known);
  const high = Math.max(...known);
  const span = Math.max(high - low, high * 0.01, 1);
  const middle = (low + high) / 2;
  let path = "";
  let pen = false;
  values.forEach((value, i) => {
    if (value !== null) {
      const x = i / (values.length - 1) * SPARK.wide;
      const y = SPARK.tall / 2 - (value - middle) / span * (SPARK.tall - 2);
      path += `${pen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    }
    pen = value !== null;
  });
  return svg("svg", {
    class: "spark", viewBox: `0 0 ${SPARK.wide} ${SPARK.tall}`, preserveAspectRatio: "none",
    "aria-hidden": "true",
  }, svg("path", { d: path }));
}
