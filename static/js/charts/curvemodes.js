// curvemodes.js - how the view Curves draws what is picked: which values, aligned by what, samples
// one by one or as a band. It turns runs and their held curves into series of a plot.

import { exactBytes, mib } from "../format.js";
import { nearest, TIME_AXES } from "./plot.js";
import { seriesName, stepText, where } from "./readout.js";
import { cellKey } from "../parts/selection.js";
import * as shapes from "./shapes.js";

/** @typedef {import("../types.js").Run} Run */
/** @typedef {import("./plot.js").Series} Series */
/** @typedef {import("./plot.js").Point} Point */
/** @typedef {import("./curvestore.js").Held} Held */

export const VALUES = /** @type {const} */ ([["rss", "RSS"], ["change", "Change"],
  ["difference", "Difference"]]);
export const ALIGNS = /** @type {const} */ ([["time", "Time"], ["phase", "Phase"],
  ["iteration", "Iteration"]]);
export const SAMPLES = /** @type {const} */ ([["first", "First"], ["band", "Band"],
  ["all", "Every"]]);

/**
 * @typedef {object} Mode
 * @property {string} values
 * @property {string} align
 * @property {string} samples
 */

export class CurveModes {
  /** @param {(id: number) => Held|null} heldOf */
  constructor(heldOf) {
    this.heldOf = heldOf;
    /** @type {Mode} */
    this.mode = { values: "rss", align: "time", samples: "first" };
    /** @type {Map<number, import("../types.js").Phase[]>} marks of the runs that are aligned */
    this.phases = new Map();
    /** @type {Map<number, shapes.Warp>} */
    this.warps = new Map();
    /** @type {WeakMap<Point[], {warp: shapes.Warp, points: Point[]}>} */
    this.placed = new WeakMap();
    this.aligned = "";
    /** @type {{base: Run, head: Run}|null} the two whose difference is drawn */
    this.pair = null;
  }

  /** Lay the marks of these runs over each other. @param {Run[]} runs */
  align(runs) {
    const { align } = this.mode;
    const marks = new Map(runs.flatMap((run) => {
      const phases = this.phases.get(run.id);
      return phases?.length ? [/** @type {[number, typeof phases]} */ ([run.id, phases])] : [];
    }));
    const sign = `${align} ${[...marks.keys()].join()}`;
    if (sign === this.aligned) return;
    this.aligned = sign;
    if (align === "phase") this.warps = shapes.byPhase(marks);
    else if (align === "iteration") {
      this.warps = new Map([...marks].flatMap(([id, phases]) => {
        const warp = shapes.byIteration(phases);
        return warp ? [/** @type {[number, shapes.Warp]} */ ([id, warp])] : [];
      }));
    } else this.warps = new Map();
  }

  /** @param {number} id */
  warpOf(id) {
    return this.mode.align === "time" ? null : this.warps.get(id) ?? null;
  }

  /**
   * Where a window of the axis lies in a run's own seconds.
   * @param {number} id
   * @param {{from: number, to: number}} span
   */
  within(id, span) {
    const warp = this.warpOf(id);
    return { from: Math.max(0, shapes.unplaced(warp, span.from)),
      to: Math.max(0, shapes.unplaced(warp, span.to)) };
  }

