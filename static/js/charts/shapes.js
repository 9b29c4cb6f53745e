// shapes.js - what can be made of curves before they are drawn: aligned by phase or iteration,
// as change per interval, as difference of two, as the band of several samples. Pure functions.
//
// A warp is a pair of rising lists: instants of a run in seconds and where they lie on the common
// axis. Between two of them, and beyond the last, an instant is placed in proportion.

import { lowerBound, valueAt } from "./plot.js";

/**
 * @typedef {import("./plot.js").Point} Point
 * @typedef {import("../types.js").Phase} RunPhase
 * @typedef {{from: number[], to: number[]}} Warp
 */

/** Intervals of a chart of changes, and of a band. */
export const INTERVALS = 240;

/**
 * @param {number[]} from rising
 * @param {number[]} to rising, as long
 * @param {number} x
 */
function along(from, to, x) {
  const last = from.length - 1;
  if (last < 1) return x - (from[0] ?? 0) + (to[0] ?? 0);
  let i = 1;
  while (i < last && from[i] < x) i++;
  const width = from[i] - from[i - 1];
  const share = width > 0 ? (x - from[i - 1]) / width : 1;
  return to[i - 1] + (to[i] - to[i - 1]) * share;
}

/** @param {Warp|null} warp @param {number} x seconds of the run */
export const placed = (warp, x) => warp ? along(warp.from, warp.to, x) : x;

/** @param {Warp|null} warp @param {number} x on the common axis */
export const unplaced = (warp, x) => warp ? along(warp.to, warp.from, x) : x;

/**
 * @param {Warp|null} warp
 * @param {Point[]} points
 */
export function warped(warp, points) {
  if (!warp) return points;
  const out = points.map(({ x, y }) => ({ x: placed(warp, x), y }));
  // A phase of no length puts several instants on one place: they stay in order.
  for (let i = 1; i < out.length; i++) if (out[i].x < out[i - 1].x) out[i].x = out[i - 1].x;
  return out;
}

/** @param {RunPhase} phase */
const markOf = (phase) => phase.name === "iteration" ? `iteration ${phase.value}` : phase.name;

/**
 * The phases of a run as they lie behind its curve: a mark ends a phase (docs/SCENARIOS.md).
 * @param {RunPhase[]} phases
 * @param {Warp|null} [warp]
 * @returns {import("./plot.js").Phase[]}
 */
export function bands(phases, warp = null) {
  return phases.map((phase, i) => ({
    from: placed(warp, i ? phases[i - 1].t_ns / 1e9 : 0), to: placed(warp, phase.t_ns / 1e9),
    name: markOf(phase),
  }));
}

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Warps that lay the marks of several runs over each other. Each phase is as long as the median
 * of the runs that have it, so that the axis still counts seconds of a typical run.
 * @param {Map<number, RunPhase[]>} runs by id
 * @returns {Map<number, Warp>}
 */
export function byPhase(runs) {
  const keyed = new Map([...runs].map(([id, phases]) => [id, new Map(phases.map((phase) =>
    [markOf(phase) + occurrence(phases, phase), phase.t_ns / 1e9]))]));
  const longest = [...keyed.values()].reduce((a, b) => (b.size > a.size ? b : a), new Map());
  /** @type {Map<number, Warp>} */
  const warps = new Map([...keyed.keys()].map((id) => [id, { from: [0], to: [0] }]));
  let at = 0;
  for (const mark of longest.keys()) {
    const having = [...keyed].flatMap(([id, marks]) => {
      const instant = marks.get(mark);
      const warp = warps.get(id);
      return instant === undefined || !warp ? [] : [{ instant, warp }];
    });
    at += Math.max(0, median(having.map(({ instant, warp }) => instant - (warp.from.at(-1) ?? 0))));
    for (const { instant, warp } of having) {
      warp.from.push(instant);
      warp.to.push(at);
    }
  }
  return warps;
}

/**
 * Which of the marks of this name it is: " 2" for the second.
 * @param {RunPhase[]} phases
 * @param {RunPhase} phase
 */
