// curvechoice.js - which runs the view Curves shows: picked in its matrix, named by its link, a
// first look for a reader who has picked none, or the newest that started, where they are followed.
//
// It changes what is picked and tells "change", and "elsewhere" before it follows to another
// workload; whoever draws asks it for runs, cells and commits.

import * as api from "../api.js";
import { comparePythons } from "../charts/palette.js";
import { idList } from "../router.js";
import {
  cellKey, cells, commitsOf, FIRST_LOOK, firstSample, lookAt, newestBatch, workloadKey, workloads,
} from "./selection.js";

/** @typedef {import("../types.js").Run} Run */
/** @typedef {import("./selection.js").Cell} Cell */

const MOST_COMMITS = 1000;

export class CurveChoice extends EventTarget {
  /**
   * @param {import("../charts/model.js").Model} model
   * @param {() => boolean} oneOfEach whether of a cell that is picked one sample is shown
   */
  constructor(model, oneOfEach) {
    super();
    this.model = model;
    this.oneOfEach = oneOfEach;
    /** @type {number[]} */
    this.selected = [];
    /** @type {Set<number>} those that are switched off in the legend */
    this.off = new Set();
    this.work = "";            // key of the workload whose matrix is shown
    this.follow = false;
    this.chosen = false;       // by the reader, the link or a first look
    /** @type {number[]} runs of the link that do not exist */
    this.missing = [];
    /** @type {Set<number>} batches that following has already looked at */
    this.seen = new Set();
    this.line = model.commits; // of the branch, newest first
    this.lineAsked = "";
    /** @type {import("./selection.js").Workload[]|null} */
    this.known = null;
  }

  /** @param {URLSearchParams} params */
  read(params) {
    this.selected = idList(params.get("runs"));
    this.off = new Set(idList(params.get("off")));
    this.follow = params.get("follow") === "1";
    this.work = params.get("work") ?? "";
    this.chosen = this.selected.length > 0;
    this.missing = [];
    this.#seeAll();
    void this.adopt();
  }

  /** What the URL holds of it. @returns {Record<string, string|null>} */
  get params() {
    const first = this.model.runs.get(this.selected[0] ?? -1);
    return {
      runs: this.selected.join(",") || null,
      off: [...this.off].filter((id) => this.selected.includes(id)).join(",") || null,
      work: this.work && (!first || workloadKey(first) !== this.work) ? this.work : null,
      follow: this.follow ? "1" : null,
    };
  }

  #seeAll() {
    for (const batch of this.model.batches.keys()) this.seen.add(batch);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  /* ---- what is there ---- */

  get workloads() {
    this.known ??= workloads(this.model.runs.values());
    return this.known;
  }

  /** The workload whose matrix is shown. */
  get current() {
    return this.workloads.find((one) => one.key === this.work) ?? null;
  }

  /** The runs that are picked and held. */
  get runs() {
    return /** @type {Run[]} */ (this.selected.map((id) => this.model.runs.get(id))
      .filter((run) => run !== undefined));
  }

  /** The same as legend and table list them: by commit, Python, sample. */
  get ordered() {
    const { runs } = this;
    const place = new Map(commitsOf(runs, this.line).map((commit, i) => [commit.sha, i]));
    const of = (/** @type {Run} */ run) => place.get(run.commit.sha) ?? 0;
    return runs.sort((a, b) => of(a) - of(b) || comparePythons(a.python.name, b.python.name) ||
      a.sample - b.sample || a.id - b.id);
  }

  /** Those that have, or get, a curve: a failed run may have one as far as it came. */
  get started() {
    return this.runs.filter((run) => run.status === "running" || run.status === "done" ||
      (run.status === "failed" && run.started_ns !== null));
  }

  /** The model's copy moved on. */
  refresh() {
    const { model } = this;
    this.known = null;
    if (this.line.length <= model.commits.length || this.lineAsked !== model.project) {
      this.line = model.commits;
    }
    const unheld = this.selected.some((id) => !model.runs.has(id)) && !this.missing.length;
    if (!this.chosen || (model.state === "ready" && unheld)) void this.adopt();
    void this.#followBatches();
  }

