// model.js - what the page knows of the daemon's state: one copy, fed by REST and the stream.
//
// Views read it and listen for "change", which comes at most every 60 ms however many events the
// stream brings. "curve" (growth of a running curve), "build" (one begun or ended), "moved" (some
// run or batch), "done" (a run that just finished) and "reloaded" (the stream was lost and the copy
// was loaded anew) are told at once.
//
// Runs are many: they are loaded when the first view asks for them with needRuns(). Views that draw
// from endpoints of their own do without.

import * as api from "../api.js";

/** @typedef {import("../types.js").Run} Run */
/** @typedef {import("../types.js").Batch} Batch */

const PAGE = 1000;
const COMMITS = 50;
const RUN_EVENTS = new Set(["queued", "building", "running", "done", "failed", "cancelled"]);
const ORDER = { queued: 0, building: 1, running: 2, done: 3, failed: 3, cancelled: 3 };

export class Model extends EventTarget {
  /** @param {import("../stream.js").Stream} stream */
  constructor(stream) {
    super();
    /** @type {"loading"|"ready"|"failed"} */
    this.state = "loading";
    /** @type {api.ApiError|null} */
    this.failure = null;
    /** @type {import("../types.js").Status|null} */
    this.status = null;
    /** @type {import("../types.js").Python[]} */
    this.pythons = [];
    /** @type {import("../types.js").Project[]} */
    this.projects = [];
    /** @type {string|null} the project that the reader chose */
    this.chosen = null;
    /** @type {string|null} the branch that the reader chose; null: the project's own */
    this.branch = null;
    /** @type {string[]} of the project's repository; empty where they are not known */
    this.branches = [];
    /** @type {string|null} the baseline that the reader chose */
    this.ownBaseline = null;
    /** @type {import("../types.js").Commit[]} */
    this.commits = [];
    /** @type {string|null} */
    this.commitsFailure = null;
    /** @type {import("../types.js").Scenario[]} */
    this.scenarios = [];
    /** @type {Map<number, Run>} */
    this.runs = new Map();
    this.holdsRuns = false;
    /** @type {Promise<void>} their newest answer: git may be asked, so nothing waits for it */
    this.commitsAsked = Promise.resolve();
    /** @type {string|null} where older runs go on */
    this.olderRuns = null;
    /** @type {Map<number, Batch>} */
    this.batches = new Map();
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.telling = undefined;
    /** @type {Set<number>} */
    this.staleBatches = new Set();
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.batchTimer = undefined;
    this.batchesAsked = 0;
    /** @type {Set<string>} commits that runs have named; a new one may mean that HEAD moved */
    this.known = new Set();

    stream.addEventListener("event", (event) => {
      const { name, data } = /** @type {CustomEvent} */ (event).detail;
      this.#heard(name, data);
    });
    stream.addEventListener("state", (event) => {
      if (/** @type {CustomEvent} */ (event).detail.again) void this.reload();
    });
  }

  /** What is looked at: the chosen one, else the daemon's default. */
  get project() {
    return this.chosen ?? this.status?.project ?? this.projects[0]?.name ?? "converters";
  }

  /** @returns {import("../types.js").Project|null} */
  get projectHere() {
    return this.projects.find(({ name }) => name === this.project) ?? null;
  }

  /** What cells are judged against: the reader's choice, else what is pinned to the project. */
  get baseline() {
    return this.ownBaseline ?? this.projectHere?.baseline ?? null;
  }

  /** The scenarios of the project; one that names none is every project's. */
  get scenariosHere() {
    return this.scenarios.filter((scenario) => (scenario.project ?? this.project) === this.project);
  }

  /** @param {string|null} name null: the daemon's default */
  chooseProject(name) {
    return this.choose(name, null);
  }

  /**
   * @param {string|null} project null: the daemon's default
   * @param {string|null} branch null: the project's own
   */
  async choose(project, branch) {
    const before = [this.project, this.branch];
    this.chosen = project;
    this.branch = branch;
    const other = this.project !== before[0];
    if (!other && branch === before[1]) return;
    this.commits = [];
    if (other) this.branches = [];
    this.commitsAsked = this.refreshCommits();
    if (other) void this.refreshBranches();
    await this.commitsAsked;
  }