  /** @param {Held} held @returns {Point[]} */
  #pointsOf(held) {
    const warp = this.warpOf(held.id);
    if (!warp) return held.points;
    const known = this.placed.get(held.points);
    if (known?.warp === warp && known.points.length === held.points.length) return known.points;
    const points = shapes.warped(warp, held.points);
    this.placed.set(held.points, { warp, points });
    return points;
  }

  /**
   * @param {Run[]} runs
   * @param {number} width of what is shown
   * @returns {import("./plot.js").Axes}
   */
  axes(runs, width) {
    const { values, align } = this.mode;
    const typical = runs.length > 1 ? " (s of the median run)" : " (s)";
    const x = align === "phase" ? `time, phases laid over each other${typical}`
      : align === "iteration" ? "iteration" : TIME_AXES.x;
    const y = values === "rss" ? "RSS (MiB)" : values === "difference"
      ? "difference of RSS (MiB)" : `change of RSS (MiB in ${this.partText(width)})`;
    return { x, y, signed: values !== "rss", say: align === "iteration"
      ? (at, span) => `iteration ${at.toFixed(span > 20 ? 1 : 2)}` : TIME_AXES.say };
  }

  /** How long the parts are that changes are counted in. @param {number} width of what is shown */
  partText(width) {
    const part = width / shapes.INTERVALS;
    if (this.mode.align === "iteration") return `1/${Math.max(1, Math.round(1 / part))} iteration`;
    return part >= 0.1 ? `${part.toFixed(2)} s` : part >= 1e-4 ? `${(part * 1e3).toFixed(2)} ms`
      : `${(part * 1e6).toFixed(2)} µs`;
  }

  /**
   * The series that are drawn.
   * @param {Run[]} runs in the order of the legend
   * @param {(run: Run) => import("./palette.js").Look} look
   * @param {(id: number) => boolean} isOff
   * @param {import("./plot.js").Span|null} span what is shown, null for all
   * @returns {Series[]}
   */
  series(runs, look, isOff, span) {
    this.align(runs);
    const { values, samples } = this.mode;
    const whole = runs.flatMap((run) => {
      const held = this.heldOf(run.id);
      return held ? [this.#whole(run, held, look(run), isOff(run.id))] : [];
    });
    if (values === "difference") return this.#difference(runs, whole);
    const shown = samples === "band" ? this.#bands(runs, whole, look, span) : whole;
    if (values === "rss") return shown;
    const end = Math.max(...shown.map((s) => s.points.at(-1)?.x ?? 0), 0);
    const start = Math.min(...shown.map((s) => s.points[0]?.x ?? 0), 0);
    return shown.map((s) => ({ ...s, band: undefined,
      points: shapes.changes(s.points, span?.from ?? start, span?.to ?? end) }));
  }

  /**
   * @param {Run} run
   * @param {Held} held
   * @param {import("./palette.js").Look} look
   * @param {boolean} hidden
   * @returns {Series}
   */
  #whole(run, held, look, hidden) {
    const warp = this.warpOf(run.id);
    return {
      id: run.id, name: `${seriesName(run)} #${run.sample}`, ...look, hidden,
      points: this.#pointsOf(held), tideMark: run.tide_mark,
      tideAt: held.tideAt === null ? null : shapes.placed(warp, held.tideAt),
      floorLine: run.base !== null && run.floor !== null ? run.base + run.floor : null,
    };
  }

  /**
   * One series a cell: the median of its samples, and all of them as a band.
   * @param {Run[]} runs
   * @param {Series[]} whole
   * @param {(run: Run) => import("./palette.js").Look} look
   * @param {import("./plot.js").Span|null} span
   */
  #bands(runs, whole, look, span) {
    /** @type {Map<string, Series[]>} */
    const groups = new Map();
    for (const run of runs) {
      const s = whole.find((one) => one.id === run.id);
      if (!s?.points.length) continue;
      const key = cellKey(run);
      groups.set(key, [...(groups.get(key) ?? []), s]);
    }
    const end = Math.max(0, ...whole.map((s) => s.points.at(-1)?.x ?? 0));
    const start = Math.min(0, ...whole.map((s) => s.points[0]?.x ?? 0));
    return [...groups.values()].map((group) => {
      const [first] = group;
      if (group.length < 2) return first;
      const width = span ? span.to - span.from : 0;
      const { low, high, middle } = shapes.band(group.map((s) => s.points),
        span ? span.from - width / 4 : start, span ? span.to + width / 4 : end);
      const run = runs.find((one) => one.id === first.id);
      return { ...first, name: `${run ? seriesName(run) : ""}, ${group.length} samples`,
        width: run ? Math.max(2, look(run).width) : 2, points: middle, band: { low, high } };
    });
  }

  /**
   * @param {Run[]} runs
   * @param {Series[]} whole
   * @returns {Series[]}
   */
  #difference(runs, whole) {
    const [head, base] = whole.filter((s) => !s.hidden && s.points.length);
    const of = (/** @type {Series|undefined} */ s) => runs.find((run) => run.id === s?.id);
    const [headRun, baseRun] = [of(head), of(base)];
    this.pair = headRun && baseRun && this.countShown(whole) === 2
      ? ordered(headRun, baseRun) : null;
    if (!this.pair) return [];
    const [a, b] = this.pair.base.id === base.id ? [base, head] : [head, base];
    return [{ ...b, name: `${b.name} less ${a.name}`, dash: [], width: 2,
      points: shapes.difference(a.points, b.points), tideMark: null, tideAt: null,
      floorLine: null }];
  }

  /** @param {Series[]} whole */
  countShown(whole) {
    return whole.filter((s) => !s.hidden && s.points.length).length;
  }

  /**
   * What stands at a point of a drawn series, or null where it is a point of the run's own curve.
   * @param {Run} run
   * @param {Series|undefined} s
   * @param {number} index
   * @param {number} width of what is shown
   */
  says(run, s, index, width) {
    const point = s?.points[index];
    if (!s || !point) return null;
    const held = this.heldOf(run.id);
    const { values } = this.mode;
    const bytes = point.y * 1048576;
    const place = held?.points.length ? where(held, this.#heldIndex(held, point.x)) : null;
    if (s.band) {
      const [low, high] = [s.band.low[index]?.y ?? 0, s.band.high[index]?.y ?? 0];
      return { value: mib(bytes), exact: exactBytes(Math.round(bytes)), place: "", log: false,
        detail: `median; ${low.toFixed(1)} to ${high.toFixed(1)} MiB` };
    }
    if (values === "rss") return null;
    return { value: stepText(bytes).replace(/ MiB$/, ""), exact: exactBytes(Math.round(bytes)),
      place: place?.place ?? "", log: false, detail: values === "change"
        ? `in ${this.partText(width)}: ${place?.name ?? ""}` : place?.name ?? "" };
  }

  /**
   * The point of a run's curve at a place of the axis.
   * @param {Held} held
   * @param {number} x
   */
  #heldIndex(held, x) {
    return nearest(held.points, shapes.unplaced(this.warpOf(held.id), x));
  }

  /**
   * The instant of a run, in seconds, at a place of the axis.
   * @param {number} id
   * @param {number} x
   */
  instant(id, x) {
    return shapes.unplaced(this.warpOf(id), x);
  }

  /**
   * The phases that lie behind the curves: of runs that are aligned those of the first, else those
   * of the only one.
   * @param {Run[]} runs
   */
  bands(runs) {
    if (this.mode.align === "time" && runs.length !== 1) return [];
    const of = runs.find((run) => this.phases.get(run.id)?.length);
    const marks = of ? this.phases.get(of.id) ?? [] : [];
    if (this.mode.align === "iteration") {
      return marks.filter((mark) => mark.name === "iteration").slice(0, -1).map((mark) =>
        ({ from: mark.value, to: mark.value + 1, name: `iteration ${mark.value}` }));
    }
    return of ? shapes.bands(marks, this.warpOf(of.id)) : [];
  }
}

/**
 * Which of two is the base: the older commit, else the older Python. The legend lists the newest
 * commit first and Pythons from old to new.
 * @param {Run} first
 * @param {Run} second
 */
function ordered(first, second) {
  return first.commit.sha === second.commit.sha ? { base: first, head: second }
    : { base: second, head: first };
}

