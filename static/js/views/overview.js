// overview.js - the view Overview: every scenario on every Python at one commit, judged against the
// baseline; what moved lately; what is going on.
//
// State in the URL: commit (newest measured where it is not named), metric, subtract; baseline and
// project as everywhere.

import { getNewestMatrix, getMetrics, getRegressions, runLogUrl } from "../api.js";
import { h, keyed, replace, setAttr, setText, svg } from "../dom.js";
import { FirstSteps } from "../firststeps.js";
import { ago, dateTime, duration, paramsText, plural, shortSha } from "../format.js";
import {
  bare, change, effect, exact, percent, scaleFor, verdictText,
} from "../quantity.js";
import { href } from "../router.js";
import { cellLabel } from "../shell/tray.js";
import { failedState, skeleton } from "../shell/states.js";

/** @typedef {import("../types.js").MatrixAnswer} MatrixAnswer */
/** @typedef {import("../types.js").MatrixRow} MatrixRow */
/** @typedef {import("../types.js").MatrixCell} MatrixCell */

const REFRESH_MS = 1500;
const MOVED_SHOWN = 8;
const SPARK = { wide: 72, tall: 14 };

/** @param {import("../views.js").Context} context */
export function createOverview({ model, router, tray }) {
  /** @type {MatrixAnswer|null} */
  let matrix = null;
  /** @type {import("../types.js").Regression[]} */
  let moved = [];
  let commit = "";
  let metric = "";
  /** @type {AbortController|null} */
  let asking = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;

  const metrics = h("select", { "aria-label": "Metric", on: { change: () => {
    metric = metrics.value === "tide_mark" ? "" : metrics.value;
    save();
    void load();
  } } });
  const summary = h("p", { class: "summary", role: "status" });
  const where = h("span", { class: "commit-line" });
  const back = stepButton("Previous commit ([)", "‹", () => step(-1));
  const on = stepButton("Next commit (])", "›", () => step(1));
  const headRow = h("tr");
  const body = h("tbody");
  const table = h("table", { class: "grid" }, h("caption", { class: "unseen" },
    "Scenarios by Python, judged against the baseline"), h("thead", null, headRow), body);
  const grid = h("div", {
    class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Scenarios by Python",
  }, table);
  const movedList = h("ol", { class: "moved" });
  const nowList = h("div", { class: "now" });
  const firstSteps = new FirstSteps(model);
  const trouble = h("div");
  const full = h("div", { class: "overview" },
    h("div", { class: "view-head" }, h("h1", null, "Overview"),
      h("span", { class: "stepper" }, back, where, on), h("span", { class: "spring" }), metrics),
    summary, grid,
    h("div", { class: "below" },
      h("section", { "aria-label": "Moved lately" }, h("h2", null, "Moved lately"), movedList),
      h("section", { "aria-label": "Now" }, h("h2", null, "Now"), nowList)));
  const bones = skeleton("line", "matrix", "rows");
  const element = h("section", { class: "view", "aria-label": "Overview" },
    bones, firstSteps.element, trouble, full);

  function save() {
    router.replace({ commit: commit || null, metric: metric || null });
  }

  async function load() {
    asking?.abort();
    const now = new AbortController();
    asking = now;
    try {
      const [answer, found] = await Promise.all([
        getNewestMatrix({
          project: model.project, commit: commit || null, baseline: model.baseline,
          metric: metric || null,
        }, now.signal),
        getRegressions({ project: model.project, limit: MOVED_SHOWN }),
      ]);
      if (now.signal.aborted) return;
      matrix = answer;
      moved = found;
      replace(trouble);
      draw();
    } catch (error) {
      if (now.signal.aborted) return;
      bones.hidden = true;
      full.hidden = true;
      replace(trouble, failedState("The overview could not be loaded", error, () => void load()));
    }
  }

  async function loadMetrics() {
    try {
      const found = await getMetrics();
      keyed(metrics, found, (one) => one.name,
        (one) => h("option", { value: one.name }, one.title), () => {});
    } catch {
      keyed(metrics, ["tide_mark"], (one) => one,
        (one) => h("option", { value: one }, "tide mark"), () => {});
    }
    metrics.value = metric || "tide_mark";
  }

  /** @param {1|-1} by */
  function step(by) {
    const line = model.commits;
    const at = line.findIndex(({ sha }) => sha === matrix?.commit?.sha);
    const next = at < 0 ? null : line[at - by];
    if (!next) return;
    commit = next.sha;
    save();
    void load();
  }

  function draw() {
    const empty = matrix === null || matrix.rows.length === 0;
    bones.hidden = true;
    full.hidden = empty;
    firstSteps.element.hidden = !empty;
    if (empty || !matrix) {
      firstSteps.update();
      return;
    }
    drawHead(matrix);
    drawGrid(matrix);
    drawMoved();
    drawNow();
  }

  /** @param {MatrixAnswer} answer */
  function drawHead(answer) {
    const { commit: at } = answer;
    replace(where, at ? [h("code", null, shortSha(at.sha)), " ",
      h("span", { class: "subject" }, at.subject ?? ""), " ",
      h("span", { class: "when", title: dateTime(at.committed_ns) }, ago(at.committed_ns))] : null);
    if (at) setAttr(where, "title", `${at.sha}\n${at.subject ?? ""}\n${dateTime(at.committed_ns)}`);
    const line = model.commits;
    const place = line.findIndex(({ sha }) => sha === at?.sha);
    back.disabled = place < 0 || place + 1 >= line.length;
    on.disabled = place <= 0;
    metrics.value = answer.metric;
    setText(summary, summaryText(answer));
  }

  /** @param {MatrixAnswer} answer */
  function drawGrid(answer) {
    const values = answer.rows.flatMap((row) => row.cells.map((cell) => cell?.M?.median ?? 0));
    const scale = scaleFor(answer.unit, Math.max(...values));
    keyed(headRow, [{ name: "", id: 0 }, ...answer.pythons], (python) => python.id,
      (python) => h("th", { scope: "col" }, python.name ? tray.mark(h("span", null, python.name),
        { project: answer.project, label: python.name, python: python.name,
          commit: answer.commit?.sha }) : ""),
      (th, python) => {
        if (!python.id) setText(th, scale.unit);
        else th.classList.toggle("baseline", python.name === answer.baseline?.python);
      });
    keyed(body, answer.rows, (row) => row.scenario + JSON.stringify(row.params) + row.allocator,
      () => h("tr"), (tr, row) => drawRow(tr, row, answer, scale));
  }

  /**
   * @param {HTMLElement} tr
   * @param {MatrixRow} row
   * @param {MatrixAnswer} answer
   * @param {import("../quantity.js").Scale} scale
   */
  function drawRow(tr, row, answer, scale) {
    const sign = JSON.stringify([row, answer.baseline, answer.commit?.sha, scale,
      row.cells.map((cell) => percentOf(cell))]);
    if (tr.dataset.sign === sign) return;
    tr.dataset.sign = sign;
    const extra = [paramsText(row.params), row.allocator].filter(Boolean).join(" · ");
    replace(tr,
      h("th", { scope: "row" },
        h("a", {
          href: href("history", { scenario: row.scenario, metric: metric || null }),
          title: [row.scenario, row.title, extra].filter(Boolean).join("\n"),
        }, row.scenario), h("span", { class: "extra" }, extra)),
      ...row.cells.map((cell, i) => drawCell(cell, row, answer, i, scale)));
  }

  /** How far the run of a cell is, where one is running. @param {MatrixCell|null} cell */
  function percentOf(cell) {
    if (cell?.status !== "running") return null;
    for (const run of model.runs.values()) {
      if (run.cell === cell.cell && run.status === "running") return run.percent;
    }
    return null;
  }

  /**
   * @param {MatrixCell|null} cell
   * @param {MatrixRow} row
   * @param {MatrixAnswer} answer
   * @param {number} at
   * @param {import("../quantity.js").Scale} scale
   */
  function drawCell(cell, row, answer, at, scale) {
    const python = answer.pythons[at];
    const attrs = { data: { python: python.name } };
    if (!cell) {
      return h("td", { ...attrs, class: "none" }, h("a", {
        class: "gcell none", title: "Not measured. Measure it",
        href: href("trigger", {
          commits: answer.commit?.sha ?? null, pythons: python.name, scenarios: row.scenario,
        }),
      }, unseen(`${row.scenario} on ${python.name}: not measured; measure it`),
      h("span", { "aria-hidden": "true" }, "+")));
    }
    const thing = {
      project: answer.project, label: `${row.scenario}, ${answer.commit
        ? cellLabel(answer.commit, python.name) : python.name}`,
      scenario: row.scenario, python: python.name, commit: answer.commit?.sha,
      allocator: row.allocator,
    };
    const td = tray.mark(h("td", attrs), thing);
    td.append(cellLink(cell, row, answer, python.name, scale, percentOf(cell)));
    if (cell.status === "done") td.append(tray.button(thing));
    return td;
  }

  function drawMoved() {
    keyed(movedList, moved, (one) => one.id, () => h("li"), (li, one) => {
      const sign = JSON.stringify([one, ago(one.commit.committed_ns)]);
      if (li.dataset.sign === sign) return;
      li.dataset.sign = sign;
      replace(li, ...movedLine(one, model.project));
    });
    if (!moved.length) {
      replace(movedList, h("li", { class: "note" }, "Nothing moved: no change point stands in " +
        "any series of this project."));
    }
  }

  function drawNow() {
    const active = [...model.batches.values()]
      .filter((batch) => batch.status === "queued" || batch.status === "running");
    replace(nowList, ...(active.length ? active.map((batch) => h("p", { class: "now-line" },
      h("a", { href: href("trigger", { batch: batch.id }) }, `Batch ${batch.id}`), " ",
      h("progress", { max: 100, value: batch.percent, "aria-label": `Batch ${batch.id}` }), " ",
      [`${batch.done} of ${plural(batch.runs, "run")} done`,
        batch.failed ? `${batch.failed} failed` : "",
        batch.running ? `${batch.running} running` : "",
        batch.building ? `${batch.building} building` : "",
        batch.eta_ns ? `about ${duration(batch.eta_ns)} left` : ""].filter(Boolean).join(", ")))
      : [h("p", { class: "note" }, "Nothing is running. ",
        h("a", { href: href("trigger") }, "Choose what to run"), ".")]));
  }

  const soon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void load();
    }, REFRESH_MS);
  };
  const onChange = () => {
    if (!matrix) return;
    if (matrix.rows.length) draw();
    else firstSteps.update();
  };
  model.addEventListener("change", onChange);
  model.addEventListener("moved", soon);
  model.addEventListener("reloaded", soon);

  return {
    element,
    title: "Overview",
    /** @param {URLSearchParams} params */
    show(params) {
      commit = params.get("commit") ?? "";
      metric = params.get("metric") ?? "";
      full.hidden = matrix === null;
      void loadMetrics();
      void load();
    },
    commit: step,
    destroy() {
      asking?.abort();
      clearTimeout(timer);
      model.removeEventListener("change", onChange);
      model.removeEventListener("moved", soon);
      model.removeEventListener("reloaded", soon);
    },
  };
}

