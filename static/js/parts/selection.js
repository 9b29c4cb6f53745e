// selection.js - which runs belong together, and which to show when nobody has said.
//
// A workload is a scenario with its parameters; within one, commit x Python makes a cell, and a
// cell holds the runs (samples) of every batch that measured it.

import { comparePythons } from "../charts/palette.js";

/** @typedef {import("../types.js").Run} Run */

/**
 * @typedef {object} Workload
 * @property {string} key
 * @property {string} scenario
 * @property {Run["params"]} params
 * @property {Run[]} runs newest first
 *
 * @typedef {object} Cell
 * @property {string} key
 * @property {Run["commit"]} commit
 * @property {string} python
 * @property {Run[]} runs newest batch first, then by sample
 */

/** How many curves are chosen for a reader who has chosen none. */
export const FIRST_LOOK = 12;

/** @param {Pick<Run, "scenario"|"params">} run */
export function workloadKey(run) {
  const params = Object.entries(run.params).sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${value}`);
  return [run.scenario, ...params].join(",");
}

/**
 * @param {Iterable<Run>} runs
 * @returns {Workload[]} the one that ran last comes first
 */
export function workloads(runs) {
  /** @type {Map<string, Workload>} */
  const found = new Map();
  for (const run of [...runs].sort((a, b) => b.id - a.id)) {
    const key = workloadKey(run);
    const held = found.get(key);
    if (held) held.runs.push(run);
    else found.set(key, { key, scenario: run.scenario, params: run.params, runs: [run] });
  }
  return [...found.values()];
}

/** @param {Run} run */
export const cellKey = (run) => `${run.commit.sha} ${run.python.name}`;

/**
 * @param {Run[]} runs of one workload
 * @returns {Map<string, Cell>}
 */
export function cells(runs) {
  /** @type {Map<string, Cell>} */
  const found = new Map();
  for (const run of runs) {
    const key = cellKey(run);
    const held = found.get(key);
    if (held) held.runs.push(run);
    else found.set(key, { key, commit: run.commit, python: run.python.name, runs: [run] });
  }
  for (const cell of found.values()) {
    cell.runs.sort((a, b) => b.batch - a.batch || a.sample - b.sample || a.id - b.id);
  }
  return found;
}

/**
 * The commits of some runs, newest first: by their place on the branch where it is known, else
 * by when they were last measured.
 * @param {Run[]} runs
 * @param {{sha: string}[]} line commits of the branch, newest first
 * @returns {Run["commit"][]}
 */
export function commitsOf(runs, line) {
  /** @type {Map<string, {commit: Run["commit"], last: number}>} */
  const found = new Map();
  for (const run of runs) {
    const held = found.get(run.commit.sha);
    if (held) held.last = Math.max(held.last, run.id);
    else found.set(run.commit.sha, { commit: run.commit, last: run.id });
  }
  const place = new Map(line.map((commit, i) => [commit.sha, i]));
  return [...found.values()].sort((a, b) => {
    const left = place.get(a.commit.sha);
    const right = place.get(b.commit.sha);
    if (left !== undefined && right !== undefined) return left - right;
    if (left !== undefined) return -1;
    if (right !== undefined) return 1;
    return b.last - a.last;
  }).map(({ commit }) => commit);
}

/** @param {Run[]} runs */
export const pythonsOf = (runs) =>
  [...new Set(runs.map((run) => run.python.name))].sort(comparePythons);

/**
 * The run that stands for a cell: the first sample of its newest batch that did not fail.
 * @param {Cell} cell
 */
export const firstSample = (cell) =>
  cell.runs.find((run) => run.status !== "failed") ?? cell.runs[0];

/**
 * Of one batch, the first sample of each cell; where that is more than a reader can tell apart,
 * the newest Pythons at the newest commits, so that what is shown stays a whole rectangle.
 * @param {Run[]} batch the runs of one batch
 * @param {{sha: string}[]} line commits of the branch, newest first
 * @returns {number[]}
 */
export function lookAt(batch, line) {
  const workload = workloads(batch)[0];
  if (!workload) return [];
  const held = cells(workload.runs);
  const pythons = pythonsOf(workload.runs).slice(-Math.floor(FIRST_LOOK / 2));
  const commits = commitsOf(workload.runs, line)
    .slice(0, Math.floor(FIRST_LOOK / pythons.length));
  return commits.flatMap((commit) => pythons.flatMap((python) => {
    const cell = held.get(`${commit.sha} ${python}`);
    return cell ? [firstSample(cell).id] : [];
  }));
}

/**
 * The batch to show first: the newest, but one whose runs all failed gives way to the newest
 * that has or will have a curve.
 * @param {Iterable<Run>} all
 * @returns {number|null}
 */
export function newestBatch(all) {
  const runs = [...all];
  const useful = runs.filter((run) => run.status !== "failed");
  const pool = useful.length ? useful : runs;
  return pool.length ? Math.max(...pool.map((run) => run.batch)) : null;
}
