// releases.js - the view Releases: what each CPython release does to every scenario, at one commit.
// A bar holds the interpreter's part under the extension's; a flag marks the first that moved.
//
// State in the URL: commit (newest measured where it is not named), metric.

import { getNewestMatrix, getMetrics } from "../api.js";
import { BarChart } from "../charts/barchart.js";
import { ChartMenu } from "../charts/chartmenu.js";
import { CommitLine, neighbour } from "../parts/commitline.js";
import { h, keyed, replace, setText } from "../dom.js";
import { paramsText, plural } from "../format.js";
import { comparePythons, onTheme, pythonColor } from "../charts/palette.js";
import { change, figure, percent, scaleFor, verdictText, within } from "../quantity.js";
import { href } from "../router.js";
import { emptyState, failedState, skeleton } from "../shell/states.js";

/** @typedef {import("../types.js").MatrixAnswer} MatrixAnswer */
/** @typedef {import("../types.js").MatrixRow} MatrixRow */

const EMPTY = "empty"; // the scenario that holds no payload
const SPLIT = new Set(["base", "tide_mark"]);

class Releases {
  /** @param {import("../views.js").Context} context */
  constructor({ model, router }) {
    this.title = "Releases";
    this.model = model;
    this.router = router;
    /** @type {MatrixAnswer|null} */
    this.answer = null;
    this.sha = ""; // of the commit that the URL names
    this.metric = "tide_mark";
    /** @type {import("../types.js").Metric[]} */
    this.known = [];
    /** @type {AbortController|null} */
    this.asking = null;
    /** @type {Map<HTMLElement, Card>} */
    this.cards = new Map();
    this.metrics = h("select", { "aria-label": "Metric", on: { change: () => {
      this.metric = this.metrics.value;
      this.#save();
      void this.#load();
    } } });
    this.where = new CommitLine((by) => this.commit(by));
    this.key = h("span", { class: "view-options", hidden: true },
      h("span", { class: "bars-key" }, h("i"), "extension"),
      h("span", { class: "bars-key" }, h("i", { class: "faint" }), "interpreter"));
    this.list = h("div", { class: "releases" });
    this.instead = h("div");
    this.bones = skeleton("plot");
    this.element = h("section", { class: "view", "aria-label": "Releases" },
      h("div", { class: "view-head" }, h("h1", null, "Releases"), this.where.element,
        h("span", { class: "spring" }), this.key, this.metrics),
      this.instead, this.bones, this.list);
    this.again = () => void this.#load();
    model.addEventListener("reloaded", this.again);
    this.endTheme = onTheme(() => {
      if (this.answer) this.#draw(this.answer);
    });
  }

  /** @param {URLSearchParams} params */
  show(params) {
    this.sha = params.get("commit") ?? "";
    this.metric = params.get("metric") ?? "tide_mark";
    void this.#load();
  }

  destroy() {
    this.asking?.abort();
    this.model.removeEventListener("reloaded", this.again);
    this.endTheme();
    for (const card of this.cards.values()) card.destroy();
  }

  /** @param {1|-1} by */
  commit(by) {
    const next = neighbour(this.model.commits, this.answer?.commit?.sha, by);
    if (!next) return;
    this.sha = next.sha;
    this.#save();
    void this.#load();
  }

  #save() {
    this.router.replace({ commit: this.sha || null,
      metric: this.metric === "tide_mark" ? null : this.metric });
  }

  async #load() {
    this.asking?.abort();
    const now = new AbortController();
    this.asking = now;
    const { project, branch, baseline } = this.model;
    try {
      const [answer] = await Promise.all([
        getNewestMatrix({ project, branch, commit: this.sha || null, metric: this.metric,
          baseline }, now.signal), this.#loadMetrics()]);
      if (now.signal.aborted) return;
      this.answer = answer;
      this.#draw(answer);
    } catch (error) {
      if (now.signal.aborted) return;
      this.bones.hidden = true;
      this.list.hidden = true;
      replace(this.instead, failedState("The releases could not be loaded", error, this.again));
    }
  }

  async #loadMetrics() {
    if (!this.known.length) {
      this.known = await getMetrics().catch(() => [
        { name: "tide_mark", title: "tide mark", unit: "bytes" }]);
    }
    keyed(this.metrics, this.known, (one) => one.name,
      (one) => h("option", { value: one.name }, one.title), () => {});
    this.metrics.value = this.metric;
  }

  /** @param {MatrixAnswer} held */
  #draw(held) {
    this.bones.hidden = true;
    this.list.hidden = held.rows.length === 0;
    replace(this.instead, held.rows.length ? null : emptyState("Nothing measured yet",
      "A scenario stands here as soon as it has run on one Python.",
      h("a", { href: href("trigger") }, "Choose what to run")));
    this.where.update(held.commit, this.model.commits);
    this.metrics.value = held.metric;
    this.key.hidden = !held.rows.some((row) => row.cells.some((cell, at) =>
      parts(cell, emptyBeside(row, held, at)).length > 1));
    const title = this.known.find((one) => one.name === held.metric)?.title ?? held.metric;
    keyed(this.list, held.rows, (row) => row.scenario + JSON.stringify(row.params) + row.allocator,
      () => {
        const card = new Card();
        this.cards.set(card.element, card);
        return card.element;
      }, (node, row) => this.cards.get(node)?.update(row, held, this.model.pythonNames, title));
    for (const [node, card] of this.cards) {
      if (this.list.contains(node)) continue;
      card.destroy();
      this.cards.delete(node);
    }
  }
}