  /** See that commits and the newest runs are held; throws ApiError where they cannot be had. */
  async needRuns() {
    await this.commitsAsked;
    if (this.holdsRuns) return;
    await this.#fetchRuns();
    this.changed();
  }

  /** Names of every Python that is known or has runs. */
  get pythonNames() {
    const names = new Set(this.pythons.map((python) => python.name));
    for (const run of this.runs.values()) names.add(run.python.name);
    return [...names];
  }

  /** Load everything; a failure leaves `state` "failed" with the reason. */
  async load() {
    this.state = "loading";
    this.changed();
    try {
      await this.#fetchAll();
      this.state = "ready";
      this.failure = null;
    } catch (error) {
      this.state = "failed";
      this.failure = error instanceof api.ApiError ? error : new api.ApiError({
        type: "about:blank", status: 0, title: "The daemon's answer could not be read",
        detail: error instanceof Error ? error.message : String(error),
      });
    }
    this.changed();
  }

  /** After a lost stream: the same again, without a loading state; the old copy stays meanwhile. */
  async reload() {
    if (this.state !== "ready") return this.load();
    try {
      await this.#fetchAll();
      this.dispatchEvent(new Event("reloaded"));
      this.changed();
    } catch {
      // The stream reports the daemon's absence; its next reconnection reloads again.
    }
  }

