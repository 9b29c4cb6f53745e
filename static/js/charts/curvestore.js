// curvestore.js - the curves of the selected runs: fetched, grown while they run, refined on zoom.
//
// Each curve is held twice: `coarse`, thinned over the whole run, and, once zoomed, `fine` over
// the window and its neighbourhood. What is drawn is coarse outside and fine inside, so that a pan
// never shows a gap. Thinning keeps the lowest and the highest RSS, so `tideAt` may come from
// the coarse curve.

import * as api from "../api.js";
import { toMib } from "../format.js";

/** @typedef {import("../types.js").TracedFunction} TracedFunction */

/**
 * @typedef {object} Samples
 * @property {number[]} t nanoseconds
 * @property {number[]} rss bytes
 * @property {number[]} fn id of the innermost function, 0 for none, -1 for not yet known
 *
 * @typedef {object} Held
 * @property {number} id
 * @property {"loading"|"ready"|"failed"} state
 * @property {string|null} error
 * @property {Samples} coarse
 * @property {Samples|null} fine
 * @property {string} window what `fine` was asked for
 * @property {Samples} drawn
 * @property {{x: number, y: number}[]} points `drawn` in seconds and MiB
 * @property {Map<number, TracedFunction>} functions
 * @property {number|null} tideAt seconds
 * @property {boolean} live it grew by events since it was fetched
 * @property {AbortController} asking the newest request for the whole of it
 */

const PART = 24;             // curves of one request
const GROWN_ENOUGH = 8000;   // points of a growing curve, after which it is fetched thinned again

/**
 * @param {number} id
 * @returns {Held}
 */
function newHeld(id) {
  const empty = { t: [], rss: [], fn: [] };
  return {
    id, state: "loading", error: null, coarse: empty, fine: null, window: "", drawn: empty,
    points: [],
    functions: new Map(), tideAt: null, live: false, asking: new AbortController(),
  };
}

/**
 * @template T
 * @param {T[]} all
 */
const parts = (all) => Array.from({ length: Math.ceil(all.length / PART) },
  (_, i) => all.slice(i * PART, (i + 1) * PART));

export class CurveStore extends EventTarget {
  constructor() {
    super();
    /** @type {Map<number, Held>} */
    this.held = new Map();
    this.points = 1000;
    this.refining = new AbortController();
  }

  /** @param {number} id */
  get(id) {
    return this.held.get(id) ?? null;
  }

  /**
   * Hold exactly these curves; fetch those that are new.
   * @param {number[]} ids
   */
  want(ids) {
    const wanted = new Set(ids);
    const dropped = [...this.held.values()].filter((held) => !wanted.has(held.id));
    for (const { id } of dropped) this.held.delete(id);
    const waiting = new Set([...this.held.values()].map((held) => held.asking));
    for (const { asking } of dropped) if (!waiting.has(asking)) asking.abort();
    void this.fetch(ids.filter((id) => !this.held.has(id)));
  }

  clear() {
    this.refining.abort();
    this.want([]);
  }

