// releases.js - the view Releases: what each CPython release does to every scenario, at one commit.
// A bar holds the interpreter's part under the extension's; a flag marks the first that moved.
//
// State in the URL: commit (newest measured where it is not named), metric.

import { getNewestMatrix, getMetrics } from "../api.js";
import { BarChart } from "../barchart.js";
import { ChartMenu } from "../chartmenu.js";
import { h, keyed, replace, setText } from "../dom.js";
import { ago, dateTime, paramsText, shortSha } from "../format.js";
import { comparePythons, pythonColor } from "../palette.js";
import { change, figure, percent, scaleFor, verdictText, within } from "../quantity.js";
import { href } from "../router.js";
import { emptyState, failedState, skeleton } from "../shell/states.js";

/** @typedef {import("../types.js").MatrixAnswer} MatrixAnswer */
/** @typedef {import("../types.js").MatrixRow} MatrixRow */

const EMPTY = "empty"; // the scenario that holds no payload
const SPLIT = new Set(["base", "tide_mark"]);

/** @param {import("../views.js").Context} context */
export function createReleases({ model, router }) {
  /** @type {MatrixAnswer|null} */
  let answer = null;
  let commit = "";
  let metric = "tide_mark";
  /** @type {AbortController|null} */
  let asking = null;
  /** @type {Map<HTMLElement, Card>} */
  const cards = new Map();

  const metrics = h("select", { "aria-label": "Metric", on: { change: () => {
    metric = metrics.value;
    save();
    void load();
  } } });
  const where = h("span", { class: "commit-line" });
  const key = h("span", { class: "view-options" },
    h("span", { class: "bars-key" }, h("i"), "extension"),
    h("span", { class: "bars-key" }, h("i", { class: "faint" }), "interpreter"));
  const list = h("div", { class: "releases" });
  const instead = h("div");
  const bones = skeleton("plot");
  const element = h("section", { class: "view", "aria-label": "Releases" },
    h("div", { class: "view-head" }, h("h1", null, "Releases"), where,
      h("span", { class: "spring" }), key, metrics), instead, bones, list);

  function save() {
    router.replace({ commit: commit || null, metric: metric === "tide_mark" ? null : metric });
  }

  async function load() {
    asking?.abort();
    const now = new AbortController();
    asking = now;
    try {
      const found = await getNewestMatrix({
        project: model.project, commit: commit || null, metric, baseline: model.baseline,
      }, now.signal);
      if (now.signal.aborted) return;
      answer = found;
      draw(found);
    } catch (error) {
      if (now.signal.aborted) return;
      bones.hidden = true;
      list.hidden = true;
      replace(instead, failedState("The releases could not be loaded", error, () => void load()));
    }
  }

  /** @param {MatrixAnswer} held */
  function draw(held) {
    bones.hidden = true;
    list.hidden = held.rows.length === 0;
    replace(instead, held.rows.length ? null : emptyState("Nothing measured yet",
      "A scenario stands here as soon as it has run on one Python.",
      h("a", { href: href("trigger") }, "Choose what to run")));
    const at = held.commit;
    replace(where, at ? [h("code", null, shortSha(at.sha)), " ",
      h("span", { class: "subject" }, at.subject ?? ""), " ",
      h("span", { class: "when", title: dateTime(at.committed_ns) }, ago(at.committed_ns))] : null);
    metrics.value = held.metric;
    key.hidden = !held.rows.some((row) => row.cells.some((cell, at) =>
      parts(cell, emptyBeside(row, held, at)).length > 1));
    keyed(list, held.rows, (row) => row.scenario + JSON.stringify(row.params) + row.allocator,
      () => {
        const card = new Card();
        cards.set(card.element, card);
        return card.element;
      }, (node, row) => cards.get(node)?.update(row, held, model.pythonNames));
    for (const [node, card] of cards) {
      if (node.isConnected || list.contains(node)) continue;
      card.destroy();
      cards.delete(node);
    }
  }

  async function loadMetrics() {
    const found = await getMetrics().catch(() => [
      { name: "tide_mark", title: "tide mark", unit: "bytes" }]);
    keyed(metrics, found, (one) => one.name,
      (one) => h("option", { value: one.name }, one.title), () => {});
    metrics.value = metric;
  }

  /** @param {1|-1} by */
  function step(by) {
    const at = model.commits.findIndex(({ sha }) => sha === answer?.commit?.sha);
    const next = at < 0 ? undefined : model.commits[at - by];
    if (!next) return;
    commit = next.sha;
    save();
    void load();
  }

  const again = () => void load();
  model.addEventListener("reloaded", again);
  void loadMetrics();

  return {
    element,
    title: "Releases",
    /** @param {URLSearchParams} params */
    show(params) {
      commit = params.get("commit") ?? "";
      metric = params.get("metric") ?? "tide_mark";
      void load();
    },
    commit: step,
    destroy() {
      asking?.abort();
      model.removeEventListener("reloaded", again);
      for (const card of cards.values()) card.destroy();
    },
  };
}