  async #fetchAll() {
    const [status, batches] = await Promise.all([
      api.getStatus(), api.getBatches(), this.#fetchMachine(),
      this.holdsRuns ? this.#fetchRuns() : null,
    ]);
    this.status = status;
    for (const batch of batches) this.batches.set(batch.id, batch);
    this.commitsAsked = this.refreshCommits();
    void this.refreshBranches();
    if (status.discovering) this.#awaitDiscovery();
  }

  async #fetchRuns() {
    const { runs, next } = await api.getRuns({ limit: PAGE });
    for (const run of runs) this.runs.set(run.id, run);
    if (!this.holdsRuns) this.olderRuns = next;
    this.holdsRuns = true;
  }

  async #fetchMachine() {
    const [pythons, projects, scenarios] = await Promise.all([
      api.getPythons(), api.getProjects(), api.getScenarios(),
    ]);
    this.pythons = pythons;
    this.projects = projects;
    this.scenarios = scenarios;
  }

  /** The branch as it is now; where it cannot be read the old list stays and `trouble` says why. */
  async refreshCommits() {
    try {
      this.commits = await api.getCommits(this.project, this.branch, COMMITS);
      this.commitsFailure = null;
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      this.commitsFailure = `The commits of ${this.project} could not be read: ${error.message}`;
    }
    this.changed();
  }

  /** Which branches there are; where they cannot be had, there are none to choose from. */
  async refreshBranches() {
    const { project } = this;
    const found = await api.getBranches(project).catch(() => []);
    if (project === this.project) this.branches = found;
    this.changed();
  }

  /** Why nothing, or not everything, can be measured; null where nothing is wrong. */
  get trouble() {
    return this.status?.trouble ?? this.commitsFailure;
  }

  #awaitDiscovery() {
    setTimeout(async () => {
      try {
        this.status = await api.getStatus();
        if (!this.status.discovering) {
          await this.#fetchMachine();
          await this.refreshCommits();
        }
        this.changed();
      } catch {
        // Asked again below.
      }
      if (this.status?.discovering) this.#awaitDiscovery();
    }, 700);
  }

  /** The next page of older runs. */
  async loadOlder() {
    if (!this.olderRuns) return;
    const page = await api.getRuns({ limit: PAGE, cursor: this.olderRuns });
    for (const run of page.runs) this.runs.set(run.id, run);
    this.olderRuns = page.next;
    this.changed();
  }

  /**
   * See that these runs are held, also where they are older than what was loaded.
   * @param {number[]} ids
   * @returns {Promise<number[]>} those that do not exist
   */
  async ensureRuns(ids) {
    /** @type {number[]} */
    const missing = [];
    await Promise.all(ids.filter((id) => !this.runs.has(id)).map(async (id) => {
      try {
        this.runs.set(id, await api.getRun(id));
      } catch (error) {
        if (error instanceof api.ApiError && error.status === 404) missing.push(id);
        else throw error;
      }
    }));
    this.changed();
    return missing;
  }

  /**
   * All runs of one batch, also where they are older than what was loaded.
   * @param {number} id
   */
  async ensureBatch(id) {
    const batch = await api.getBatch(id);
    this.batches.set(id, batch);
    if (!this.holdsBatch(id)) {
      const page = await api.getRuns({ batch: id, limit: PAGE });
      for (const run of page.runs) this.#take(run);
    }
    this.changed();
  }

  /**
   * Whether every run of a batch is held, or as many as one page brings.
   * @param {number} id
   */
  holdsBatch(id) {
    const batch = this.batches.get(id);
    return batch !== undefined && this.runsOfBatch(id).length >= Math.min(batch.runs, PAGE);
  }

  /** @param {number} id */
  runsOfBatch(id) {
    return [...this.runs.values()].filter((run) => run.batch === id).sort((a, b) => a.id - b.id);
  }

  /** The newest batch that is not done. */
  get activeBatch() {
    return [...this.batches.values()].filter((batch) => batch.status !== "done")
      .sort((a, b) => b.id - a.id)[0] ?? null;
  }

  get paused() {
    return this.status?.queue.paused ?? false;
  }

  /** How many runs wait, of every batch. */
  get waiting() {
    return [...this.batches.values()].reduce((sum, batch) => sum + batch.queued, 0);
  }

  /** @param {import("../types.js").Queue} queue */
  takeQueue(queue) {
    if (this.status) this.status.queue = queue;
    this.changed();
  }

  /** @param {Batch} batch */
  addBatch(batch) {
    this.batches.set(batch.id, batch);
    void this.ensureBatch(batch.id).catch(() => {});
    this.changed();
  }

  changed() {
    this.telling ??= setTimeout(() => {
      this.telling = undefined;
      this.dispatchEvent(new Event("change"));
    }, 60);
  }

  /**
   * Take a run in, unless what is held is further on: an event may overtake an answer.
   * @param {Run} run
   */
  #take(run) {
    const held = this.runs.get(run.id);
    if (held && ORDER[held.status] > ORDER[run.status]) return false;
    this.runs.set(run.id, run);
    return true;
  }

  /**
   * @param {string} name
   * @param {any} data
   */
  #heard(name, data) {
    if (name === "curve") {
      this.dispatchEvent(new CustomEvent("curve", { detail: data }));
      return;
    }
    if (name === "queue") {
      this.takeQueue(data);
      return;
    }
    if (name !== "build") this.dispatchEvent(new Event("moved"));
    if (name === "build") {
      this.dispatchEvent(new CustomEvent("build", { detail: data }));
      return;
    }
    if (name === "batch") {
      this.batches.set(data.id, data);
      this.changed();
      return;
    }
    if (!RUN_EVENTS.has(name)) return;
    const run = /** @type {Run} */ (data);
    const before = this.runs.get(run.id)?.status;
    if (!this.#take(run)) return;
    this.#batchMoved(run.batch);
    if (!this.known.has(run.commit.sha)) {
      this.known.add(run.commit.sha);
      if (!this.commits.some(({ sha }) => sha === run.commit.sha)) void this.refreshCommits();
    }
    if ((name === "done" || name === "failed") && before !== name) {
      this.dispatchEvent(new CustomEvent("done", { detail: run }));
    }
    this.changed();
  }

  /**
   * A run moved, so its batch's figures did too: ask for them soon, and at most once a second.
   * @param {number} id
   */
  #batchMoved(id) {
    this.staleBatches.add(id);
    const pause = Math.max(50, this.batchesAsked + 1000 - Date.now());
    this.batchTimer ??= setTimeout(() => void this.#askBatches(), pause);
  }

  async #askBatches() {
    const ids = [...this.staleBatches];
    this.staleBatches.clear();
    this.batchesAsked = Date.now();
    this.batchTimer = undefined;
    for (const id of ids) {
      try {
        this.batches.set(id, await api.getBatch(id));
      } catch {
        // The next event asks again.
      }
    }
    this.changed();
  }
}
