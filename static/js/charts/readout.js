// readout.js - the legend beside the chart, which is also its readout: one row a run, naming
// Python and commit, with the tide mark at rest and, under the cursor, RSS and function there.

import { runLogUrl } from "../api.js";
import { h, keyed, replace, setAttr, setText } from "../dom.js";
import { count, exactBytes, mib, mibUnit, plural, seconds, shortSha } from "../format.js";
import { paintSwatch, swatch } from "../parts/matrix.js";
import { cellKey } from "../parts/selection.js";

/** @typedef {import("../types.js").Run} Run */
/** @typedef {import("./curvestore.js").Held} Held */
/** @typedef {{value: string, exact: string, detail: string, place: string, log: boolean}} Said */

/** What a row says of a point, where a view draws something else than RSS itself.
 * @typedef {(run: Run, index: number) => Said|null} Says */

export class Readout {
  /**
   * @param {import("./plot.js").CurvePlot} plot
   * @param {import("./curvestore.js").CurveStore} store
   * @param {object} on
   * @param {(id: number) => boolean} on.isOff whether a curve is switched off
   * @param {(id: number) => void} on.toggle
   * @param {(id: number) => void} on.remove
   * @param {Says} [on.says]
   * @param {() => string} [on.unit] of the value at the cursor
   */
  constructor(plot, store, on) {
    this.plot = plot;
    this.store = store;
    this.on = on;
    this.head = h("div", { class: "readout-head" });
    this.rows = h("ol", { class: "readout-rows" });
    this.element = h("div", { class: "readout" }, this.head, this.rows);
  }

  /**
   * @param {Run[]} runs
   * @param {(run: Run) => import("./palette.js").Look} look
   */
  update(runs, look) {
    const { cursor } = this.plot;
    replace(this.head,
      h("span", null, cursor ? `at ${this.plot.axes.say(cursor.x, this.plot.shownNs / 1e9)}`
        : plural(runs.length, "run")),
      h("span", { class: "unit" }, !cursor ? "tide mark, MiB" : this.on.unit?.() ?? "RSS, MiB"));
    /** @type {Map<string, number>} */
    const mates = new Map();
    for (const run of runs) mates.set(cellKey(run), (mates.get(cellKey(run)) ?? 0) + 1);
    keyed(this.rows, runs, (run) => run.id, (run) => this.#create(run), (row, run) => {
      const alone = (mates.get(cellKey(run)) ?? 1) < 2;
      this.#update(row, run, look(run), seriesName(run) + (alone ? "" : ` #${run.sample}`));
    });
  }

  /** @param {Run} run */
  #create(run) {
    const { plot, on } = this;
    return h("li", { class: "readout-row", on: {
      pointerenter: () => { if (!plot.cursor) plot.setActive(run.id); },
      pointerleave: () => { if (!plot.cursor) plot.setActive(null); },
    } },
    h("button", { type: "button", class: "series", on: { click: () => on.toggle(run.id) } },
      swatch(), h("span", { class: "series-name" }), h("span", { class: "series-detail" })),
    h("span", { class: "fig" }),
    h("button", { type: "button", class: "remove", on: { click: () => on.remove(run.id) } }, "×"));
  }

  /**
   * @param {HTMLElement} row
   * @param {Run} run
   * @param {import("./palette.js").Look} look
   * @param {string} name
   */
  #update(row, run, look, name) {
    const [show, value, remove] = /** @type {HTMLElement[]} */ (Array.from(row.children));
    const [line, label, detail] = /** @type {HTMLElement[]} */ (Array.from(show.children));
    const { plot } = this;
    const said = plot.cursor ? this.#atCursor(run) : this.#atRest(run);
    paintSwatch(line, look);
    setText(label, name);
    if (!said.log) setText(value, said.value);
    else if (!value.firstElementChild) replace(value, logLink(run.id));
    setAttr(value, "title", said.exact || null);
    const whole = `${said.detail} ${said.place}`.trim();
    if (detail.title !== whole || !detail.firstChild) {
      replace(detail, h("span", { class: "called" }, said.detail),
        said.place ? h("span", { class: "place" }, said.place) : null);
      detail.title = whole;
    }
    setAttr(show, "aria-pressed", String(!this.on.isOff(run.id)));
    setAttr(show, "title", `${run.commit.sha} ${run.commit.subject ?? ""}\n` +
      `Run ${run.id}, sample ${run.sample}. Press to switch this curve off or on`);
    setAttr(remove, "aria-label", `Remove ${name}`);
    row.classList.toggle("active", plot.active === run.id && plot.cursor !== null);
    row.dataset.status = run.status;
  }

  /**
   * @param {Run} run
   * @returns {Said}
   */
  #atRest(run) {
    const held = this.store.get(run.id);
    let detail = run.commit.subject ?? "";
    if (run.status === "failed") detail = `failed: ${run.error ?? "no reason was recorded"}`;
    else if (run.status === "running") detail = `running, ${run.percent ?? 0} %`;
    else if (run.status !== "done") detail = run.status;
    else if (held?.state === "failed") detail = `curve not loaded: ${held.error}`;
    else if (run.tide_mark !== null && run.original !== null) {
      detail = `${mib(run.tide_mark - run.original)} over original · ${seconds(run.wall_ns)} s`;
    }
    const known = run.tide_mark !== null;
    return {
      value: known ? mib(run.tide_mark) : "", exact: known ? exactBytes(run.tide_mark) : "",
      detail, place: "", log: run.status === "failed",
    };
  }

  /**
   * @param {Run} run
   * @returns {Said}
   */
  #atCursor(run) {
    const held = this.store.get(run.id);
    const isDrawn = this.plot.series.some((s) => s.id === run.id); // not as part of another's band
    if (!held?.points.length || !isDrawn) return { ...this.#atRest(run), value: "", exact: "" };
    const i = this.plot.indexAtCursor(run.id);
    if (i < 0) {
      return { value: "", exact: "", detail: "ended before this instant", place: "", log: false };
    }
    const told = this.on.says?.(run, i);
    if (told) return told;
    const rss = held.drawn.rss[i];
    const { name, place } = where(held, i);
    return { value: mib(rss), exact: exactBytes(rss), detail: name, place, log: false };
  }
}