function occurrence(phases, phase) {
  const same = phases.filter((one) => one.name === phase.name && one.value === phase.value);
  const place = same.indexOf(phase);
  return place ? ` ${place + 1}` : "";
}

/**
 * Warps onto an axis that counts iterations: what lies before the first is left of 0.
 * @param {RunPhase[]} phases
 * @returns {Warp|null} null where the run has fewer than two marks of iterations
 */
export function byIteration(phases) {
  const marks = phases.filter((phase) => phase.name === "iteration");
  if (marks.length < 2) return null;
  return { from: marks.map((mark) => mark.t_ns / 1e9), to: marks.map((mark) => mark.value) };
}

/**
 * The height of the line at `x`, its first value before and its last after.
 * @param {Point[]} points not empty
 * @param {number} x
 */
function heldAt(points, x) {
  if (x <= points[0].x) return points[0].y;
  return valueAt(points, x) ?? points[points.length - 1].y;
}

/**
 * Net change of a curve in each of INTERVALS parts of [from, to], as steps.
 * @param {Point[]} points
 * @param {number} from
 * @param {number} to
 * @returns {Point[]}
 */
export function changes(points, from, to) {
  if (!points.length) return [];
  const width = (to - from) / INTERVALS;
  /** @type {Point[]} */
  const out = [];
  let before = heldAt(points, from);
  for (let i = 0; i < INTERVALS; i++) {
    const x = from + i * width;
    if (x > points[points.length - 1].x) break;
    const after = heldAt(points, x + width);
    out.push({ x, y: after - before }, { x: x + width, y: after - before });
    before = after;
  }
  return out;
}

/**
 * b less a where both are, at every instant of either: no peak of one is lost.
 * @param {Point[]} a
 * @param {Point[]} b
 * @returns {Point[]}
 */
export function difference(a, b) {
  if (!a.length || !b.length) return [];
  const from = Math.max(a[0].x, b[0].x);
  const to = Math.min(a[a.length - 1].x, b[b.length - 1].x);
  /** @type {Point[]} */
  const out = [];
  let i = lowerBound(a, from);
  let k = lowerBound(b, from);
  while (i < a.length || k < b.length) {
    const x = Math.min(a[i]?.x ?? Infinity, b[k]?.x ?? Infinity);
    if (x > to) break;
    out.push({ x, y: heldAt(b, x) - heldAt(a, x) });
    while (i < a.length && a[i].x <= x) i++;
    while (k < b.length && b[k].x <= x) k++;
  }
  return out;
}

/**
 * Several samples of one cell as lowest, median and highest, in INTERVALS parts of [from, to]. The
 * lowest and highest are of everything within a part, so that a peak of one sample stays.
 * @param {Point[][]} samples none empty
 * @param {number} from
 * @param {number} to
 */
export function band(samples, from, to) {
  const low = [];
  const high = [];
  const middle = [];
  const width = (to - from) / INTERVALS;
  for (let i = 0; i <= INTERVALS; i++) {
    const x = from + i * width;
    const there = samples.filter((points) => x <= points[points.length - 1].x &&
      x + width >= points[0].x);
    if (!there.length) continue;
    const spans = there.map((points) => extent(points, x, x + width));
    low.push({ x, y: Math.min(...spans.map((one) => one.low)) });
    high.push({ x, y: Math.max(...spans.map((one) => one.high)) });
    middle.push({ x, y: median(there.map((points) => heldAt(points, x))) });
  }
  return { low, high, middle };
}

/**
 * @param {Point[]} points
 * @param {number} from
 * @param {number} to
 */
function extent(points, from, to) {
  let low = Math.min(heldAt(points, from), heldAt(points, to));
  let high = Math.max(heldAt(points, from), heldAt(points, to));
  for (let i = lowerBound(points, from); i < points.length && points[i].x <= to; i++) {
    low = Math.min(low, points[i].y);
    high = Math.max(high, points[i].y);
  }
  return { low, high };
}