/**
 * What a cell is a door to: its history, or where it went wrong, to the log that says why.
 * @param {MatrixCell} cell
 * @param {MatrixRow} row
 * @param {MatrixAnswer} answer
 * @param {string} python
 * @param {import("../quantity.js").Scale} scale
 * @param {number|null} progress
 */
function cellLink(cell, row, answer, python, scale, progress) {
  const name = `${row.scenario} on ${python}`;
  if (cell.status === "failed" || cell.status === "build_failed") {
    const why = cell.status === "failed" ? "run failed" : "build failed";
    const url = cell.status === "build_failed" && cell.build !== null
      ? href(`build/${cell.build}`) : cell.run !== null ? runLogUrl(cell.run) : null;
    return h("a", {
      class: "gcell failed", href: url, title: `${why}: ${cell.error ?? ""}\nOpen its log`,
    }, unseen(`${name}: `), h("span", { class: "gword" }, why),
    h("span", { class: "gerror" }, cell.error ?? ""), unseen("; open its log"));
  }
  const url = href("history", {
    scenario: row.scenario, python, metric: answer.metric === "tide_mark" ? null : answer.metric,
  });
  if (cell.status !== "done") {
    const said = cell.status === "running" ? `running ${progress ?? 0} %` : cell.status;
    return h("a", { class: "gcell waiting", href: url },
      unseen(`${name}: `), h("span", { class: "gword" }, said),
      cell.status === "running" ? h("progress", {
        max: 100, value: progress ?? 0, "aria-hidden": "true",
      }) : null);
  }
  const based = answer.baseline?.python === python &&
    answer.baseline.commit === answer.commit?.sha;
  const said = cell.M ? exact(cell.M.median, answer.unit) : "";
  return h("a", {
    class: "gcell", href: url, data: { verdict: based ? "base" : cell.verdict ?? "none" },
    title: `${name}\n${said}\n${verdictText(cell, answer.unit)}${splitText(cell, answer.unit)}`,
  }, unseen(`${name}: `), h("span", { class: "gfig" }, bare(cell.M?.median, scale)),
  unseen(` ${scale.unit}, ${based ? "" : verdictText(cell, answer.unit)} `),
  h("span", { class: "gword" }, ...verdictWords(cell, based)), sparkline(cell.spark));
}