/** @param {Run} run */
export const seriesName = (run) => `${run.python.name} · ${shortSha(run.commit.sha)}`;

/**
 * The innermost function at a point, and its place as "file:line" where it has one.
 * @param {Held} held
 * @param {number} i
 * @returns {{name: string, place: string}}
 */
export function where(held, i) {
  const fn = held.drawn.fn[i];
  if (fn === -1) return { name: "functions come with the finished run", place: "" };
  const called = held.functions.get(fn);
  if (!called) return { name: "outside any traced function", place: "" };
  if (!called.file) return { name: called.name, place: "" };
  const file = called.file.slice(called.file.lastIndexOf("/") + 1);
  return { name: called.name, place: called.line ? `${file}:${called.line}` : file };
}

/**
 * What the chart's tip says of a point: function and place; RSS and instant; run.
 * @param {Run|undefined} run
 * @param {Held|null} held
 * @param {number} i
 * @param {number} shownNs how much time the chart shows
 * @returns {string[]}
 */
export function describe(run, held, i, shownNs) {
  if (!run || !held) return [];
  const { name, place } = where(held, i);
  const step = i ? held.drawn.rss[i] - held.drawn.rss[i - 1] : 0;
  return [`${name} ${place}`.trim(),
    `${mibUnit(held.drawn.rss[i])} at ${seconds(held.drawn.t[i], shownNs)} s`,
    `${step ? `step ${stepText(step)} · ` : ""}${seriesName(run)}`];
}

/** A step of RSS with its sign, in the unit that shows it. @param {number} bytes */
export function stepText(bytes) {
  const size = Math.abs(bytes);
  const sign = bytes < 0 ? "−" : "+";
  return sign + (size < 1048576 ? `${count(size / 1024)} KiB` : mibUnit(size));
}

/** @param {number} id */
const logLink = (id) =>
  h("a", { href: runLogUrl(id), target: "_blank", rel: "noopener" }, "log");
