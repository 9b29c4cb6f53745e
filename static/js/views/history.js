// history.js - the view History: a metric of one scenario against the commits, one line per Python.
//
// State in the URL: scenario, metric, x (date, tag; evenly where it is not named), y (first,
// baseline; as measured), python (comma list; all), off (ids of lines switched off),
// subtract=empty, from and to (the zoomed window in places of x), bisect (the one that is watched).

import { getCell, getMetrics, getSeries } from "../api.js";
import { BisectPanel } from "../bisectpanel.js";
import { ChartMenu } from "../chartmenu.js";
import { h, keyed, replace, setAttr, setText } from "../dom.js";
import { dateTime, paramsText, plural, shortSha } from "../format.js";
import { Legend } from "../legend.js";
import { LinePlot, lowerBound } from "../lineplot.js";
import { onTheme, pythonColor } from "../palette.js";
import { axisFigure, exact, figure, percent, scaleFor, within } from "../quantity.js";
import { href } from "../router.js";
import { changesTable } from "../seriestable.js";
import { dateTicks, drawnLines, evenTicks, lineName, place } from "../serieslines.js";
import { emptyState, failedState, skeleton } from "../shell/states.js";
import { tabs } from "../tabs.js";
import { VIEWS } from "../views.js";

/** @typedef {import("../types.js").SeriesAnswer} SeriesAnswer */
/** @typedef {import("../serieslines.js").Spacing} Spacing */
/** @typedef {import("../serieslines.js").Scaling} Scaling */

const SUBTRACTABLE = new Set(["base", "tide_mark"]);
const Y_TITLES = { first: "change from the first measured commit (%)",
  baseline: "change from the baseline (%)" };
const X_TITLES = { even: "commits, oldest first", date: "when it was committed",
  tag: "tagged commits, oldest first" };
const AGAIN_MS = 3000;
const SAVE_MS = 150; // the URL is not written for every step of a wheel