/**
 * The word of a verdict, and its figure where it has one; where it is tight the sign stands for the
 * word.
 * @param {MatrixCell} cell
 * @param {boolean} based whether it is the baseline itself
 */
function verdictWords(cell, based) {
  if (based) return ["baseline"];
  if (!cell.verdict) return ["no baseline"];
  if (cell.verdict === "same") return ["same"];
  const word = cell.verdict === "inconclusive" ? "unsure" : cell.verdict;
  return [h("span", { class: "gv" }, word), percent(cell.percent),
    cell.verdict === "inconclusive" ? h("span", { class: "gq" }, "?") : null];
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

/** @param {MatrixAnswer} answer */
function summaryText(answer) {
  const cells = answer.rows.flatMap((row) => row.cells).filter((cell) => cell !== null);
  const having = (/** @type {(cell: MatrixCell) => boolean} */ test) => cells.filter(test).length;
  const parts = ["worse", "better", "same", "inconclusive"].map((verdict) =>
    [having((cell) => cell.verdict === verdict), verdict]);
  parts.push([having((cell) => cell.status === "failed" || cell.status === "build_failed"),
    "failed"], [having((cell) => cell.status === "running" || cell.status === "queued"),
    "under way"]);
  const said = parts.filter(([n]) => n).map(([n, what]) => `${n} ${what}`).join(", ");
  const { python, commit } = answer.baseline ?? {};
  const against = [python, commit && commit !== answer.commit?.sha ? shortSha(commit) : null]
    .filter(Boolean).join(" @ ");
  return `${said || "Nothing is measured yet"}${against ? ` against ${against}` : ""}.`;
}

/**
 * @param {import("../types.js").Regression} one
 * @param {string} project
 * @returns {Node[]}
 */
function movedLine(one, project) {
  const compare = one.previous ? href("compare", {
    base: `commit:${one.previous.sha}`, head: `commit:${one.commit.sha}`, python: one.python.name,
    scenario: one.scenario, allocator: one.allocator, project,
    metric: one.metric === "tide_mark" ? null : one.metric,
  }) : null;
  return [
    h("a", { class: "verdict", data: { verdict: one.verdict }, href: compare,
      title: `${exact(one.effect, one.unit)}${one.status === "suspect"
        ? "; suspected: the next commits confirm or drop it" : ""}` },
    one.status === "suspect" ? `${one.verdict}?` : one.verdict),
    h("span", { class: "moved-figure" }, percent(one.percent), " ",
      h("span", { class: "unit" }, `(${effect(one, one.unit)})`)),
    h("a", { class: "moved-what", href: href("history", {
      scenario: one.scenario, python: one.python.name,
      metric: one.metric === "tide_mark" ? null : one.metric,
    }) }, `${one.scenario}, ${one.python.name}`),
    h("span", { class: "moved-commit", title: `${one.commit.sha}\n${one.commit.subject ?? ""}\n` +
      dateTime(one.commit.committed_ns) }, h("code", null, shortSha(one.commit.sha)), " ",
    h("span", { class: "subject" }, one.commit.subject ?? "")),
    h("span", { class: "when", title: [dateTime(one.commit.committed_ns),
      one.accepted?.reason].filter(Boolean).join("\n") },
    one.accepted ? `accepted: ${one.accepted.reason}` : ago(one.commit.committed_ns)),
  ];
}

/**
 * @param {string} label
 * @param {string} sign
 * @param {() => void} act
 */
const stepButton = (label, sign, act) => h("button", {
  type: "button", class: "small sign", "aria-label": label, title: label, on: { click: act },
}, sign);