  /**
   * Whole curves anew: at first, when a run is done, after a lost stream.
   * @param {number[]} ids
   */
  async fetch(ids) {
    await Promise.all(parts(ids).map((part) => this.#fetchPart(part)));
  }

  /** @param {number[]} ids */
  async #fetchPart(ids) {
    const asking = new AbortController();
    const waiting = ids.map((id) => {
      const held = this.held.get(id) ?? newHeld(id);
      this.held.set(id, held);
      held.asking = asking;
      return held;
    });
    const stillWaits = (/** @type {Held} */ held) =>
      held.asking === asking && this.held.get(held.id) === held;
    try {
      const curves = await api.getCurves(ids.map((id) => ({ id })), this.points, asking.signal);
      waiting.forEach((held, i) => {
        if (stillWaits(held)) this.#take(held, curves[i]);
      });
      this.dispatchEvent(new Event("loaded"));
    } catch (error) {
      if (asking.signal.aborted) return;
      if (error instanceof api.ApiError && error.status === 404 && ids.length > 1) {
        await Promise.all(waiting.filter(stillWaits).map(({ id }) => this.#fetchPart([id])));
        return; // one of them is gone: the others come without it
      }
      for (const held of waiting.filter(stillWaits)) {
        held.state = held.points.length ? "ready" : "failed";
        held.error = error instanceof Error ? error.message : String(error);
      }
    }
    this.#changed();
  }

  /**
   * @param {Held} held
   * @param {import("../types.js").Curve} curve
   */
  #take(held, curve) {
    const grown = held.coarse;
    held.coarse = samplesOf(curve);
    if (curve.status === "running") appendLater(held.coarse, grown);
    for (const fn of curve.functions) held.functions.set(fn.id, fn);
    held.live = false;
    held.state = "ready";
    held.error = null;
    held.window = "";
    this.#redraw(held);
  }

  /**
   * Growth of a running curve.
   * @param {import("../types.js").CurveGrowth} growth
   */
  grow(growth) {
    const held = this.held.get(growth.run);
    if (!held) return;
    const more = {
      t: growth.t_ns, rss: growth.rss, fn: growth.t_ns.map(() => -1),
    };
    const from = held.coarse.t.length;
    appendLater(held.coarse, more);
    held.live = true;
    held.state = "ready";
    if (from > GROWN_ENOUGH) {
      void this.fetch([held.id]);
      return;
    }
    if (held.fine) this.#redraw(held);
    else this.#extend(held, from);
    this.#changed();
  }

  /**
   * Fetch a window of every curve in finer grain.
   * @param {(id: number) => {from: number, to: number}} windowOf in nanoseconds of the run
   */
  async refine(windowOf) {
    const wishes = [...this.held.values()].flatMap((held) => {
      if (held.state !== "ready" || held.live) return [];
      const { from, to } = windowOf(held.id);
      const margin = Math.round((to - from) / 2);
      const window = { from_ns: Math.max(0, Math.round(from) - margin),
        to_ns: Math.max(1, Math.round(to) + margin) };
      const sign = `${window.from_ns} ${window.to_ns} ${this.points}`;
      return held.fine && held.window === sign ? []
        : [{ held, sign, asking: held.asking, id: held.id, ...window }];
    });
    this.refining = new AbortController();
    await Promise.all(parts(wishes).map((part) => this.#refinePart(part, this.refining.signal)));
    this.#changed();
  }

  /**
   * @param {{held: Held, sign: string, asking: AbortController, id: number, from_ns: number,
   *   to_ns: number}[]} wishes
   * @param {AbortSignal} signal
   */
  async #refinePart(wishes, signal) {
    const stands = (/** @type {{held: Held, asking: AbortController}} */ { held, asking }) =>
      this.held.get(held.id) === held && held.asking === asking && !held.live;
    try {
      const curves = await api.getCurves(wishes.map(({ id, from_ns, to_ns }) =>
        ({ id, from_ns, to_ns })), this.points * 2, signal);
      wishes.forEach((wish, i) => {
        if (!stands(wish)) return; // meanwhile it was dropped, fetched anew or grew
        const { held, sign } = wish;
        for (const fn of curves[i].functions) held.functions.set(fn.id, fn);
        held.fine = samplesOf(curves[i]);
        held.window = sign;
        this.#redraw(held);
      });
    } catch (error) {
      if (signal.aborted) return;
      for (const { held } of wishes.filter(stands)) {
        held.error = error instanceof Error ? error.message : String(error);
      }
    }
  }

  /** Back to the coarse curves. */
  coarsen() {
    for (const held of this.held.values()) {
      if (!held.fine) continue;
      held.fine = null;
      this.#redraw(held);
    }
    this.#changed();
  }

  /** @param {Held} held */
  #redraw(held) {
    held.drawn = held.fine ? merge(held.coarse, held.fine) : held.coarse;
    held.points = [];
    this.#extend(held, 0);
  }

  /**
   * @param {Held} held
   * @param {number} from index of the first point that is not drawn yet
   */
  #extend(held, from) {
    const { t, rss } = held.drawn;
    for (let i = from; i < t.length; i++) {
      held.points.push({ x: t[i] / 1e9, y: toMib(rss[i]) });
    }
    let top = -1;
    held.coarse.rss.forEach((value, i) => {
      if (top < 0 || value > held.coarse.rss[top]) top = i;
    });
    held.tideAt = top < 0 ? null : held.coarse.t[top] / 1e9;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * @param {import("../types.js").Curve} curve
 * @returns {Samples}
 */
const samplesOf = (curve) => ({ t: curve.t_ns, rss: curve.rss, fn: curve.function });

/**
 * @param {Samples} to
 * @param {Samples} more only what is later than the end of `to` is taken
 */
function appendLater(to, more) {
  let last = to.t.length ? to.t[to.t.length - 1] : -1;
  more.t.forEach((t, i) => {
    if (t <= last) return;
    to.t.push(t);
    to.rss.push(more.rss[i]);
    to.fn.push(more.fn[i]);
    last = t;
  });
}

/**
 * @param {Samples} coarse
 * @param {Samples} fine
 * @returns {Samples}
 */
export function merge(coarse, fine) {
  if (!fine.t.length) return coarse;
  const first = fine.t[0];
  const last = fine.t[fine.t.length - 1];
  const before = coarse.t.findIndex((t) => t >= first);
  const after = coarse.t.findIndex((t) => t > last);
  const head = before < 0 ? coarse.t.length : before;
  const tail = after < 0 ? coarse.t.length : after;
  /** @param {"t"|"rss"|"fn"} part */
  const join = (part) => coarse[part].slice(0, head).concat(fine[part], coarse[part].slice(tail));
  return { t: join("t"), rss: join("rss"), fn: join("fn") };
}