/** @param {import("../views.js").Context} context */
export function createHistory({ model, router, tray, notices }) {
  /** @type {SeriesAnswer|null} */
  let answer = null;
  /** @type {import("../serieslines.js").Placed} */
  let placed = { commits: [], x: new Float64Array() };
  const state = {
    scenario: "", metric: "tide_mark", python: "", subtract: false, bisect: "",
    /** @type {Spacing} */ x: "even",
    /** @type {Scaling} */ y: "raw",
    off: new Set(/** @type {string[]} */ ([])),
  };
  let loaded = ""; // what was asked for by the answer that is held
  /** @type {AbortController|null} */
  let asking = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let saveTimer;
  /** @type {{older: number, newer: number}|null} commits that a drag spanned */
  let range = null;

  /* ---- the parts of the page ---- */

  const scenarios = h("select", { "aria-label": "Scenario", on: { change: () => {
    state.scenario = scenarios.value;
    state.off.clear();
    plot.setSpan(null);
    save();
    void load();
  } } });
  const metrics = h("select", { "aria-label": "Metric", on: { change: () => {
    state.metric = metrics.value;
    save();
    void load();
  } } });
  const subtract = h("input", { type: "checkbox", on: { change: () => {
    state.subtract = subtract.checked;
    save();
    void load();
  } } });
  const subtractLabel = h("label", {
    class: "tick", title: "Take off what an empty scenario takes on the same Python",
  }, subtract, "less the interpreter");
  const spacing = tabs("Where commits stand", [["even", "Even"], ["date", "By date"],
    ["tag", "By tag"]], (value) => {
    state.x = /** @type {Spacing} */ (value);
    plot.setSpan(null);
    save();
    draw();
  });
  const scaling = tabs("Values", [["raw", "As measured"], ["first", "% from first"],
    ["baseline", "% from baseline"]], (value) => {
    state.y = /** @type {Scaling} */ (value);
    save();
    draw();
  });
  /** @type {LinePlot} */
  const plot = new LinePlot((line, index) => pointWords(line.id, index));
  const legend = new Legend({
    toggle: (id) => {
      if (!state.off.delete(id)) state.off.add(id);
      save();
      draw();
    },
    point: (id) => plot.setActive(id),
  });
  const menu = new ChartMenu({
    name: "history", title: () => `${state.scenario}: ${metricTitle()}`,
    canvases: () => [plot.canvas], data: () => data(),
  });
  const zoomIn = zoomButton("Zoom in", "+", () => plot.zoomBy(2));
  const zoomOut = zoomButton("Zoom out", "−", () => plot.zoomBy(0.5));
  const reset = h("button", { type: "button", class: "small", on: {
    click: () => plot.show(null),
  } }, "Reset zoom");
  const chosen = h("div", { class: "point-bar", role: "status" });
  const figureBox = h("figure", { class: "curves history", "aria-label": "Metric against commits" },
    h("div", { class: "plot-side" },
      h("div", { class: "plot-bar" }, spacing.element, scaling.element, h("span",
        { class: "spring" }), h("span", { class: "zoom-buttons" }, zoomOut, zoomIn, reset),
      menu.element),
      h("div", { class: "plot-box" }, plot.element), chosen),
    legend.element);
  const changes = h("section", { class: "changes", "aria-label": "Change points" });
  const bisect = new BisectPanel((id) => {
    state.bisect = id === null ? "" : String(id);
    save();
  });
  const params = h("span", { class: "work-one" });
  const instead = h("div");
  const full = h("div", null, bisect.element, figureBox, menu.table, changes);
  const bones = skeleton("plot", "rows");
  const element = h("section", { class: "view", "aria-label": "History" },
    h("div", { class: "view-head" }, h("h1", null, "History"), scenarios, metrics, params,
      h("span", { class: "spring" }), h("span", { class: "view-options" }, subtractLabel)),
    instead, bones, full);

  /* ---- state ---- */

  /** @param {URLSearchParams} given */
  function read(given) {
    const one = (/** @type {string|null} */ value, /** @type {string[]} */ of) =>
      value !== null && of.includes(value) ? value : of[0];
    state.scenario = given.get("scenario") ?? state.scenario;
    state.metric = given.get("metric") ?? "tide_mark";
    state.python = given.get("python") ?? "";
    state.subtract = given.get("subtract") === "empty";
    state.bisect = given.get("bisect") ?? "";
    state.x = /** @type {Spacing} */ (one(given.get("x"), ["even", "date", "tag"]));
    state.y = /** @type {Scaling} */ (one(given.get("y"), ["raw", "first", "baseline"]));
    state.off = new Set((given.get("off") ?? "").split(",").filter(Boolean));
    const [from, to] = ["from", "to"].map((name) => Number(given.get(name) ?? NaN));
    plot.setSpan(to > from ? { from, to } : null);
  }

  function save() {
    const { span } = plot;
    router.replace({
      scenario: state.scenario || null, metric: state.metric === "tide_mark" ? null : state.metric,
      x: state.x === "even" ? null : state.x, y: state.y === "raw" ? null : state.y,
      python: state.python || null, off: [...state.off].join(",") || null,
      subtract: state.subtract ? "empty" : null,
      from: span ? span.from.toFixed(2) : null, to: span ? span.to.toFixed(2) : null,
      bisect: state.bisect || null,
    });
  }

  async function load() {
    const names = model.scenariosHere.map((one) => one.name);
    state.scenario ||= names[0] ?? "";
    drawPickers(names);
    if (!state.scenario) {
      showInstead(emptyState("No scenario yet", "This project has no scenarios, or they are " +
        "still being looked for.", h("a", { href: href("trigger") }, "Choose what to run")));
      return;
    }
    const wish = {
      project: model.project, scenario: state.scenario, metric: state.metric,
      python: state.python || null,
      subtract: state.subtract && SUBTRACTABLE.has(state.metric) ? "empty" : null,
    };
    asking?.abort();
    const now = new AbortController();
    asking = now;
    if (loaded !== JSON.stringify(wish)) {
      bones.hidden = false;
      full.hidden = true;
    }
    try {
      const found = await getSeries(wish, now.signal);
      if (now.signal.aborted) return;
      answer = found;
      loaded = JSON.stringify(wish);
      draw();
    } catch (error) {
      if (now.signal.aborted) return;
      showInstead(failedState("The history could not be loaded", error, () => void load()));
    }
  }

  /** @param {Node} node */
  function showInstead(node) {
    replace(instead, node);
    bones.hidden = true;
    full.hidden = true;
  }

  /** @param {string[]} names */
  function drawPickers(names) {
    const all = names.includes(state.scenario) || !state.scenario ? names
      : [...names, state.scenario];
    keyed(scenarios, all, (name) => name, (name) => h("option", { value: name }, name), () => {});
    scenarios.value = state.scenario;
    metrics.value = state.metric;
    subtract.checked = state.subtract;
    subtractLabel.hidden = !SUBTRACTABLE.has(state.metric);
    spacing.set(state.x);
    scaling.set(state.y);
  }

  async function loadMetrics() {
    const found = await getMetrics().catch(() => [
      { name: "tide_mark", title: "tide mark", unit: "bytes" }]);
    keyed(metrics, found, (one) => one.name,
      (one) => h("option", { value: one.name }, one.title), () => {});
    metrics.value = state.metric;
  }

  const metricTitle = () => metrics.selectedOptions[0]?.textContent ??
    state.metric.replaceAll("_", " ");

  /* ---- drawing ---- */

  function draw() {
    if (!answer) return;
    bones.hidden = true;
    const measured = answer.series.some((line) => line.status.some((one) => one !== null));
    if (!measured) {
      showInstead(emptyState("Nothing measured yet", `${state.scenario} has no run at any commit ` +
        `of ${model.project}.`, h("a", {
        href: href("trigger", { scenarios: state.scenario, commits: "HEAD~20..HEAD" }),
      }, "Measure the last 20 commits")));
      return;
    }
    replace(instead);
    full.hidden = false;
    drawPickers(model.scenariosHere.map((one) => one.name));
    setText(params, [paramsText(answer.params), answer.allocator].filter(Boolean).join(" · "));
    const tagged = answer.commits.tag.some((tag) => tag !== null);
    spacing.hide("tag", !tagged);
    if (state.x === "tag" && !tagged) state.x = "even";
    placed = place(answer, state.x);
    const lines = drawnLines(answer, placed, {
      scaling: state.y, baseline: model.baseline, off: state.off,
      color: (python) => pythonColor(python, model.pythonNames),
    });
    plot.setLines(lines, frame());
    figureBox.dataset.state = "ready";
    drawLegend(lines);
    drawChosen();
    const now = answer;
    replace(changes, ...changesTable(now, { notices, again: () => void load(),
      show: (index) => showAround(index) }));
    menu.update();
  }

  /** @returns {import("../lineplot.js").Frame} */
  function frame() {
    const { commits, unit, series } = /** @type {SeriesAnswer} */ (answer);
    const most = Math.max(0, ...series.map((line) => line.median.reduce(
      (/** @type {number} */ high, value) => Math.max(high, value ?? 0), 0)));
    const scale = scaleFor(unit, most);
    const raw = state.y === "raw";
    const word = (/** @type {number} */ i) => i < 0 || i >= placed.commits.length ? null
      : state.x === "tag" ? commits.tag[placed.commits[i]]
        : shortSha(commits.sha[placed.commits[i]]);
    return {
      label: `${metricTitle()} of ${state.scenario} against commits`,
      xTitle: X_TITLES[state.x],
      yTitle: state.y === "raw" ? [metricTitle(), scale.unit && `(${scale.unit})`]
        .filter(Boolean).join(" ") : Y_TITLES[state.y],
      ticks: (min, max, wide) => state.x === "date" ? dateTicks(min, max, wide)
        : evenTicks(min, max, wide, word),
      yLabel: (value) => axisFigure(value / (raw ? scale.size : 1)),
      yUnit: raw ? scale.size : 1,
      rules: state.x === "tag" ? [] : placed.commits.flatMap((commit, i) => {
        const text = commits.tag[commit];
        return text === null ? [] : [{ at: placed.x[i], text }];
      }),
      fromZero: false, level: raw ? null : 0,
    };
  }

  /** @param {import("../lineplot.js").DrawnLine[]} lines */
  function drawLegend(lines) {
    const { series, unit } = /** @type {SeriesAnswer} */ (answer);
    legend.update(lines.map((line, i) => {
      const last = series[i].median.findLast((value) => value !== null) ?? null;
      return {
        id: line.id, name: line.name, off: line.hidden, look: line,
        detail: figure(last, unit), title: `newest: ${exact(last, unit)}`,
      };
    }).reverse(), plot.active);
    zoomOut.disabled = reset.disabled = plot.span === null;
  }

  /**
   * @param {string} id of a line
   * @param {number} index among the placed
   */
  function point(id, index) {
    const line = answer?.series.find((one) => String(one.id) === id);
    const commit = placed.commits[index];
    if (!answer || !line || commit === undefined) return null;
    const { commits } = answer;
    return { line, commit, sha: commits.sha[commit], subject: commits.subject[commit],
      at: commits.committed_ns[commit], tag: commits.tag[commit], cell: line.cell[commit],
      thing: {
        project: answer.project, scenario: answer.scenario, allocator: answer.allocator,
        commit: commits.sha[commit], python: line.python.name,
        label: `${answer.scenario}, ${shortSha(commits.sha[commit])} on ${line.python.name}`,
      } };
  }

  /**
   * @param {string} id
   * @param {number} index
   * @returns {string[]}
   */
  function pointWords(id, index) {
    const found = point(id, index);
    if (!found || !answer) return [];
    const { line, commit } = found;
    const unit = answer.unit;
    const drawn = plot.lines.find((one) => one.id === id);
    const change = line.changes.find((one) => one.index === commit);
    return [
      within(line.median[commit], line.low[commit], line.high[commit], unit) +
        (state.y !== "raw" && drawn ? `, ${percent(drawn.y[index])}` : ""),
      `${lineName(answer, line)} at ${shortSha(found.sha)}${found.tag ? ` (${found.tag})` : ""}`,
      found.subject, `${dateTime(found.at)}, ${plural(line.n[commit], "sample")}`,
      ...(change ? [`${change.verdict} from here: ${percent(change.percent)}` +
        (change.status === "suspect" ? ", suspected" : "")] : []),
    ];
  }

  /** What the cursor stands on, or what a drag spanned, with what can be done with it. */
  function drawChosen() {
    if (range) {
      drawRange(range);
      return;
    }
    if (!plot.cursor) {
      if (!chosen.childElementCount) {
        replace(chosen, h("span", { class: "hint" }, "Press a point for its run, two with Shift " +
          "to compare them; drag over a range to bisect or zoom it."));
      }
      return;
    }
    const found = point(plot.cursor.line, plot.cursor.index);
    if (!found || !answer) return;
    tray.mark(plot.element, found.thing);
    replace(chosen, h("span", { class: "point-what" },
      h("code", null, shortSha(found.sha)), " on ", h("b", null, found.line.python.name), " ",
      h("span", { class: "subject", title: `${found.sha}\n${dateTime(found.at)}` }, found.subject)),
    h("span", { class: "point-acts" },
      found.cell === null ? null : h("button", { type: "button", class: "quiet", on: {
        click: () => void openCell(/** @type {number} */ (found.cell)),
      } }, "Open its run"),
      tray.button(found.thing)));
  }

  /** The newest run of a cell. @param {number} id */
  async function openCell(id) {
    try {
      const { run_ids: runs } = await getCell(id);
      const newest = Math.max(...runs);
      if (VIEWS.run) router.go(`run/${newest}`);
      else router.go("curves", { runs: runs.join(",") });
    } catch (error) {
      notices.flash(`The cell's runs could not be read: ${error instanceof Error
        ? error.message : error}`);
    }
  }

  /** @param {{older: number, newer: number}} span places among the placed commits */
  function drawRange({ older, newer }) {
    if (!answer) return;
    const { sha } = answer.commits;
    const [good, bad] = [placed.commits[older], placed.commits[newer]];
    const line = answer.series.find((one) => String(one.id) === plot.active) ??
      answer.series.find((one) => !state.off.has(String(one.id))) ?? answer.series[0];
    const wish = {
      project: answer.project, good: sha[good], bad: sha[bad], between: bad - good,
      scenario: answer.scenario, python: line.python.name, metric: answer.metric,
      allocator: answer.allocator, params: answer.params,
    };
    const drop = () => {
      range = null;
      replace(chosen);
      drawChosen();
    };
    replace(chosen, h("span", { class: "point-what" }, h("code", null, shortSha(sha[good])), " to ",
      h("code", null, shortSha(sha[bad])), `, ${plural(bad - good, "commit")}`),
    h("span", { class: "point-acts" },
      h("button", { type: "button", class: "quiet", on: { click: () => {
        drop();
        bisect.ask(wish);
      } } }, `Bisect on ${line.python.name}`),
      h("button", { type: "button", class: "quiet", on: { click: () => {
        drop();
        plot.show({ from: placed.x[older], to: placed.x[newer] });
      } } }, "Zoom"),
      h("a", { href: href("compare", { base: `commit:${sha[good]}`, head: `commit:${sha[bad]}`,
        scenario: answer.scenario }) }, "Compare the ends"),
      h("button", { type: "button", class: "quiet", on: { click: drop } }, "Drop")));
  }

  /** @param {number} commit an index of the answer's commits */
  function showAround(commit) {
    const at = placed.commits.indexOf(commit);
    if (at < 0) return;
    const half = Math.max(5, Math.round(placed.commits.length / 20));
    const ends = [Math.max(0, at - half), Math.min(placed.x.length - 1, at + half)];
    plot.show({ from: placed.x[ends[0]], to: placed.x[ends[1]] });
    plot.element.focus();
  }

  /** @returns {import("../chartmenu.js").Data} */
  function data() {
    if (!answer) return { columns: [], rows: [] };
    const held = answer;
    const { commits, series, unit } = held;
    return {
      columns: ["commit", "subject", "committed", "tag", ...series.flatMap((line) =>
        [`${lineName(held, line)} median (${unit})`, "low", "high", "samples"])],
      rows: placed.commits.map((i) => [commits.sha[i], commits.subject[i],
        new Date(commits.committed_ns[i] / 1e6).toISOString(), commits.tag[i],
        ...series.flatMap((line) => [line.median[i], line.low[i], line.high[i], line.n[i]])]),
    };
  }

  /* ---- what happens ---- */

  plot.addEventListener("window", () => {
    clearTimeout(saveTimer);
    saveTimer = setTimeout(save, SAVE_MS);
    zoomOut.disabled = reset.disabled = plot.span === null;
  });
  plot.addEventListener("cursor", () => {
    if (answer) drawChosen();
  });
  plot.addEventListener("press", (event) => {
    const { line, index, pick } = /** @type {CustomEvent} */ (event).detail;
    const found = point(line, index);
    if (!found) return;
    if (pick || tray.picked.length === 1) tray.pick(found.thing);
    else if (found.cell !== null) void openCell(found.cell);
  });
  plot.addEventListener("range", (event) => {
    const { from, to } = /** @type {CustomEvent} */ (event).detail;
    const older = lowerBound(placed.x, from);
    const newer = Math.min(placed.x.length - 1, lowerBound(placed.x, to));
    if (newer <= older) return;
    range = { older, newer };
    drawChosen();
  });

  /** @param {1|-1} by */
  function step(by) {
    plot.element.focus();
    plot.element.dispatchEvent(new KeyboardEvent("keydown", {
      key: by > 0 ? "ArrowRight" : "ArrowLeft",
    }));
  }

  const soon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void load();
    }, AGAIN_MS);
  };
  const endTheme = onTheme(() => draw());
  model.addEventListener("done", soon);
  model.addEventListener("reloaded", soon);
  void loadMetrics();

  return {
    element,
    title: "History",
    /** @param {URLSearchParams} given */
    show(given) {
      read(given);
      setAttr(element, "data-scenario", state.scenario);
      if (state.bisect) bisect.watch(Number(state.bisect));
      void load();
    },
    commit: step,
    destroy() {
      asking?.abort();
      clearTimeout(timer);
      clearTimeout(saveTimer);
      endTheme();
      model.removeEventListener("done", soon);
      model.removeEventListener("reloaded", soon);
      bisect.destroy();
      plot.destroy();
    },
  };
}

/**
 * @param {string} label
 * @param {string} sign
 * @param {() => void} act
 */
const zoomButton = (label, sign, act) => h("button", {
  type: "button", class: "small sign", "aria-label": label, title: label, on: { click: act },
}, sign);
