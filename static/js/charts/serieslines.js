// serieslines.js - what GET /series answers, made into lines to draw: columns as typed arrays,
// commits placed evenly, by date or by tag, values as they are or in percent.

import { comparePythons } from "./palette.js";

/** @typedef {import("../types.js").SeriesAnswer} SeriesAnswer */
/** @typedef {import("../types.js").Line} Line */

/**
 * @typedef {"even"|"date"|"tag"} Spacing
 * @typedef {"raw"|"first"|"baseline"} Scaling
 *
 * @typedef {object} Placed
 * @property {number[]} commits indices of the commits that are shown, in order
 * @property {Float64Array} x where each of them stands
 */

/**
 * From the first commit of which anything is known to the last; what lies between stays.
 * @param {SeriesAnswer} answer
 * @param {Spacing} spacing
 * @returns {Placed}
 */
export function place({ commits, series }, spacing) {
  const known = (/** @type {number} */ i) => series.some((line) => line.status[i] !== null);
  let first = 0;
  let last = commits.sha.length - 1;
  while (first < last && !known(first)) first++;
  while (last > first && !known(last)) last--;
  const shown = [];
  for (let i = first; i <= last; i++) {
    if (spacing !== "tag" || commits.tag[i] !== null) shown.push(i);
  }
  const x = new Float64Array(shown.length);
  let newest = -Infinity;
  shown.forEach((commit, i) => {
    // A clock that was wrong must not make the line run backwards.
    newest = Math.max(newest, commits.committed_ns[commit] / 1e9);
    x[i] = spacing === "date" ? newest : i;
  });
  return { commits: shown, x };
}

/**
 * @param {(number|null)[]} values
 * @param {number[]} commits
 */
function column(values, commits) {
  const out = new Float64Array(commits.length);
  for (let i = 0; i < commits.length; i++) out[i] = values[commits[i]] ?? NaN;
  return out;
}

/**
 * The reference of every commit for a line in percent; NaN where there is none.
 * @param {SeriesAnswer} answer
 * @param {Line} line
 * @param {number[]} commits
 * @param {Scaling} scaling
 * @param {string|null} baseline PYTHON, @COMMIT, PYTHON@COMMIT, or null: the oldest Python
 */
function references(answer, line, commits, scaling, baseline) {
  const out = new Float64Array(commits.length);
  if (scaling === "first") {
    return out.fill(line.median.find((value) => value !== null) ?? NaN);
  }
  const oldest = () => answer.series.map((one) => one.python.name).sort(comparePythons)[0] ?? "";
  const [python, sha] = (baseline ?? oldest()).split("@");
  const of = python ? answer.series.find((one) => one.python.name === python) : line;
  if (!of) return out.fill(NaN);
  if (sha === undefined) return column(of.median, commits);
  const at = answer.commits.sha.findIndex((one, i) =>
    one.startsWith(sha) || answer.commits.tag[i] === sha);
  return out.fill(at < 0 ? NaN : of.median[at] ?? NaN);
}

/**
 * @param {SeriesAnswer} answer
 * @param {Line} line
 * @param {Placed} placed
 * @param {Scaling} scaling
 * @param {string|null} baseline
 * @returns {{y: Float64Array, low: Float64Array, high: Float64Array}}
 */
function values(answer, line, { commits }, scaling, baseline) {
  const y = column(line.median, commits);
  const low = column(line.low.map((value, i) => value ?? line.minimum[i]), commits);
  const high = column(line.high.map((value, i) => value ?? line.maximum[i]), commits);
  if (scaling === "raw") return { y, low, high };
  const from = references(answer, line, commits, scaling, baseline);
  for (let i = 0; i < y.length; i++) {
    for (const part of [y, low, high]) part[i] = from[i] ? (part[i] / from[i] - 1) * 100 : NaN;
  }
  return { y, low, high };
}

/**
 * @param {Line} line
 * @param {number[]} commits
 * @returns {import("./lineplot.js").Mark[]}
 */
