// wish.js - what the form of Trigger asks for: its state, in the URL and as the body of POST /runs.

/** @typedef {import("../types.js").Param} Param */
/** @typedef {import("../charts/model.js").Model} Model */
/** @typedef {"commits"|"pythons"|"scenarios"} Kind */

export const ALLOCATORS = ["pymalloc", "malloc", "mimalloc", "jemalloc", "tcmalloc"];
export const BOUNDS = /** @type {const} */ (["since", "until", "every"]);

/**
 * The fields that stand behind "More": how a run is measured, and in which order. A text that is
 * empty is not sent: the daemon's default holds.
 */
export const MORE = /** @type {const} */ (["allocators", "recording", "threshold", "precision",
  "bound", "interval_us", "priority", "seed", "retry_failed"]);

/** @typedef {typeof MORE[number]} MoreName */

const NUMBERS = new Set(["threshold", "bound", "interval_us", "priority", "seed"]);

/** @param {string|null} text */
const list = (text) => (text ?? "").split(",").map((item) => item.trim()).filter(Boolean);

/**
 * A number where the text is one; anything else goes to the daemon as it stands, which says why
 * it is refused.
 * @param {string} text
 */
export function numberOrText(text) {
  const plain = text.trim().replace(/[,_\s]/g, "");
  return /^-?\d+(\.\d+)?$/.test(plain) ? Number(plain) : text;
}

export class Wish {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    /** @type {Record<Kind, Set<string>>} what is ticked; commits by sha */
    this.picked = { commits: new Set(), pythons: new Set(), scenarios: new Set() };
    this.revs = "";
    /** @type {Record<string, string>} */
    this.bounds = {};
    /** @type {Map<string, string>} parameters that the reader changed */
    this.params = new Map();
    /** @type {"demo"|"full"} */
    this.size = "demo";
    this.samples = "1";
    /** @type {Partial<Record<MoreName, string>>} */
    this.more = {};
    this.touched = false;
  }

  /** @param {URLSearchParams} given */
  read(given) {
    const wanted = list(given.get("commits"));
    const known = new Set(this.model.commits.map((commit) => commit.sha));
    for (const name of BOUNDS) this.bounds[name] = given.get(name) ?? "";
    this.picked = {
      commits: new Set(wanted.filter((rev) => known.has(rev))),
      pythons: new Set(list(given.get("pythons"))),
      scenarios: new Set(list(given.get("scenarios"))),
    };
    this.revs = wanted.filter((rev) => !known.has(rev)).join(", ");
    this.params = new Map(list(given.get("params")).map((pair) => {
      const colon = pair.indexOf(":");
      return /** @type {[string, string]} */ ([pair.slice(0, colon), pair.slice(colon + 1)]);
    }));
    this.size = given.get("size") === "full" ? "full" : "demo";
    this.samples = given.get("samples") ?? "1";
    this.more = {};
    for (const name of MORE) this.setMore(name, given.get(name) ?? "");
    this.touched = wanted.length + this.picked.pythons.size + this.picked.scenarios.size > 0 ||
      this.bounded;
    this.adopt();
  }

  /** Where the URL names nothing: the newest commit, every usable Python, the first scenario. */
  adopt() {
    if (this.touched) return;
    const { commits, pythons, scenarios } = this.picked;
    const { model } = this;
    if (!commits.size && model.commits.length) commits.add(model.commits[0].sha);
    if (!pythons.size) {
      for (const python of model.pythons) if (python.usable) pythons.add(python.name);
    }
    if (!scenarios.size && model.scenariosHere.length) scenarios.add(model.scenariosHere[0].name);
  }

  /** For the URL. @returns {Record<string, string|null>} */
  state() {
    const named = (/** @type {string[]} */ names) =>
      this.touched ? names.join(",") || null : null;
    return {
      ...Object.fromEntries(BOUNDS.map((name) => [name, this.bounds[name]?.trim() || null])),
      commits: named(this.revList), pythons: named([...this.picked.pythons]),
      scenarios: named([...this.picked.scenarios]),
      params: [...this.params].map(([name, value]) => `${name}:${value}`).join(",") || null,
      size: this.size === "full" ? "full" : null,
      samples: this.samples === "1" ? null : this.samples,
      ...Object.fromEntries(MORE.map((name) => [name, this.more[name] ?? null])),
    };
  }

  /**
   * @param {MoreName} name
   * @param {string} text empty: the daemon's default
   */
  setMore(name, text) {
    if (text) this.more[name] = text;
    else delete this.more[name];
  }

  get bounded() {
    return BOUNDS.some((name) => this.bounds[name]?.trim());
  }

  /** What is ticked and what is typed. */
  get revList() {
    const ticked = this.model.commits.map((commit) => commit.sha)
      .filter((sha) => this.picked.commits.has(sha));
    return [...new Set([...ticked, ...this.revs.split(/[\s,]+/).filter(Boolean)])];
  }

  /** How many allocators multiply the runs. */
  get allocators() {
    return Math.max(1, list(this.more.allocators ?? "").length);
  }

  /** The parameters of the ticked scenarios, each name once. */
  paramList() {
    /** @type {Map<string, Param>} */
    const found = new Map();
    for (const scenario of this.model.scenariosHere) {
      if (!this.picked.scenarios.has(scenario.name)) continue;
      for (const param of scenario.params) if (!found.has(param.name)) found.set(param.name, param);
    }
    return [...found.values()];
  }

  /** @param {Param} param */
  preset(param) {
    return String(this.size === "demo" ? param.demo ?? param.default : param.default);
  }

  /** What must be picked before anything can start. */
  lacks() {
    return [this.revList.length || this.bounded ? "" : "a commit",
      this.picked.pythons.size ? "" : "a Python",
      this.picked.scenarios.size ? "" : "a scenario"].filter(Boolean);
  }

  /**
   * What is named, and the bounds: for the ranges that are named, else as a range of their own.
   * @returns {Partial<import("../types.js").TriggerRequest>}
   */
  #commits() {
    const commits = this.revList;
    if (!this.bounded) return { commits };
    const given = Object.fromEntries(BOUNDS.map((name) => {
      const text = this.bounds[name]?.trim() ?? "";
      return [name, name === "every" ? numberOrText(text) : text];
    }).filter(([, value]) => value !== ""));
    const ranges = commits.some((rev) => /\.\.|^(tags|new|missing)$/.test(rev));
    return ranges ? { commits, ...given } : { commits: [...commits, given] };
  }

  #params() {
    /** @type {Record<string, number|string|boolean>} */
    const changed = {};
    for (const param of this.paramList()) {
      const text = this.params.get(param.name);
      if (text !== undefined && text !== this.preset(param)) {
        changed[param.name] = param.type === "string" ? text : numberOrText(text);
      }
    }
    return changed;
  }

  #more() {
    return Object.fromEntries(MORE.filter((name) => this.more[name]).map((name) => {
      const text = this.more[name] ?? "";
      return [name, name === "allocators" ? list(text) : name === "retry_failed" ? true
        : NUMBERS.has(name) ? numberOrText(text) : text];
    }));
  }

  /** @returns {import("../types.js").TriggerRequest} */
  request() {
    return {
      project: this.model.project, ...this.#commits(), pythons: [...this.picked.pythons],
      scenarios: [...this.picked.scenarios], params: this.#params(), size: this.size,
      samples: numberOrText(this.samples), ...this.#more(),
    };
  }
}