/** @param {import("../views.js").Context} context */
export const createReleases = (context) => new Releases(context);

/** One scenario. */
class Card {
  constructor() {
    this.chart = new BarChart();
    this.name = h("a");
    this.said = h("p", { class: "release-said" });
    this.extra = h("span", { class: "release-extra" });
    /** @type {MatrixRow|null} */
    this.row = null;
    /** @type {MatrixAnswer|null} */
    this.answer = null;
    this.menu = new ChartMenu({
      name: "releases", title: () => `${this.row?.scenario ?? ""} by CPython release`,
      canvases: () => [this.chart.canvas], data: () => this.#data(),
    });
    this.element = h("figure", { class: "release" }, h("div", { class: "release-head" },
      h("h2", null, this.name), this.extra, this.menu.element),
    this.said, this.chart.element, this.menu.table);
  }

  destroy() {
    this.chart.destroy();
  }

  /**
   * @param {MatrixRow} row
   * @param {MatrixAnswer} answer
   * @param {string[]} known names of every Python
   * @param {string} title of the metric
   */
  update(row, answer, known, title) {
    this.row = row;
    this.answer = answer;
    const metric = answer.metric === "tide_mark" ? null : answer.metric;
    setText(this.name, row.scenario);
    this.name.setAttribute("href", href("history", { scenario: row.scenario, metric }));
    this.name.title = [row.title, paramsText(row.params), row.allocator].filter(Boolean).join("\n");
    setText(this.extra, [paramsText(row.params), new Set(answer.rows.map((one) => one.allocator))
      .size > 1 ? row.allocator : ""].filter(Boolean).join(" · "));
    replace(this.said, ...movedWords(row, answer));
    const measured = row.cells.some((cell) => cell?.M);
    this.chart.element.hidden = !measured;
    this.menu.element.hidden = !measured;
    if (!measured) return;
    const { unit } = answer;
    const scale = scaleFor(unit, Math.max(0, ...row.cells.map((cell) => cell?.M?.median ?? 0)));
    const bars = columns(answer).map(({ python, at }) => {
      const cell = row.cells[at];
      const empty = emptyBeside(row, answer, at);
      return {
        name: python.name, color: pythonColor(python.name, known), parts: parts(cell, empty),
        low: cell?.M?.low ?? cell?.M?.minimum ?? null,
        high: cell?.M?.high ?? cell?.M?.maximum ?? null,
        marked: row.first_moved === python.name ? cell?.verdict ?? null : null,
        words: barWords(cell, empty, unit),
        note: cell?.verdict && cell.verdict !== "same" ? percent(cell.percent) : "",
        failed: cell?.status === "failed" || cell?.status === "build_failed",
        link: href("history", { scenario: row.scenario, python: python.name, metric }),
      };
    });
    this.chart.set(bars, { label: `${row.scenario} by CPython release`,
      title: [title, scale.unit && `(${scale.unit})`].filter(Boolean).join(" "),
      unit: scale.size });
    this.menu.update();
  }

  /** @returns {import("../charts/chartmenu.js").Data} */
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
 * What the releases come to, in a sentence, and what would say more.
 * @param {MatrixRow} row
 * @param {MatrixAnswer} answer
 * @returns {(Node|string)[]}
 */
function movedWords(row, answer) {
  const base = answer.baseline?.python ?? answer.baseline?.text ?? "the baseline";
  const measured = row.cells.filter((cell) => cell?.M);
  if (!measured.length) return ["Not measured at this commit yet."];
  if (row.first_moved) {
    const cell = row.cells[answer.pythons.findIndex((one) => one.name === row.first_moved)];
    const part = row.moved === "both" ? "interpreter and extension" : row.moved;
    return [`${row.first_moved} moved it first: ${percent(cell?.percent)}` +
      ` (${change(cell?.effect, answer.unit)})${part ? `, in the ${part}` : ""}.`];
  }
  const open = measured.filter((cell) => cell?.verdict === "inconclusive");
  if (open.length) return openWords(row, answer, base, open);
  return [measured.some((cell) => cell?.verdict) ? `No release moved it against ${base}.`
    : `Nothing to judge it against: ${base} is not measured here.`];
}

/**
 * @param {MatrixRow} row
 * @param {MatrixAnswer} answer
 * @param {string} base
 * @param {(import("../types.js").MatrixCell|null)[]} open cells that are inconclusive
 * @returns {(Node|string)[]}
 */
function openWords(row, answer, base, open) {
  const more = Math.max(0, ...open.map((cell) => cell?.needs ?? 0));
  const text = `${plural(open.length, "release")} undecided against ${base}`;
  if (!more) return [`${text}.`];
  return [`${text}: `, h("a", { href: href("trigger", {
    commits: answer.commit?.sha ?? null, scenarios: row.scenario, samples: more,
    pythons: answer.pythons.map((python) => python.name).join(),
  }) }, `measure ${plural(more, "more sample")}`), "."];
}