/** One scenario. */
class Card {
  constructor() {
    this.chart = new BarChart();
    this.name = h("a");
    this.said = h("p", { class: "release-said" });
    /** @type {MatrixRow|null} */
    this.row = null;
    /** @type {MatrixAnswer|null} */
    this.answer = null;
    this.menu = new ChartMenu({
      name: "releases", title: () => `${this.row?.scenario ?? ""} by CPython release`,
      canvases: () => [this.chart.canvas], data: () => this.#data(),
    });
    this.element = h("figure", { class: "release" }, h("div", { class: "release-head" },
      h("h2", null, this.name), h("span", { class: "spring" }), this.menu.element),
    this.said, this.chart.element, this.menu.table);
  }

  destroy() {
    this.chart.destroy();
  }

  /**
   * @param {MatrixRow} row
   * @param {MatrixAnswer} answer
   * @param {string[]} known names of every Python
   */
  update(row, answer, known) {
    this.row = row;
    this.answer = answer;
    const { unit } = answer;
    setText(this.name, row.scenario);
    this.name.setAttribute("href", href("history", { scenario: row.scenario,
      metric: answer.metric === "tide_mark" ? null : answer.metric }));
    this.name.title = [row.title, paramsText(row.params), row.allocator].filter(Boolean).join("\n");
    setText(this.said, movedWords(row, answer));
    const scale = scaleFor(unit, Math.max(0, ...row.cells.map((cell) => cell?.M?.median ?? 0)));
    const bars = columns(answer).map(({ python, at }) => {
      const cell = row.cells[at];
      const empty = emptyBeside(row, answer, at);
      return {
        name: python.name, color: pythonColor(python.name, known), parts: parts(cell, empty),
        low: cell?.M?.low ?? cell?.M?.minimum ?? null,
        high: cell?.M?.high ?? cell?.M?.maximum ?? null,
        marked: row.first_moved === python.name, words: barWords(cell, empty, unit),
        note: cell?.verdict && cell.verdict !== "same" ? percent(cell.percent) : "",
        failed: cell?.status === "failed" || cell?.status === "build_failed",
      };
    });
    this.chart.set(bars, { label: `${row.scenario} by CPython release`,
      title: scale.unit, unit: scale.size });
    this.menu.update();
  }

  /** @returns {import("../chartmenu.js").Data} */
  #data() {
    const { row, answer } = this;
    if (!row || !answer) return { columns: [], rows: [] };
    return {
      columns: ["Python", `median (${answer.unit})`, "low", "high", "samples", "interpreter",
        "extension", "verdict", "change (%)"],
      rows: columns(answer).map(({ python, at }) => {
        const cell = row.cells[at];
        return [python.name, cell?.M?.median ?? null, cell?.M?.low ?? null, cell?.M?.high ?? null,
          cell?.M?.n ?? null, ...split(parts(cell, emptyBeside(row, answer, at))),
          cell?.verdict ?? cell?.status ?? null, cell?.percent ?? null];
      }),
    };
  }
}

/**
 * Pythons from old to new, with their place in the answer.
 * @param {MatrixAnswer} answer
 */
const columns = (answer) => answer.pythons.map((python, at) => ({ python, at }))
  .sort((a, b) => comparePythons(a.python.name, b.python.name));

/**
 * What the interpreter alone takes: the scenario `empty` on the same Python at the same commit.
 * @param {MatrixRow} row
 * @param {MatrixAnswer} answer
 * @param {number} at
 * @returns {number|null}
 */
function emptyBeside(row, answer, at) {
  if (row.scenario === EMPTY || !SPLIT.has(answer.metric)) return null;
  const empty = answer.rows.find((one) => one.scenario === EMPTY &&
    one.allocator === row.allocator);
  return empty?.cells[at]?.M?.median ?? null;
}

/**
 * The median, from the bottom up: the interpreter's part where it is known, and the rest.
 * @param {import("../types.js").MatrixCell|null} cell
 * @param {number|null} empty
 */
function parts(cell, empty) {
  if (!cell?.M) return [];
  const { median } = cell.M;
  return empty === null || empty >= median ? [median] : [empty, median - empty];
}

/** @param {number[]} of two parts, or fewer where they are not known */
const split = (of) => (of.length === 2 ? of : [null, null]);

/**
 * @param {import("../types.js").MatrixCell|null} cell
 * @param {number|null} empty
 * @param {string} unit
 */
function barWords(cell, empty, unit) {
  if (!cell) return ["not measured"];
  if (!cell.M) return [cell.status.replace("_", " "), ...(cell.error ? [cell.error] : [])];
  const [interpreter, extension] = split(parts(cell, empty));
  return [within(cell.M.median, cell.M.low, cell.M.high, unit),
    ...(interpreter === null ? [] : [`interpreter ${figure(interpreter, unit)}, extension ` +
      figure(extension, unit)]), verdictText(cell, unit)];
}

/**
 * @param {MatrixRow} row
 * @param {MatrixAnswer} answer
 */
function movedWords(row, answer) {
  const base = answer.baseline?.python ?? answer.baseline?.text ?? "the baseline";
  if (!row.first_moved) return `No release moved it against ${base}.`;
  const cell = row.cells[answer.pythons.findIndex((one) => one.name === row.first_moved)];
  const part = row.moved === "both" ? "interpreter and extension" : row.moved;
  return `${row.first_moved} moved it first: ${percent(cell?.percent)}` +
    ` (${change(cell?.effect, answer.unit)})${part ? `, in the ${part}` : ""}.`;
}