function marks(line, commits) {
  /** @type {Map<number, number>} */
  const at = new Map(commits.map((commit, i) => [commit, i]));
  /** @type {import("./lineplot.js").Mark[]} */
  const found = [];
  commits.forEach((commit, index) => {
    const status = line.status[commit];
    if (status === "failed" || status === "build_failed") found.push({ index, kind: "failed" });
  });
  for (const change of line.changes) {
    const index = at.get(change.index);
    if (index === undefined) continue;
    found.push({ index, kind: change.verdict,
      faint: change.status === "suspect" || change.accepted !== null });
  }
  return found;
}

/**
 * @param {SeriesAnswer} answer
 * @param {Placed} placed
 * @param {object} how
 * @param {Scaling} how.scaling
 * @param {string|null} how.baseline
 * @param {Set<string>} how.off ids of lines that are switched off
 * @param {(python: string) => string} how.color
 * @returns {import("./lineplot.js").DrawnLine[]}
 */
export function drawnLines(answer, placed, { scaling, baseline, off, color }) {
  /** @type {Map<string, number>} */
  const seen = new Map();
  return answer.series.map((line) => {
    const python = line.python.name;
    const before = seen.get(python) ?? 0;
    seen.set(python, before + 1);
    return {
      id: String(line.id), name: lineName(answer, line), color: color(python),
      dash: before ? [6, 3] : [], width: 1.5, hidden: off.has(String(line.id)), x: placed.x,
      ...values(answer, line, placed, scaling, baseline), marks: marks(line, placed.commits),
    };
  });
}

/**
 * The Python; with the version of the scenario where it was edited and has several lines.
 * @param {SeriesAnswer} answer
 * @param {Line} line
 */
export function lineName(answer, line) {
  const mates = answer.series.filter((one) => one.python.name === line.python.name);
  return mates.length > 1 ? `${line.python.name} (${String(line.version).slice(0, 7)})`
    : line.python.name;
}

const DAY = 86400;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/**
 * Round instants within a window of seconds since the epoch, in the reader's zone.
 * @param {number} min
 * @param {number} max
 * @param {number} most
 */
export function dateTicks(min, max, most) {
  const span = (max - min) / Math.max(1, most);
  /** @type {{value: number, label: string}[]} */
  const ticks = [];
  const months = span > 20 * DAY ? [1, 2, 3, 6, 12, 24, 60, 120].find((n) => n * 30 * DAY >= span)
    ?? 240 : 0;
  const days = months ? 0 : [1 / 24, 1 / 4, 1, 2, 5, 10].find((n) => n * DAY >= span) ?? 15;
  const at = new Date(min * 1000);
  at.setHours(0, 0, 0, 0);
  if (months) at.setMonth(months >= 12 ? 0 : Math.floor(at.getMonth() / months) * months, 1);
  for (let i = 0; at.getTime() / 1000 <= max && i < 1000; i++) {
    const value = at.getTime() / 1000;
    if (value >= min) ticks.push({ value, label: dateLabel(at, months, days) });
    if (months) at.setMonth(at.getMonth() + months);
    else if (days >= 1) at.setDate(at.getDate() + days);
    else at.setTime(at.getTime() + days * DAY * 1000);
  }
  return ticks;
}

/**
 * @param {Date} at
 * @param {number} months
 * @param {number} days
 */
function dateLabel(at, months, days) {
  if (months >= 12) return String(at.getFullYear());
  if (months) return `${MONTHS[at.getMonth()]} ${at.getFullYear()}`;
  const day = `${at.getDate()} ${MONTHS[at.getMonth()]}`;
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return days >= 1 ? day : `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/**
 * Round places among `count` commits that stand evenly.
 * @param {number} min
 * @param {number} max
 * @param {number} most
 * @param {(index: number) => string|null} label null: no tick there
 */
export function evenTicks(min, max, most, label) {
  const rough = Math.max(1, (max - min) / Math.max(1, most));
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((one) => one >= rough) ?? rough;
  /** @type {{value: number, label: string}[]} */
  const ticks = [];
  for (let at = Math.ceil(min / step) * step; at <= max; at += step) {
    const said = label(Math.round(at));
    if (said !== null) ticks.push({ value: at, label: said });
  }
  return ticks;
}