  /** Commits that are older than what every view loads are placed on the branch too. */
  fetchLine() {
    const { project, branch } = this.model;
    if (this.lineAsked === project) return;
    const known = new Set(this.line.map((commit) => commit.sha));
    if (this.runs.every((run) => known.has(run.commit.sha) || run.project !== project)) return;
    this.lineAsked = project;
    void api.getCommits(project, branch, MOST_COMMITS).then((commits) => {
      this.line = commits;
      this.#changed();
    }, () => {}); // the order then is that of the runs
  }

  /** Make sure that what the URL names is held, or choose where it names nothing. */
  async adopt() {
    const { model } = this;
    if (model.state !== "ready") return;
    if (!this.chosen) {
      const newest = newestBatch(model.runs.values());
      if (newest === null || !await this.#holds(newest) || this.chosen) return;
      this.selected = lookAt(model.runsOfBatch(newest), this.line);
      this.chosen = true;
      this.follow = true;
      this.#seeAll();
    } else if (this.selected.some((id) => !model.runs.has(id))) {
      try {
        this.missing = await model.ensureRuns(this.selected);
        this.selected = this.selected.filter((id) => !this.missing.includes(id));
      } catch {
        // The daemon is away; the notice says so, and the next reload asks again.
      }
    }
    this.known = null;
    if (!this.current) {
      const first = model.runs.get(this.selected[0] ?? -1);
      this.work = first ? workloadKey(first) : this.workloads[0]?.key ?? "";
    }
    this.#changed();
  }

  /**
   * Whether a batch is held whole; where it is not, it is fetched.
   * @param {number} id
   */
  async #holds(id) {
    if (this.model.holdsBatch(id)) return true;
    try {
      await this.model.ensureBatch(id);
    } catch {
      return false;
    }
    return this.model.holdsBatch(id);
  }

  /** A batch that came since the page looked is shown, if the reader wants to follow. */
  async #followBatches() {
    const { model } = this;
    const newest = [...model.batches.keys(), ...[...model.runs.values()].map((run) => run.batch)]
      .reduce((a, b) => Math.max(a, b), 0);
    if (!this.chosen || this.seen.has(newest) || newest === 0) return;
    this.seen.add(newest);
    if (!this.follow || !await this.#holds(newest) || !this.follow) return;
    const runs = model.runsOfBatch(newest);
    const fresh = lookAt(runs, this.line);
    if (!fresh.length) return;
    const key = workloadKey(/** @type {Run} */ (model.runs.get(fresh[0])));
    const room = Math.max(0, FIRST_LOOK - fresh.length);
    const again = new Set(runs.map(cellKey));
    const kept = key !== this.work || !room ? [] : this.runs
      .filter((run) => !again.has(cellKey(run)) && workloadKey(run) === key)
      .map((run) => run.id).slice(-room);
    if (key !== this.work) this.dispatchEvent(new Event("elsewhere"));
    this.selected = [...kept, ...fresh];
    this.work = key;
    this.known = null;
    this.#changed();
  }

  /* ---- what the reader does ---- */

  /** @param {number[]} ids */
  select(ids) {
    this.selected = [...new Set(ids)];
    this.chosen = true;
    this.follow = false;
    this.#changed();
  }

  /** Switch a curve off or on. @param {number} id */
  toggle(id) {
    if (!this.off.delete(id)) this.off.add(id);
    this.#changed();
  }

  /** @param {Cell} cell */
  #picks(cell) {
    return (this.oneOfEach() ? [firstSample(cell)] : cell.runs).map((run) => run.id);
  }

  /** @param {(cell: Cell) => boolean} belongs */
  toggleCells(belongs) {
    const touched = [...cells(this.current?.runs ?? []).values()].filter(belongs);
    const inside = new Set(touched.flatMap((cell) => cell.runs.map((run) => run.id)));
    const on = touched.some((cell) => !cell.runs.some((run) => this.selected.includes(run.id)));
    const rest = this.selected.filter((id) => !inside.has(id));
    this.select(on ? [...rest, ...touched.flatMap((cell) => this.#picks(cell))] : rest);
  }

  /** Of each cell that is picked one sample or all of them, as is asked for now. */
  pickSamplesAnew() {
    const keys = new Set(this.runs.map(cellKey));
    const inWork = new Set((this.current?.runs ?? []).map((run) => run.id));
    const own = [...cells(this.current?.runs ?? []).values()]
      .filter((cell) => keys.has(cell.key)).flatMap((cell) => this.#picks(cell));
    this.selected = [...new Set([...this.selected.filter((id) => !inWork.has(id)), ...own])];
    this.#changed();
  }
}
